#!/usr/bin/env python3
"""Trains the glyph reader and writes glyphs.onnx (float weights).

    train.py --train train.npz --val val.npz -o glyphs.onnx

First a float phase with batch-norm, then batch-norm is folded into the weights and training goes on with 4-bit weights and int8
features in the loop (straight-through), the way tf2 quantises them. The written weights are the float masters of that
phase. An interrupted run goes on from its checkpoint (--checkpoint). Needs PyTorch, ONNX and numpy.
"""
import argparse
import math
import os
import sys

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

import cells
import network
import quantise

CALIBRATION = 4096      # pictures of the training set from which feature ranges are taken
FREEZE = 0.5            # fraction of the 4-bit phase after which feature exponents stay


class Fault(Exception):
    """A message for the user."""


def load(path):
    """A rendered set: (float [n, 1, SIZE, SIZE] normalised, int64 [n])."""
    if not os.path.exists(path):
        raise Fault("%s is missing; render it first, see README.md" % path)
    with np.load(path) as data:
        x = torch.from_numpy(data["images"]).unsqueeze(1)
        y = torch.from_numpy(data["labels"])
    if tuple(x.shape[1:]) != (1, cells.SIZE, cells.SIZE):
        raise Fault("%s has pictures of shape %s, not %d x %d" % (path, tuple(x.shape[2:]), cells.SIZE, cells.SIZE))
    return x, y


def normalise(x):
    """uint8 pictures to network input: (grey - MEAN) / STD."""
    return (x.float() - cells.MEAN) / cells.STD


def fold(model, spec):
    """The network without batch-norm that computes what `model` computes in evaluation mode."""
    plain = network.build(spec, norm=False)
    sources = [m for m in model if not isinstance(m, (nn.ReLU, nn.Flatten))]
    targets = [m for m in plain if isinstance(m, (nn.Conv2d, nn.Linear))]
    at = 0
    with torch.no_grad():
        for t in targets:
            t.weight.copy_(sources[at].weight)
            if sources[at].bias is not None:
                t.bias.copy_(sources[at].bias)
            at += 1
            if at < len(sources) and isinstance(sources[at], nn.BatchNorm2d):
                n = sources[at]
                g = n.weight / torch.sqrt(n.running_var + n.eps)
                t.weight.mul_(g.view(-1, 1, 1, 1))
                t.bias.copy_(n.bias - n.running_mean * g)
                at += 1
    return plain


def weights_of(model):
    """Convolutions and the fully connected layer, in order."""
    return [m for m in model if isinstance(m, (nn.Conv2d, nn.Linear))]


