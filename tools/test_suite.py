#!/usr/bin/env python3
"""Runs every test of the built tree and counts: ./test builds, then calls this.

    test_suite.py [--level quick|all] [--only NAME] [--resume]

One line per step: "ok", "FAILED" or "SKIPPED", its name, seconds and figures. Failures show their output. The last line is
"N passed, N failed, N skipped". Tests see the level in TF2_TEST_LEVEL. With --resume, parts that have passed on the same
commit are counted and not run again.
"""
import argparse
import concurrent.futures
import contextlib
import hashlib
import json
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


def commit():
    """A name for what git holds of the tree but README.md, which no test reads; None without git or with other files."""
    with contextlib.suppress(OSError, subprocess.CalledProcessError):
        git = ["git", "-C", ROOT]
        if not subprocess.check_output([*git, "status", "--porcelain"], stderr=subprocess.DEVNULL):
            files = subprocess.check_output([*git, "ls-tree", "-r", "HEAD"]).splitlines()
            return hashlib.sha256(b"\n".join(f for f in files if not f.endswith(b"\tREADME.md"))).hexdigest()
    return None


class Tally:
    """Counts and prints verdicts, and keeps those of parts that passed in build/passed-LEVEL.json."""

    def __init__(self, level, only, resume):
        self.only = only
        self.passed, self.failed, self.skipped = 0, 0, 0
        self.failures, self.skips = [], []
        self.file = ROOT / f"build/passed-{level}.json"
        self.commit = commit()
        self.parts = {}  # name: the arguments of `add` of its steps
        self.adding = []
        if self.commit and self.file.exists():
            kept = json.loads(self.file.read_text())
            self.parts = kept["parts"] if kept["commit"] == self.commit else {}
        self.before = set(self.parts) if resume else set()
        if resume and not self.commit:
            print("cannot resume: files differ from the commit, or git does not know them; everything runs", flush=True)

    def part(self, name, run):
        """Calls run() where this part of the tests is wanted and did not pass before."""
        if self.only and self.only not in name:
            return
        if name in self.before:
            for arguments in self.parts[name]:
                self.add(*arguments)
            return
        failed, self.adding = self.failed, []
        run()
        if not self.commit or commit() != self.commit:
            return
        self.parts.pop(name, None)
        if self.failed == failed:
            self.parts[name] = self.adding
        new = self.file.with_suffix(".new")
        new.write_text(json.dumps({"commit": self.commit, "parts": self.parts}, indent=1))
        new.replace(self.file)

    def add(self, name, passed=0, failed=(), skipped=(), seconds=0.0, figures="", output=""):
        """Counts `passed` tests, the names of those that `failed` and of those `skipped` with their reasons."""
        self.adding.append([name, passed, list(failed), list(skipped), seconds, figures])
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
    report = ROOT / f"build/{preset}/ctest.xml"
    report.unlink(missing_ok=True)
    # The sanitizers find the symbolizer by this name only; a lack of memory is an error, which tests provoke.
    env = {"ASAN_SYMBOLIZER_PATH": shutil.which("llvm-symbolizer-14") or "",
           "ASAN_OPTIONS": "allocator_may_return_null=1",
           "TSAN_OPTIONS": "allocator_may_return_null=1"} if preset != "release" else {}
    if preset == "tsan":  # threads do not depend on how many cases there are
        env["TF2_TEST_LEVEL"] = "quick"
    whole = "100000000"
    each = "1800" if os.environ["TF2_TEST_LEVEL"] == "all" else "300"
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


def integration_test(tally, script):
    """A script of tests/integration that closes with "N passed, N failed, N skipped"."""
    name = f"integration {script.stem}"
    status, output, seconds = call([PYTHON, script], most_seconds())
    lines = output.strip().splitlines()
    counts = re.fullmatch(r"(\d+) passed, (\d+) failed, (\d+) skipped", lines[-1] if lines else "")
    if not counts or (status != 0) != (int(counts[2]) > 0):
        tally.add(name, failed=[f"status {status}"], seconds=seconds, output=output)
        return
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


def fuzzers(tally, names, seconds):
    """Some fuzzers at the same time."""
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


def formats(tally):
    """Layout of the sources, and the scripts."""
    version = call(["clang-format", "--version"], 60)[1].strip()
    if " version 14." in version:
        command_step(tally, "clang-format", ["clang-format", "--dry-run", "-Werror", *sources(".cc", ".h")])
    else:
        tally.add("clang-format", skipped=[f"others than version 14 format otherwise: {version}"])
    scripts = [ROOT / "run", ROOT / "test", ROOT / ".ci/run", ROOT / "setup/install", *sorted(ROOT.glob("tools/*.sh")),
               *sources(".sh")]
    command_step(tally, "shellcheck", ["shellcheck", "-x", *scripts])


