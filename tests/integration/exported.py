#!/usr/bin/env python3
"""Exported ONNX models in ONNX Runtime, and models that it quantised in tf2: the same classes.

ONNX Runtime comes from the private environment of bench/peers.py (build/peers), which the full level (./test --all)
sets up from PyPI; without it every case is skipped.

Usage: exported.py [NAME...]
"""
import os
import pathlib
import subprocess
import sys

import numpy as np

from harness import ROOT, Skip, main
from models import NETWORKS, quantized

sys.path.insert(0, str(ROOT / "bench"))
import samples  # noqa: E402  (bench/samples.py)

# network: samples of the test set, how they are read, rule and bits of the artifact, samples calibrated on.
CASES = {
    "lenet": (10000, 4, "floor", 256),
    "resnet20_onnx": (5000, 4, "floor", 256),
    "resnet20_caffe": (5000, 4, "floor", 256),
    "squeezenet": (500, 8, "mse", 50),
    "squeezenet_4bit": (500, 4, "floor", 50),
}


def environment():
    """The Python of the private environment; sets it up at the full level."""
    python = ROOT / "build/peers/bin/python"
    if not python.exists() and os.environ.get("TF2_TEST_LEVEL") == "all":
        done = subprocess.run([sys.executable, str(ROOT / "bench/peers.py"), "--setup-only"], capture_output=True, text=True)
        if done.returncode != 0:
            raise Skip(f"ONNX Runtime cannot be installed: {done.stderr.strip().splitlines()[-1:]}")
    if not python.exists():
        raise Skip("onnxruntime is absent: bench/peers.py --setup-only installs it")
    return python


def network_of(case):
    return case.removesuffix("_4bit")


def inputs(runner, case):
    """The preprocessed samples of a case as .npy."""
    name = network_of(case)
    path = runner.work / f"{name}-samples.npy"
    if not path.exists():
        np.save(path, samples.of(name, NETWORKS[name]()["test"], CASES[case][0]))
    return path


def onnx_runtime(runner, model, data, batch):
    output = runner.work / "scores.npy"
    done = subprocess.run([environment(), str(ROOT / "bench/ort_run.py"), str(model), str(data), str(output), "--batch", str(batch),
                           "--fold"], capture_output=True, text=True)
    assert done.returncode == 0, f"ONNX Runtime: {done.stderr.strip()[-600:]}"
    return np.load(output).reshape(len(np.load(data, mmap_mode="r")), -1)


def own_scores(runner, model, network, count, top, pre=()):
    """(classes, scores) of the best `top` classes of each sample, by tf2 run."""
    args = ["run", *model, "--data", network["test"], "--limit", count, "--top", top, "--json", *pre]
    done = runner.call(*args)
    assert done.returncode == 0, done.stderr
    import json
    rows = [json.loads(line)["top"] for line in done.stdout.splitlines()]
    return (np.array([[t["class"] for t in row] for row in rows]), np.array([[t["score"] for t in row] for row in rows]))


def float_graph(case):
    """The float model, exported as imported and after the passes: scores equal tf2's."""
    def check(runner):
        name = network_of(case)
        environment()
        network, count = NETWORKS[name](), 40
        data = inputs(runner, case)
        few = runner.work / "few.npy"
        np.save(few, np.load(data, mmap_mode="r")[:count])
        classes, scores = own_scores(runner, network["model"], network, count, 5, network["pre"])
        worst = 0
        for flags in ([], ["--fuse"]):
            model = runner.work / f"{name}.onnx"
            runner.json("export", *network["model"], "--onnx", *flags, "-o", model)
            theirs = np.take_along_axis(onnx_runtime(runner, model, few, 1), classes, axis=1)
            worst = max(worst, np.abs(theirs - scores).max() / np.abs(scores).max())
        assert worst < 1e-4, f"scores differ by {worst:.2e} of the largest"
        return f"{count} samples, scores differ by {worst:.1e} of the largest at most"

    return check


def quantised(case, rounding, least=1.0, flags=()):
    """The artifact: ONNX Runtime's best class is ours on at least `least` of the samples."""
    def check(runner):
        environment()
        count, bits, rule, calibrated = CASES[case]
        network, artifact = quantized(runner, network_of(case), bits, rule, calibrated, flags=flags)
        model = runner.work / f"{case}.q.onnx"
        runner.json("export", artifact, "--onnx", "--rounding", rounding, "-o", model)
        classes, _ = own_scores(runner, [artifact], network, count, 1)
        theirs = onnx_runtime(runner, model, inputs(runner, case), 16)
        same = (theirs.argmax(axis=1) == classes[:, 0]).mean()
        assert len(theirs) == count, f"{len(theirs)} samples"
        assert same >= least, f"top-1 equal on {same:.4%} of {count}"
        return f"top-1 equal on {same:.3%} of {count}"

    return check


