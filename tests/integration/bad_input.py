#!/usr/bin/env python3
"""Wrong inputs: each gives one clear message, a non-zero exit, no crash and no partial output.

Usage: bad_input.py [NAME...]; the program is $TF2 or build/release/tf2.
"""
import os
import pathlib
import struct
import subprocess
import sys

from harness import ROOT, Skip, main
from models import GLYPHS, quantized

ONNX = GLYPHS / "glyphs.onnx"


def refuse(runner, *args, says=(), output=None, env=None):
    """tf2 ARGS fails with a message that holds every text of `says`, and leaves no `output`."""
    done = runner.call(*args, env=env)
    assert 0 < done.returncode < 128, f"exit {done.returncode}, expected a refusal\n{done.stdout[-500:]}{done.stderr[-500:]}"
    message = done.stderr.strip()
    assert message, "no message on standard error"
    assert message.count("\n") <= 12, f"more than one message:\n{message}"
    for text in says:
        assert text.lower() in message.lower(), f"the message does not say \"{text}\": {message}"
    if output is not None:
        leftovers = [p.name for p in output.parent.iterdir() if p.name.startswith(output.name) or ".tmp" in p.name]
        assert not leftovers, f"left behind: {leftovers}"
    return message.splitlines()[0]


def write(runner, name, data):
    path = runner.work / name
    path.write_bytes(data)
    return path


def empty_file(runner):
    return refuse(runner, "inspect", write(runner, "empty.onnx", b""), says=["empty"])


def text_file(runner):
    return refuse(runner, "inspect", write(runner, "text.onnx", b"Dear reader,\nthis is no model.\n" * 20))


