"""The trained networks of the shared data and how each is fed (see its README), and the shipped example."""
from harness import ROOT, shared

LENET = "models/caffe_lenet"
RESNET = "models/caffe_resnet20_cifar10"
CIFAR10_FULL = "models/caffe_cifar10_full"
SQUEEZENET = "models/caffe_squeezenet_v1.1"


def lenet():
    return {
        "model": [shared(f"{LENET}/lenet.prototxt"), "--weights", shared(f"{LENET}/lenet_iter_10000.caffemodel")],
        "pre": ["--mean", "0", "--std", "256"],
        "train": shared("mnist/train-images-idx3-ubyte.gz"),
        "test": shared("mnist/t10k-images-idx3-ubyte.gz"),
    }


def resnet_caffe():
    return {
        "model": [shared(f"{RESNET}/deploy.prototxt"), "--weights", shared(f"{RESNET}/ResNet_20.caffemodel")],
        "pre": ["--mean-image", shared("models/caffe_cifar10_quick/mean.binaryproto")],
        "train": shared("cifar10/train_first20000.bin.xz"),
        "test": shared("cifar10/test_even.bin.xz"),
    }


def resnet_onnx():
    return {
        "model": [shared("models/onnx_resnet20_cifar10/resnet20.onnx")],
        "pre": ["--mean", "123.675,116.28,103.53", "--std", "58.395,57.12,57.375"],
        "train": shared("cifar10/train_first20000.bin.xz"),
        "test": shared("cifar10/test_even.bin.xz"),
    }


def cifar10_full():
    return {
        "model": [shared(f"{CIFAR10_FULL}/cifar10_full.prototxt"), "--weights",
                  shared(f"{CIFAR10_FULL}/cifar10_full_iter_70000.caffemodel")],
        "pre": ["--mean-image", shared(f"{CIFAR10_FULL}/mean.binaryproto")],
        "train": shared("cifar10/train_first20000.bin.xz"),
        "test": shared("cifar10/test_even.bin.xz"),
    }


def squeezenet():
    return {
        "model": [shared(f"{SQUEEZENET}/deploy.prototxt"), "--weights", shared(f"{SQUEEZENET}/squeezenet_v1.1.caffemodel")],
        "pre": ["--mean", "104,117,123", "--order", "bgr"],
        "train": shared("imagenet"),
        "test": shared("imagenet"),
    }


NETWORKS = {"lenet": lenet, "resnet20_caffe": resnet_caffe, "resnet20_onnx": resnet_onnx, "cifar10_full": cifar10_full,
            "squeezenet": squeezenet}

GLYPHS = ROOT / "examples/glyphs"


def quantized(runner, name, bits=4, rule="mse", samples=256, skip=0, flags=()):
    """The artifact of network `name`, made once a run. Returns (network, path)."""
    network = NETWORKS[name]()
    path = runner.work / f"{'-'.join(map(str, (name, bits, rule, samples, skip, *flags)))}.tf2"
    if not path.exists():
        runner.json("quantize", *network["model"], "--data", network["train"], "--skip", skip, "--limit", samples,
                    *network["pre"], "--bits", bits, "--q", rule, *flags, "-o", path)
    return network, path
