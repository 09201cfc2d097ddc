#!/usr/bin/env python3
"""Cuts a picture of a line of text into cells, and prints the text that classes spell.

    read_line.py cut line.png -o cells.npz     cells.npz: images uint8 [n, 24, 24], blanks int64 [b]
    read_line.py text cells.npz 15 25 16 10    the text of these class numbers, blanks put back
    read_line.py text cells.npz --classes F    class numbers from a file, one a line ("-": standard input)

The line: dark ink on light paper, capitals and digits, characters separated by at least a column of paper.
Needs numpy and Pillow only.
"""
import argparse
import os
import sys

import numpy as np
from PIL import Image

import cells


class Fault(Exception):
    """A message for the user."""


def cut(picture, output):
    """Cuts the line in file `picture` and writes its cells to `output`. Returns the number of cells."""
    grey = np.asarray(Image.open(picture).convert("L"))
    found, blanks = cells.cut_line(grey)
    temporary = output + ".part"
    with open(temporary, "wb") as f:
        np.savez(f, images=found, blanks=np.array(blanks, np.int64))
    os.replace(temporary, output)
    return len(found)


def text(cell_file, classes):
    """The text of a line from its cell file and the class number of every cell."""
    with np.load(cell_file) as data:
        count, blanks = len(data["images"]), data["blanks"].tolist()
    if len(classes) != count:
        raise Fault("%s has %d cells, but %d classes were given" % (cell_file, count, len(classes)))
    bad = [c for c in classes if not 0 <= c < len(cells.labels())]
    if bad:
        raise Fault("class %d is not in 0..%d" % (bad[0], len(cells.labels()) - 1))
    return cells.join_text([cells.labels()[c] for c in classes], blanks)


def read_classes(args):
    """Class numbers from the command line or from a file."""
    if args.classes is None:
        return args.numbers
    lines = sys.stdin if args.classes == "-" else open(args.classes, encoding="utf-8")
    with lines:
        return [int(w) for line in lines for w in line.split()]


def main():
    p = argparse.ArgumentParser(description="Cuts a line of text into cells; spells classes.")
    modes = p.add_subparsers(dest="mode", required=True)
    c = modes.add_parser("cut")
    c.add_argument("picture")
    c.add_argument("-o", "--output", default="cells.npz")
    t = modes.add_parser("text")
    t.add_argument("cells")
    t.add_argument("numbers", nargs="*", type=int)
    t.add_argument("--classes", help="file of class numbers, - for standard input")
    args = p.parse_args()
    try:
        if args.mode == "cut":
            print("%d cells -> %s" % (cut(args.picture, args.output), args.output))
        else:
            print(text(args.cells, read_classes(args)))
    except (Fault, ValueError, OSError) as e:
        sys.exit("read_line.py: " + str(e))


if __name__ == "__main__":
    main()
