"""Hostile and odd ONNX models, made from a small valid one: x [1, 2, 4, 4] -> Conv -> Relu -> y."""
import os
import struct

from hostile_common import Case, chunk, flips, floats, foreign, integer, no_files, noise, truncations

FLOAT, INT64, STRING, COMPLEX = 1, 7, 8, 14


def tensor(name, dims, values=None, type=FLOAT, raw=None, extra=b""):
    out = b"".join(integer(1, d) for d in dims) + integer(2, type) + chunk(8, name)
    if raw is None and values is None:
        count = 1
        for d in dims:
            count *= d
        values = [0.5] * max(count, 0)
    return out + chunk(9, floats(values) if raw is None else raw) + extra


def value(name, dims, type=FLOAT):
    shape = b"".join(chunk(1, chunk(2, d) if isinstance(d, str) else integer(1, d)) for d in dims)
    return chunk(1, name) + chunk(2, chunk(1, integer(1, type) + chunk(2, shape)))


def attr_ints(name, values):
    return chunk(1, name) + b"".join(integer(8, v) for v in values) + integer(20, 7)


def attr_int(name, v):
    return chunk(1, name) + integer(3, v) + integer(20, 2)


def attr_string(name, v):
    return chunk(1, name) + chunk(4, v) + integer(20, 3)


def attr_float(name, v):
    return chunk(1, name) + b"\x15" + struct.pack("<f", v) + integer(20, 1)


def node(op, inputs, outputs, attrs=(), name=None, domain=""):
    out = b"".join(chunk(1, i) for i in inputs) + b"".join(chunk(2, o) for o in outputs)
    out += chunk(3, outputs[0] if name is None and outputs else name or "") + chunk(4, op)
    return out + b"".join(chunk(5, a) for a in attrs) + (chunk(7, domain) if domain else b"")


W = tensor("w", [2, 2, 3, 3])
B = tensor("b", [2])
X = value("x", [1, 2, 4, 4])
Y = value("y", ["n", "c", "h", "w"])
CONV = node("Conv", ["x", "w", "b"], ["c"], [attr_ints("kernel_shape", [3, 3]), attr_ints("pads", [1, 1, 1, 1])])
RELU = node("Relu", ["c"], ["y"])


def model(nodes=(CONV, RELU), tensors=(W, B), inputs=(X,), outputs=(Y,), opset=13, ir=7, tail=b""):
    graph = b"".join(chunk(1, n) for n in nodes) + chunk(2, "g") + b"".join(chunk(5, t) for t in tensors)
    graph += b"".join(chunk(11, i) for i in inputs) + b"".join(chunk(12, o) for o in outputs)
    return integer(1, ir) + chunk(7, graph) + chunk(8, integer(2, opset)) + tail


def one(op, attrs=(), inputs=("x",), tensors=(), opset=13, x=X):
    return model([node(op, list(inputs), ["y"], attrs)], tensors, inputs=(x,), opset=opset)


def conv(attrs=(), w=W, b=B):
    return model([node("Conv", ["x", "w", "b"], ["y"], attrs)], (w, b))


def external(entries):
    pairs = b"".join(chunk(13, chunk(1, k) + chunk(2, v)) for k, v in entries.items())
    w = b"".join(integer(1, d) for d in (2, 2, 3, 3)) + integer(2, FLOAT) + chunk(8, "w") + pairs + integer(14, 1)
    return model(tensors=(w, B))


def external_with(entries, make):
    """External data whose file something makes beside the model."""
    def create(path):
        path.write_bytes(external(entries))
        target = path.parent / entries["location"]
        if not (target.exists() or target.is_symlink()):
            make(target)
    return create


def nested(depth):
    graph = chunk(1, RELU)
    for _ in range(depth):
        graph = chunk(1, node("If", ["c"], ["y"], [chunk(1, "then_branch") + chunk(6, graph) + integer(20, 5)]))
    return integer(1, 7) + chunk(7, graph + chunk(11, X) + chunk(12, Y)) + chunk(8, integer(2, 13))


def chain(count):
    nodes = [node("Relu", ["x" if i == 0 else f"v{i}"], [f"v{i + 1}" if i + 1 < count else "y"]) for i in range(count)]
    return model(nodes, ())


