#!/usr/bin/env python3
"""Caffe models of the shared data against the evidence that its README states, in float.

Usage: caffe_models.py [NAME...]
"""
import json
import sys

from harness import SHARED, Skip, main, shared

try:
    import numpy
    from PIL import Image
except ImportError:
    numpy = None

CIFAR_MEAN = "models/caffe_cifar10_quick/mean.binaryproto"


def accuracy(prototxt, caffemodel, data, pre, expected, tolerance):
    """Top-1 on the whole test set held here."""
    def check(runner):
        flags = [shared(p) if isinstance(p, str) and p.startswith("models/") else p for p in pre]
        report = runner.json("eval", shared(f"models/{prototxt}"), "--weights", shared(f"models/{caffemodel}"),
                             "--data", shared(data), *flags)
        assert abs(report["top1"] - expected) <= tolerance, f"top-1 {report['top1']}, expected {expected}"
        return f"top-1 {report['top1']:.4f} of {report['samples']}"

    return check


def outputs(runner, model, weights, x):
    """The outputs of a float model by name, without the batch, for a picture [c, h, w]."""
    if numpy is None:
        raise Skip("numpy and PIL are absent")
    data, result = runner.work / "x.npy", runner.work / "y.npz"
    numpy.save(data, x[None].astype(numpy.float32))
    flags = ["--weights", shared(f"models/{weights}")] if weights else []
    shape = "x".join(map(str, (1,) + x.shape))
    runner.json("run", shared(f"models/{model}"), *flags, "--input-shape", shape, "--data", data, "-o", result)
    with numpy.load(result) as arrays:
        return {name: arrays[name][0] for name in arrays.files}


def photos():
    if numpy is None:
        raise Skip("numpy and PIL are absent")
    shared("faces")
    return [Image.open(p).convert("RGB") for p in sorted((SHARED / "faces").glob("*.jpg"))]


def mtcnn_input(picture, side=None):
    """[c, w, h]: these networks were trained on pictures column by column."""
    if side:
        picture = picture.resize((side, side), Image.BILINEAR)
    return numpy.ascontiguousarray((numpy.asarray(picture, numpy.float32).transpose(2, 1, 0) - 127.5) / 128)


def best_face(runner, picture):
    """Score and square of the best face that the P-Net finds in a pyramid of the picture."""
    best = (0.0, None)
    scale = 12 / 20
    while min(picture.size) * scale >= 12:
        w, h = (round(s * scale) for s in picture.size)
        found = outputs(runner, "caffe_mtcnn/det1.prototxt", "caffe_mtcnn/det1.caffemodel",
                        mtcnn_input(picture.resize((w, h), Image.BILINEAR)))
        score, box = found["prob1"][1].T, found["conv4-2"].transpose(0, 2, 1)
        y, x = numpy.unravel_index(score.argmax(), score.shape)
        if score[y, x] > best[0]:
            side = 12 / scale
            left, top = 2 * x / scale, 2 * y / scale
            dx0, dy0, dx1, dy1 = box[:, y, x] * side
            best = (float(score[y, x]), (left + dx0, top + dy0, left + side + dx1, top + side + dy1))
        scale *= 0.709
    return best


