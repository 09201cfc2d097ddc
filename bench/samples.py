"""The trained networks' test samples as preprocessed arrays [count, c, h, w] in float32, computed independently of tf2
(base/preprocessing.h says how): for peers, which cannot read tf2's data sets."""
import gzip
import lzma
import pathlib

import numpy as np


def _idx(path, count):
    data = gzip.open(path).read()
    n, h, w = (int.from_bytes(data[i : i + 4], "big") for i in (4, 8, 12))
    return np.frombuffer(data, np.uint8, offset=16).reshape(n, 1, h, w)[:count].astype(np.float32)


def _cifar(path, count):
    data = np.frombuffer(lzma.open(path).read(), np.uint8).reshape(-1, 3073)
    return data[:count, 1:].reshape(-1, 3, 32, 32).astype(np.float32)


def pictures(folder, count, crop, order, mean, std=(1, 1, 1)):
    """Centre crops of the pictures of a folder in the order of their names."""
    from PIL import Image
    paths = sorted(p for p in pathlib.Path(folder).iterdir() if p.suffix.lower() in (".jpg", ".jpeg", ".png"))[:count]
    out = np.empty((len(paths), 3, crop, crop), np.float32)
    for i, path in enumerate(paths):
        pixels = np.asarray(Image.open(path).convert("RGB"))
        top, left = (pixels.shape[0] - crop) // 2, (pixels.shape[1] - crop) // 2
        cut = pixels[top : top + crop, left : left + crop]
        out[i] = (cut[..., ::-1] if order == "bgr" else cut).transpose(2, 0, 1)
    shape = (1, 3, 1, 1)
    return (out - np.array(mean, np.float32).reshape(shape)) / np.array(std, np.float32).reshape(shape)


def _mean_image(path):
    """A Caffe BlobProto: packed floats in field 5."""
    data = pathlib.Path(path).read_bytes()
    floats = 3 * 32 * 32
    return np.frombuffer(data[len(data) - 4 * floats :], np.float32).reshape(3, 32, 32)


def of(network, test, count):
    if network == "lenet":
        return _idx(test, count) / np.float32(256)
    if network == "resnet20_onnx":
        mean = np.array([123.675, 116.28, 103.53], np.float32).reshape(1, 3, 1, 1)
        std = np.array([58.395, 57.12, 57.375], np.float32).reshape(1, 3, 1, 1)
        return (_cifar(test, count) - mean) / std
    if network == "resnet20_caffe":
        mean = pathlib.Path(test).parents[1] / "models/caffe_cifar10_quick/mean.binaryproto"
        return _cifar(test, count) - _mean_image(mean)
    if network == "squeezenet":
        return pictures(test, count, 227, "bgr", (104, 117, 123))
    raise KeyError(network)