def truncated_protobuf(runner):
    data = ONNX.read_bytes()
    return refuse(runner, "inspect", write(runner, "cut.onnx", data[: len(data) // 2]))


def length_field_2gb(runner):
    return refuse(runner, "inspect", write(runner, "long.onnx", b"\x08\x07\x3a\xff\xff\xff\xff\x07" + b"x" * 64))


def missing_model(runner):
    return refuse(runner, "inspect", runner.work / "no-such.onnx", says=["no such file"])


def folder_as_model(runner):
    return refuse(runner, "inspect", runner.work)


def caffemodel_alone(runner):
    return refuse(runner, "inspect", write(runner, "w.caffemodel", b"\x0a\x01a"), says=["prototxt"])


PROTOTXT = """name: "t" layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: %s dim: 8 dim: 8 } } }
layer { name: "c" type: "%s" bottom: "%s" top: "c" convolution_param { num_output: 4 kernel_size: 3 } }
"""


def missing_weights(runner):
    path = write(runner, "noweights.prototxt", (PROTOTXT % (1, "Convolution", "data")).encode())
    return refuse(runner, "inspect", path, says=["weights"])


def cyclic_graph(runner):
    path = write(runner, "cycle.prototxt", (PROTOTXT % (1, "Convolution", "c")).encode())
    return refuse(runner, "inspect", path)


def unknown_operator(runner):
    path = write(runner, "odd.prototxt", (PROTOTXT % (1, "Wobble", "data")).encode())
    return refuse(runner, "inspect", path, says=["Wobble"])


def zero_dimension(runner):
    path = write(runner, "zero.prototxt", (PROTOTXT % (0, "Convolution", "data")).encode())
    return refuse(runner, "inspect", path)


def nan_weights(runner):
    data = bytearray(ONNX.read_bytes())
    # Overwrites floats inside the largest raw weight with NaN; the graph stays well formed.
    middle = len(data) // 2
    for at in range(middle, middle + 64, 4):
        data[at : at + 4] = struct.pack("<f", float("nan"))
    for shift in range(4):  # whatever the alignment, one of the fours makes NaN patterns
        data[middle + 64 + shift * 8 : middle + 72 + shift * 8] = b"\xff" * 8
    return refuse(runner, "inspect", write(runner, "nan.onnx", bytes(data)))


def wrong_input_shape(runner):
    cells = glyph_cells(runner)
    return refuse(runner, "eval", ONNX, "--input-shape", "1x3x64x64", "--data", cells)


def bad_shape_flag(runner):
    return refuse(runner, "inspect", ONNX, "--input-shape", "1x-3xfoo", says=["shape"])


def glyph_cells(runner, count=40):
    """An .npz of glyph cells cut from the line picture that ships."""
    path = runner.work / "cells.npz"
    if not path.exists():
        done = subprocess.run(["/usr/bin/python3", str(GLYPHS / "read_line.py"), "cut", str(GLYPHS / "line.png"), "-o", str(path)],
                              capture_output=True, text=True)
        if done.returncode != 0:
            raise Skip(f"read_line.py: {done.stderr.strip()}")
    return path


def glyphs_artifact(runner):
    path = runner.work / "glyphs.tf2"
    if not path.exists():
        runner.json("quantize", ONNX, "--data", GLYPHS / "calibration.npz", "--mean", "128", "--std", "64", "-o", path)
    return path


def not_a_picture(runner):
    folder = runner.work / "pictures"
    folder.mkdir(exist_ok=True)
    (folder / "0001_a.jpg").write_bytes(b"this is not a JPEG")
    return refuse(runner, "run", ONNX, "--data", folder, says=["0001_a.jpg"])


def empty_folder(runner):
    folder = runner.work / "nothing"
    folder.mkdir(exist_ok=True)
    return refuse(runner, "run", ONNX, "--data", folder)


def missing_data(runner):
    return refuse(runner, "run", ONNX, "--data", runner.work / "nowhere", says=["nowhere"])


def damaged_artifact(runner):
    data = bytearray(glyphs_artifact(runner).read_bytes())
    data[len(data) // 2] ^= 0x40
    return refuse(runner, "inspect", write(runner, "damaged.tf2", bytes(data)))


def truncated_artifact(runner):
    data = glyphs_artifact(runner).read_bytes()
    return refuse(runner, "inspect", write(runner, "cut.tf2", data[: len(data) * 2 // 3]))


def newer_artifact(runner):
    data = bytearray(glyphs_artifact(runner).read_bytes())
    data[8:12] = struct.pack("<I", 99)
    return refuse(runner, "inspect", write(runner, "newer.tf2", bytes(data)), says=["version"])


def truncated_program(runner):
    compiled = runner.work / "compiled.tf2"
    runner.json("compile", glyphs_artifact(runner), "-o", compiled)
    data = compiled.read_bytes()
    return refuse(runner, "inspect", write(runner, "cutprogram.tf2", data[:-200]))


def artifact_as_model(runner):
    return refuse(runner, "quantize", glyphs_artifact(runner), "--data", glyph_cells(runner), "-o", runner.work / "x.tf2",
                  says=["artifact"], output=runner.work / "x.tf2")


def model_as_artifact(runner):
    return refuse(runner, "compile", ONNX, says=["quantize"])


def too_large_for_device(runner):
    _, path = quantized(runner, "lenet")
    return refuse(runner, "build", path, "--device", "ice40-hx8k", "-o", runner.work / "big.bin", output=runner.work / "big.bin")


def unknown_device(runner):
    return refuse(runner, "build", glyphs_artifact(runner), "--device", "nonsuch", says=["nonsuch", "ice40-up5k"])


def bad_arch_file(runner):
    path = write(runner, "arch.json", b'{"N": 12, "C": 8}')
    return refuse(runner, "compile", glyphs_artifact(runner), "--arch", path, says=["N"])


def small_arch(runner):
    path = write(runner, "small.json", b'{"FeatureWords": 64}')
    return refuse(runner, "compile", glyphs_artifact(runner), "--arch", path, says=["feature"])


def missing_tool(runner):
    arch = write(runner, "odd.json", b'{"name": "uncached", "FeatureWords": 1024, "WeightWords": 1024, "AccBits": 27}')
    empty = runner.work / "emptypath"
    empty.mkdir(exist_ok=True)
    return refuse(runner, "simulate", glyphs_artifact(runner), "--data", glyph_cells(runner), "--arch", arch,
                  says=["verilator"], env={"PATH": str(empty), "TF2_CACHE": str(runner.work / "cache")})


def unwritable_output(runner):
    return refuse(runner, "import", ONNX, "-o", "/proc/nowhere/graph.tf2g")


def full_disk(runner):
    if not pathlib.Path("/dev/full").exists():
        raise Skip("/dev/full is absent")
    return refuse(runner, "import", ONNX, "-o", "/dev/full")


def no_space(runner):
    mount = runner.work / "tiny"
    mount.mkdir(exist_ok=True)
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k", "tmpfs", str(mount)],
                                           capture_output=True).returncode != 0:
        raise Skip("cannot mount a small file system here")
    try:
        output = mount / "g.tf2"
        return refuse(runner, "quantize", ONNX, "--data", glyph_cells(runner), "--mean", "128", "--std", "64", "-o", output,
                      says=["space"], output=output)
    finally:
        subprocess.run(["umount", str(mount)], check=False)


def unknown_isa(runner):
    return refuse(runner, "run", glyphs_artifact(runner), "--data", glyph_cells(runner), "--isa", "z80")


def tune_to_nothing(runner):
    output = runner.work / "tuned.tf2"
    return refuse(runner, "quantize", ONNX, "--data", glyph_cells(runner), "--mean", "128", "--std", "64", "--tune", "nan", "-o", output,
                  says=["--tune"], output=output)


def no_effort(runner):
    output = runner.work / "effort.tf2"
    for effort in ("great", "90", "0s", "-5m", "1e9h", "5 m", "s", ""):
        refuse(runner, "quantize", ONNX, "--data", glyph_cells(runner), "--effort", effort, "-o", output,
               says=["--effort", "thorough", "90s"], output=output)
    return refuse(runner, "quantize", ONNX, "--data", glyph_cells(runner), "--effort", "5s", "--method", "nearest", "-o", output,
                  says=["--effort", "compensated"], output=output)


def other_preprocessing(runner):
    return refuse(runner, "run", glyphs_artifact(runner), "--data", glyph_cells(runner), "--mean", "1", says=["preprocessing"])


def model_flag_for_artifact(runner):
    return refuse(runner, "eval", glyphs_artifact(runner), "--data", glyph_cells(runner), "--input-shape", "1x1x16x16",
                  says=["--input-shape", "float"])


def integers_of_float_model(runner):
    output = runner.work / "o.npz"
    return refuse(runner, "run", ONNX, "--data", glyph_cells(runner), "-o", output, "--integers", says=["artifact"], output=output)


def outputs_as_text(runner):
    return refuse(runner, "run", ONNX, "--data", glyph_cells(runner), "-o", runner.work / "o.txt", says=[".npz"])


def truth_that_is_none(runner):
    return refuse(runner, "eval", ONNX, "--data", glyph_cells(runner), "--truth", write(runner, "truth.json", b"[]"), says=["JSON"])


def unknown_pass(runner):
    for command in ("import", "inspect", "explain"):
        refuse(runner, command, ONNX, "--disable-pass", "fuse_everything", says=["fuse_everything", "constant_folding"])
    output = runner.work / "pass.tf2"
    return refuse(runner, "quantize", ONNX, "--data", glyph_cells(runner), "--disable-pass", "fuse_everything", "-o", output,
                  says=["fuse_everything"], output=output)


def rounding_of_float_model(runner):
    output = runner.work / "rounded.onnx"
    return refuse(runner, "export", ONNX, "--onnx", "--rounding", "half-even", "-o", output, says=["--rounding", "artifact"],
                  output=output)


def labels_of_other_model(runner):
    output = runner.work / "labels.tf2"
    return refuse(runner, "quantize", ONNX, "--data", glyph_cells(runner), "--labels", write(runner, "three.txt", b"a\nb\nc\n"),
                  "-o", output, says=["3 names", "36 classes"], output=output)


def numbers_out_of_range(runner):
    output = runner.work / "numbers.tf2"
    refuse(runner, "bench", glyphs_artifact(runner), "--batch", "999999999", says=["tf2: --batch", "1024"])
    for memory in ("nan", "-1", "lots"):
        refuse(runner, "quantize", ONNX, "--data", glyph_cells(runner), "--memory", memory, "-o", output, says=["--memory"],
               output=output)
    return refuse(runner, "import", "net.prototxt", "--random-weights", "-1", says=["--random-weights"])


def data_for_no_input(runner):
    output = runner.work / "named.tf2"
    return refuse(runner, "quantize", ONNX, "--data", "picture=cells.npy", "-o", output, says=["inputs are image"], output=output)


CASES = {f.__name__: f for f in (
    model_flag_for_artifact, integers_of_float_model, outputs_as_text, truth_that_is_none,
    empty_file, text_file, truncated_protobuf, length_field_2gb, missing_model, folder_as_model, caffemodel_alone, missing_weights,
    cyclic_graph, unknown_operator, zero_dimension, nan_weights, wrong_input_shape, bad_shape_flag, not_a_picture, empty_folder,
    missing_data, damaged_artifact, truncated_artifact, newer_artifact, truncated_program, artifact_as_model, model_as_artifact,
    too_large_for_device, unknown_device, bad_arch_file, small_arch, missing_tool, unwritable_output, full_disk, no_space, unknown_isa,
    tune_to_nothing, no_effort, other_preprocessing, unknown_pass, rounding_of_float_model, labels_of_other_model,
    numbers_out_of_range, data_for_no_input)}

if __name__ == "__main__":
    sys.exit(main(CASES))
