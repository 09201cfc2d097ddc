#!/usr/bin/env python3
"""Accuracy of the trained networks of the shared data, float and quantised, against what their README states.

Usage: accuracy.py [NAME...]
"""
import hashlib
import os
import subprocess
import sys
import time

from harness import Skip, main, shared
from models import GLYPHS, NETWORKS, quantized

FULL = os.environ.get("TF2_TEST_LEVEL") == "all"
# network: float top-1 on the whole test set; loss allowed at 8 bits, at 4 bits: of the mean of three calibration sets at
# level all, else of one, which varies more.
EXPECTED = {
    "lenet": (0.9914, 0.001, 0.001),
    "resnet20_caffe": (0.9296, 0.001, 0.0025 if FULL else 0.006),
    "resnet20_onnx": (0.9284, 0.001, 0.0025 if FULL else 0.006),
    "cifar10_full": (0.8330, 0.001, 0.01),
}
ALL_LEVEL_ONLY = ("cifar10_full",)
SETS = (0, 256, 512) if FULL else (0,)  # first sample of each calibration set
float_top1 = {}  # measured, by network


def float_accuracy(network):
    """Float top-1 on the whole test set, within 0.1 points."""
    def check(runner):
        if network in ALL_LEVEL_ONLY and not FULL:
            raise Skip("TF2_TEST_LEVEL=all")
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
        if network in ALL_LEVEL_ONLY and not FULL:
            raise Skip("TF2_TEST_LEVEL=all")
        if network not in float_top1:
            float_accuracy(network)(runner)
        top1, hashes = [], []
        for skip in SETS:
            n, artifact = quantized(runner, network, bits, skip=skip, flags=("--equalise",) if bits == 8 else ())
            top1.append(runner.json("eval", artifact, "--data", n["test"])["top1"])
            hashes.append(hashlib.sha256(artifact.read_bytes()).hexdigest()[:8])
        loss = float_top1[network] - sum(top1) / len(top1)
        allowed = EXPECTED[network][1 if bits == 8 else 2]
        assert loss <= allowed + 1e-9, f"lost {100 * loss:.2f} points, allowed {100 * allowed:.2f} ({top1})"
        return f"top-1 {top1}, lost {100 * loss:.2f} points, artifacts {', '.join(hashes)}"

    return check


def same_on_every_processor(runner):
    """The artifact with the kernels for AVX2 that processors with more are held to, asked for or not."""
    n = NETWORKS["lenet"]()
    made = []
    for name, more in (("own", {}), ("avx2", {"ONEDNN_MAX_CPU_ISA": "AVX2", "OPENBLAS_CORETYPE": "Haswell"})):
        path = runner.work / f"lenet-{name}.tf2"
        clean = {k: v for k, v in os.environ.items() if k not in ("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA", "OPENBLAS_CORETYPE")}
        subprocess.run([runner.tf2, "quantize", *n["model"], "--data", n["train"], *n["pre"], "--limit", "256", "-o", path],
                       check=True, capture_output=True, env=clean | more)
        made.append(path.read_bytes())
    assert made[0] == made[1], "another artifact than with AVX2 alone"
    return f"{len(made[0])} bytes"


def squeezenet_float(runner):
    n = NETWORKS["squeezenet"]()
    report = runner.json("eval", *n["model"], "--data", n["test"], *n["pre"])
    assert abs(report["top1"] - 0.614) <= 0.004, f"top-1 {report['top1']}"
    return f"top-1 {report['top1']:.4f}, top-5 {report['top5']:.4f}"


