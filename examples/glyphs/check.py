#!/usr/bin/env python3
"""Measures glyphs.onnx: float and 4-bit accuracy on rendered pictures and on rendered lines of text.

    check.py glyphs.onnx --data test.npz --calibration train.npz
    check.py glyphs.onnx --lines 50 --calibration train.npz

The 4-bit figures round to nearest the way tf2 does: feature exponents from the calibration pictures, weights in units of
their real contribution, one free scale a row, the last layer's output not rounded. Needs PyTorch, ONNX and numpy; --lines needs
the held-out fonts.
"""
import argparse
import os
import sys

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import nn

import cells
import render
import train


class Fault(Exception):
    """A message for the user."""


def load_model(path):
    """Reads an ONNX chain of Conv, Relu, Flatten and Gemm. Returns an nn.Sequential in evaluation mode."""
    if not os.path.exists(path):
        raise Fault("%s is missing" % path)
    graph = onnx.load(path).graph
    values = {t.name: torch.from_numpy(numpy_helper.to_array(t).copy()) for t in graph.initializer}
    parts = []
    for node in graph.node:
        attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        if node.op_type == "Conv":
            w, b = values[node.input[1]], values[node.input[2]]
            layer = nn.Conv2d(w.shape[1], w.shape[0], w.shape[2], attributes["strides"][0])
            layer.weight.data, layer.bias.data = w, b
        elif node.op_type == "Gemm":
            w, b = values[node.input[1]], values[node.input[2]]
            layer = nn.Linear(w.shape[1], w.shape[0])
            layer.weight.data, layer.bias.data = w, b
        elif node.op_type in ("Relu", "Flatten"):
            layer = nn.ReLU() if node.op_type == "Relu" else nn.Flatten()
        else:
            raise Fault("%s: operator %s is not expected in this network" % (path, node.op_type))
        parts.append(layer)
    return nn.Sequential(*parts).eval()


def random_text(rng):
    """A line of 6 to 14 characters, 1 to 3 words."""
    words = ["".join(rng.choice(list(cells.labels()), rng.integers(2, 6))) for _ in range(rng.integers(2, 4))]
    return " ".join(words)


def read_lines(runs, count, seed):
    """Renders lines in held-out fonts, cuts and reads them. runs: {name: pictures to scores}. Prints the figures."""
    rng = np.random.default_rng(seed)
    good, whole, total, cut = {n: 0 for n in runs}, {n: 0 for n in runs}, 0, 0
    for i in range(count):
        text = random_text(rng)
        image, family = render.render_line(text, seed * 1000 + i)
        found, blanks = cells.cut_line(image)
        plain = text.replace(" ", "")
        total += len(plain)
        if len(found) != len(plain):
            print("line %d (%s, %s): %d cells, %d characters" % (i, family, text, len(found), len(plain)))
            continue
        cut += 1
        for name, run in runs.items():
            with torch.no_grad():
                classes = run(train.normalise(torch.from_numpy(found).unsqueeze(1))).argmax(1).tolist()
            read = cells.join_text([cells.labels()[c] for c in classes], blanks)
            good[name] += sum(a == b for a, b in zip(read.replace(" ", ""), plain))
            whole[name] += read == text
            if read != text:
                print("line %d (%s), %s: %s read as %s" % (i, family, name, text, read))
    for name in runs:
        print("%s: %.2f %% of %d characters, %d of %d lines without error (%d cut rightly)"
              % (name, 100 * good[name] / total, total, whole[name], count, cut))


def confusions(run, x, y, most=12):
    """Prints the most frequent confusions."""
    counts = {}
    with torch.no_grad():
        for i in range(0, len(x), 1000):
            for a, b in zip(y[i:i + 1000].tolist(), run(train.normalise(x[i:i + 1000])).argmax(1).tolist()):
                if a != b:
                    counts[a, b] = counts.get((a, b), 0) + 1
    names = cells.labels()
    top = sorted(counts.items(), key=lambda t: -t[1])[:most]
    print("read wrongly: " + ", ".join("%s as %s %d" % (names[a], names[b], n) for (a, b), n in top))


def run(args):
    torch.set_num_threads(args.threads)
    model = load_model(args.model)
    calibration, _ = train.load(args.calibration)
    q = [train.quantise.exponents(r) for r in train.ranges(model, calibration[:train.CALIBRATION])]
    for i, e in enumerate(q):
        print("input of layer %d: feature exponents %d to %d" % (i + 1, int(e.min()), int(e.max())))
    four = lambda v: train.forward_quantised(model, v, q, straight=False)
    if args.data:
        x, y = train.load(args.data)
        train.report(model, x, y, calibration[:train.CALIBRATION])
        confusions(four, x, y)
    if args.lines:
        read_lines({"float": model, "4-bit": four}, args.lines, args.seed)


def main():
    p = argparse.ArgumentParser(description="Measures the glyph reader.")
    p.add_argument("model", nargs="?", default="glyphs.onnx")
    p.add_argument("--data", help="rendered set with labels")
    p.add_argument("--calibration", default="train.npz", help="rendered set for the feature ranges")
    p.add_argument("--lines", type=int, default=0, help="number of lines to render and read")
    p.add_argument("--seed", type=int, default=7)
    p.add_argument("--threads", type=int, default=1)
    try:
        run(p.parse_args())
    except (Fault, train.Fault, render.Fault, ValueError, OSError) as e:
        sys.exit("check.py: " + str(e))


if __name__ == "__main__":
    main()
