#!/usr/bin/env python3
"""Instructions of one frame under callgrind: the repeatable figure. Needs valgrind, which knows AVX2 and neither AVX-512 nor AMX.

Usage: instructions.py NET.tf2 [--isa avx2|portable] [--top N]

Runs the artifact on one thread with two numbers of frames; the difference has neither loading nor warming up in it.
"""
import argparse
import json
import os
import pathlib
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
TF2 = os.environ.get("TF2", str(ROOT / "build/release/tf2"))


def functions(artifact, isa, frames, folder):
    """Instructions by function of a run of 1 + frames frames."""
    out = f"{folder}/{frames}.out"
    command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", TF2, "bench", artifact, "--isa", isa, "--threads", "1",
               "--batch", "1", "--rounds", str(frames), "--summary", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"instructions.py: {done.stderr.strip()[-500:]}")
    text = subprocess.run(["callgrind_annotate", "--threshold=100", out], capture_output=True, text=True, check=True).stdout
    counts = {}
    for line in text.splitlines():
        number, _, rest = line.strip().partition(" ")
        number = number.replace(",", "")
        if not number.isdigit() or "PROGRAM TOTALS" in line:
            continue
        name = rest.split(")", 1)[-1].strip().split(" [")[0]
        counts[name] = counts.get(name, 0) + int(number)
    total = next(int(line.split()[0].replace(",", "")) for line in text.splitlines() if "PROGRAM TOTALS" in line)
    return total, counts, json.loads(done.stdout)["isa"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("artifact")
    parser.add_argument("--isa", default="avx2")
    parser.add_argument("--top", type=int, default=12)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        few, few_by, isa = functions(args.artifact, args.isa, 1, folder)
        many, many_by, _ = functions(args.artifact, args.isa, 3, folder)
    frame = (many - few) / 2
    print(f"{args.artifact} on {isa}: {frame / 1e6:.2f} million instructions a frame")
    shares = sorted(((many_by[n] - few_by.get(n, 0)) / 2, n) for n in many_by)[::-1]
    for count, name in shares[: args.top]:
        print(f"  {count / frame:6.1%}  {count / 1e6:10.2f} M  {name[:110]}")


if __name__ == "__main__":
    main()
