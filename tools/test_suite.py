#!/usr/bin/env python3
"""Runs every test of the built tree and counts: ./test builds, then calls this.

    test_suite.py [--level quick|all] [--only NAME]

One line per step: "ok", "FAILED" or "SKIPPED", its name, seconds and figures. Failures show their output. The last line is
"N passed, N failed, N skipped". Tests see the level in TF2_TEST_LEVEL.
"""
import argparse
import concurrent.futures
import contextlib
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree

ROOT = pathlib.Path(__file__).resolve().parents[1]
CORES = len(os.sched_getaffinity(0))
PYTHON = "/usr/bin/python3"  # Debian's, which has the packages of setup/packages.txt
SHOWN_LINES = 40
START = time.monotonic()


class Tally:
    """Counts and prints verdicts."""

    def __init__(self, only):
        self.only = only
        self.passed, self.failed, self.skipped = 0, 0, 0
        self.failures, self.skips = [], []

    def wants(self, name):
        return not self.only or self.only in name

    def add(self, name, passed=0, failed=(), skipped=(), seconds=0.0, figures="", output=""):
        """Counts `passed` tests, the names of those that `failed` and of those `skipped` with their reasons."""
        self.passed += passed
        self.failed += len(failed)
        self.skipped += len(skipped)
        self.failures += [f"{name}: {test}" if test else name for test in failed]
        self.skips += [f"{name}: {test}" for test in skipped]
        verdict = "FAILED" if failed else "SKIPPED" if skipped and not passed else "ok"
        print(f"{verdict:8} {name} ({seconds:.1f} s) {figures}".rstrip(), flush=True)
        if failed and output:
            print("    " + "\n    ".join(output.rstrip().splitlines()[-SHOWN_LINES:]), flush=True)

    def close(self):
        for title, names in (("skipped", self.skips), ("failed", self.failures)):
            if names:
                print(f"\n{title}:")
                print("\n".join(f"  {name}" for name in names))
        print(f"\n{self.passed} passed, {self.failed} failed, {self.skipped} skipped")
        return 1 if self.failed else 0


def call(command, timeout, env=None):
    """(status, output, seconds) of a command that runs in the root of the tree; 124 after `timeout` seconds.

    What it started ends with it: its processes are a group, and its output is a file, which nobody waits for.
    """
    start = time.monotonic()
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen([str(c) for c in command], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output,
                                   stderr=subprocess.STDOUT, env={**os.environ, **(env or {})}, start_new_session=True)
        status, last = 124, ""
        try:
            status = process.wait(timeout)
        except subprocess.TimeoutExpired:
            last = f"\nstopped after {timeout:.0f} s"
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        output.seek(0)
        text = output.read().decode(errors="replace")
    return status, text + last, time.monotonic() - start


def most_seconds():
    """Of one step: several times what the longest takes, and at the quick level no longer than until an hour is over."""
    if os.environ["TF2_TEST_LEVEL"] == "all":
        return 4 * 3600
    return max(1, min(1500, 3600 - (time.monotonic() - START)))


def command_step(tally, name, command):
    """A command that is one test: status 0 passes, 77 skips with its last line as the reason."""
    if not tally.wants(name):
        return
    status, output, seconds = call(command, most_seconds())
    if status == 77:
        tally.add(name, skipped=[(output.strip().splitlines() or ["no reason given"])[-1]], seconds=seconds)
    elif status == 0:
        tally.add(name, passed=1, seconds=seconds)
    else:
        tally.add(name, failed=[""], seconds=seconds, output=output)


def gtest_names(output, mark):
    """Names of the tests that GoogleTest lists with "[ MARK ] Suite.Test"."""
    return sorted(set(re.findall(rf"^\[ +{mark} +\] ([\w/]+\.[\w/]+)", output, re.M)))


