#!/usr/bin/env python3
"""Every model and network of the shared data, quantised on random inputs: every backend agrees with the interpreter.

The quick level (TF2_TEST_LEVEL unset or quick) takes small models that cover the operators; the level all takes every
one but the recurrent. Networks without weights get random ones: their signal-to-noise ratio is not judged.

Usage: zoo.py [NAME...]
"""
import concurrent.futures
import os
import pathlib
import subprocess
import sys
import tempfile
import time

from harness import Skip, main, shared

try:
    import numpy
except ImportError:
    numpy = None

SAMPLES = 2
THREADS = 1  # of each of the two processes that run at a time
LEAST_SNR_DB = 10.0  # of the last layer, where the weights are trained


class Model:
    """A file with the shapes of its inputs and how it is tried."""

    def __init__(self, file, shape, weights=None, quick=False, trained=True, seconds=600, scale=1.0, least=LEAST_SNR_DB,
                 flags=(), others=None):
        self.file, self.shape, self.weights = file, shape, weights
        self.quick, self.trained, self.seconds, self.scale, self.least = quick, trained, seconds, scale, least
        self.more_flags = flags
        self.others = others  # inputs beside "data", the same for every sample

    def flags(self):
        flags = [shared(self.file)]
        if self.weights:
            flags += ["--weights", shared(self.weights)]
        elif self.file.endswith(".prototxt"):
            flags += ["--random-weights", 1]
        return [*flags, *self.more_flags]

    def data(self, folder):
        """The samples: uniform in 0 to `scale`, the same at every run."""
        x = numpy.random.default_rng(1).uniform(0, self.scale, (SAMPLES, *self.shape)).astype(numpy.float32)
        if self.others:
            numpy.savez(folder / "x.npz", data=x, **{name: numpy.stack([v] * SAMPLES) for name, v in self.others.items()})
            return folder / "x.npz"
        path = folder / "x.npy"
        numpy.save(path, x)
        return path


def model(folder, name, shape, weights=None, **how):
    return Model(f"models/{folder}/{name}", shape, weights and f"models/{folder}/{weights}", **how)


def network(name, side=224, **how):
    return Model(f"networks/{name}", (3, side, side), trained=False, **how)


MODELS = {
    "espcn resize": model("onnx_espcn_qonnx", "nn_resize_quant.onnx", (3, 128, 128), quick=True),
    "espcn subpixel": model("onnx_espcn_qonnx", "subpixel_quant.onnx", (3, 128, 128), quick=True),
    "finn tfc": model("onnx_finn_tfc", "model.onnx", (1, 28, 28), quick=True, scale=255,
                      least=6.0),
    "hls4ml keras": model("onnx_hls4ml", "three_layer_keras.onnx", (16,), quick=True),
    "hls4ml unet": model("onnx_hls4ml", "tiny_unet_ch_last.onnx", (256, 256, 3), least=8.0),
    "mnist": model("onnx_mnist", "mnist.onnx", (1, 28, 28), quick=True, scale=255),
    "mobilenet 0.25": model("onnx_mobilenet_v1_025_derived", "mobilenet_v1_0.25_224.onnx", (3, 224, 224), quick=True),
    "tfc 1w1a": model("onnx_qonnx_zoo", "TFC_1W1A.onnx", (1, 28, 28), quick=True),
    "tfc 1w2a": model("onnx_qonnx_zoo", "TFC_1W2A.onnx", (1, 28, 28), quick=True),
    "jet tagging": model("onnx_qonnx_zoo", "qkeras_jettagging.onnx", (16,), quick=True),
    "unsw nb15": model("onnx_qonnx_zoo", "unsw_nb15-mlp-w2a2.onnx", (600,), quick=True),
    "resnet20 onnx": model("onnx_resnet20_cifar10", "resnet20.onnx", (3, 32, 32), quick=True),
    "ultraface onnx": model("onnx_ultraface", "version-RFB-320_without_postprocessing.onnx", (3, 240, 320), quick=True),
    "yunet n": model("onnx_yunet", "yunet_n_320_320.onnx", (3, 320, 320), scale=255),
    "yunet s": model("onnx_yunet", "yunet_s_320_320.onnx", (3, 320, 320), quick=True, scale=255),
    "cifar10 full": model("caffe_cifar10_full", "cifar10_full.prototxt", (3, 32, 32), "cifar10_full_iter_70000.caffemodel",
                          quick=True, scale=100),
    "cifar10 full ternary": model("caffe_cifar10_full", "cifar10_full.prototxt", (3, 32, 32),
                                  "cifar10_full_ternary_iter_70000.caffemodel", scale=100),
    "cifar10 quick": model("caffe_cifar10_quick", "cifar10_quick.prototxt", (3, 32, 32),
                           "cifar10_quick_iter_5000.caffemodel", quick=True, scale=100),
    "lenet": model("caffe_lenet", "lenet.prototxt", (1, 28, 28), "lenet_iter_10000.caffemodel", quick=True),
    "mtcnn p": model("caffe_mtcnn", "det1.prototxt", (3, 12, 12), "det1.caffemodel", quick=True),
    "mtcnn r": model("caffe_mtcnn", "det2.prototxt", (3, 24, 24), "det2.caffemodel", quick=True),
    "mtcnn o": model("caffe_mtcnn", "det3.prototxt", (3, 48, 48), "det3.caffemodel", quick=True),
    "resnet20 caffe": model("caffe_resnet20_cifar10", "deploy.prototxt", (3, 32, 32), "ResNet_20.caffemodel", quick=True,
                            scale=100),
    "resnet20 caffe, training file": model("caffe_resnet20_cifar10", "res20_cifar_train_test.prototxt", (3, 32, 32),
                                           "ResNet_20.caffemodel", scale=100, flags=["--input-shape", "Data1=1x3x32x32"]),
    "squeezenet 1.1 trained": model("caffe_squeezenet_v1.1", "deploy.prototxt", (3, 227, 227), "squeezenet_v1.1.caffemodel",
                                    scale=100),
    "ultraface caffe": model("caffe_ultraface", "RFB-320.prototxt", (3, 240, 320), "RFB-320.caffemodel"),
    "alexnet": network("bvlc_alexnet/deploy.prototxt", 227),
    "googlenet": network("bvlc_googlenet/deploy.prototxt"),
    "caffenet": network("bvlc_reference_caffenet/deploy.prototxt", 227),
    "faster rcnn": network("faster_rcnn_vgg16/faster_rcnn_vgg16_test.prototxt",
                           others={"im_info": numpy and numpy.float32([224, 224, 1])}),
    "mobilenet": network("mobilenet/mobilenet_deploy.prototxt"),
    "mobilenet v2": network("mobilenet/mobilenet_v2_deploy.prototxt"),
    "squeezenet 1.0": network("squeezenet/squeezenet_v1.0_deploy.prototxt", 227),
    "squeezenet 1.1": network("squeezenet/squeezenet_v1.1_deploy.prototxt", 227),
    "squeezenext": network("squeezenext/1.0-SqNxt-23v5_train_val.prototxt", 227,
                           flags=["--input-shape", "data=1x3x227x227"]),
    "ssd mobilenet": network("ssd_mobilenet/MobileNetSSD_voc_deploy.prototxt", 300),
    "ssd300": network("ssd_vgg300/ssd300_vgg16_voc_deploy.prototxt", 300),
    **{f"resnet-{n}": network(f"resnet_he/ResNet-{n}-deploy.prototxt") for n in (50, 101, 152)},
    **{name: network(f"soeaver/deploy_{name}.prototxt", side) for name, side in (
        ("densenet121", 224), ("inception-v2", 231), ("inception-v3", 299), ("inception-v4", 299), ("resnet101-v2", 224),
        ("resnet18-priv", 224), ("resnext50-32x4d", 224), ("vgg16-pytorch", 224), ("vgg19bn-pytorch", 224),
        ("xception", 299))},
    **{f"light {name}": network(f"onnx_light/light_{name}.onnx") for name in (
        "bvlc_alexnet", "densenet121", "inception_v1", "inception_v2", "resnet50", "shufflenet", "squeezenet", "vgg19",
        "zfnet512")},
}


