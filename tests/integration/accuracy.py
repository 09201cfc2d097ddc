#!/usr/bin/env python3
"""Accuracy of the trained networks of the shared data, float and quantised, against what their README states.

At level `quick` on part of the test data, with bounds that allow for the part; at level `all` on all of it.
Usage: accuracy.py [NAME...]
"""
import os
import subprocess
import sys

from harness import Skip, main
from models import GLYPHS, NETWORKS, quantized

FULL = os.environ.get("TF2_TEST_LEVEL") == "all"
# network: samples at level quick, float top-1 on the whole set, loss allowed at 8 and 4 bits (fractions).
EXPECTED = {
    "lenet": (2000, 0.9914, 0.003, 0.003),
    "resnet20_caffe": (500, 0.9296, 0.003, 0.015),
    "resnet20_onnx": (500, 0.9284, 0.003, 0.015),
}


def selection(network):
    return [] if FULL else ["--limit", EXPECTED[network][0]]


def float_accuracy(network):
    """Float top-1; at level quick within what sampling allows (4 standard errors), else within 0.1 points."""
    def check(runner):
        n = NETWORKS[network]()
        report = runner.json("eval", *n["model"], "--data", n["test"], *n["pre"], *selection(network))
        expected = EXPECTED[network][1]
        margin = 0.001 if FULL else 4 * (expected * (1 - expected) / report["samples"]) ** 0.5
        assert abs(report["top1"] - expected) <= margin, f"top-1 {report['top1']}, expected {expected} +- {margin:.4f}"
        return f"top-1 {report['top1']:.4f} of {report['samples']}"

    return check


def quantised_accuracy(network, bits):
    """The loss against float on the same samples."""
    def check(runner):
        n, artifact = quantized(runner, network, bits)
        own = runner.json("eval", artifact, "--data", n["test"], *selection(network), "--float", *n["model"])
        allowed = EXPECTED[network][2 if bits == 8 else 3] + (0 if FULL else 0.01)
        loss = own["float_top1"] - own["top1"]
        assert loss <= allowed, f"lost {100 * loss:.2f} points, allowed {100 * allowed:.2f}"
        return f"top-1 {own['top1']:.4f}, float {own['float_top1']:.4f}, agreement {own['agreement']:.4f}"

    return check


def squeezenet_float(runner):
    if not FULL:
        raise Skip("only at level all (two minutes)")
    n = NETWORKS["squeezenet"]()
    report = runner.json("eval", *n["model"], "--data", n["test"], *n["pre"])
    assert abs(report["top1"] - 0.614) <= 0.004, f"top-1 {report['top1']}"
    return f"top-1 {report['top1']:.4f}, top-5 {report['top5']:.4f}"


def squeezenet_int8(runner):
    n, artifact = quantized(runner, "squeezenet", 8, "mse", 50)
    limit = [] if FULL else ["--limit", 60]
    report = runner.json("eval", artifact, "--data", n["test"], "--skip", 50, *limit, "--float", *n["model"])
    least = 0.90 if FULL else 0.80
    assert report["agreement"] >= least, f"agreement {report['agreement']:.4f}, at least {least}"
    return f"agreement {report['agreement']:.4f} of {report['samples']}"


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
CASES |= {f"{bits}-bit {name}": quantised_accuracy(name, bits) for name in EXPECTED for bits in (8, 4)}
CASES |= {"float squeezenet": squeezenet_float, "8-bit squeezenet": squeezenet_int8, "glyphs": glyphs}

if __name__ == "__main__":
    sys.exit(main(CASES))
