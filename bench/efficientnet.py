"""EfficientNet-B0 (Tan and Le 2019, table 1) with seeded weights as ONNX: depthwise convolutions, SiLU, squeeze and excitation.

Batch normalisations are folded, biases 0; strided convolutions are padded alike on both sides.
"""
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

STAGES = [  # expansion, channels, layers, stride, kernel
    (1, 16, 1, 1, 3), (6, 24, 2, 2, 3), (6, 40, 2, 2, 5), (6, 80, 3, 2, 3), (6, 112, 3, 1, 5), (6, 192, 4, 2, 5), (6, 320, 1, 1, 3)]
SIDE = 224


class _Builder:
    def __init__(self):
        self.nodes, self.weights = [], []
        self.random = np.random.default_rng(1)

    def add(self, op, inputs, **attributes):
        name = f"{op.lower()}{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [name], name=name, **attributes))
        return name

    def weight(self, shape, gain):
        name = f"w{len(self.weights)}"
        values = self.random.standard_normal(shape) * gain / np.sqrt(np.prod(shape[1:]))
        self.weights.append(numpy_helper.from_array(values.astype(np.float32), name))
        return name

    def conv(self, x, inputs, outputs, kernel=1, stride=1, groups=1, gain=1.0):
        return self.add("Conv", [x, self.weight([outputs, inputs // groups, kernel, kernel], gain)], kernel_shape=[kernel] * 2,
                        strides=[stride] * 2, pads=[kernel // 2] * 4, group=groups)

    def silu(self, x):
        return self.add("Mul", [x, self.add("Sigmoid", [x])])

    def layer(self, x, inputs, outputs, expansion, stride, kernel):
        wide = inputs * expansion
        y = x if expansion == 1 else self.silu(self.conv(x, inputs, wide, gain=1.7))
        y = self.silu(self.conv(y, wide, wide, kernel, stride, wide, gain=1.7))
        squeezed = self.silu(self.conv(self.add("GlobalAveragePool", [y]), wide, max(1, inputs // 4)))
        y = self.add("Mul", [y, self.add("Sigmoid", [self.conv(squeezed, max(1, inputs // 4), wide)])])
        y = self.conv(y, wide, outputs, gain=1.7)
        return self.add("Add", [y, x]) if stride == 1 and inputs == outputs else y


def write(path):
    b = _Builder()
    x, channels = b.silu(b.conv("data", 3, 32, 3, 2, gain=0.03)), 32  # pixels are 0 to 255
    for expansion, outputs, layers, stride, kernel in STAGES:
        for i in range(layers):
            x = b.layer(x, channels, outputs, expansion, stride if i == 0 else 1, kernel)
            channels = outputs
    x = b.add("Flatten", [b.add("GlobalAveragePool", [b.silu(b.conv(x, channels, 1280))])])
    x = b.add("Gemm", [x, b.weight([1000, 1280], 1.0)], transB=1)
    value = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)  # noqa: E731
    graph = helper.make_graph(b.nodes, "efficientnet_b0", [value("data", [1, 3, SIDE, SIDE])], [value(x, [1, 1000])], b.weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 8
    onnx.save(model, str(path))