def mtcnn(runner):
    """P-Net best 0.9999 or more on every photo; R-Net and O-Net of a face about 1, of a corner far below."""
    figures = []
    faces = {"det2": [], "det3": []}
    corners = {"det2": [], "det3": []}
    for picture in photos():
        score, (x0, y0, x1, y1) = best_face(runner, picture)
        figures.append(score)
        half = max(x1 - x0, y1 - y0) / 2
        cx, cy = (x0 + x1) / 2, (y0 + y1) / 2
        face = picture.crop(tuple(round(v) for v in (cx - half, cy - half, cx + half, cy + half)))
        corner = picture.crop((0, 0, 48, 48))
        for net, side in (("det2", 24), ("det3", 48)):
            for crop, scores in ((face, faces), (corner, corners)):
                found = outputs(runner, f"caffe_mtcnn/{net}.prototxt", f"caffe_mtcnn/{net}.caffemodel",
                                mtcnn_input(crop, side))
                scores[net].append(float(found["prob1"][1]))
    text = (f"P-Net {[round(s, 5) for s in figures]}; faces R {max(faces['det2']):.3f} O {max(faces['det3']):.3f}; "
            f"corners R {max(corners['det2']):.3f} O {max(corners['det3']):.3f}")
    assert min(figures) >= 0.9999, text
    assert max(faces["det2"]) >= 0.9995 and max(faces["det3"]) >= 0.9985, text
    assert max(corners["det2"]) <= 0.055 and max(corners["det3"]) <= 0.275, text
    return text


def ultraface(runner):
    """Scores of the Caffe file and the ONNX file on the same photos, to the rounding of float32."""
    worst = 0.0
    for picture in photos():
        x = (numpy.asarray(picture.resize((320, 240), Image.BILINEAR), numpy.float32).transpose(2, 0, 1) - 127) / 128
        caffe = outputs(runner, "caffe_ultraface/RFB-320.prototxt", "caffe_ultraface/RFB-320.caffemodel", x)
        onnx = outputs(runner, "onnx_ultraface/version-RFB-320_without_postprocessing.onnx", None, x)
        worst = max(worst, float(numpy.abs(caffe["scores"] - onnx["scores"]).max()))
    assert worst <= 1.5e-6, f"scores differ by {worst:.2e}"
    return f"scores differ by at most {worst:.2e}"


