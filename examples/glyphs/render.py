#!/usr/bin/env python3
"""Renders printed characters from packaged fonts, with the faults of a scan.

    render.py train --count 120000 --seed 1 -o train.npz     fonts the network is trained on
    render.py val   --count 6000   --seed 2 -o val.npz       fonts used to choose between networks
    render.py test  --count 2000   --seed 3 -o test.npz      held-out fonts
    render.py test  --count 360    --seed 3 --folder DIR     PNGs in DIR/<class>/
    render.py line  --text "FPGA 2026" -o line.png           a line of text in a held-out font
    render.py fonts                                          the automatic test of every face

The same arguments give the same bytes (with the same font packages). Needs numpy and Pillow only.
"""
import argparse
import functools
import multiprocessing
import os
import sys

import numpy as np
from PIL import Image, ImageDraw, ImageFont

import cells

HERE = os.path.dirname(os.path.abspath(__file__))
FONT_DIR = "/usr/share/fonts"

# Ranges of the simulated scan; every value is drawn uniformly. "cap" is the cap height in scan pixels.
CAP_PIXELS = (14, 16, 18, 20, 23, 26, 30, 34, 38)
ROTATION = 3.0             # degrees, either way
SHEAR = 0.06               # columns per row, either way
STRETCH = 0.05             # horizontal, relative, either way
WARP = 0.025               # amplitude of the smooth displacement, in cap heights
BLUR = (0.0, 0.05)         # Gaussian sigma, in cap heights
PAPER = (160.0, 250.0)     # grey level
INK = (5.0, 100.0)         # grey level
MIN_CONTRAST = 90.0        # paper - ink, grey levels
GRADIENT = 12.0            # change of light across the picture, grey levels
NOISE = (0.0, 16.0)        # Gaussian sigma, grey levels
ROW_ERROR = 0.035          # error of the measured cap line and baseline, in cap heights, either way
COLUMN_ERROR = 0.035       # error of the measured centre, in cap heights, either way
LINE_CAP_PIXELS = (20, 24, 28, 32, 36, 40)
MIN_BLANK = 0.5            # least width of a blank, in cap heights
TRACKING = (0.10, 0.22)    # extra space between the characters of a line, in cap heights

# The automatic test of a face; see `judge`.
DIGIT_HEIGHT = (0.92, 1.13)
MIN_O_ASPECT, MAX_ZERO_ASPECT, MIN_ASPECT_RATIO = 0.77, 0.76, 1.12
MIN_MARKED_ASPECT = 0.72
MIN_I_ONE = 0.08


class Fault(Exception):
    """A message for the user."""


def read_fonts(use, root=FONT_DIR):
    """The table of faces: a list of (family, path) whose use is `use` ("train", "val", "test" or None for all)."""
    rows = []
    with open(os.path.join(HERE, "fonts.txt"), encoding="utf-8") as f:
        for line in f:
            if line.strip() and not line.startswith("#"):
                kind, family, package, name = [p.strip() for p in line.split("|")]
                if use in (None, kind):
                    rows.append((kind, family, package, os.path.join(root, name)))
    missing = sorted({r[2] for r in rows if not os.path.exists(r[3])})
    if missing:
        raise Fault("fonts are missing; install the Debian packages: " + " ".join(missing))
    return rows


@functools.lru_cache(maxsize=4096)
def load_font(path, size):
    return ImageFont.truetype(path, size)


@functools.lru_cache(maxsize=1024)
def cap_per_em(path):
    """Cap height of a face as a fraction of its size, from the ink of an H."""
    box = load_font(path, 400).getbbox("H", anchor="ls")
    return -box[1] / 400.0


def font_for_cap(path, cap):
    """The face at the size whose cap height is nearest to `cap` pixels. Returns (font, true cap height in pixels)."""
    size = max(4, int(round(cap / cap_per_em(path))))
    return load_font(path, size), size * cap_per_em(path)


@functools.lru_cache(maxsize=200000)
def glyph(path, cap, char):
    """Coverage of a character: uint8 [h, w], the row of its baseline, and the true cap height, all in pixels."""
    font, true_cap = font_for_cap(path, cap)
    x0, y0, x1, y1 = font.getbbox(char, anchor="ls")
    margin = int(np.ceil(0.35 * cap))
    im = Image.new("L", (x1 - x0 + 2 * margin, y1 - y0 + 2 * margin), 0)
    ImageDraw.Draw(im).text((margin - x0, margin - y0), char, fill=255, font=font, anchor="ls")
    return np.asarray(im), margin - y0, true_cap