def unit_tests(tally, preset):
    """ctest; each test of a GoogleTest binary counts by itself."""
    if not tally.wants(f"unit {preset}"):
        return
    report = ROOT / f"build/{preset}/ctest.xml"
    report.unlink(missing_ok=True)
    # The sanitizers find the symbolizer by this name only.
    env = {"ASAN_SYMBOLIZER_PATH": shutil.which("llvm-symbolizer-14") or ""} if preset != "release" else {}
    whole = "100000000"
    each = "900" if os.environ["TF2_TEST_LEVEL"] == "all" else "300"
    _, text, _ = call(["ctest", "--test-dir", f"build/{preset}", "-j", CORES, "--timeout", each, "--output-junit",
                       report, "--test-output-size-passed", whole, "--test-output-size-failed", whole],
                      most_seconds(), env)
    if not report.exists():
        tally.add(f"unit {preset}", failed=["ctest"], output=text)
        return
    for case in xml.etree.ElementTree.parse(report).getroot().iter("testcase"):
        name = f"unit {case.get('name')}" + ("" if preset == "release" else f" ({preset})")
        output = case.findtext("system-out") or ""
        seconds = float(case.get("time") or 0)
        why = case.find("skipped")
        if why is not None:
            reason = why.get("message") or "not run"
            missing = "executable" in reason  # it was not built
            tally.add(name, failed=[reason] if missing else (), skipped=() if missing else [reason], seconds=seconds)
            continue
        ran = re.search(r"^\[=+\] (\d+) tests? from .* ran\.", output, re.M)
        failed = gtest_names(output, "FAILED")
        skipped = gtest_names(output, "SKIPPED")
        if case.get("status") == "fail" and not failed:
            failed = ["it crashed or ran too long" if not ran else "non-zero exit"]
        passed = (int(ran[1]) if ran else 1) - len(failed) - len(skipped)
        tally.add(name, max(passed, 0), failed, skipped, seconds, f"{passed} tests" if ran else "", output)
        if name == "unit onnx_conformance" and os.environ["TF2_TEST_LEVEL"] == "all":
            print("\n".join(re.findall(r"^  \w+ (?:passed|refused: .*)$|^[\w-]+: \d+ passed, .*$", output, re.M)))


def integration_tests(tally):
    """Scripts of tests/integration (those with a first line #!) close with "N passed, N failed, N skipped"."""
    for script in sorted((ROOT / "tests/integration").glob("*.py")):
        name = f"integration {script.stem}"
        if not script.read_bytes().startswith(b"#!") or not tally.wants(name):
            continue
        status, output, seconds = call([PYTHON, script], most_seconds())
        lines = output.strip().splitlines()
        counts = re.fullmatch(r"(\d+) passed, (\d+) failed, (\d+) skipped", lines[-1] if lines else "")
        if not counts or (status != 0) != (int(counts[2]) > 0):
            tally.add(name, failed=[f"status {status}"], seconds=seconds, output=output)
            continue
        named = {word: [m[1].strip() for m in re.finditer(rf"^{word} +(.*)", output, re.M)]
                 for word in ("FAILED", "SKIPPED")}
        tally.add(name, int(counts[1]), named["FAILED"][: int(counts[2])], named["SKIPPED"][: int(counts[3])], seconds,
                  lines[-1], output)


def fuzz(name, seconds):
    """Runs one fuzzer from its seeds in tests/fuzz (and crashers kept there); (status, output, seconds)."""
    binary = next((ROOT / "build/fuzz").rglob(f"{name}_fuzz"), None)
    if binary is None:
        return 1, "it was not built", 0.0
    corpus = ROOT / f"build/fuzz/corpus/{name}"
    seeds = ROOT / f"tests/fuzz/{name}"
    corpus.mkdir(parents=True, exist_ok=True)
    command = [binary, f"-max_total_time={seconds}", "-timeout=20", "-rss_limit_mb=3000", "-print_final_stats=1",
               f"-artifact_prefix={ROOT}/build/fuzz/{name}-", corpus]
    if seeds.is_dir():
        command.append(seeds)
    env = {"ASAN_SYMBOLIZER_PATH": shutil.which("llvm-symbolizer-14") or ""}
    return call(command, timeout=seconds * 3 + 300, env=env)