NAN, INF = float("nan"), float("inf")
GOOD = model()


def structure():
    return [
        Case("no graph", integer(1, 7) + chunk(8, integer(2, 13)), "graph"),
        Case("no operator set", integer(1, 7) + GOOD[2 : GOOD.rindex(chunk(8, integer(2, 13)))], "operator set"),
        Case("operator set 0", model(opset=0), "operator set"),
        Case("operator set -1", model(opset=-1), "operator set"),
        Case("operator set 999", model(opset=999), "999"),
        Case("two operator sets", model(tail=chunk(8, integer(2, 7))), None),
        Case("format version 0", model(ir=0), None),
        Case("format version 999", model(ir=999), None),
        Case("no nodes", model(()), "y"),
        Case("no outputs", model(outputs=()), "output"),
        Case("no inputs", model(inputs=()), "x"),
        Case("an unknown operator", one("Wobble"), "Wobble"),
        Case("an unknown domain", model([node("Relu", ["x"], ["y"], domain="com.example")], ()), "com.example"),
        Case("a node without operator", one(""), "operator"),
        Case("a node without outputs", model([node("Relu", ["x"], [], name="n"), CONV, RELU]), None),
        Case("an output without name", model([node("Relu", ["x"], [""], name="n")], ()), "y"),
        Case("a cycle of two", model([node("Add", ["x", "q"], ["p"]), node("Relu", ["p"], ["q"]), node("Relu", ["q"], ["y"])], ()),
             "cycle"),
        Case("a node that reads itself", model([node("Relu", ["y"], ["y"])], ()), "y"),
        Case("a value made twice", model([CONV, RELU, node("Relu", ["x"], ["c"])]), "c"),
        Case("an initialiser twice", model(tensors=(W, B, W)), "w"),
        Case("an input twice", model(inputs=(X, X)), "x"),
        Case("a value that nothing makes", model([node("Relu", ["nothing"], ["y"])], ()), "nothing"),
        Case("an output that nothing makes", model(outputs=(value("ghost", [1]),)), "ghost"),
        Case("an output that is the input", model((), (), outputs=(X,)), None),
        Case("nodes out of order", model([RELU, CONV]), None),
        Case("a loop", one("Loop"), "Loop"),
        Case("nested 50 deep", nested(50), ""),
        Case("nested 5,000 deep", nested(5000), ""),
        Case("a chain of 3,000 nodes", chain(3000), None),
        Case("a thousand inputs of one node", model([node("Concat", ["x"] * 1000, ["y"], [attr_int("axis", 1)])], ()), None),
        Case("two thousand inputs of one node", model([node("Concat", ["x"] * 2000, ["y"], [attr_int("axis", 1)])], ()), ""),
        Case("bytes after the model", GOOD + b"\x00\x00", ""),
        Case("the model twice", GOOD + GOOD, None),
        Case("a length of 2 GiB", b"\x08\x07\x3a\xff\xff\xff\xff\x07" + b"x" * 64, ""),
        Case("a varint without end", b"\x08" + b"\xff" * 20, ""),
        Case("a group", b"\x0b\x08\x01\x0c" + GOOD, None),
        Case("a byte order mark", b"\xef\xbb\xbf" + GOOD, ""),
        Case("CRLF for LF", GOOD.replace(b"\n", b"\r\n"), ""),
    ]


def names():
    def named(text):
        return model([node("Wobble", ["x"], ["y"], name=text)], ())
    return [
        Case("a name of a megabyte", named("n" * 1_000_000), "Wobble"),
        Case("a name with newlines", named("a\nb\nc"), "Wobble"),
        Case("a name with escape sequences", named("\x1b[2J\x1b]0;x\x07"), "Wobble"),
        Case("a name that is no UTF-8", named("x").replace(b"\x1a\x01x", b"\x1a\x01\xff"), "Wobble"),
        Case("a name with quotes and format signs", named('"%s%n{}"'), "Wobble"),
        Case("an operator with newlines", one("Re\nlu"), ""),
        Case("an input with a NUL", model([node("Relu", ["x\0y"], ["y"])], ()), ""),
    ]


