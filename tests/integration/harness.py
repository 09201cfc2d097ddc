"""Runs the tf2 program for the integration tests: cases by name, skips that are seen, one closing line."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared" / "data"


class Skip(Exception):
    """Raised by a case that cannot run here; the message says why."""


class Runner:
    """Runs cases and counts them. `tf2` is the program; `work` a scratch folder that all cases share."""

    def __init__(self, tf2: str, work: pathlib.Path):
        self.tf2 = tf2
        self.work = work
        self.passed, self.failed, self.skipped = 0, 0, 0

    def call(self, *args, env=None, timeout=3600):
        """The finished process of `tf2 args`."""
        command = [self.tf2, *map(str, args)]
        return subprocess.run(command, capture_output=True, text=True, timeout=timeout,
                              env={**os.environ, **(env or {})})

    def json(self, *args, **kwargs):
        """The object that `tf2 args --json` prints; the case fails when tf2 does."""
        done = self.call(*args, "--json", **kwargs)
        if done.returncode != 0:
            raise AssertionError(f"tf2 {' '.join(map(str, args))}: exit {done.returncode}\n{done.stdout[-2000:]}{done.stderr}")
        return json.loads(done.stdout)

    def case(self, name, function):
        start = time.monotonic()
        try:
            figures = function(self)
            self.passed += 1
            verdict = "ok"
        except Skip as why:
            self.skipped += 1
            verdict, figures = "SKIPPED", str(why)
        except Exception as error:  # a case may fail in any way; the others still run
            self.failed += 1
            verdict, figures = "FAILED", f"{type(error).__name__}: {error}"
        print(f"{verdict:8} {name} ({time.monotonic() - start:.1f} s) {figures or ''}", flush=True)


def shared(relative: str) -> pathlib.Path:
    """A file of the shared data; skips the case where it is absent."""
    path = SHARED / relative
    if not path.exists():
        raise Skip(f"../shared/data/{relative} is absent")
    return path


def main(cases) -> int:
    """Runs `cases` (name -> function of a Runner), or those whose name contains one of the arguments."""
    tf2 = os.environ.get("TF2", str(ROOT / "build/release/tf2"))
    wanted = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        runner = Runner(tf2, pathlib.Path(folder))
        for name, function in cases.items():
            if not wanted or any(w in name for w in wanted):
                runner.case(name, function)
    print(f"{runner.passed} passed, {runner.failed} failed, {runner.skipped} skipped")
    return 1 if runner.failed else 0
