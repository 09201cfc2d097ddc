#!/usr/bin/env python3
"""Bitstreams of the glyph reader: resources and clock on the UP5K for three seeds, and the HX8K's bitstream decoded and
simulated. Minutes a bitstream, so at level `all` only.

Usage: hardware.py [NAME...]
"""
import os
import sys

from chain import glyphs_artifact
from harness import Skip, main
from models import GLYPHS


def only_at_level_all():
    if os.environ.get("TF2_TEST_LEVEL") != "all":
        raise Skip("only at level all (minutes)")


def up5k(seed):
    def check(runner):
        only_at_level_all()
        report = runner.json("build", glyphs_artifact(runner), "--device", "ice40-up5k", "--seed", seed, "-o", runner.work / "up5k.bin")
        assert report["lanes"] == 64 and report["fmax_mhz"] >= 36, f"{report}"
        return f"{report['lc']} LC, {report['fmax_mhz']:.2f} MHz, {report['seconds']:.0f} s"

    return check


def prove_hx8k(runner):
    only_at_level_all()
    report = runner.json("prove", glyphs_artifact(runner), "--device", "ice40-hx8k", "--data", GLYPHS / "calibration.npz", "--limit", 20)
    assert report["samples"] >= 20 and report["words"] > 0 and report["wrong"] == 0, f"{report}"
    return f"{report['wrong']} of {report['words']} words wrong"


CASES = {f"up5k seed {seed}": up5k(seed) for seed in (1, 2, 3)} | {"prove hx8k": prove_hx8k}

if __name__ == "__main__":
    sys.exit(main(CASES))