def tensors():
    return [
        Case("a NaN", model(tensors=(tensor("w", [2, 2, 3, 3], [NAN] + [1] * 35), B)), "w"),
        Case("an infinity", model(tensors=(W, tensor("b", [2], [INF, 1]))), "b"),
        Case("a negative infinity", model(tensors=(W, tensor("b", [2], [1, -INF]))), "b"),
        Case("too few elements", model(tensors=(tensor("w", [2, 2, 3, 3], [1] * 35), B)), "w"),
        Case("too many elements", model(tensors=(tensor("w", [2, 2, 3, 3], [1] * 37), B)), "w"),
        Case("bytes that are no whole floats", model(tensors=(tensor("w", [2, 2, 3, 3], raw=bytes(143)), B)), "w"),
        Case("no data", model(tensors=(tensor("w", [2, 2, 3, 3], raw=b""), B)), "w"),
        Case("a negative dimension", model(tensors=(tensor("w", [2, -2, 3, 3], []), B)), "w"),
        Case("a dimension of 0", model(tensors=(tensor("w", [0, 2, 3, 3], []), B)), "0 output channels"),
        Case("a dimension of 2^40", model(tensors=(tensor("w", [1 << 40, 2, 3, 3], []), B)), "w"),
        Case("dimensions that overflow", model(tensors=(tensor("w", [1 << 32, 1 << 32], []), B)), "w"),
        Case("dimensions that overflow to a fit", model(tensors=(tensor("w", [1 << 62, 4, 36, 1], [1] * 36), B)), "w"),
        Case("a thousand dimensions", model(tensors=(tensor("w", [1] * 1000, [1]), B)), ""),
        Case("strings", model(tensors=(tensor("w", [2, 2, 3, 3], type=STRING), B)), "w"),
        Case("complex numbers", model(tensors=(tensor("w", [2, 2, 3, 3], type=COMPLEX), B)), "w"),
        Case("no type", model(tensors=(tensor("w", [2, 2, 3, 3], type=0), B)), "w"),
        Case("type 99", model(tensors=(tensor("w", [2, 2, 3, 3], type=99), B)), "w"),
        Case("integers for floats", model(tensors=(tensor("w", [2, 2, 3, 3], type=INT64, raw=bytes(288)), B)), ""),
        Case("raw data and floats", model(tensors=(tensor("w", [2, 2, 3, 3], extra=chunk(4, floats([1] * 36))), B)), None),
        Case("an unnamed tensor", model(tensors=(tensor("", [2, 2, 3, 3]), B)), "w"),
    ]


def inputs():
    return [
        Case("an input without type", model(inputs=(chunk(1, "x"),)), "x"),
        Case("an input without shape", model(inputs=(chunk(1, "x") + chunk(2, chunk(1, integer(1, FLOAT))),)), "x"),
        Case("an input of strings", model(inputs=(value("x", [1, 2, 4, 4], STRING),)), "x"),
        Case("an input of type 77", model(inputs=(value("x", [1, 2, 4, 4], 77),)), "x"),
        Case("a sequence", model(inputs=(chunk(1, "x") + chunk(2, chunk(4, b"")),)), "x"),
        Case("an input of height -4", model(inputs=(value("x", [1, 2, -4, 4]),)), "x"),
        Case("an input of height 0", model(inputs=(value("x", [1, 2, 0, 4]),)), "x"),
        Case("an input of open height", model(inputs=(value("x", [1, 2, "h", 4]),)), "--input-shape"),
        Case("an input of height 2^40", model(inputs=(value("x", [1, 2, 1 << 40, 4]),)), ""),
        Case("an input of 2^31 pixels", model(inputs=(value("x", [1, 2, 1 << 20, 1 << 20]),)), ""),
        Case("an input with 3 axes", model(inputs=(value("x", [1, 2, 4]),)), ""),
        Case("an input with 40 axes", model(inputs=(value("x", [1] * 40),)), ""),
        Case("an input that is a scalar", model(inputs=(value("x", []),)), ""),
    ]


