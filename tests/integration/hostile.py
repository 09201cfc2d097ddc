#!/usr/bin/env python3
"""Hostile and odd files, more than a hundred of each format: one clear message each, or success where a file is merely odd;
never a crash, a hang, much memory or a file half written.

The lists are hostile_*.py. The quick level takes every sixth case, ./test --all takes all.
Usage: hostile.py [FORMAT...]; HOSTILE_SHOW=1 prints every message.
"""
import os
import pathlib
import re
import resource
import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import hostile_caffe
import hostile_data
import hostile_onnx
from harness import ROOT, Skip, main
from models import GLYPHS

SECONDS = 60        # a case; the machine may be busy
MEGABYTES = 1500    # a case
SANITIZED = "asan" in os.environ.get("TF2", "")
BAD_TEXT = ("internal error", "AddressSanitizer", "runtime error:", "LeakSanitizer", "ThreadSanitizer", "terminate called",
            "TF2_CHECK", "bad_alloc", "out of memory")


def run(command, env):
    """(status, standard error, peak in megabytes); status None where it does not end."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                               env={**os.environ, **env})
    late = threading.Timer(SECONDS, process.kill)
    late.start()
    text = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    timed_out = not late.is_alive()
    late.cancel()
    process.returncode = os.waitstatus_to_exitcode(status)
    return None if timed_out else process.returncode, text, usage.ru_maxrss / 1024


def complaint(case, status, text, peak, names):
    """What is wrong with how tf2 took a case; None where nothing is."""
    try:
        message = text.decode()
    except UnicodeDecodeError:
        return f"the message is no UTF-8: {text[:200]!r}"
    shown = message if len(message) < 600 else message[:600] + "..."
    if status is None:
        return f"no end within {SECONDS} s"
    if status not in (0, 1):
        return f"exit {status}: {shown}"
    if any(bad in message for bad in BAD_TEXT):
        return f"a bug shows: {shown}"
    if peak > MEGABYTES and not SANITIZED:
        return f"{peak:.0f} MB"
    if status == 0:
        return None if case.says is None else f"accepted, expected a message with \"{case.says}\""
    if not message.startswith("tf2: "):
        return f"not one message: {shown}"
    lines = [line for line in message.splitlines() if not line.startswith(("  hint: ", "tf2: warning: "))]
    if len(lines) != 1 or len(message) > 2000 or re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", message):
        return f"not one plain line and a hint: {message[:300]!r} ({len(message)} characters)"
    if not any(name in message for name in names):
        return f"the message does not name {names[0]}: {shown}"
    if (case.says or "").lower() not in message.lower():
        return f"the message does not say \"{case.says}\": {shown}"
    return None


def check(cases, command_of, file_name, env=None):
    """A test that makes each case as `file_name` in a folder of its own and runs command_of(path, folder)."""
    def test(runner):
        chosen = cases(runner)
        assert len(chosen) >= 100, f"{len(chosen)} cases"
        if os.environ.get("TF2_TEST_LEVEL") == "quick" and not os.environ.get("HOSTILE_SHOW"):
            chosen = chosen[::6]
        base = runner.work / f"hostile-{file_name}-{id(cases)}"

        def one(item):
            number, case = item
            folder = base / str(number)
            folder.mkdir(parents=True)
            path = folder / file_name
            case.make(path)
            command, named = command_of(runner, path, folder)
            before = {p.name for p in folder.iterdir()}
            status, text, peak = run([str(c) for c in command], {k: str(v(folder)) for k, v in (env or {}).items()})
            if os.environ.get("HOSTILE_SHOW"):
                print(f"[{case.name}] {status} {peak:.0f} MB {text.decode(errors='replace')[:400].strip()}")
            wrong = complaint(case, status, text, peak, named or [file_name])
            left = {p.name for p in folder.iterdir()} - before - ({"out"} if status == 0 else set())
            shutil.rmtree(folder, ignore_errors=True)
            wrong = wrong or (f"left behind: {sorted(left)}" if left else None)
            return f"{case.name}: {wrong}" if wrong else None

        with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
            wrong = [w for w in pool.map(one, enumerate(chosen)) if w]
        assert not wrong, f"{len(wrong)} of {len(chosen)}:\n  " + "\n  ".join(wrong[:200])
        return f"{len(chosen)} files"

    return test


def import_command(runner, path, folder):
    return [runner.tf2, "import", path, "-o", folder / "out"], None


def onnx_cases(_):
    return hostile_onnx.cases((GLYPHS / "glyphs.onnx").read_bytes())


def prototxt_command(runner, path, folder):
    return [runner.tf2, "import", path, "--weights", hostile_caffe.good_weights(runner.work), "-o", folder / "out"], None


def caffemodel_command(runner, path, folder):
    # What is wrong with the weights of a layer is said at that layer.
    return ([runner.tf2, "import", hostile_caffe.good_net(runner.work), "--weights", path, "-o", folder / "out"],
            ["net.caffemodel", "good.prototxt: layer '"])


def jpeg_cases(_):
    try:
        return hostile_data.jpegs()
    except ImportError as missing:
        raise Skip(f"the pictures are made with Pillow: {missing}") from missing


def glyphs_artifact(runner):
    path = runner.work / "glyphs.tf2"
    if not path.exists():
        runner.json("quantize", GLYPHS / "glyphs.onnx", "--data", GLYPHS / "calibration.npz", "--mean", "128", "--std", "64", "-o", path)
    return path


def compiled(runner):
    path = runner.work / "compiled.tf2"
    if not path.exists():
        runner.json("compile", glyphs_artifact(runner), "-o", path)
    return path


def inspect_command(runner, path, folder):
    return [runner.tf2, "inspect", path], None


def data_command(runner, path, folder):
    return [runner.tf2, "run", glyphs_artifact(runner), "--data", path], None


def pictures_command(runner, path, folder):
    return [runner.tf2, "run", glyphs_artifact(runner), "--data", folder], None


def arch_command(runner, path, folder):
    # A configuration that is read but too small for the network is refused at a layer, by its name.
    return ([runner.tf2, "compile", glyphs_artifact(runner), "--arch", path, "-o", folder / "out"],
            ["arch.json", "configuration mine"])


def device_command(runner, path, folder):
    devices = folder / "data/devices"
    devices.mkdir(parents=True)
    path.rename(devices / path.name)
    return [runner.tf2, "compile", glyphs_artifact(runner), "--device", "mine", "-o", folder / "out"], None


CASES = {
    "onnx": check(onnx_cases, import_command, "model.onnx"),
    "prototxt": check(lambda _: hostile_caffe.prototxts(), prototxt_command, "net.prototxt"),
    "caffemodel": check(lambda _: hostile_caffe.caffemodels(), caffemodel_command, "net.caffemodel"),
    "artifact": check(lambda r: hostile_data.artifacts(glyphs_artifact(r).read_bytes()), inspect_command, "net.tf2"),
    "program": check(lambda r: hostile_data.programs(compiled(r).read_bytes()), inspect_command, "net.tf2"),
    "npy": check(lambda _: hostile_data.arrays(), data_command, "data.npy"),
    "npz": check(lambda _: hostile_data.archives((GLYPHS / "calibration.npz").read_bytes()), data_command, "data.npz"),
    "png": check(lambda _: hostile_data.pngs(), pictures_command, "0001_a.png"),
    "jpeg": check(jpeg_cases, pictures_command, "0001_a.jpg"),
    "pnm": check(lambda _: hostile_data.pnms(), pictures_command, "0001_a.ppm"),
    "idx": check(lambda _: hostile_data.idx_files(), data_command, "images-idx3-ubyte"),
    "arch": check(lambda _: hostile_data.arch_files(), arch_command, "arch.json"),
    "device": check(lambda _: hostile_data.device_files((ROOT / "data/devices/ice40-up5k.json").read_bytes()), device_command,
                    "mine.json", {"TF2_HOME": lambda folder: folder}),
}

if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.exit(main(CASES))