def sample(image, y, x):
    """Bilinear samples of image [h, w] at real coordinates y, x (same shape); 0 outside. Returns float32."""
    h, w = image.shape
    padded = np.zeros((h + 2, w + 2), np.float32)
    padded[1:-1, 1:-1] = image
    y = np.clip(y + 1, 0, h + 0.999)
    x = np.clip(x + 1, 0, w + 0.999)
    yi, xi = y.astype(np.int32), x.astype(np.int32)
    fy, fx = y - yi, x - xi
    flat, at = padded.ravel(), yi * (w + 2) + xi
    top = flat[at] * (1 - fx) + flat[at + 1] * fx
    low = flat[at + w + 2] * (1 - fx) + flat[at + w + 3] * fx
    return top * (1 - fy) + low * fy


def warp(image, baseline, cap, rng):
    """Rotates, shears, stretches and bends a glyph about the middle of its cap height.

    image: [h, w] coverage at 2 x scan resolution; baseline, cap: pixels of it. Returns float32 of the same shape.
    """
    angle = np.deg2rad(rng.uniform(-ROTATION, ROTATION))
    shear, stretch = rng.uniform(-SHEAR, SHEAR), 1 + rng.uniform(-STRETCH, STRETCH)
    h, w = image.shape
    y, x = np.mgrid[0:h, 0:w].astype(np.float32)
    y -= baseline - cap / 2
    x -= (w - 1) / 2
    c, s = np.cos(angle), np.sin(angle)
    ys, xs = c * y - s * x, (s * y + c * x) / stretch + shear * y
    amplitude = rng.uniform(0, WARP) * cap
    k, p = rng.uniform(2, 5, 2) / cap, rng.uniform(0, 2 * np.pi, 2)
    ys += amplitude * np.sin(k[0] * x + p[0])
    xs += amplitude * np.sin(k[1] * y + p[1])
    return sample(image, ys + baseline - cap / 2, xs + (w - 1) / 2)


def halve(image):
    """Mean of 2 x 2 pixels. image: [h, w]; an odd last row or column is repeated."""
    h, w = image.shape
    image = np.pad(image, ((0, h % 2), (0, w % 2)), mode="edge")
    return (image[0::2, 0::2] + image[1::2, 0::2] + image[0::2, 1::2] + image[1::2, 1::2]) / 4


def blur(image, sigma):
    """Gaussian blur. image: [h, w]; sigma: pixels."""
    if sigma < 0.2:
        return image
    r = int(np.ceil(3 * sigma))
    k = np.exp(-0.5 * (np.arange(-r, r + 1) / sigma) ** 2)
    k /= k.sum()
    p = np.pad(image, r, mode="edge")
    rows = sum(k[i] * p[i:i + image.shape[0]] for i in range(2 * r + 1))
    return sum(k[i] * rows[:, i:i + image.shape[1]] for i in range(2 * r + 1))


def expose(coverage, cap, rng):
    """Coverage 0..1 [h, w] to grey levels of a scan: blur, paper and ink, uneven light, noise. Returns (grey float, paper)."""
    image = blur(coverage, rng.uniform(*BLUR) * cap)
    paper = rng.uniform(*PAPER)
    ink = rng.uniform(INK[0], min(INK[1], paper - MIN_CONTRAST))
    h, w = image.shape
    light = rng.uniform(-GRADIENT, GRADIENT, 2)
    slope = light[0] * np.linspace(-0.5, 0.5, h)[:, None] + light[1] * np.linspace(-0.5, 0.5, w)[None, :]
    grey = paper + (ink - paper) * image + slope + rng.normal(0, rng.uniform(*NOISE), (h, w))
    return np.clip(grey, 0, 255), paper


