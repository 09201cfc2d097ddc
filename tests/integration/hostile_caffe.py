"""Hostile and odd Caffe networks: text (.prototxt) and weights (.caffemodel), made from a small valid pair."""
import struct

from hostile_common import Case, chunk, flips, floats, foreign, integer, no_files, noise, truncations, varint

INPUT = 'layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 2 dim: 8 dim: 8 } } }\n'
CONV = ('layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"\n'
        '  convolution_param { num_output: 4 kernel_size: 3 pad: 1 } }\n')
RELU = 'layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }\n'
FC = 'layer { name: "fc" type: "InnerProduct" bottom: "conv" top: "fc" inner_product_param { num_output: 3 } }\n'
NET = 'name: "net"\n' + INPUT + CONV + RELU + FC


def good_net(folder):
    path = folder / "good.prototxt"
    if not path.exists():
        path.write_text(NET)
    return path


def good_weights(folder):
    path = folder / "good.caffemodel"
    if not path.exists():
        path.write_bytes(MODEL)
    return path


def layer(**changes):
    """The net with its convolution's text changed: old text -> new text."""
    text = CONV
    for old, new in changes.pop("swap", {}).items():
        assert old in text, old
        text = text.replace(old, new)
    return ('name: "net"\n' + INPUT + text + changes.get("rest", RELU + FC)).encode()


def conv(old, new):
    return layer(swap={old: new})


def extra(text):
    return (NET + text).encode()


def shape(dims):
    return NET.replace("dim: 1 dim: 2 dim: 8 dim: 8", dims).encode()


