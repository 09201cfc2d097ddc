#!/usr/bin/env python3
"""Accuracy of the trained networks of the shared data, float and quantised, against what their README states.

Usage: accuracy.py [NAME...]
"""
import os
import subprocess
import sys

from harness import Skip, main, shared
from models import GLYPHS, NETWORKS, quantized

FULL = os.environ.get("TF2_TEST_LEVEL") == "all"
# network: float top-1 on the whole test set; loss allowed at 8 bits, at 4 bits (the mean of three calibration sets at
# level all, else of one).
EXPECTED = {
    "lenet": (0.9914, 0.001, 0.001),
    "resnet20_caffe": (0.9296, 0.001, 0.0025 if FULL else 0.006),
    "resnet20_onnx": (0.9284, 0.001, 0.0025 if FULL else 0.006),
}
SETS = (0, 256, 512) if FULL else (0,)  # first sample of each calibration set
float_top1 = {}  # measured, by network


def float_accuracy(network):
    """Float top-1 on the whole test set, within 0.1 points."""
    def check(runner):
        n = NETWORKS[network]()
        report = runner.json("eval", *n["model"], "--data", n["test"], *n["pre"])
        float_top1[network] = report["top1"]
        expected = EXPECTED[network][0]
        assert abs(report["top1"] - expected) <= 0.001, f"top-1 {report['top1']}, expected {expected}"
        return f"top-1 {report['top1']:.4f} of {report['samples']}"

    return check


def quantised_accuracy(network, bits):
    """The loss against float on the whole test set, over the calibration sets."""
    def check(runner):
        if network not in float_top1:
            float_accuracy(network)(runner)
        top1 = []
        for skip in SETS if bits == 4 else (0,):
            n, artifact = quantized(runner, network, bits, skip=skip)
            top1.append(runner.json("eval", artifact, "--data", n["test"])["top1"])
        loss = float_top1[network] - sum(top1) / len(top1)
        allowed = EXPECTED[network][1 if bits == 8 else 2]
        assert loss <= allowed, f"lost {100 * loss:.2f} points, allowed {100 * allowed:.2f} ({top1})"
        return f"top-1 {top1}, lost {100 * loss:.2f} points"

    return check


def squeezenet_float(runner):
    n = NETWORKS["squeezenet"]()
    report = runner.json("eval", *n["model"], "--data", n["test"], *n["pre"])
    assert abs(report["top1"] - 0.614) <= 0.004, f"top-1 {report['top1']}"
    return f"top-1 {report['top1']:.4f}, top-5 {report['top5']:.4f}"


def squeezenet(bits, least, *extra):
    """Agreement with float on the photographs that were not calibrated on."""
    def check(runner):
        if not FULL:
            raise Skip("minutes long: TF2_TEST_LEVEL=all")
        n, artifact = quantized(runner, "squeezenet", bits, samples=128, extra=("--mirror", "--equalise", *extra))
        report = runner.json("eval", artifact, "--data", n["test"], "--skip", 128, "--float", *n["model"])
        size = artifact.stat().st_size
        assert report["agreement"] >= least, f"agreement {report['agreement']:.4f}, {size} bytes"
        return f"agreement {report['agreement']:.4f} of {report['samples']}, {size} bytes"

    return check


# ONNX models of MNIST: folder and file, scale of the pixels, float top-1 on the whole test set.
MNIST_ONNX = {
    "mnist_onnx": ("models/onnx_mnist/mnist.onnx", 1, 0.9891),
    "tfc_1w1a": ("models/onnx_qonnx_zoo/TFC_1W1A.onnx", 255, 0.9296),
    "tfc_1w2a": ("models/onnx_qonnx_zoo/TFC_1W2A.onnx", 255, 0.9474),
}


def mnist_onnx(name):
    """Float top-1 on the whole test set, within three pictures."""
    def check(runner):
        file, scale, expected = MNIST_ONNX[name]
        report = runner.json("eval", shared(file), "--data", shared("mnist/t10k-images-idx3-ubyte.gz"), "--mean", "0", "--std", scale)
        assert abs(report["top1"] - expected) <= 0.0003, f"top-1 {report['top1']}, expected {expected}"
        return f"top-1 {report['top1']:.4f} of {report['samples']}"

    return check


def glyphs(runner):
    fresh = runner.work / "fresh.npz"
    done = subprocess.run(["/usr/bin/python3", GLYPHS / "render.py", "test", "--count", "2000", "--seed", "4242", "-o", fresh],
                          capture_output=True, text=True)
    if done.returncode != 0:
        raise Skip(f"render.py: {done.stderr.strip().splitlines()[-1:]}")
    artifact = runner.work / "glyphs-fresh.tf2"
    runner.json("quantize", GLYPHS / "glyphs.onnx", "--data", GLYPHS / "calibration.npz", "--limit", 288, "--mean", 128,
                "--std", 64, "--labels", GLYPHS / "labels.txt", "-o", artifact)
    report = runner.json("eval", artifact, "--data", fresh, "--float", GLYPHS / "glyphs.onnx")
    assert report["float_top1"] >= 0.97, f"float {report['float_top1']}"
    assert report["float_top1"] - report["top1"] <= 0.01, f"4-bit {report['top1']}, float {report['float_top1']}"
    return f"float {report['float_top1']:.4f}, 4-bit {report['top1']:.4f} of {report['samples']}"


CASES = {f"float {name}": float_accuracy(name) for name in EXPECTED}
CASES |= {f"float {name}": mnist_onnx(name) for name in MNIST_ONNX}
CASES |= {f"{bits}-bit {name}": quantised_accuracy(name, bits) for name in EXPECTED for bits in (8, 4)}
CASES |= {"float squeezenet": squeezenet_float, "glyphs": glyphs}
CASES |= {
    "8-bit squeezenet": squeezenet(8, 0.92),
    "4-bit squeezenet": squeezenet(4, 0.74),
    "4-bit squeezenet, 1.3 passes": squeezenet(4, 0.75, "--max-passes", 1.3),
    "4-bit squeezenet, 1.7 passes": squeezenet(4, 0.80, "--max-passes", 1.7),
}

if __name__ == "__main__":
    sys.exit(main(CASES))