def external_data():
    size = 2 * 2 * 3 * 3 * 4
    return [
        Case("weights above the folder", external({"location": "../../../../etc/passwd"}), "w"),
        Case("weights at an absolute path", external({"location": "/etc/passwd"}), "w"),
        Case("weights above by a detour", external({"location": "a/../../b"}), "w"),
        Case("weights that are absent", external({"location": "absent.bin"}), "absent.bin"),
        Case("weights nowhere", external({"offset": "0"}), "w"),
        Case("weights at an empty path", external({"location": ""}), "w"),
        Case("weights at a path with a NUL", external({"location": "a\0b"}), "w"),
        Case("weights in a folder", external_with({"location": "folder"}, lambda p: p.mkdir()), "w"),
        Case("weights in a pipe", external_with({"location": "pipe"}, os.mkfifo), "w"),
        Case("weights behind a symlink", external_with({"location": "link"}, lambda p: p.symlink_to("/etc/passwd")), "w"),
        Case("weights that are too short", external_with({"location": "short"}, lambda p: p.write_bytes(b"x" * 7)), "w"),
        Case("weights past the end", external_with({"location": "data", "offset": "9999"}, lambda p: p.write_bytes(b"\0" * size)), "w"),
        Case("weights at offset -1", external_with({"location": "data", "offset": "-1"}, lambda p: p.write_bytes(b"\0" * size)), "w"),
        Case("weights at offset 2^63", external_with({"location": "data", "offset": str(1 << 63)},
                                                     lambda p: p.write_bytes(b"\0" * size)), "w"),
        Case("weights at offset x", external_with({"location": "data", "offset": "x"}, lambda p: p.write_bytes(b"\0" * size)), "w"),
        Case("weights of length 1", external_with({"location": "data", "length": "1"}, lambda p: p.write_bytes(b"\0" * size)), "w"),
        Case("weights as they should be", external_with({"location": "data"}, lambda p: p.write_bytes(b"\0" * size)), None),
    ]