def fuzzers(tally, seconds):
    names = sorted(path.name[: -len("_fuzz.cc")] for path in (ROOT / "src").rglob("*_fuzz.cc"))
    names = [name for name in names if tally.wants(f"fuzz {name}")]
    with concurrent.futures.ThreadPoolExecutor(CORES) as pool:
        for name, (status, output, took) in zip(names, pool.map(lambda n: fuzz(n, seconds), names)):
            runs = re.search(r"number_of_executed_units: (\d+)", output)
            figures = f"{int(runs[1]):,} inputs" if runs else ""
            failed = [""] if status else []
            tally.add(f"fuzz {name}", 0 if failed else 1, failed, (), took, figures, output)


def sources(*suffixes):
    """Files of the tree with these suffixes, without build folders."""
    return sorted(path for folder in ("src", "tests", "bench", "rtl") for path in (ROOT / folder).rglob("*")
                  if path.suffix in suffixes)


def static_checks(tally):
    command_step(tally, "clang-format", ["clang-format", "--dry-run", "-Werror", *sources(".cc", ".h")])
    scripts = [ROOT / "run", ROOT / "test", ROOT / ".ci/run", ROOT / "setup/install", *sorted(ROOT.glob("tools/*.sh")),
               *sources(".sh")]
    command_step(tally, "shellcheck", ["shellcheck", "-x", *scripts])
    if not tally.wants("clang-tidy"):
        return
    start = time.monotonic()
    files = [path for path in sources(".cc") if path.is_relative_to(ROOT / "src") and not path.stem.endswith("_fuzz")]
    # Commands that compile one source each, and the generated headers. They are g++'s: clang does not know some warnings.
    for command in (["cmake", "--preset", "release", "-B", "build/tidy", "-DTF2_BUILD_TESTS=ON"],
                    ["ninja", "-C", "build/tidy", "caffe_pb", "onnx_pb"]):
        status, output, seconds = call(command, most_seconds())
        if status:
            tally.add("clang-tidy", failed=[" ".join(command)], seconds=seconds, output=output)
            return
    tidy = ["clang-tidy", "--quiet", "-p", "build/tidy", "--extra-arg=-Wno-unknown-warning-option"]
    with concurrent.futures.ThreadPoolExecutor(CORES) as pool:
        results = list(pool.map(lambda f: call([*tidy, f], most_seconds()), files))
    bad = [(str(f.relative_to(ROOT)), r[1]) for f, r in zip(files, results) if r[0] != 0]
    tally.add("clang-tidy", len(files) - len(bad), [name for name, _ in bad], (), time.monotonic() - start,
              f"{len(files)} files", "\n".join(text for _, text in bad))


def main():
    parser = argparse.ArgumentParser(description="Runs every test of the built tree.")
    parser.add_argument("--level", choices=["quick", "all"], default="quick")
    parser.add_argument("--only", help="only steps whose name holds this text")
    args = parser.parse_args()
    os.environ["TF2_TEST_LEVEL"] = args.level
    os.environ.setdefault("TF2", str(ROOT / "build/release/tf2"))
    tally = Tally(args.only)
    unit_tests(tally, "release")
    if (ROOT / "rtl/lint.sh").exists():
        command_step(tally, "rtl lint", ["bash", "rtl/lint.sh"])
    integration_tests(tally)
    fuzzers(tally, 600 if args.level == "all" else 30)
    if args.level == "all":
        command_step(tally, "10,000 random networks",
                     ["build/release/tests/random_networks/tf2_random_networks", "--count", "10000", "--seed", "7"])
        for preset in ("asan-ubsan", "tsan"):
            unit_tests(tally, preset)
        if (ROOT / "rtl/formal/run.sh").exists():
            command_step(tally, "rtl formal", ["bash", "rtl/formal/run.sh"])
        static_checks(tally)
    return tally.close()


if __name__ == "__main__":
    sys.exit(main())
