#!/usr/bin/env python3
"""What ./run does after building: a trained network on the CPU and on the simulated FPGA, and the proof that they agree.

    demo.py glyphs                       reads a line of text with examples/glyphs
    demo.py model MODEL --images DATA    the same chain for the user's own model

Results go to build/run. Needs numpy and Pillow for `glyphs` only. Exit 1 when a step fails; its message has been printed.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
WORK = ROOT / "build/run"
TF2 = os.environ.get("TF2", str(ROOT / "build/release/tf2"))


class StepFailed(Exception):
    """A step ended with an error that it has printed."""


def tf2(*args):
    """What `tf2 args --json` prints, one object a line. Errors and progress pass through to the terminal."""
    command = [TF2, *map(str, args), "--json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise StepFailed(f"failed with status {done.returncode}: {' '.join(command[:-1])}")
    return [json.loads(line) for line in done.stdout.splitlines() if line.strip()]


class Steps:
    """Prints "name ... result (seconds)" for each step."""

    def __init__(self):
        self.start = time.monotonic()

    def __call__(self, name, function):
        print(f"  {name:<34}", end="", flush=True)
        start = time.monotonic()
        try:
            result, text = function()
        except BaseException:
            print(flush=True)
            raise
        print(f"{text}  ({time.monotonic() - start:.1f} s)", flush=True)
        return result


def percent(fraction):
    return "-" if fraction is None else f"{100 * fraction:.2f}%"


def verdict(report):
    """Text of a `verify` report; StepFailed when tensors differ."""
    if report["mismatches"]:
        raise StepFailed(f"{report['mismatches']} of {report['compared']} tensors differ; the first: {report['first']}")
    return (f"{report['layers']} layers x {report['samples']} pictures: "
            f"{report['compared']} tensors compared, 0 differ")


def verify(steps, name, *args):
    def run():
        report = tf2("verify", *args)[0]
        return report, verdict(report)

    return steps(name, run)


def simulate(steps, *args):
    def run():
        report = tf2("simulate", *args)[0]
        return report, (f"{report['cycles']:,} cycles a frame, predicted {report['predicted_cycles']:,}; "
                        f"{report['lanes']} lanes {percent(report['utilisation'])} busy")

    return steps("simulate the engine (Verilator)", run)


def read_line(*args):
    """Standard output of examples/glyphs/read_line.py."""
    done = subprocess.run(["/usr/bin/python3", str(ROOT / "examples/glyphs/read_line.py"), *map(str, args)],
                          stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise StepFailed("examples/glyphs/read_line.py failed")
    return done.stdout.strip()


def classify(steps, cells, artifact, backend, name):
    """The text that `backend` reads in `cells`."""
    def run():
        rows = tf2("run", artifact, "--data", cells, "--backend", backend)
        text = read_line("text", cells, *[row["top"][0]["class"] for row in rows])
        return text, f'"{text}"'

    return steps(name, run)


def glyphs(_):
    folder = ROOT / "examples/glyphs"
    cells, artifact = WORK / "cells.npz", WORK / "glyphs.tf2"
    steps = Steps()
    print(f"Reading {os.path.relpath(folder / 'line.png', ROOT)} with examples/glyphs/glyphs.onnx")

    def cut():
        return None, read_line("cut", folder / "line.png", "-o", cells).split(" ->")[0]

    def quantize():
        calibration = folder / "calibration.npz"
        tf2("quantize", folder / "glyphs.onnx", "--data", calibration if calibration.exists() else cells,
            "--mean", 128, "--std", 64, "--labels", folder / "labels.txt", "-o", artifact)
        return None, f"{artifact.stat().st_size:,} bytes"

    def build():
        report = tf2("build", artifact, "--device", "ice40-up5k", "-o", WORK / "glyphs.bin")[0]
        return report, (f"{report['lc']:,} logic cells, {report['lanes']} lanes, {report['fmax_mhz']:.1f} MHz after routing")

    steps("cut the line into characters", cut)
    steps("quantise to 4-bit weights", quantize)
    on_cpu = classify(steps, cells, artifact, "cpu", "read on the CPU")
    on_fpga = classify(steps, cells, artifact, "verilator", "read on the simulated FPGA")
    proof = verify(steps, "compare every layer", artifact, "--data", cells, "--float", folder / "glyphs.onnx")
    cycles = simulate(steps, artifact, "--data", cells)["cycles"]
    bitstream = steps("make a bitstream (iCE40 UP5K)", build)
    print()
    print(f"  CPU             {on_cpu}")
    print(f"  simulated FPGA  {on_fpga}")
    print(f"  {verdict(proof)}: interpreter, CPU, program and RTL agree byte for byte")
    print(f"  {bitstream.get('cycles', cycles):,} cycles a character on the UP5K, {bitstream['fmax_mhz']:.1f} MHz: "
          f"{bitstream['fmax_mhz'] * 1e6 / bitstream.get('cycles', cycles):,.0f} characters a second; "
          f"bitstream {os.path.relpath(bitstream['bitstream'], ROOT)}")
    if on_cpu != on_fpga:
        raise StepFailed("the two texts differ")


def flags_of(args, names):
    """The flags among `names` that the user gave, as a command line."""
    line = []
    for name in names:
        value = getattr(args, name.replace("-", "_"))
        if value is not None:
            line += [f"--{name}", *([value] if isinstance(value, str) else value)]
    return line


def model(args):
    source = pathlib.Path(args.model)
    artifact = pathlib.Path(args.output) if args.output else WORK / f"{source.stem}.tf2"
    model_flags = [args.model, *flags_of(args, ["weights", "input-shape"])]
    arch = flags_of(args, ["arch"])
    steps = Steps()
    print(f"{args.model} on {args.images}")

    def read():
        report = tf2("inspect", *model_flags)[0]
        return None, f"{len(report['layers'])} layers, {report['parameters']:,} parameters, {report['macs']:,} MACs"

    def quantize():
        tf2("quantize", *model_flags, "--data", args.images, "--limit", args.calibrate, "-o", artifact,
            *flags_of(args, ["mean", "std", "mean-image", "order", "resize", "crop", "labels", "bits", "q"]))
        return None, f"{artifact}: {artifact.stat().st_size:,} bytes"

    def evaluate():
        weights = flags_of(args, ["weights", "input-shape"])
        report = tf2("eval", artifact, "--data", args.images, "--float", args.model, *weights, *selection)[0]
        text = f"{report['samples']:,} pictures, agrees with float on {percent(report.get('agreement'))}"
        if report.get("top1") is not None:
            text += f", top-1 {percent(report['top1'])} (float {percent(report.get('float_top1'))})"
        return None, text

    def compile_program():
        report = tf2("compile", artifact, *arch)[0]
        return None, f"{report['lanes']} lanes, {report['predicted_cycles']:,} cycles a frame predicted"

    selection = flags_of(args, ["limit", "skip"])
    steps("import", read)
    steps(f"quantise ({args.bits or 4}-bit weights)", quantize)
    steps("evaluate on the CPU", evaluate)
    steps("compile for the accelerator", compile_program)
    verify(steps, "compare every layer", artifact, "--data", args.images, "--limit", args.verify, *arch)
    simulate(steps, artifact, "--data", args.images, "--limit", "1", *arch)
    print(f"\nNext: build/release/tf2 build {artifact} --device ice40-up5k, or tf2 run {artifact} --data FOLDER")


def parse(argv):
    parser = argparse.ArgumentParser(description="Runs a network on the CPU and on the simulated FPGA.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("glyphs").set_defaults(run=glyphs)
    own = commands.add_parser("model", prog="./run")
    own.set_defaults(run=model)
    own.add_argument("model", metavar="MODEL", help=".onnx, or .prototxt with --weights")
    own.add_argument("--images", "--data", required=True, metavar="DATA",
                     help="folder of pictures, CIFAR binary, idx, .npy or .npz")
    own.add_argument("--weights", help="weights of a Caffe model")
    own.add_argument("--input-shape", help="shape of an open input, such as 1x3x224x224")
    own.add_argument("--mean", help="mean per channel, in units of 0-255")
    own.add_argument("--std", help="standard deviation per channel, in units of 0-255")
    own.add_argument("--mean-image", help="mean image (binaryproto or .npy)")
    own.add_argument("--order", choices=["rgb", "bgr"], help="channel order of the model (rgb)")
    own.add_argument("--resize", help="resize the shorter side to N pixels")
    own.add_argument("--crop", help="crop the centre N x N pixels (the model's input size)")
    own.add_argument("--labels", help="file of class names")
    own.add_argument("--bits", choices=["4", "8"], help="bits of a weight (4)")
    own.add_argument("--q", choices=["floor", "round", "cap", "layer", "mse"], help="choice of feature exponents")
    own.add_argument("--arch", help="accelerator configuration (JSON)")
    own.add_argument("--limit", help="evaluate on at most N samples (all)")
    own.add_argument("--skip", help="leave the first N samples out of the evaluation")
    own.add_argument("--calibrate", default="256", help="samples to calibrate on (256)")
    own.add_argument("--verify", default="2", help="samples to compare layer by layer (2)")
    own.add_argument("-o", "--output", help="artifact to write (build/run/MODEL.tf2)")
    return parser.parse_args(argv)


def main():
    args = parse(sys.argv[1:])
    WORK.mkdir(parents=True, exist_ok=True)
    try:
        args.run(args)
    except StepFailed as why:
        print(f"run: {why}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("run: interrupted", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