def render_cell(path, char, rng):
    """One cell of a character: uint8 [cells.SIZE, cells.SIZE]."""
    image, baseline, cap = glyph(path, 2 * CAP_PIXELS[rng.integers(len(CAP_PIXELS))], char)
    coverage = halve(warp(image, baseline, cap, rng)) / 255.0
    baseline, cap = baseline / 2, cap / 2
    columns = np.flatnonzero((coverage > 0.3).any(0))
    grey, paper = expose(coverage, cap, rng)
    shift = rng.uniform(-COLUMN_ERROR, COLUMN_ERROR) * cap
    x0, x1 = columns[0] + shift, columns[-1] + 1 + shift
    top = baseline - cap + rng.uniform(-ROW_ERROR, ROW_ERROR) * cap
    bottom = baseline + rng.uniform(-ROW_ERROR, ROW_ERROR) * cap
    return cells.cut_cell(grey, x0, x1, top, bottom, paper)


def marked(image):
    """Whether a zero has a dot or a slash: ink in the middle of its ink box. image: [h, w] coverage 0..255."""
    ys, xs = np.flatnonzero((image > 128).any(1)), np.flatnonzero((image > 128).any(0))
    y, x = (ys[0] + ys[-1]) // 2, (xs[0] + xs[-1]) // 2
    r = max(1, (ys[-1] - ys[0]) // 20)
    return image[y - r:y + r + 1, x - r:x + r + 1].mean() > 64


def shape(image):
    """(height, aspect ratio) of the ink of a glyph, pixels. image: [h, w] coverage 0..255."""
    ys, xs = np.flatnonzero((image > 128).any(1)), np.flatnonzero((image > 128).any(0))
    return ys[-1] - ys[0] + 1, (xs[-1] - xs[0] + 1) / (ys[-1] - ys[0] + 1)


def difference(path, a, b):
    """Ink that two characters do not share, as a fraction of their ink, cap lines and centres aligned (best of 5 shifts)."""
    pictures = []
    for char in (a, b):
        image, baseline, cap = glyph(path, 64, char)
        xs = np.flatnonzero((image > 128).any(0))
        canvas = np.zeros((160, 200), np.float32)
        y, x = 110 - baseline, 100 - (xs[0] + xs[-1] + 1) // 2
        canvas[y:y + image.shape[0], x:x + image.shape[1]] = image
        pictures.append(canvas)
    p, q = pictures
    return min(np.abs(p - np.roll(q, s, 1)).sum() for s in range(-4, 5, 2)) / (p.sum() + q.sum())


@functools.lru_cache(maxsize=1024)
def judge(path):
    """Why a face is not used, or None. See README.md, "Which faces are used"."""
    cap = shape(glyph(path, 200, "H")[0])[0]
    for digit in "01":
        height = shape(glyph(path, 200, digit)[0])[0] / cap
        if not DIGIT_HEIGHT[0] <= height <= DIGIT_HEIGHT[1]:
            return "%s is %.2f cap heights tall" % (digit, height)
    zero = glyph(path, 200, "0")[0]
    o_aspect, z_aspect = shape(glyph(path, 200, "O")[0])[1], shape(zero)[1]
    if marked(zero):
        if o_aspect < MIN_MARKED_ASPECT:
            return "condensed: the O is %.2f wide" % o_aspect
    elif o_aspect < MIN_O_ASPECT or z_aspect > MAX_ZERO_ASPECT or o_aspect < MIN_ASPECT_RATIO * z_aspect:
        return "O (%.2f wide) and 0 (%.2f wide) look alike" % (o_aspect, z_aspect)
    if difference(path, "I", "1") < MIN_I_ONE:
        return "I and 1 look alike"
    return None


def usable(use, root):
    """Faces that pass `judge`, by family: a list of lists of paths, in the order of the table."""
    families = {}
    for _, family, _, path in read_fonts(use, root):
        if judge(path) is None:
            families.setdefault(family, []).append(path)
    return [families[f] for f in families]


def make_one(job):
    """Cell and label of picture number i. A picture depends on (seed, i) only. job: (families, seed, i)."""
    families, seed, i = job
    rng = np.random.default_rng([seed, i])
    names = cells.labels()
    label = i % len(names)
    faces = families[rng.integers(len(families))]
    return render_cell(faces[rng.integers(len(faces))], names[label], rng), label


def make_set(use, count, seed, root=FONT_DIR, processes=1):
    """A set of pictures, classes in equal numbers, in a random order. Returns (uint8 [n, SIZE, SIZE], int64 [n])."""
    families = usable(use, root)
    jobs = ((families, seed, i) for i in range(count))
    if processes > 1:
        with multiprocessing.Pool(processes) as pool:
            done = list(pool.imap(make_one, jobs, chunksize=500))
    else:
        done = [make_one(j) for j in jobs]
    order = np.random.default_rng([seed, count]).permutation(count)
    return np.stack([d[0] for d in done])[order], np.array([d[1] for d in done], np.int64)[order]


def render_line(text, seed, root=FONT_DIR, use="test", family=None):
    """A picture of a line of text in one face. Returns (uint8 [h, w], family)."""
    rng = np.random.default_rng([seed, 77])
    unknown = sorted(set(text) - set(cells.labels() + " "))
    if unknown or not text.strip():
        raise Fault("a line consists of 0-9, A-Z and blanks" + (", not " + repr("".join(unknown)) if unknown else ""))
    faces = [(f, p) for _, f, _, p in read_fonts(use, root) if judge(p) is None and family in (None, f)]
    if not faces:
        raise Fault("no usable %s font of family %r" % (use, family))
    name, path = faces[rng.integers(len(faces))]
    font, cap = font_for_cap(path, 2 * LINE_CAP_PIXELS[rng.integers(len(LINE_CAP_PIXELS))])
    gap = rng.uniform(*TRACKING) * cap
    advances = [max(font.getlength(c), MIN_BLANK * cap if c == " " else 0) + gap for c in text]
    margin = int(cap)
    im = Image.new("L", (int(sum(advances)) + 2 * margin, int(2.6 * cap)), 0)
    draw, x, baseline = ImageDraw.Draw(im), float(margin), int(1.8 * cap)
    for char, advance in zip(text, advances):
        draw.text((int(round(x)), baseline), char, fill=255, font=font, anchor="ls")
        x += advance
    grey, _ = expose(halve(np.asarray(im, np.float32)) / 255.0, cap / 2, rng)
    return np.rint(grey).astype(np.uint8), name


def write_atomic(path, write):
    """Calls write(file) on a temporary file beside `path`, then renames it."""
    temporary = path + ".part"
    with open(temporary, "wb") as f:
        write(f)
    os.replace(temporary, path)


def write_folder(folder, images, labels):
    """PNGs as folder/<class>/<number>.png. images: uint8 [n, h, w]; labels: int64 [n]."""
    for i, (image, label) in enumerate(zip(images, labels)):
        place = os.path.join(folder, cells.labels()[label])
        os.makedirs(place, exist_ok=True)
        Image.fromarray(image).save(os.path.join(place, "%05d.png" % i))


def list_fonts(root):
    """Prints the verdict on every face of the table."""
    for use, family, package, path in read_fonts(None, root):
        print("%-5s %-20s %-34s %s" % (use, family, os.path.basename(path), judge(path) or "used"))


def run(args):
    if args.mode == "fonts":
        list_fonts(args.fonts)
    elif args.mode == "line":
        image, family = render_line(args.text, args.seed, args.fonts, family=args.family)
        write_atomic(args.output or "line.png", lambda f: Image.fromarray(image).save(f, format="PNG"))
        print("%s: %d x %d pixels, %s" % (args.output or "line.png", image.shape[1], image.shape[0], family))
    else:
        if not (args.output or args.folder):
            raise Fault("give -o FILE.npz or --folder DIR")
        images, labels = make_set(args.mode, args.count, args.seed, args.fonts, args.processes)
        if args.output:
            write_atomic(args.output, lambda f: np.savez(f, images=images, labels=labels))
        if args.folder:
            write_folder(args.folder, images, labels)
        print("%d pictures of %d x %d" % images.shape)


def main():
    p = argparse.ArgumentParser(description="Renders printed characters from packaged fonts.")
    p.add_argument("mode", choices=["train", "val", "test", "line", "fonts"])
    p.add_argument("--count", type=int, default=2000, help="number of pictures")
    p.add_argument("--seed", type=int, default=3)
    p.add_argument("-o", "--output", help="file to write (.npz with images and labels, or .png for a line)")
    p.add_argument("--folder", help="folder for PNGs, one sub-folder a class")
    p.add_argument("--text", default="FPGA 2026", help="text of the line")
    p.add_argument("--family", help="font family of the line, default: any held-out one")
    p.add_argument("--fonts", default=FONT_DIR, help="font folder")
    p.add_argument("--processes", type=int, default=1)
    try:
        run(p.parse_args())
    except (Fault, OSError) as e:
        sys.exit("render.py: " + str(e))


if __name__ == "__main__":
    main()