def ultraface_priors():
    levels = ((8, (10, 16, 24)), (16, (32, 48)), (32, (64, 96)), (64, (128, 192, 256)))
    boxes = [((x + .5) * s / 320, (y + .5) * s / 240, m / 320, m / 240) for s, sizes in levels
             for y in range(-(-240 // s)) for x in range(-(-320 // s)) for m in sizes]
    return numpy.array(boxes, numpy.float32).clip(0, 1)


def faces_of(scores, offsets, priors, least, overlap):
    """Corners of the faces in one picture, decoded and suppressed without tf2."""
    centre = priors[:, :2] + 0.1 * offsets[:, :2] * priors[:, 2:]
    size = priors[:, 2:] * numpy.exp(0.2 * offsets[:, 2:])
    corners = numpy.concatenate([centre - size / 2, centre + size / 2], 1)
    kept = []
    for i in sorted(numpy.flatnonzero(scores[:, 1] >= least), key=lambda i: -scores[i, 1]):
        a = corners[i]
        def iou(b):
            w, h = (max(0.0, min(a[k + 2], b[k + 2]) - max(a[k], b[k])) for k in (0, 1))
            area = sum((c[2] - c[0]) * (c[3] - c[1]) for c in (a, b))
            return w * h / (area - w * h)
        if all(iou(b) <= overlap for b in kept):
            kept.append(a)
    return kept


def detector(runner):
    """tf2 eval --truth on faces that numpy decodes from the raw outputs: all found; a wrong one and a missing one count."""
    folder = shared("faces")
    sizes = {p.name: Image.open(p).size for p in sorted(folder.glob("*.jpg"))} if numpy else None
    if numpy is None:
        raise Skip("numpy and PIL are absent")
    model = [shared("models/caffe_ultraface/RFB-320.prototxt"), "--weights", shared("models/caffe_ultraface/RFB-320.caffemodel")]
    data = ["--data", folder, "--resize", 330, "--mean", 127, "--std", 128]
    raw, priors = runner.work / "raw.npz", runner.work / "priors.npy"
    runner.json("run", *model, *data, "-o", raw)
    numpy.save(priors, ultraface_priors())
    truth = {"images": [], "annotations": [], "categories": [{"id": 1, "name": "face"}]}
    with numpy.load(raw) as arrays:
        names = sorted(sizes)  # the order of the samples
        for i, name in enumerate(names):
            w, h = sizes[name]
            truth["images"].append({"id": i, "file_name": name, "width": w, "height": h})
            resized = numpy.array([(v * 660 + min(w, h)) // (2 * min(w, h)) for v in (w, h)])
            offset = (resized - (320, 240)) // 2
            for box in faces_of(arrays["scores"][i], arrays["boxes"][i], ultraface_priors(), 0.7, 0.3):
                corners = (box.reshape(2, 2) * (320, 240) + offset) * (w, h) / resized
                (x0, y0), (x1, y1) = corners.tolist()
                truth["annotations"].append({"image_id": i, "category_id": 1, "bbox": [x0, y0, x1 - x0, y1 - y0]})
    path = runner.work / "truth.json"
    def measure():
        path.write_text(json.dumps(truth))
        return runner.json("eval", *model, *data, "--truth", path, "--priors", priors, "--score", 0.7, "--nms", 0.3)
    full = measure()
    count = len(truth["annotations"])
    assert full["objects"] == full["detections"] == count > 4, f"{full}"
    assert min(full[k] for k in ("voc_map", "voc_map_11_points", "coco_ap", "recall_at_0.1_false_positives")) > 0.9999, f"{full}"
    lost = truth["annotations"].pop()
    truth["annotations"].append({**lost, "bbox": [0, 0, 3, 3]})
    part = measure()
    assert abs(part["recall_at_1_false_positive"] - (count - 1) / count) < 1e-6, f"{part}"
    return f"{count} faces in 4 photos; AP {full['coco_ap']:.4f}, with one moved away recall {part['recall_at_1_false_positive']:.4f}"


def ternary(runner):
    """The convolutions' weights take exactly three values, and the accuracy is that of the source on its half."""
    return accuracy("caffe_cifar10_full/cifar10_full.prototxt",
                    "caffe_cifar10_full/cifar10_full_ternary_iter_70000.caffemodel", "cifar10/test_even.bin.xz",
                    ["--mean-image", "models/caffe_cifar10_full/mean.binaryproto"], 0.7537, 0.02)(runner)


CIFAR = "cifar10/test_even.bin.xz"
CASES = {
    "lenet": accuracy("caffe_lenet/lenet.prototxt", "caffe_lenet/lenet_iter_10000.caffemodel",
                      "mnist/t10k-images-idx3-ubyte.gz", ["--mean", 0, "--std", 256], 0.9914, 0.0002),
    "cifar10_quick": accuracy("caffe_cifar10_quick/cifar10_quick.prototxt",
                              "caffe_cifar10_quick/cifar10_quick_iter_5000.caffemodel", CIFAR,
                              ["--mean-image", CIFAR_MEAN], 0.7624, 0.0004),
    "cifar10_full": accuracy("caffe_cifar10_full/cifar10_full.prototxt",
                             "caffe_cifar10_full/cifar10_full_iter_70000.caffemodel", CIFAR,
                             ["--mean-image", "models/caffe_cifar10_full/mean.binaryproto"], 0.8330, 0.0004),
    "cifar10_full ternary": ternary,
    "resnet20": accuracy("caffe_resnet20_cifar10/deploy.prototxt", "caffe_resnet20_cifar10/ResNet_20.caffemodel", CIFAR,
                         ["--mean-image", CIFAR_MEAN], 0.9296, 0.0004),
    "squeezenet": accuracy("caffe_squeezenet_v1.1/deploy.prototxt", "caffe_squeezenet_v1.1/squeezenet_v1.1.caffemodel",
                           "imagenet", ["--mean", "104,117,123", "--order", "bgr"], 0.614, 0.004),
    "mtcnn": mtcnn,
    "ultraface": ultraface,
    "detector": detector,
}

if __name__ == "__main__":
    sys.exit(main(CASES))
