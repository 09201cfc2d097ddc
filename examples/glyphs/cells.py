"""Cells: the 24 x 24 pictures of one character that the network reads.

A cell keeps the aspect ratio of the character. The cap height of its line is scaled to CAP rows that start at row TOP, the
character's ink is centred, and everything outside the character's own columns is paper. Both the renderer and the line reader
make their cells with `cut_cell`, so what is read looks like what was trained on.

Needs numpy and Pillow only.
"""
import numpy as np
from PIL import Image

SIZE = 24          # rows and columns of a cell
CAP = 16           # rows of the cap height inside a cell
TOP = 3            # first row of the cap height
MEAN, STD = 128.0, 64.0    # the network reads (grey - MEAN) / STD, grey 0..255
MIN_GAP = 1        # columns of paper that separate two characters of a line
BLANK = 0.42       # a gap that exceeds the line's usual gap by this many cap heights is a blank


def labels():
    """The class names in the order of the network's outputs: 0-9, then A-Z."""
    return "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def cut_cell(grey, x0, x1, top, bottom, paper):
    """One cell of a picture.

    grey: float or uint8 [h, w], 0..255. x0, x1: the character's first column and the one after its last, pixels, may be
    fractional. top, bottom: the first row of the line's cap height and the row of its baseline, pixels, fractional.
    paper: grey level of the paper. Returns uint8 [SIZE, SIZE].
    """
    scale = (bottom - top) / CAP                       # source pixels per cell pixel
    left = max(0, int(np.floor(x0 - 0.75 * scale)))
    right = min(grey.shape[1], int(np.ceil(x1 + 0.75 * scale)))
    strip = np.asarray(grey, np.float32)[:, left:right]
    pad = int(np.ceil((SIZE + 2) * scale))
    canvas = np.full((strip.shape[0] + 2 * pad, strip.shape[1] + 2 * pad), paper, np.float32)
    canvas[pad:pad + strip.shape[0], pad:pad + strip.shape[1]] = strip
    cx = (x0 + x1) / 2 - left + pad
    cy = top + pad - TOP * scale
    half = SIZE * scale / 2
    box = (cx - half, cy, cx + half, cy + 2 * half)
    out = Image.fromarray(canvas).resize((SIZE, SIZE), Image.BILINEAR, box=box)
    return np.clip(np.rint(np.asarray(out)), 0, 255).astype(np.uint8)


def box_mean(grey, radius=1):
    """Mean over (2 radius + 1)^2 pixels, edges repeated. grey: [h, w]; returns float32 [h, w]."""
    n = 2 * radius + 1
    p = np.pad(np.asarray(grey, np.float32), radius, mode="edge")
    rows = sum(p[i:i + grey.shape[0]] for i in range(n))
    return sum(rows[:, i:i + grey.shape[1]] for i in range(n)) / (n * n)


def ink_mask(grey):
    """Ink of a picture with dark ink on light paper. grey: [h, w], 0..255. Returns (bool [h, w], paper level).

    The threshold is as near to the paper as the noise allows, so that hairlines do not break: 4 noise deviations and
    8 grey levels for uneven light below the paper, between a quarter and 45 % of the way to the ink.
    """
    smooth = box_mean(grey)
    paper = float(np.median(smooth))
    contrast = paper - float(np.percentile(smooth, 1))
    if contrast < 30:
        raise ValueError("no dark ink on light paper found: ink and paper differ by %.0f grey levels, at least 30 are needed"
                         % contrast)
    noise = float(np.median(np.abs(smooth[:, 3:] - smooth[:, :-3]))) / (0.6745 * 2 ** 0.5)
    return smooth < paper - np.clip(4 * noise + 8, 0.25 * contrast, 0.45 * contrast), paper


def runs(flags):
    """The runs of true values in a 1-D array: a list of (first, one past the last)."""
    f = np.concatenate([[0], np.asarray(flags, np.int8), [0]])
    d = np.diff(f)
    return list(zip(np.flatnonzero(d == 1).tolist(), np.flatnonzero(d == -1).tolist()))


def segments(mask):
    """Characters of a line as column runs with their rows. Returns a list of (x0, x1, y0, y1), specks dropped."""
    rows = np.flatnonzero(mask.any(1))
    if rows.size == 0:
        raise ValueError("no ink found")
    found = []
    for x0, x1 in runs(mask.any(0)):
        ys = np.flatnonzero(mask[:, x0:x1].any(1))
        found.append((x0, x1, int(ys[0]), int(ys[-1]) + 1))
    tallest = max(s[3] - s[2] for s in found)
    return [s for s in found if s[3] - s[2] >= 0.5 * tallest]


def cap_rows(parts):
    """Cap height of a line: the median first and last row of its characters, so that a Q or J below the line does not count."""
    return float(np.median([p[2] for p in parts])), float(np.median([p[3] for p in parts]))


def cut_line(grey):
    """Cuts a picture of one line of text into cells.

    grey: [h, w], 0..255, dark ink on light paper, one line, at least MIN_GAP paper columns between characters.
    Returns (cells uint8 [n, SIZE, SIZE], blanks: positions in the text before which a blank stands).
    """
    grey = np.asarray(grey, np.float32)
    mask, paper = ink_mask(grey)
    parts = segments(mask)
    top, bottom = cap_rows(parts)
    cells = np.stack([cut_cell(grey, p[0], p[1], top, bottom, paper) for p in parts])
    gaps = np.array([b[0] - a[1] for a, b in zip(parts, parts[1:])], float)
    usual = np.median(gaps) if gaps.size else 0.0
    blanks = [i + 1 for i, g in enumerate(gaps) if g > min(usual, 0.45 * (bottom - top)) + BLANK * (bottom - top)]
    return cells, blanks


def join_text(characters, blanks):
    """The text of a line: characters with blanks put back. blanks: positions as `cut_line` returns them."""
    at = set(blanks)
    return "".join((" " if i in at else "") + c for i, c in enumerate(characters))
