#!/usr/bin/env python3
"""Models whose input is no single picture, from quantisation to the exported model: several inputs, signals, clips.

Usage: inputs.py [NAME...]
"""
import sys

import numpy as np

import hostile_onnx as pb
from harness import main

SAMPLES = 64


class Model:
    """An ONNX model under construction, weights drawn from a seed."""

    def __init__(self, inputs):
        self.inputs = inputs  # name -> shape without the batch
        self.nodes, self.weights = [], []
        self.random = np.random.default_rng(7)

    def weight(self, shape):
        """Of `shape` [outputs, what each sums...]."""
        name = f"w{len(self.weights)}"
        values = self.random.standard_normal(shape) * 1.5 / np.sqrt(np.prod(shape[1:]))
        self.weights.append(pb.tensor(name, shape, values.reshape(-1).tolist()))
        return name

    def add(self, op, inputs, *attributes):
        name = f"{op.lower()}{len(self.nodes)}"
        self.nodes.append(pb.node(op, inputs, [name], attributes))
        return name

    def conv(self, x, ic, oc, kernel, groups=1, stride=None):
        attributes = [pb.attr_ints("pads", [k // 2 for k in kernel] * 2), pb.attr_int("group", groups)]
        if stride:
            attributes.append(pb.attr_ints("strides", stride))
        return self.add("Relu", [self.add("Conv", [x, self.weight([oc, ic // groups, *kernel])], *attributes)])

    def linear(self, x, inputs, outputs):
        return self.add("Gemm", [x, self.weight([outputs, inputs])], pb.attr_int("transB", 1))

    def pooled(self, x):
        return self.add("Flatten", [self.add("GlobalAveragePool", [x])])

    def save(self, path, output):
        inputs = [pb.value(name, [1, *shape]) for name, shape in self.inputs.items()]
        path.write_bytes(pb.model(self.nodes, self.weights, inputs, [pb.value(output, [1, 10])]))


def smooth(random, shape):
    """Noise whose neighbours resemble each other, so that a mean over it is not always the same."""
    noise = random.standard_normal((SAMPLES, *shape)) * 0.5
    return (noise + random.standard_normal((SAMPLES, shape[0], *[1] * (len(shape) - 1)))).astype(np.float32)


def siamese(runner):
    model = Model({"left": [3, 16, 16], "right": [3, 16, 16], "facts": [6]})
    left, right = (model.conv(x, 3, 16, [3, 3]) for x in ("left", "right"))
    difference = model.conv(model.add("Sub", [left, right]), 16, 32, [3, 3])
    facts = model.add("Relu", [model.linear("facts", 6, 32)])
    both = model.add("Concat", [model.pooled(difference), facts], pb.attr_int("axis", 1))
    model.save(runner.work / "siamese.onnx", model.linear(both, 64, 10))
    random = np.random.default_rng(3)
    return {"left": smooth(random, [3, 16, 16]), "right": smooth(random, [3, 16, 16]), "facts": smooth(random, [6])}


def signal(runner):
    model = Model({"signal": [2, 200]})
    x = model.conv(model.conv("signal", 2, 16, [9]), 16, 32, [5])
    model.save(runner.work / "signal.onnx", model.linear(model.pooled(x), 32, 10))
    return {"signal": smooth(np.random.default_rng(4), [2, 200])}


def clip(runner):
    model = Model({"clip": [3, 6, 15, 12]})
    x = model.conv(model.conv("clip", 3, 8, [3, 3, 3]), 8, 8, [1, 3, 3], stride=[1, 2, 2])
    x = model.add("MaxPool", [x], pb.attr_ints("kernel_shape", [2, 2, 2]), pb.attr_ints("strides", [2, 2, 2]))
    y = model.add("Add", [model.conv(x, 8, 8, [3, 3, 3], groups=8), x])
    x = model.conv(model.conv(y, 8, 16, [3, 1, 1]), 16, 16, [3, 3, 3], stride=[2, 2, 2])
    x = model.add("MaxPool", [x], pb.attr_ints("kernel_shape", [1, 3, 3]), pb.attr_ints("pads", [0, 1, 1, 0, 1, 1]))
    model.save(runner.work / "clip.onnx", model.linear(model.pooled(x), 16, 10))
    return {"clip": smooth(np.random.default_rng(5), [3, 6, 15, 12])}


def outputs(runner, model, *data):
    path = runner.work / "outputs.npz"
    done = runner.call("run", model, *data, "-o", path)
    assert done.returncode == 0, done.stderr
    with np.load(path) as file:
        (values,) = (file[name] for name in file)
    return values


def batch_of_one(name, values):
    """--input-shape of an exported model, whose inputs are [n, c, h, w]."""
    c, *rest = values.shape[1:]
    h = rest[0] if rest else 1
    return f"{name}=1x{c}x{h}x{int(np.prod(rest[1:]))}"


def road(build, says):
    """Quantised, evaluated, verified and exported; all layers are integers and agree with the float model. `says`: what
    tf2 explain has to say of the engine."""
    def check(runner):
        arrays = build(runner)
        name = build.__name__
        model, artifact, data = (runner.work / f"{name}.{end}" for end in ("onnx", "tf2", "npz"))
        np.savez(data, **arrays)
        said = []
        for bits, least in ((8, 0.9), (4, 0.75)):
            runner.json("quantize", model, "--data", data, "--limit", SAMPLES // 2, "--bits", bits, "-o", artifact)
            report = runner.json("eval", artifact, "--data", data, "--skip", SAMPLES // 2, "--float", model)
            assert report["agreement"] >= least, f"{bits} bits agree on {report['agreement']:.2f}"
            said.append(f"{bits} bits agree on {report['agreement']:.0%}")
            check = runner.json("verify", artifact, "--data", data, "--limit", 4, "--float", model)
            assert check["mismatches"] == 0 and check["compared"] > 0, f"first difference: {check['first']}"
        got = outputs(runner, artifact, "--data", data)
        assert got.shape[0] == SAMPLES, got.shape
        named = []
        for key, values in arrays.items():
            np.save(runner.work / f"{key}.npy", values)
            named += ["--data", f"{key}={runner.work / key}.npy"]
        assert np.array_equal(outputs(runner, artifact, *named), got), "an array for each input gives something else"
        done = runner.call("explain", model)
        assert done.returncode == 0, done.stderr
        assert says in done.stdout, done.stdout
        assert "host" not in done.stdout.replace("a host operator", ""), f"no integers:\n{done.stdout}"
        runner.json("bench", artifact, "--rounds", 2)
        exported = runner.work / f"{name}-exported.onnx"
        done = runner.call("export", artifact, "--onnx", "-o", exported)
        assert done.returncode == 0, done.stderr
        again = outputs(runner, exported, *named, *[f for key in arrays for f in ("--input-shape", batch_of_one(key, arrays[key]))])
        assert np.allclose(again.reshape(SAMPLES, -1), got.reshape(SAMPLES, -1), atol=1e-5), "the exported model gives something else"
        return ", ".join(said)

    return check


def refusals(runner):
    """Every way to give a model of several inputs too little or too much says which are wanted."""
    arrays = siamese(runner)
    model = runner.work / "siamese.onnx"
    np.savez(runner.work / "two.npz", left=arrays["left"], right=arrays["right"])
    np.savez(runner.work / "odd.npz", **{**arrays, "right": arrays["right"][:5]})
    np.savez(runner.work / "narrow.npz", **{**arrays, "facts": arrays["facts"][:, :5]})
    np.save(runner.work / "left.npy", arrays["left"])
    left = f"left={runner.work / 'left.npy'}"
    cases = [
        (["two.npz"], ["no member \"facts\"", "left.npy, right.npy"]),
        (["odd.npz"], ["64 samples for the input \"left\"", "5 for \"right\""]),
        (["narrow.npz"], ["[64, 5]", "[6, 1, 1]"]),
        (["left.npy"], ["several inputs", "no .npz"]),
        ([left], ["0 times for the input \"right\"", "left, right, facts"]),
        ([left, left], ["2 times for the input \"left\""]),
        ([left, "middle=" + left], ["names none", "left, right, facts"]),
    ]
    for data, says in cases:
        output = runner.work / "none.tf2"
        flags = [f for d in data for f in ("--data", d if "=" in d else runner.work / d)]
        done = runner.call("quantize", model, *flags, "-o", output)
        assert 0 < done.returncode < 128, f"{data}: exit {done.returncode}"
        for text in says:
            assert text in done.stderr, f"{data}: the message does not say \"{text}\": {done.stderr}"
        assert not output.exists()
    np.savez(runner.work / "siamese.npz", **arrays)
    done = runner.call("quantize", model, "--data", runner.work / "siamese.npz", "--mirror", "-o", runner.work / "none.tf2")
    assert done.returncode == 1 and "--mirror is for models of one input" in done.stderr, done.stderr
    artifact = runner.work / "refused.tf2"
    runner.json("quantize", model, "--data", runner.work / "siamese.npz", "-o", artifact)
    done = runner.call("compile", artifact)
    assert done.returncode == 1 and "the network has 3 inputs, the engine takes one" in done.stderr, done.stderr
    return f"{len(cases) + 2} refused"


if __name__ == "__main__":
    sys.exit(main({"several inputs": road(siamese, "has 3 inputs, the engine takes one"),
                   "signal": road(signal, "100.00% on engine"), "clip": road(clip, "100.00% on cpu"),
                   "several inputs refused": refusals}))