def text_cases():
    param = "num_output: 4 kernel_size: 3 pad: 1"
    return [
        Case("no layers", b'name: "net"\n', ""),
        Case("a comment only", b"# nothing\n", ""),
        Case("an open brace", NET.encode() + b"layer {", ""),
        Case("a closing brace", NET.encode() + b"}", ""),
        Case("an open string", NET.encode() + b'layer { name: "x', ""),
        Case("a control character", NET.encode() + b"\x01", ""),
        Case("a NUL", NET.encode().replace(b"ReLU", b"Re\0LU"), ""),
        Case("a byte order mark", b"\xef\xbb\xbf" + NET.encode(), None),
        Case("CRLF", NET.replace("\n", "\r\n").encode(), None),
        Case("CR", NET.replace("\n", "\r").encode(), None),
        Case("UTF-16", NET.encode("utf-16"), ""),
        Case("Latin-1", NET.replace('"conv"', '"c\xf6nv"').encode("latin-1"), None),
        Case("tabs and no newlines", NET.replace("\n", "\t").encode(), None),
        Case("an unknown field", extra("wobble: 1\n"), None),
        Case("an unknown field of a layer", conv("bottom:", "wobble: 3 bottom:"), None),
        Case("an unknown message", extra("wobble { a: 1 b { c: 2 } }\n"), None),
        Case("a field with text for a number", conv("num_output: 4", 'num_output: "four"'), "line 4"),
        Case("a number for a name", conv('name: "conv"', "name: 7"), ""),
        Case("a negative count", conv("num_output: 4", "num_output: -4"), "line 4"),
        Case("a count of 0", conv("num_output: 4", "num_output: 0"), "conv"),
        Case("a count of 2^32", conv("num_output: 4", "num_output: 4294967296"), "line 4"),
        Case("a count of 2^31", conv("num_output: 4", "num_output: 2147483648"), "conv"),
        Case("a float count", conv("num_output: 4", "num_output: 4.5"), "line 4"),
        Case("no count", conv("num_output: 4", ""), "conv"),
        Case("no kernel", conv("kernel_size: 3", ""), "kernel"),
        Case("a kernel of 0", conv("kernel_size: 3", "kernel_size: 0"), "kernel"),
        Case("a kernel of 99", conv("kernel_size: 3", "kernel_size: 99"), "conv"),
        Case("a kernel of 2^31", conv("kernel_size: 3", "kernel_size: 2147483648"), "conv"),
        Case("three kernels", conv("kernel_size: 3", "kernel_size: 3 kernel_size: 3 kernel_size: 3"), "conv"),
        Case("a stride of 0", conv("pad: 1", "pad: 1 stride: 0"), "stride"),
        Case("a stride of 2^31", conv("pad: 1", "pad: 1 stride: 2147483648"), "conv"),
        Case("a padding of 2^31", conv("pad: 1", "pad: 2147483648"), "conv"),
        Case("0 groups", conv("pad: 1", "pad: 1 group: 0"), "group"),
        Case("3 groups", conv("pad: 1", "pad: 1 group: 3"), "group"),
        Case("a dilation of 0", conv("pad: 1", "pad: 1 dilation: 0"), "dilation"),
        Case("an axis of 9", conv("pad: 1", "pad: 1 axis: 9"), "conv"),
        Case("a boolean that is text", conv("pad: 1", "bias_term: maybe"), "bias_term"),
        Case("no parameters", conv("convolution_param { " + param + " }", ""), "conv"),
        Case("no type", conv('type: "Convolution" ', ""), "conv"),
        Case("an unknown type", conv('"Convolution"', '"Wobble"'), "Wobble"),
        Case("an empty type", conv('"Convolution"', '""'), "conv"),
        Case("no name", conv('name: "conv" ', ""), None),
        Case("no bottom", conv('bottom: "data" ', ""), "conv"),
        Case("two bottoms", conv('bottom: "data"', 'bottom: "data" bottom: "data"'), None),
        Case("no top", conv('top: "conv"', ""), ""),
        Case("a bottom that nothing makes", conv('bottom: "data"', 'bottom: "ghost"'), "ghost"),
        Case("a layer that reads itself", conv('bottom: "data"', 'bottom: "conv"'), "conv"),
        Case("a layer read before it is made", conv('bottom: "data"', 'bottom: "fc"'), "fc"),
        Case("a layer twice", extra(CONV), None),
        Case("an unused layer", extra('layer { name: "u" type: "ReLU" bottom: "data" top: "u" }'), None),
        Case("a training layer", extra('layer { name: "loss" type: "SoftmaxWithLoss" bottom: "fc" bottom: "label" top: "l" }'), None),
        Case("a Python layer", extra('layer { name: "py" type: "Python" bottom: "fc" top: "py" }'), "Python"),
        Case("an Eltwise of one", extra('layer { name: "e" type: "Eltwise" bottom: "fc" top: "e" }'), None),
        Case("an Eltwise of two shapes", extra('layer { name: "e" type: "Eltwise" bottom: "fc" bottom: "conv" top: "e" }'), "e"),
        Case("a Concat of two shapes", extra('layer { name: "cc" type: "Concat" bottom: "fc" bottom: "conv" top: "cc" }'), "cc"),
        Case("a pool of an unknown kind", layer(rest='layer { name: "p" type: "Pooling" bottom: "conv" top: "p" pooling_param { pool: '
                                                     'WOBBLE kernel_size: 2 } }'), ""),
        Case("a stochastic pool", layer(rest='layer { name: "p" type: "Pooling" bottom: "conv" top: "p" pooling_param { pool: '
                                             'STOCHASTIC kernel_size: 2 } }'), "p"),
        Case("a pool without kernel", layer(rest='layer { name: "p" type: "Pooling" bottom: "conv" top: "p" pooling_param { pool: MAX } }'),
             "p"),
        Case("a pool padded beyond its kernel", layer(rest='layer { name: "p" type: "Pooling" bottom: "conv" top: "p" pooling_param { '
                                                           'kernel_size: 2 pad: 5 } }'), "p"),
        Case("a softmax along axis 7", extra('layer { name: "s" type: "Softmax" bottom: "fc" top: "s" softmax_param { axis: 7 } }'), "s"),
        Case("a reshape that does not fit", extra('layer { name: "r" type: "Reshape" bottom: "fc" top: "r" reshape_param { shape { dim: '
                                                  '5 dim: 5 } } }'), "r"),
        Case("a deconvolution without parameters", extra('layer { name: "d" type: "Deconvolution" bottom: "conv" top: "d" }'), "d"),
        Case("an input of 0", shape("dim: 1 dim: 2 dim: 0 dim: 8"), ""),
        Case("an input of -8", shape("dim: 1 dim: 2 dim: -8 dim: 8"), ""),
        Case("an input of 2^40", shape("dim: 1 dim: 2 dim: 1099511627776 dim: 8"), ""),
        Case("an input of 2^64", shape("dim: 1 dim: 2 dim: 18446744073709551616 dim: 8"), ""),
        Case("an input of 2^34 numbers", shape("dim: 1 dim: 2 dim: 92682 dim: 92682"), ""),
        Case("an input of one axis", shape("dim: 8"), ""),
        Case("an input without shape", NET.replace("shape { dim: 1 dim: 2 dim: 8 dim: 8 }", "").encode(), ""),
        Case("a data layer", NET.replace('type: "Input"', 'type: "Data"').encode(), None),
        Case("a loss only", b'layer { name: "l" type: "SoftmaxWithLoss" bottom: "a" bottom: "b" top: "l" }', ""),
        Case("no input", (CONV + RELU).encode(), "data"),
        Case("braces 20,000 deep", b"layer { a " * 20000, ""),
        Case("a name of a megabyte", conv('name: "conv"', f'name: "{"n" * 1_000_000}"'), None),
        Case("a name with escapes", conv('"Convolution"', r'"\033[2J\n\x07"'), ""),
        Case("5,000 layers", extra("".join(f'layer {{ name: "r{i}" type: "ReLU" bottom: "fc" top: "fc" }}\n' for i in range(5000))), None),
        Case("a V1 layer", b'name: "n" input: "data" input_dim: 1 input_dim: 2 input_dim: 8 input_dim: 8 layers { name: "r" type: RELU '
                           b'bottom: "data" top: "r" }', None),
        Case("a V1 layer of no kind", b'name: "n" input: "data" input_dim: 1 input_dim: 2 input_dim: 8 input_dim: 8 layers { name: "r" '
                                      b'type: WOBBLE bottom: "data" top: "r" }', "WOBBLE"),
        Case("three input_dims", b'name: "n" input: "data" input_dim: 1 input_dim: 2 input_dim: 8 layer { name: "r" type: "ReLU" bottom: '
                                 b'"data" top: "r" }', "input"),
        Case("the caffemodel itself", lambda p: p.write_bytes(MODEL), ""),
    ]