def as_convolution(layer, channels):
    """Weights of a layer as [oc, ic, kh, kw]; a fully connected layer after [ic, k, k] becomes a k x k convolution."""
    if isinstance(layer, nn.Conv2d):
        return layer.weight
    k = int(math.isqrt(layer.weight.shape[1] // channels))
    return layer.weight.view(-1, channels, k, k)


def ranges(model, x):
    """Largest magnitude per channel of the input of every layer: a list of [ic]. x: uint8 pictures."""
    model.eval()
    with torch.no_grad():
        v, found = normalise(x), []
        for m in model:
            if isinstance(m, nn.Conv2d):
                found.append(v.abs().amax((0, 2, 3)))
            if isinstance(m, nn.Flatten):
                found.append(v.abs().amax((0, 2, 3)))
            v = m(v)
    return found


def forward_quantised(model, v, q, straight=True):
    """The network with 4-bit weights and int8 features. v: [n, 1, h, w]; q: exponents of every layer's input, list of [ic]."""
    last = len(q) - 1
    for i, layer in enumerate(weights_of(model)):
        w = as_convolution(layer, len(q[i]))
        with torch.no_grad():
            rounded = quantise.round_weights(w, q[i])
        w = quantise.straight_through(w, rounded) if straight else rounded
        v = F.conv2d(quantise.round_features(v, q[i]), w, layer.bias, layer.stride if isinstance(layer, nn.Conv2d) else 1)
        v = v if i == last else F.relu(v)
    return v.flatten(1)


def accuracy(run, x, y):
    """Fraction of pictures whose class is right. run: normalised pictures to scores."""
    good = 0
    with torch.no_grad():
        for i in range(0, len(x), 1000):
            good += int((run(normalise(x[i:i + 1000])).argmax(1) == y[i:i + 1000]).sum())
    return good / len(x)


def epoch(run, parameters, optimiser, schedule, x, y, batch, smoothing):
    """One pass over the training set. Returns the mean loss."""
    order, total = torch.randperm(len(x)), 0.0
    for i in range(0, len(x) - batch + 1, batch):
        pick = order[i:i + batch]
        loss = F.cross_entropy(run(normalise(x[pick])), y[pick], label_smoothing=smoothing)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 5.0)
        optimiser.step()
        schedule.step()
        total += float(loss) * batch
    return total / len(x)


def save(path, state):
    """Writes a checkpoint atomically."""
    torch.save(state, path + ".part")
    os.replace(path + ".part", path)


def run_phase(name, model, forward, epochs, rate, data, args, state, before=None):
    """Trains one phase, resuming from `state`, and saves a checkpoint after each epoch.

    forward: normalised pictures to scores. before: called with the epoch's number before it.
    """
    x, y, vx, vy = data
    parameters = list(model.parameters())
    optimiser = torch.optim.Adam(parameters, lr=rate)
    steps = epochs * (len(x) // args.batch)
    warm = max(1, steps // 10)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda i: min((i + 1) / warm, 0.5 * (1 + math.cos(math.pi * min(i, steps) / steps)) + 1e-3))
    start = 0
    if state.get("phase") == name:
        start = state["epoch"]
        model.load_state_dict(state["model"])
        optimiser.load_state_dict(state["optimiser"])
        schedule.load_state_dict(state["schedule"])
    for e in range(start, epochs):
        torch.manual_seed(args.seed * 1000 + e)
        if before:
            before(e)
        model.train()
        loss = epoch(forward, parameters, optimiser, schedule, x, y, args.batch, args.smoothing)
        model.eval()
        print("%s %2d/%d  loss %.4f  validation %.2f %%" % (name, e + 1, epochs, loss, 100 * accuracy(forward, vx, vy)),
              flush=True)
        state.update(phase=name, epoch=e + 1, model=model.state_dict(), optimiser=optimiser.state_dict(),
                     schedule=schedule.state_dict())
        save(args.checkpoint, state)


def train_float(spec, data, args, state):
    """The float phase. Returns the folded network."""
    torch.manual_seed(args.seed)
    model = network.build(spec, norm=True)
    if state.get("phase") == "4-bit":
        return network.build(spec, norm=False)
    run_phase("float", model, model, args.epochs, args.rate, data, args, state)
    model.eval()
    return fold(model, spec)


def train_quantised(plain, data, args, state):
    """The phase with 4-bit weights and int8 features in the loop, in place."""
    q = state.get("q") if state.get("phase") == "4-bit" else None
    box = {"q": q}

    def recalibrate(e):
        if box["q"] is None or e < FREEZE * args.epochs4:
            box["q"] = [quantise.exponents(r) for r in ranges(plain, data[0][:CALIBRATION])]
            state["q"] = box["q"]

    run_phase("4-bit", plain, lambda v: forward_quantised(plain, v, box["q"]), args.epochs4, args.rate4, data, args, state,
              recalibrate)


def export(plain, path):
    """Writes the float network as ONNX, opset 11, input "image" [n, 1, SIZE, SIZE], output "scores" [n, 36]."""
    plain.eval()
    torch.onnx.export(plain, torch.zeros(1, 1, cells.SIZE, cells.SIZE), path + ".part", opset_version=11,
                      input_names=["image"], output_names=["scores"],
                      dynamic_axes={"image": {0: "n"}, "scores": {0: "n"}})
    os.replace(path + ".part", path)


def report(plain, x, y, calibration):
    """Prints float and 4-bit accuracy. calibration: uint8 pictures from which feature ranges are taken."""
    q = [quantise.exponents(r) for r in ranges(plain, calibration)]
    plain.eval()
    a = accuracy(plain, x, y)
    b = accuracy(lambda v: forward_quantised(plain, v, q, straight=False), x, y)
    print("float %.2f %%, 4-bit %.2f %%, loss %.2f points, %d pictures" % (100 * a, 100 * b, 100 * (a - b), len(x)))


def run(args):
    torch.set_num_threads(args.threads)
    spec = network.parse(args.network)
    network.print_table(spec)
    x, y = load(args.train)
    vx, vy = load(args.val)
    state = {}
    if os.path.exists(args.checkpoint):
        state = torch.load(args.checkpoint)
        if state["network"] != args.network:
            raise Fault("%s belongs to another network (%s); remove it" % (args.checkpoint, state["network"]))
        print("resuming: %s phase, %d epochs done" % (state["phase"], state["epoch"]))
    state["network"] = args.network
    data = (x, y, vx, vy)
    plain = train_float(spec, data, args, state)
    if state.get("phase") != "4-bit":
        print("folded float network on the validation fonts:", end=" ")
        report(plain, vx, vy, x[:CALIBRATION])
    train_quantised(plain, data, args, state)
    print("final network on the validation fonts:", end=" ")
    report(plain, vx, vy, x[:CALIBRATION])
    export(plain, args.output)
    print("wrote %s" % args.output)


def main():
    p = argparse.ArgumentParser(description="Trains the glyph reader.")
    p.add_argument("--train", default="train.npz")
    p.add_argument("--val", default="val.npz")
    p.add_argument("-o", "--output", default="glyphs.onnx")
    p.add_argument("--checkpoint", default="train.ckpt")
    p.add_argument("--network", default=network.DEFAULT, help="convolutions as channels:kernel:stride ...")
    p.add_argument("--epochs", type=int, default=16, help="of the float phase")
    p.add_argument("--epochs4", type=int, default=10, help="of the 4-bit phase")
    p.add_argument("--rate", type=float, default=3e-3)
    p.add_argument("--rate4", type=float, default=1e-3)
    p.add_argument("--batch", type=int, default=256)
    p.add_argument("--smoothing", type=float, default=0.03, help="label smoothing")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--threads", type=int, default=1)
    try:
        run(p.parse_args())
    except (Fault, ValueError, OSError) as e:
        sys.exit("train.py: " + str(e))


if __name__ == "__main__":
    main()