def call(runner, how, *args):
    """What `tf2 args --json` prints; the case fails when tf2 does or runs longer than the model may."""
    try:
        return runner.json(*args, "--threads", THREADS, timeout=how.seconds)
    except subprocess.TimeoutExpired:
        raise AssertionError(f"tf2 {args[0]} did not finish in {how.seconds} s") from None


def tried(runner, how):
    """Quantises a model to 8 bits and compares its artifact's backends with the interpreter."""
    if numpy is None:
        raise Skip("numpy is absent")
    flags = how.flags()
    with tempfile.TemporaryDirectory(dir=runner.work) as scratch:
        folder = pathlib.Path(scratch)
        data, artifact = how.data(folder), folder / "a.tf2"
        start = time.monotonic()
        call(runner, how, "quantize", *flags, "--data", data, "--bits", 8, "--method", "nearest", "-o", artifact)
        middle = time.monotonic()
        weights = flags[1:]
        report = call(runner, how, "verify", artifact, "--data", data, "--limit", 1, "--links", "reference,cpu",
                      "--float", flags[0], *weights)
        end = time.monotonic()
    assert report["compared"] > 0 and report["mismatches"] == 0, \
        f"{report['mismatches']} of {report['compared']} tensors differ, first {report['first']}"
    ratios = [layer["snr_db"] for layer in report["layer_reports"] if layer["snr_db"] is not None]
    text = f"{report['compared']} tensors equal; quantize {middle - start:.1f} s, verify {end - middle:.1f} s"
    if not ratios:
        return f"{text}; no layer has a float one to compare with"
    assert not how.trained or ratios[-1] >= how.least, f"{ratios[-1]:.1f} dB at the last layer, at least {how.least} expected"
    return f"{text}; {ratios[-1]:.1f} dB at the last layer"


def in_parallel(wanted):
    """Cases that wait for what two workers did, so that they report in order."""
    pool = concurrent.futures.ThreadPoolExecutor(2)
    futures = {}

    def start(runner):
        for name, how in wanted.items():
            futures[name] = pool.submit(tried, runner, how)

    def case(name):
        def check(runner):
            if not futures:
                start(runner)
            return futures[name].result()
        return check

    return {name: case(name) for name in wanted}


def selected():
    """The models of the level; those named on the command line whatever the level."""
    names = sys.argv[1:]
    if names:
        return {name: how for name, how in MODELS.items() if any(n in name for n in names)}
    everything = os.environ.get("TF2_TEST_LEVEL") == "all"
    return {name: how for name, how in MODELS.items() if everything or how.quick}


if __name__ == "__main__":
    sys.exit(main(in_parallel(selected())))