def blob(dims, values=None, field=5, legacy=False):
    count = 1
    for d in dims:
        count *= d
    values = [0.25] * max(min(count, 4096), 0) if values is None else values
    data = chunk(field, struct.pack(f"<{len(values)}d", *values) if field == 8 else floats(values))
    if legacy:
        return b"".join(integer(i + 1, d) for i, d in enumerate(dims)) + data
    return data + chunk(7, chunk(1, b"".join(varint(d) for d in dims)))


def weights(name, blobs, type="Convolution"):
    return chunk(100, chunk(1, name) + chunk(2, type) + b"".join(chunk(7, b) for b in blobs))


CONV_BLOBS = [blob([4, 2, 3, 3]), blob([4])]
FC_BLOBS = [blob([3, 256]), blob([3])]
MODEL = chunk(1, "net") + weights("conv", CONV_BLOBS) + weights("fc", FC_BLOBS, "InnerProduct")


def with_conv(*blobs):
    return chunk(1, "net") + weights("conv", blobs) + weights("fc", FC_BLOBS, "InnerProduct")


def model_cases():
    nan, inf = float("nan"), float("inf")
    return [
        Case("as it should be", MODEL, None),
        Case("a name only", chunk(1, "net"), "no layers"),
        Case("no weights of conv", chunk(1, "net") + weights("fc", FC_BLOBS), "conv"),
        Case("weights of a layer that is not there", MODEL + weights("ghost", CONV_BLOBS), None),
        Case("weights of conv twice", MODEL + weights("conv", CONV_BLOBS), None),
        Case("one blob", with_conv(CONV_BLOBS[0]), "conv"),
        Case("three blobs", with_conv(*CONV_BLOBS, CONV_BLOBS[1]), None),
        Case("no blobs", with_conv(), "conv"),
        Case("empty blobs", with_conv(b"", b""), "conv"),
        Case("a blob without shape", with_conv(chunk(5, floats([1] * 72)), CONV_BLOBS[1]), None),
        Case("a blob without data", with_conv(blob([4, 2, 3, 3], []), CONV_BLOBS[1]), "conv"),
        Case("other channels", with_conv(blob([4, 7, 3, 3]), CONV_BLOBS[1]), "conv"),
        Case("another kernel", with_conv(blob([4, 2, 5, 5]), CONV_BLOBS[1]), "conv"),
        Case("other outputs", with_conv(blob([9, 2, 3, 3]), CONV_BLOBS[1]), "conv"),
        Case("another rank", with_conv(blob([72]), CONV_BLOBS[1]), None),
        Case("a bias of 9", with_conv(CONV_BLOBS[0], blob([9])), "conv"),
        Case("too few numbers", with_conv(blob([4, 2, 3, 3], [1] * 71), CONV_BLOBS[1]), "conv"),
        Case("too many numbers", with_conv(blob([4, 2, 3, 3], [1] * 73), CONV_BLOBS[1]), "conv"),
        Case("three bytes of floats", with_conv(chunk(5, b"abc") + CONV_BLOBS[0], CONV_BLOBS[1]), ""),
        Case("a NaN", with_conv(blob([4, 2, 3, 3], [nan] + [1] * 71), CONV_BLOBS[1]), "conv"),
        Case("an infinity", with_conv(blob([4, 2, 3, 3], [1] * 71 + [inf]), CONV_BLOBS[1]), "conv"),
        Case("a NaN bias", with_conv(CONV_BLOBS[0], blob([4], [nan] * 4)), "conv"),
        Case("doubles", with_conv(blob([4, 2, 3, 3], [1] * 72, 8), CONV_BLOBS[1]), None),
        Case("a double beyond float", with_conv(blob([4, 2, 3, 3], [1e300] * 72, 8), CONV_BLOBS[1]), "conv"),
        Case("a shape of 2^40", with_conv(blob([1 << 40, 2, 3, 3], [1] * 72), CONV_BLOBS[1]), "conv"),
        Case("a shape that overflows", with_conv(blob([1 << 33, 1 << 33, 3, 3], [1] * 72), CONV_BLOBS[1]), "conv"),
        Case("a negative shape", with_conv(blob([-4, -2, 3, 3], [1] * 72), CONV_BLOBS[1]), "conv"),
        Case("a shape of zeros", with_conv(blob([0, 0, 0, 0], []), CONV_BLOBS[1]), "conv"),
        Case("a shape of 1,000 axes", with_conv(blob([1] * 1000, [1] * 72), CONV_BLOBS[1]), "conv"),
        Case("an old blob", with_conv(blob([4, 2, 3, 3], legacy=True), blob([1, 1, 1, 4], legacy=True)), None),
        Case("an old blob of another shape", with_conv(blob([4, 2, 9, 9], [1] * 72, legacy=True), CONV_BLOBS[1]), "conv"),
        Case("the text of the net", NET.encode(), ""),
        Case("a length of 2 GiB", b"\x0a\xff\xff\xff\xff\x07abc", ""),
        Case("a varint without end", b"\x08" + b"\xff" * 20, ""),
        Case("an end of a group", MODEL + b"\x0c", ""),
        Case("bytes after it", MODEL + b"\x00", ""),
        Case("nested 10,000 deep", MODEL + b"\xa3\x06" * 10000, ""),
        Case("a name that is no UTF-8", MODEL.replace(b"conv", b"c\xff\xfev"), "conv"),
        Case("an HDF5 file", b"\x89HDF\r\n\x1a\n" + bytes(500), ""),
    ]


def prototxts():
    return (no_files() + foreign() + noise(6, 11) + text_cases() + truncations(NET.encode(), 25, None)
            + flips(NET.encode(), 30, None, 12))


def caffemodels():
    return (no_files() + foreign() + noise(6, 13) + model_cases() + truncations(MODEL, 25, None) + flips(MODEL, 40, None, 14))