def tidy(tally, name, build, checks, files):
    """clang-tidy's verdict on files that are compiled in `build`."""
    start = time.monotonic()
    # The commands are g++'s: clang does not know some warnings.
    words = ["clang-tidy", "--quiet", "-p", build, "--extra-arg=-Wno-unknown-warning-option", f"--checks={checks}"]
    with concurrent.futures.ThreadPoolExecutor(CORES) as pool:
        results = list(pool.map(lambda f: call([*words, f], most_seconds()), files))
    bad = [(os.path.relpath(f, ROOT), r[1]) for f, r in zip(files, results) if r[0] != 0]
    tally.add(name, len(files) - len(bad), [name for name, _ in bad], (), time.monotonic() - start,
              f"{len(files)} files", "\n".join(text for _, text in bad))


def static_checks(tally):
    """clang-tidy: its checks of sources that are compiled eight at a time, for most of a file is headers; its analyzer,
    which follows paths through the functions of one file, of each file by itself."""
    if tally.only and not tally.only.startswith("clang"):
        return
    for unity in ("ON", "OFF"):
        for command in (["cmake", "--preset", "release", "-B", f"build/tidy-{unity}", f"-DCMAKE_UNITY_BUILD={unity}",
                         "-DTF2_BUILD_TESTS=ON"],
                        ["ninja", "-C", f"build/tidy-{unity}", "caffe_pb", "onnx_pb"]):
            status, output, seconds = call(command, most_seconds())
            if status:
                tally.add("clang-tidy", failed=[" ".join(command)], seconds=seconds, output=output)
                return
    no_analyzer = "-clang-analyzer-*,-bugprone-suspicious-include"  # sources include each other on purpose
    analyzer = "-bugprone-*,-performance-*,-modernize-*,-misc-*,-readability-*"
    compiled = json.loads((ROOT / "build/tidy-ON/compile_commands.json").read_text())

    def part(name, *which):
        tally.part(name, lambda: tidy(tally, name, *which))

    for folder in sorted(path for path in (ROOT / "src").iterdir() if path.is_dir()):
        together = [entry["file"] for entry in compiled
                    if f"/src/{folder.name}/" in entry["file"] and not entry["file"].endswith(".pb.cc")]
        part(f"clang-tidy {folder.name}", "build/tidy-ON", no_analyzer, together)
        alone = [path for path in sorted(folder.rglob("*.cc")) if not re.search("_(test|fuzz)$", path.stem)]
        part(f"clang analyzer {folder.name}", "build/tidy-OFF", analyzer, alone)


def main():
    parser = argparse.ArgumentParser(description="Runs every test of the built tree.")
    parser.add_argument("--level", choices=["quick", "all"], default="quick")
    parser.add_argument("--only", help="only parts whose name holds this text")
    parser.add_argument("--resume", action="store_true", help="do not repeat what has passed on the same commit")
    args = parser.parse_args()
    os.environ["TF2_TEST_LEVEL"] = args.level
    os.environ.setdefault("TF2", str(ROOT / "build/release/tf2"))
    tally = Tally(args.level, args.only, args.resume)

    def command(name, *words):
        tally.part(name, lambda: command_step(tally, name, words))

    tally.part("unit release", lambda: unit_tests(tally, "release"))
    tally.part("formats", lambda: formats(tally))
    command("rtl lint", "bash", "rtl/lint.sh")
    for script in sorted((ROOT / "tests/integration").glob("*.py")):
        if script.read_bytes().startswith(b"#!"):
            tally.part(f"integration {script.stem}", lambda s=script: integration_test(tally, s))
    names = sorted(path.name[: -len("_fuzz.cc")] for path in (ROOT / "src").rglob("*_fuzz.cc"))
    for i in range(0, len(names), CORES):
        some = names[i: i + CORES]
        tally.part(", ".join(f"fuzz {name}" for name in some), lambda s=some: fuzzers(tally, s, 600 if args.level == "all" else 30))
    if args.level == "all":
        command("10,000 random networks", "build/release/tests/random_networks/tf2_random_networks", "--count", "10000",
                "--seed", "7")
        for preset in ("asan-ubsan", "tsan"):
            tally.part(f"unit {preset}", lambda p=preset: unit_tests(tally, p))
        command("rtl formal", "bash", "rtl/formal/run.sh")
        static_checks(tally)
    return tally.close()


if __name__ == "__main__":
    sys.exit(main())
