#!/usr/bin/env python3
"""The chain on real inputs: interpreter = cpu = program oracle = RTL for every layer, predicted cycles = simulated cycles,
live ranges, utilisation; on the glyph reader also the text that the example reads.

Usage: chain.py [NAME...]
"""
import os
import subprocess
import sys

from harness import main
from models import GLYPHS, quantized, resnet_onnx

FULL = os.environ.get("TF2_TEST_LEVEL") == "all"
# network: samples compared at level quick and all, least utilisation of the 64 lanes (0: none asked).
NETWORKS = {
    "lenet": (20, 20, 0),
    "resnet20_caffe": (20, 20, 0.85),
    "resnet20_onnx": (20, 20, 0.85),
    "squeezenet": (2, 2, 0.85),
}


def check_chain(runner, artifact, data, samples):
    report = runner.json("verify", artifact, "--data", data, "--limit", samples)
    assert report["samples"] == samples, f"{report['samples']} samples"
    assert report["mismatches"] == 0, f"first difference: {report['first']}"
    links = [link["link"].split()[0] for link in report["links"]]
    assert links == ["reference", "cpu", "program", "verilator"], f"links {links}"
    for layer in report["layer_reports"]:
        assert layer["nonzero"] > 0, f"{layer['layer']} is all zero"
        assert layer["saturated"] <= 0.05, f"{layer['layer']}: {layer['saturated']:.3f} saturated"
    return report


def check_cycles(runner, artifact, data, least):
    report = runner.json("simulate", artifact, "--data", data, "--limit", 1)
    assert report["mismatches"] == 0
    assert report["cycles"] == report["predicted_cycles"], f"{report['cycles']} cycles, predicted {report['predicted_cycles']}"
    for layer in report["layers"]:
        assert layer["cycles"] == layer["predicted_cycles"], f"{layer}"
    assert report["utilisation"] >= least, f"utilisation {report['utilisation']:.3f}, at least {least}"
    return report


def network(name):
    def check(runner):
        quick, full, least = NETWORKS[name]
        samples = 50 if name == "squeezenet" else 256
        n, artifact = quantized(runner, name, 4, "mse" if name == "squeezenet" else "floor", samples)
        report = check_chain(runner, artifact, n["test"], full if FULL else quick)
        cycles = check_cycles(runner, artifact, n["test"], least)
        return (f"{report['compared']} tensors equal, {cycles['cycles']:,} cycles as predicted, "
                f"utilisation {cycles['utilisation']:.4f}")

    return check


def glyphs_artifact(runner):
    artifact = runner.work / "glyphs.tf2"
    if not artifact.exists():
        runner.json("quantize", GLYPHS / "glyphs.onnx", "--data", GLYPHS / "calibration.npz", "--limit", 288, "--mean", 128,
                    "--std", 64, "--labels", GLYPHS / "labels.txt", "-o", artifact)
    return artifact


def glyphs(runner):
    artifact = glyphs_artifact(runner)
    report = check_chain(runner, artifact, GLYPHS / "calibration.npz", 20)
    cycles = check_cycles(runner, artifact, GLYPHS / "calibration.npz", 0)
    return f"{report['compared']} tensors equal, {cycles['cycles']:,} cycles as predicted"


def read_line(runner):
    """The line that ships, read on the CPU and on the simulated engine."""
    reader = ["/usr/bin/python3", str(GLYPHS / "read_line.py")]
    cells = runner.work / "line.npz"
    subprocess.run([*reader, "cut", str(GLYPHS / "line.png"), "-o", str(cells)], check=True, capture_output=True)
    for backend in ("cpu", "verilator"):
        done = runner.call("run", glyphs_artifact(runner), "--data", cells, "--backend", backend, "--top", 1)
        assert done.returncode == 0, done.stderr
        names = [line.split(":")[-1].split()[0] for line in done.stdout.splitlines()]
        assert "".join(names) == "FPGA2026", f"{backend} reads {names}"
    return "FPGA 2026"


def waveform(runner):
    """--trace writes a waveform that is not empty."""
    trace = runner.work / "wave.fst"
    runner.json("simulate", glyphs_artifact(runner), "--data", GLYPHS / "calibration.npz", "--trace", trace)
    assert trace.stat().st_size > 10_000, f"{trace.stat().st_size} bytes"
    return f"{trace.stat().st_size:,} bytes"


def graph_text(runner):
    """A graph that import wrote evaluates as the model that it was made of."""
    text = runner.work / "glyphs.tf2g"
    runner.json("import", GLYPHS / "glyphs.onnx", "-o", text)
    flags = ["--data", GLYPHS / "calibration.npz", "--mean", 128, "--std", 64]
    first = runner.json("eval", GLYPHS / "glyphs.onnx", *flags)
    second = runner.json("eval", text, *flags)
    assert first == second, f"{first} {second}"
    return f"top-1 {first['top1']:.4f}"


def interrupted(runner):
    """Ctrl-C during quantisation: status 130, no output."""
    output = runner.work / "never.tf2"
    n = resnet_onnx()
    # --foreground: the signal comes once; the second one ends the program on the spot.
    command = ["timeout", "--foreground", "-s", "INT", "1", runner.tf2, "quantize", *n["model"], "--data", n["train"], *n["pre"], "--limit",
               "20000", "-o", output]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    assert done.returncode in (124, 130), f"status {done.returncode}: {done.stderr}"
    assert "cancelled" in done.stderr or "interrupted" in done.stderr, f"message: {done.stderr}"
    leftovers = [p.name for p in output.parent.iterdir() if p.name.startswith(output.name)]
    assert not leftovers, f"left behind: {leftovers}"
    return done.stderr.strip()


CASES = {"glyphs": glyphs, "read a line": read_line, "waveform": waveform, "graph text": graph_text, "interrupted": interrupted}
CASES |= {name: network(name) for name in NETWORKS}

if __name__ == "__main__":
    sys.exit(main(CASES))
