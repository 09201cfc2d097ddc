"""The network: convolutions with ReLU and one fully connected layer, and what it costs on an engine of 8 x 8 lanes."""
from torch import nn

import cells

CLASSES = 36
LANES = 8
MEMORY_WORDS = 512      # feature words a layer's input and output may take together
WEIGHT_BLOCKS = 256     # 8 x 8 weight blocks of all layers together
# (output channels, kernel, stride) of every convolution; no padding anywhere.
DEFAULT = "16:4:2 16:3:2 24:2:1 24:2:2"


def parse(text):
    """"16:4:2 24:3:1" to [(16, 4, 2), (24, 3, 1)]."""
    return [tuple(int(n) for n in part.split(":")) for part in text.split()]


def blocks(channels):
    """Number of words or lane groups that hold this many channels."""
    return -(-channels // LANES)


def layers(spec):
    """Cost of each layer on 8 x 8 lanes: a list of dicts with words, weight blocks and cycles.

    The first layer's taps are folded into channels by the host, the last layer's outputs have 16 bits.
    """
    table, ic, size = [], 1, cells.SIZE
    for i, (oc, k, s) in enumerate(spec + [(CLASSES, 0, 1)]):
        last = i == len(spec)
        k = size if last else k
        out = (size - k) // s + 1
        steps = blocks(ic * k * k) if i == 0 else blocks(ic) * k * k
        words_in = steps * out * out if i == 0 else blocks(ic) * size * size
        words_out = 2 * blocks(oc) if last else blocks(oc) * out * out
        table.append(dict(name="fc" if last else "conv%d" % (i + 1), ic=ic, oc=oc, k=k, s=s, size=size, out=out,
                          words_in=words_in, words_out=words_out, blocks=blocks(oc) * steps,
                          cycles=blocks(oc) * steps * out * out, taps=ic * k * k))
        ic, size = oc, out
    return table


def verify(spec):
    """Raises ValueError with the layer's name where the network does not fit the engine."""
    table = layers(spec)
    for t in table:
        if t["words_in"] + t["words_out"] > MEMORY_WORDS:
            raise ValueError("%s needs %d feature words, there are %d"
                             % (t["name"], t["words_in"] + t["words_out"], MEMORY_WORDS))
        if t["taps"] > 1024:
            raise ValueError("%s has %d taps a row, at most 1024 are possible" % (t["name"], t["taps"]))
    total = sum(t["blocks"] for t in table)
    if total > WEIGHT_BLOCKS:
        raise ValueError("the network needs %d weight blocks, there are %d" % (total, WEIGHT_BLOCKS))
    return table


def build(spec, norm):
    """The float network, input [n, 1, SIZE, SIZE] normalised, output [n, 36]. norm: batch-norm after each convolution."""
    parts = []
    for t in layers(spec)[:-1]:
        parts.append(nn.Conv2d(t["ic"], t["oc"], t["k"], t["s"], bias=not norm))
        if norm:
            parts.append(nn.BatchNorm2d(t["oc"]))
        parts.append(nn.ReLU())
    last = layers(spec)[-1]
    return nn.Sequential(*parts, nn.Flatten(), nn.Linear(last["taps"], last["oc"]))


def print_table(spec):
    """Prints the cost table of a network."""
    print("%-6s %-10s %-22s %6s %6s %7s %7s" % ("layer", "output", "kernel", "words", "sum", "blocks", "cycles"))
    table = verify(spec)
    for t in table:
        print("%-6s %-10s %-22s %6s %6d %7d %7d" % (
            t["name"], "%dx%dx%d" % (t["oc"], t["out"], t["out"]), "%dx%d, stride %d, %d taps" % (t["k"], t["k"], t["s"], t["taps"]),
            "%d+%d" % (t["words_in"], t["words_out"]), t["words_in"] + t["words_out"], t["blocks"], t["cycles"]))
    print("total  %d weight blocks, %d cycles" % (sum(t["blocks"] for t in table), sum(t["cycles"] for t in table)))


if __name__ == "__main__":
    import sys
    print_table(parse(sys.argv[1] if len(sys.argv) > 1 else DEFAULT))