def requantised(runner):
    """An exported artifact whose features are shifted, quantised anew: what the QuantizeLinear nodes clip stays clipped."""
    network, artifact = quantized(runner, "resnet20_onnx", 4, "floor", 64, flags=("--equalise",))
    model, again = runner.work / "equalised.onnx", runner.work / "again.tf2"
    runner.json("export", artifact, "--onnx", "-o", model)
    runner.json("quantize", model, "--data", network["train"], "--limit", 64, *network["pre"], "--method", "nearest", "--bits", 8,
                "-o", again)
    first, second = (runner.json("eval", a, "--data", network["test"], "--limit", 1000)["top1"] for a in (artifact, again))
    assert second >= first - 0.02, f"top-1 {second:.4f}, before {first:.4f}"
    return f"top-1 {second:.4f}, before {first:.4f}"


def by_onnx_runtime(runner):
    """A model of integer operators: its own scores, and an artifact of it, no node of which is left to the host."""
    network, count = NETWORKS["resnet20_onnx"](), 1000
    data, model, artifact = inputs(runner, "resnet20_onnx"), runner.work / "qoperator.onnx", runner.work / "qoperator.tf2"
    few, calibration = runner.work / "few.npy", runner.work / "calibration.npy"
    np.save(few, np.load(data, mmap_mode="r")[:count])
    np.save(calibration, samples.of("resnet20_onnx", network["train"], 64))
    done = subprocess.run([environment(), str(ROOT / "bench/ort_quantise.py"), *map(str, network["model"]), str(calibration), str(model)],
                          capture_output=True, text=True)
    assert done.returncode == 0, f"ONNX Runtime: {done.stderr.strip()[-600:]}"
    theirs = onnx_runtime(runner, model, few, 1)
    own = runner.work / "own.npy"
    runner.json("run", model, "--data", few, "-o", own)
    scores = np.load(own).reshape(theirs.shape)
    apart = float((np.abs(scores - theirs) > 1e-4).any(axis=1).mean())
    same = float((scores.argmax(1) == theirs.argmax(1)).mean())
    places = [n["place"] for n in runner.json("explain", model)["nodes"]]
    runner.json("quantize", model, "--data", calibration, "--bits", 8, "-o", artifact)
    runner.json("run", artifact, "--data", few, "-o", own)
    kept = float((np.load(own).reshape(theirs.shape).argmax(1) == theirs.argmax(1)).mean())
    figures = f"top-1 equal on {same:.2%}, scores apart on {apart:.2%}, artifact {kept:.2%} of {count}, {places.count('host')} host"
    assert same >= 0.999 and kept >= 0.97 and "host" not in places, figures
    return figures


# Plain QuantizeLinear rounds halves to even.
LEAST_PLAIN = {"lenet": 0.99, "resnet20_onnx": 0.99, "squeezenet": 0.94}

ALL = {}
for case_name in ("lenet", "resnet20_onnx", "squeezenet"):
    ALL[f"float {case_name}"] = float_graph(case_name)
for case_name in CASES:
    ALL[f"quantised {case_name}"] = quantised(case_name, "half-up")
ALL["quantised lenet, plain QuantizeLinear"] = quantised("lenet", "half-even", LEAST_PLAIN["lenet"])
ALL["quantised resnet20_onnx, plain QuantizeLinear"] = quantised("resnet20_onnx", "half-even", LEAST_PLAIN["resnet20_onnx"])
ALL["quantised squeezenet, plain QuantizeLinear"] = quantised("squeezenet", "half-even", LEAST_PLAIN["squeezenet"])

ALL["quantised squeezenet, equalised"] = quantised("squeezenet", "half-up", flags=("--equalise",))
ALL["quantised resnet20_onnx, equalised"] = quantised("resnet20_onnx", "half-up", flags=("--equalise",))
ALL["requantised resnet20_onnx"] = requantised
ALL["resnet20_onnx quantised by ONNX Runtime"] = by_onnx_runtime

if __name__ == "__main__":
    sys.exit(main(ALL))
