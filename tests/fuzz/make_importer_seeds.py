#!/usr/bin/python3
"""Writes the seeds of the importers' fuzzers: tests/fuzz/onnx/seed_* and tests/fuzz/caffe/seed_*.

Usage: make_importer_seeds.py ROOT, the root of the tree. Needs protoc and python3-protobuf. A seed of the Caffe fuzzer is a
prototxt, a zero byte and a caffemodel. Files with other names beside the seeds are inputs that once failed.
"""
import pathlib
import struct
import subprocess
import sys
import tempfile


def load_messages(root: pathlib.Path):
    """The message classes of both .proto files."""
    folder = tempfile.mkdtemp()
    protos = ["onnxproto/onnx.proto", "import/caffe/caffe.proto"]
    subprocess.run(["protoc", f"--python_out={folder}", "-I", str(root / "src"), *protos], check=True)
    # `import` is a keyword: load the generated modules by path.
    import importlib.util

    modules = []
    for proto in protos:
        path = pathlib.Path(folder) / proto.replace(".proto", "_pb2.py")
        spec = importlib.util.spec_from_file_location(path.stem, path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        modules.append(module)
    return modules


class OnnxModel:
    """A small model, one node after the other."""

    def __init__(self, pb, opset=13, shape=(1, 3, 8, 8)):
        self.pb = pb
        self.model = pb.Model(ir_version=7)
        self.model.opset_import.add(version=opset)
        self.model.graph.name = "seed"
        info = self.model.graph.input.add(name="x")
        info.type.tensor_type.elem_type = 1
        for d in shape:
            dim = info.type.tensor_type.shape.dim.add()
            if isinstance(d, str):
                dim.dim_param = d
            else:
                dim.dim_value = d
        self.last = "x"

    def floats(self, name, *dims, raw=False):
        count = 1
        for d in dims:
            count *= d
        data = [((i * 7) % 13 - 6) / 8 for i in range(count)]
        tensor = self.model.graph.initializer.add(name=name, data_type=1, dims=dims)
        if raw:
            tensor.raw_data = struct.pack(f"<{count}f", *data)
        else:
            tensor.float_data.extend(data)
        return name

    def ints(self, name, *values):
        self.model.graph.initializer.add(name=name, data_type=7, dims=[len(values)], int64_data=values)
        return name

    def node(self, op, *inputs, outputs=1, **attributes):
        number = len(self.model.graph.node)
        node = self.model.graph.node.add(op_type=op, name=f"{op.lower()}{number}")
        node.input.extend(inputs or [self.last])
        node.output.extend(f"v{number}_{i}" if i else f"v{number}" for i in range(outputs))
        for key, value in attributes.items():
            a = node.attribute.add(name=key)
            if isinstance(value, int):
                a.i, a.type = value, self.pb.Attribute.INT
            elif isinstance(value, float):
                a.f, a.type = value, self.pb.Attribute.FLOAT
            elif isinstance(value, str):
                a.s, a.type = value.encode(), self.pb.Attribute.STRING
            else:
                a.ints.extend(value)
                a.type = self.pb.Attribute.INTS
        self.last = node.output[0]
        return self.last

    def bytes(self):
        self.model.graph.output.add(name=self.last)
        return self.model.SerializeToString(deterministic=True)


def onnx_seeds(pb):
    m = OnnxModel(pb, shape=("batch", 3, 8, 8))
    m.node("Conv", "x", m.floats("w", 4, 3, 3, 3, raw=True), m.floats("b", 4), auto_pad="SAME_UPPER", strides=[2, 1])
    m.node("BatchNormalization", m.last, *(m.floats(n, 4) for n in ("g", "h", "m", "v")), epsilon=1e-3)
    y = m.node("Relu")
    m.node("MaxPool", kernel_shape=[3, 3], pads=[1, 1, 1, 1], ceil_mode=1, strides=[2, 2])
    m.node("AveragePool", kernel_shape=[2, 2], count_include_pad=1)
    m.node("Flatten")
    m.node("Gemm", m.last, m.floats("fc", 5, 32), m.floats("fb", 5), transB=1, alpha=0.5)
    m.node("Softmax")
    yield "conv", m.bytes()

    m = OnnxModel(pb, opset=11, shape=(2, 4, 5, 5))
    shape = m.node("Shape", "x")
    batch = m.node("Gather", shape, m.ints("zero", 0), axis=0)
    m.node("Concat", batch, m.ints("minus", -1), axis=0)
    m.node("Reshape", "x", m.last)
    m.node("Transpose", m.floats("t", 7, 100), perm=[1, 0])
    m.node("MatMul", "v3", m.last)
    m.node("Unsqueeze", axes=[0, 2])
    m.node("Squeeze", axes=[0])
    m.node("Slice", m.last, m.ints("s", 0), m.ints("e", 1 << 62), m.ints("a", 2), m.ints("step", 2))
    m.node("Cast", to=1)
    yield "shapes", m.bytes()

    m = OnnxModel(pb, opset=6, shape=(1, 4, 6, 6))
    m.node("Add", "x", m.floats("c", 4), broadcast=1, axis=1)
    m.node("Sum", "x", m.last, m.last)
    m.node("Pad", pads=[0, 0, 1, 1, 0, 0, 1, 1], mode="reflect")
    m.node("Dropout", outputs=2, ratio=0.5)
    m.node("Clip", min=0.0)
    m.node("Concat", m.last, m.last, axis=1)
    m.node("GlobalAveragePool")
    m.node("Reshape", m.last, m.ints("target", 1, -1))
    yield "old", m.bytes()

    m = OnnxModel(pb, shape=(1, 2, 4, 4))
    m.node("ConstantOfShape", m.ints("dims", 2, 2, 1, 1))
    m.node("Conv", "x", m.last, group=1)
    m.node("Mul", m.last, m.floats("k", 1, 2, 1, 1))
    m.node("Div", m.last, m.floats("d", 1))
    m.node("GlobalMaxPool")
    m.node("Identity")
    yield "small", m.bytes()


DATA = 'input: "data" input_dim: 2 input_dim: 3 input_dim: 8 input_dim: 8\n'


def caffe_seeds(pb):
    def weights(**layers):
        net = pb.NetWeights()
        for name, shapes in layers.items():
            layer = net.layer.add(name=name)
            for dims in shapes:
                count = 1
                for d in dims:
                    count *= d
                blob = layer.blobs.add(data=[((i * 5) % 11 - 5) / 4 for i in range(count)])
                blob.shape.dim.extend(dims)
        return net.SerializeToString(deterministic=True)

    text = """name: "seed"
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 2 dim: 3 dim: 8 dim: 8 } } }
layer { name: "c" type: "Convolution" bottom: "data" top: "c"
  convolution_param { num_output: 4 kernel_size: 3 pad: 1 stride: 2 weight_filler { type: "xavier" } } }
layer { name: "bn" type: "BatchNorm" bottom: "c" top: "c" batch_norm_param { use_global_stats: true eps: 0.001 } }
layer { name: "s" type: "Scale" bottom: "c" top: "c" scale_param { bias_term: true } }
layer { name: "r" type: "ReLU" bottom: "c" top: "c" }
layer { name: "p" type: "Pooling" bottom: "c" top: "p" pooling_param { pool: AVE kernel_size: 3 stride: 2 pad: 1 } }
layer { name: "e" type: "Eltwise" bottom: "p" bottom: "p" top: "e" eltwise_param { coeff: 1 coeff: 0.5 } }
layer { name: "j" type: "Concat" bottom: "e" bottom: "p" top: "j" }
layer { name: "f" type: "InnerProduct" bottom: "j" top: "f" inner_product_param { num_output: 5 } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "f" bottom: "label" top: "loss" include { phase: TEST } }
"""
    yield "current", text.encode() + b"\0" + weights(
        c=[(4, 3, 3, 3), (4,)], bn=[(4,), (4,), (1,)], s=[(4,), (4,)], f=[(5, 72), (5,)])

    text = DATA + """
layers { name: "c" type: CONVOLUTION bottom: "data" top: "c" convolution_param { num_output: 2 kernel_size: 8 group: 1 } }
layers { name: "t" type: RELU bottom: "c" top: "c" exclude { phase: TEST } }
layers { name: "d" type: DROPOUT bottom: "c" top: "c" }
layers { name: "p" type: SOFTMAX bottom: "c" top: "p" }
"""
    net = pb.NetWeights()
    layer = net.layers.add(name="c")
    layer.blobs.add(num=2, channels=3, height=8, width=8, data=[0.25] * 384)
    layer.blobs.add(num=1, channels=1, height=1, width=2, double_data=[1, 2])
    yield "v1", text.encode() + b"\0" + net.SerializeToString(deterministic=True)

    text = DATA + """
layers { layer { name: "q" type: "pool" pool: MAX kernelsize: 2 stride: 2 } bottom: "data" top: "q" }
layers { layer { name: "i" type: "innerproduct" num_output: 2 biasterm: false } bottom: "q" top: "i" }
"""
    net = pb.NetWeights()
    inner = net.layers.add().layer
    inner.name = "i"
    inner.blobs.add(num=1, channels=1, height=2, width=48, data=[0.5] * 96)
    yield "v0", text.encode() + b"\0" + net.SerializeToString(deterministic=True)

    text = DATA + """
layer { name: "r" type: "Reshape" bottom: "data" top: "r" reshape_param { shape { dim: 0 dim: -1 } axis: 0 num_axes: 3 } }
layer { name: "f" type: "Flatten" bottom: "r" top: "f" flatten_param { axis: 0 end_axis: 1 } }
layer { name: "k" type: "Split" bottom: "f" top: "k1" top: "k2" }
layer { name: "m" type: "Eltwise" bottom: "k1" bottom: "k2" top: "m" eltwise_param { operation: PROD } }
layer { name: "b" type: "Bias" bottom: "m" top: "b" bias_param { axis: 1 } }
layer { name: "q" type: "Silence" bottom: "b" }
layer { name: "g" type: "Pooling" bottom: "data" top: "g" pooling_param { pool: MAX global_pooling: true } unknown { a: 1 } }
"""
    yield "shapes", text.encode() + b"\0" + weights(b=[(8,)])

    text = DATA + """
layer { name: "pr" type: "PReLU" bottom: "data" top: "a" }
layer { name: "el" type: "ELU" bottom: "a" top: "a" elu_param { alpha: 0.5 } }
layer { name: "po" type: "Power" bottom: "a" top: "a" power_param { power: 2 scale: 0.5 shift: 1 } }
layer { name: "ex" type: "Exp" bottom: "a" top: "x" exp_param { base: 2 } }
layer { name: "lo" type: "Log" bottom: "x" top: "x" log_param { base: 10 } }
layer { name: "lr" type: "LRN" bottom: "x" top: "n" lrn_param { local_size: 3 norm_region: WITHIN_CHANNEL } }
layer { name: "mv" type: "MVN" bottom: "n" top: "n" mvn_param { across_channels: true } }
layer { name: "no" type: "Normalize" bottom: "n" top: "n" norm_param { across_spatial: false channel_shared: true } }
layer { name: "sl" type: "Slice" bottom: "n" top: "s1" top: "s2" slice_param { slice_point: 1 } }
layer { name: "ti" type: "Tile" bottom: "s1" top: "t" tile_param { tiles: 2 } }
layer { name: "mx" type: "Eltwise" bottom: "t" bottom: "s2" top: "m" eltwise_param { operation: MAX } }
layer { name: "de" type: "Deconvolution" bottom: "m" top: "d" convolution_param { num_output: 2 group: 2 kernel_size: 4
  stride: 2 bias_term: false weight_filler { type: "bilinear" } } }
layer { name: "cr" type: "Crop" bottom: "d" bottom: "m" top: "c" crop_param { offset: 1 offset: 2 } }
layer { name: "sh" type: "ShuffleChannel" bottom: "c" top: "c2" shuffle_channel_param { group: 2 } }
layer { name: "pe" type: "Permute" bottom: "c2" top: "p" permute_param { order: 0 order: 2 order: 3 order: 1 } }
layer { name: "in" type: "Interp" bottom: "c2" top: "i" interp_param { zoom_factor: 2 pad_beg: -1 } }
layer { name: "up" type: "Upsample" bottom: "i" top: "u" upsample_param { scale: 2 } }
layer { name: "sp" type: "SPP" bottom: "u" top: "v" spp_param { pyramid_height: 2 pool: AVE } }
layer { name: "re" type: "Reduction" bottom: "u" top: "r" reduction_param { operation: ASUM axis: 1 coeff: 2 } }
layer { name: "am" type: "ArgMax" bottom: "v" top: "w" argmax_param { top_k: 2 out_max_val: true } }
layer { name: "th" type: "Threshold" bottom: "p" top: "z" threshold_param { threshold: 0.5 } }
layer { name: "sc" type: "Scale" bottom: "z" top: "y" scale_param { axis: 2 num_axes: 2 bias_term: true } }
"""
    yield "layers", text.encode() + b"\0" + weights(pr=[(3,)], no=[(1,)], sc=[(8, 2), (8, 2)])

    text = DATA + """
input: "info" input_dim: 1 input_dim: 3 input_dim: 1 input_dim: 1
layer { name: "p" type: "Pooling" bottom: "data" top: "p" pooling_param { kernel_size: 4 stride: 4 } }
layer { name: "b" type: "PriorBox" bottom: "p" bottom: "data" top: "b"
  prior_box_param { min_size: 2 max_size: 4 aspect_ratio: 2 variance: 0.1 clip: true offset: 0.5 step: 4 } }
layer { name: "l" type: "InnerProduct" bottom: "p" top: "l" inner_product_param { num_output: 64 bias_term: false } }
layer { name: "s" type: "InnerProduct" bottom: "p" top: "s" inner_product_param { num_output: 32 bias_term: false } }
layer { name: "o" type: "DetectionOutput" bottom: "l" bottom: "s" bottom: "b" top: "o"
  detection_output_param { num_classes: 2 nms_param { nms_threshold: 0.45 top_k: 4 eta: 0.9 } code_type: CENTER_SIZE keep_top_k: 3 } }
layer { name: "rs" type: "Input" top: "rs" input_param { shape { dim: 1 dim: 18 dim: 2 dim: 2 } } }
layer { name: "rd" type: "Input" top: "rd" input_param { shape { dim: 1 dim: 36 dim: 2 dim: 2 } } }
layer { name: "py" type: "Python" bottom: "rs" bottom: "rd" bottom: "info" top: "rois"
  python_param { module: "rpn.proposal_layer" layer: "ProposalLayer" param_str: "'feat_stride': 4" } }
layer { name: "rp" type: "ROIPooling" bottom: "data" bottom: "rois" top: "rp" roi_pooling_param { pooled_w: 2 pooled_h: 3 spatial_scale: 0.5 } }
"""
    yield "detection", text.encode() + b"\0" + weights(l=[(64, 12)], s=[(32, 12)])


def main() -> int:
    root = pathlib.Path(sys.argv[1])
    onnx, caffe = load_messages(root)
    for folder, seeds in (("onnx", onnx_seeds(onnx)), ("caffe", caffe_seeds(caffe))):
        for name, data in seeds:
            (root / "tests/fuzz" / folder / f"seed_{name}").write_bytes(data)
    return 0


if __name__ == "__main__":
    sys.exit(main())