def halves(runner):
    """Folders of links to the photographs: 128 spread over the classes to calibrate on, and the 372 others."""
    folders = runner.work / "photographs-128", runner.work / "photographs-372"
    if not folders[0].exists():
        pictures = sorted(shared("imagenet").glob("*.jpg"))
        chosen = {i * len(pictures) // 128 for i in range(128)}
        for folder in folders:
            folder.mkdir()
            (folder / "labels.txt").symlink_to(shared("imagenet/labels.txt"))
        for i, picture in enumerate(pictures):
            (folders[i not in chosen] / picture.name).symlink_to(picture)
    return folders


def squeezenet(bits, least, most_divergence, *extra):
    """Agreement with float on the photographs that were not calibrated on, and how far the probabilities are from its."""
    def check(runner):
        if not FULL:
            raise Skip("minutes long: TF2_TEST_LEVEL=all")
        n = NETWORKS["squeezenet"]()
        calibration, others = halves(runner)
        artifact = runner.work / f"squeezenet-{'-'.join(map(str, (bits, *extra)))}.tf2"
        start = time.monotonic()
        made = runner.json("quantize", *n["model"], "--data", calibration, *n["pre"], "--bits", bits, "--mirror", "--equalise",
                           *extra, "-o", artifact)
        seconds = time.monotonic() - start
        report = runner.json("eval", artifact, "--data", others, "--float", *n["model"])
        figures = (f"agreement {report['agreement']:.4f} of {report['samples']}, divergence {report['divergence']:.4f}, "
                   f"{made['passes']:.2f} passes, {made['bytes']} bytes, {seconds:.0f} s")
        assert report["agreement"] >= least, figures
        assert report["divergence"] <= most_divergence, figures
        assert bits == 8 or made["passes"] > 1.01 or made["bytes"] <= 680_000, figures
        return figures

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


def glyphs(bits, allowed, *extra):
    """The shipped example on pictures drawn for this run: the loss against float."""
    def check(runner):
        fresh = runner.work / "fresh.npz"
        if not fresh.exists():
            done = subprocess.run(["/usr/bin/python3", GLYPHS / "render.py", "test", "--count", "2000", "--seed", "4242", "-o",
                                   fresh], capture_output=True, text=True)
            if done.returncode != 0:
                raise Skip(f"render.py: {done.stderr.strip().splitlines()[-1:]}")
        artifact = runner.work / f"glyphs-fresh-{'-'.join(map(str, (bits, *extra)))}.tf2"
        made = runner.json("quantize", GLYPHS / "glyphs.onnx", "--data", GLYPHS / "calibration.npz", "--limit", 288, "--mean", 128,
                    "--std", 64, "--labels", GLYPHS / "labels.txt", "--bits", bits, *extra, "-o", artifact)
        if "--effort" in extra:
            assert all(layer["effort"]["scales"] == 8 for layer in made["rounding"]), made["rounding"]  # thorough
        if "--tune" in extra:
            assert made["tuned"]["error_after"] < made["tuned"]["error_before"], made["tuned"]
        report = runner.json("eval", artifact, "--data", fresh, "--float", GLYPHS / "glyphs.onnx")
        assert report["float_top1"] >= 0.97, f"float {report['float_top1']}"
        loss = report["float_top1"] - report["top1"]
        assert loss <= allowed, f"{bits}-bit {report['top1']}, float {report['float_top1']}, allowed loss {allowed}"
        return f"float {report['float_top1']:.4f}, {bits}-bit {report['top1']:.4f} of {report['samples']}"

    return check


CASES = {f"float {name}": float_accuracy(name) for name in EXPECTED}
CASES |= {f"float {name}": mnist_onnx(name) for name in MNIST_ONNX}
CASES |= {f"{bits}-bit {name}": quantised_accuracy(name, bits) for name in EXPECTED for bits in (8, 4)}
CASES |= {"same artifact as with AVX2 alone": same_on_every_processor, "float squeezenet": squeezenet_float, "8-bit glyphs": glyphs(8, 0.001), "4-bit glyphs": glyphs(4, 0.005),
          "4-bit glyphs, in a minute": glyphs(4, 0.005, "--effort", "1m"),
          "8-bit glyphs, tuned": glyphs(8, 0.002, "--q", "round", "--tune", 0)}
# Agreement asked for: 95.5% at 8 bits; at 4 bits 80% in one pass, 86% in 1.3 and 93% in 1.7. Measured: 96.5%; 82.0%, 88.4%,
# 93.5%. Its standard error is 1 to 2 points, that of the divergence about a tenth of it; limits of the agreement are about one
# standard error below, but at 8 bits and in 1.3 passes what is asked for.
CASES |= {
    "8-bit squeezenet": squeezenet(8, 0.955, 0.0055),
    "4-bit squeezenet": squeezenet(4, 0.81, 0.145, "--effort", "thorough"),
    "4-bit squeezenet, 1.3 passes": squeezenet(4, 0.86, 0.07, "--max-passes", 1.3, "--effort", "thorough"),
    "4-bit squeezenet, 1.7 passes": squeezenet(4, 0.93, 0.0195, "--max-passes", 1.7, "--effort", "thorough"),
}

if __name__ == "__main__":
    sys.exit(main(CASES))