def operators():
    kernel = attr_ints("kernel_shape", [2, 2])
    return [
        Case("weights with 3 axes", conv(w=tensor("w", [2, 2, 9])), ""),
        Case("weights with 7 channels", conv(w=tensor("w", [2, 7, 3, 3])), "channels"),
        Case("biases for 3", conv(b=tensor("b", [3])), "bias"),
        Case("0 groups", conv([attr_int("group", 0)]), "group"),
        Case("-1 groups", conv([attr_int("group", -1)]), "group"),
        Case("2^40 groups", conv([attr_int("group", 1 << 40)]), "group"),
        Case("3 groups", conv([attr_int("group", 3)]), "group"),
        Case("stride 0", conv([attr_ints("strides", [0, 1])]), "stride"),
        Case("stride -1", conv([attr_ints("strides", [-1, 1])]), "stride"),
        Case("stride 2^62", conv([attr_ints("strides", [1 << 62, 1])]), "stride"),
        Case("one stride", conv([attr_ints("strides", [1])]), "stride"),
        Case("padding -1", conv([attr_ints("pads", [-1, 0, 0, 0])]), "pads"),
        Case("three pads", conv([attr_ints("pads", [1, 1, 1])]), "pads"),
        Case("padding 2^40", conv([attr_ints("pads", [1 << 40, 0, 0, 0])]), "pad"),
        Case("dilation 0", conv([attr_ints("dilations", [0, 1])]), "dilation"),
        Case("a kernel that is not the weights'", conv([attr_ints("kernel_shape", [5, 5])]), "kernel"),
        Case("a kernel larger than the input", conv(w=tensor("w", [2, 2, 9, 9])), "fit"),
        Case("padding of an unknown kind", conv([attr_string("auto_pad", "MAYBE")]), "MAYBE"),
        Case("strides that are a float", conv([attr_float("strides", 1)]), "strides"),
        Case("strides twice", conv([attr_ints("strides", [1, 1]), attr_ints("strides", [2, 2])]), ""),
        Case("an attribute nobody knows", conv([attr_int("wobble", 1)]), "wobble"),
        Case("an attribute of a function", conv([chunk(1, "strides") + chunk(21, "outer") + integer(20, 7)]), "strides"),
        Case("no weights", model([node("Conv", ["x"], ["y"])], ()), "Conv"),
        Case("a reshape that does not fit", one("Reshape", inputs=("x", "s"), tensors=(tensor("s", [1], type=INT64, raw=struct.pack("<q", 7)),)),
             ""),
        Case("a reshape with two -1", one("Reshape", inputs=("x", "s"),
                                          tensors=(tensor("s", [2], type=INT64, raw=struct.pack("<2q", -1, -1)),)), ""),
        Case("a reshape to -2", one("Reshape", inputs=("x", "s"), tensors=(tensor("s", [1], type=INT64, raw=struct.pack("<q", -2)),)), ""),
        Case("a reshape to floats", one("Reshape", inputs=("x", "s"), tensors=(tensor("s", [1], [32]),)), ""),
        Case("softmax along axis 9", one("Softmax", [attr_int("axis", 9)]), "axis"),
        Case("concat without inputs", one("Concat", [attr_int("axis", 1)], inputs=()), ""),
        Case("concat along axis -9", one("Concat", [attr_int("axis", -9)], inputs=("x", "x")), "axis"),
        Case("a pool without kernel", one("MaxPool"), "kernel"),
        Case("a pool with kernel 0", one("MaxPool", [attr_ints("kernel_shape", [0, 0])]), "kernel"),
        Case("a pool with kernel 2^40", one("MaxPool", [attr_ints("kernel_shape", [1 << 40, 1])]), "kernel"),
        Case("a pool of padding only", one("MaxPool", [kernel, attr_ints("pads", [3, 3, 3, 3])]), "padding"),
        Case("a negative variance", one("BatchNormalization", inputs=("x", "p", "p", "p", "v"),
                                        tensors=(tensor("p", [2]), tensor("v", [2], [-1, 1]))), None),
        Case("batch norm for 5 channels", one("BatchNormalization", inputs=("x", "p", "p", "p", "p"), tensors=(tensor("p", [5]),)), ""),
        Case("padding by 2^60", one("Pad", inputs=("x", "p"), tensors=(
            tensor("p", [8], type=INT64, raw=struct.pack("<8q", 0, 0, 1 << 60, 0, 0, 0, 0, 0)),)), ""),
        Case("a slice with step 0", one("Slice", inputs=("x", "s", "e", "a", "z"), tensors=tuple(
            tensor(n, [1], type=INT64, raw=struct.pack("<q", v)) for n, v in (("s", 0), ("e", 1), ("a", 2), ("z", 0)))), "step"),
        Case("a gather out of range", one("Gather", inputs=("x", "i"), tensors=(tensor("i", [1], type=INT64, raw=struct.pack("<q", 99)),)),
             None),
        Case("a cast to type 99", one("Cast", [attr_int("to", 99)]), ""),
        Case("a matrix that does not fit", one("MatMul", inputs=("x", "m"), tensors=(tensor("m", [9, 2]),)), ""),
        Case("a transposition of 9 axes", one("Transpose", [attr_ints("perm", list(range(9)))]), ""),
        Case("a resize by 10^9", one("Resize", inputs=("x", "", "s"), tensors=(tensor("s", [4], [1, 1, 1e9, 1e9]),)), ""),
        Case("an expansion to 2^40", one("Expand", inputs=("x", "s"), tensors=(
            tensor("s", [4], type=INT64, raw=struct.pack("<4q", 1, 2, 1 << 20, 1 << 20)),)), ""),
        Case("a tile of 2^40", one("Tile", inputs=("x", "s"), tensors=(
            tensor("s", [4], type=INT64, raw=struct.pack("<4q", 1, 1, 1 << 40, 1)),)), ""),
        Case("a constant of 2^50", one("ConstantOfShape", inputs=("s",), tensors=(
            tensor("s", [2], type=INT64, raw=struct.pack("<2q", 1 << 25, 1 << 25)),)), ""),
    ]


def cases(real):
    """`real`: the bytes of a trained model, to damage."""
    return (no_files() + foreign() + noise(6, 1) + structure() + names() + tensors() + inputs() + external_data() + operators()
            + truncations(GOOD, 30, None) + truncations(real, 25, None) + flips(GOOD, 60, None, 2) + flips(real, 25, None, 3))
