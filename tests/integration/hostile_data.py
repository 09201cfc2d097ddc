"""Hostile and odd artifacts, programs, arrays, pictures, idx files and JSON files."""
import io
import json
import random
import struct
import zipfile
import zlib

from hostile_common import Case, flips, foreign, no_files, noise, truncations

HEADER, ENTRY, CHECKSUM = 64, 64, 24


# Artifacts.
def sections(data):
    """[(name, offset, size)] of an artifact."""
    count = struct.unpack_from("<I", data, 12)[0]
    out = []
    for i in range(count):
        at = HEADER + ENTRY * i
        offset, size = struct.unpack_from("<QQ", data, at + 32)
        out.append((data[at : at + 32].rstrip(b"\0").decode(), offset, size))
    return out


def sealed(data):
    """`data` with all checksums made right again: what gets past them."""
    data = bytearray(data)
    for i, (_, offset, size) in enumerate(sections(data)):
        struct.pack_into("<I", data, HEADER + ENTRY * i + 48, zlib.crc32(data[offset : offset + size]))
    struct.pack_into("<I", data, CHECKSUM, 0)
    table = HEADER + ENTRY * len(sections(data))
    struct.pack_into("<I", data, CHECKSUM, zlib.crc32(data[:table]))
    return bytes(data)


def patched(data, offset, fmt, *values):
    data = bytearray(data)
    struct.pack_into(fmt, data, offset, *values)
    return bytes(data)


def sealed_flips(data, name, count, seed):
    """Flips inside one section, checksums made right again."""
    offset, size = next((o, s) for n, o, s in sections(data) if n == name)
    rng = random.Random(seed)
    cases = []
    for i in range(count):
        copy = bytearray(data)
        for _ in range(rng.randint(1, 3)):
            copy[offset + rng.randrange(size)] ^= 1 << rng.randrange(8)
        cases.append(Case(f"{name} flip {i}", sealed(bytes(copy)), None))
    return cases


def artifacts(good):
    table = [
        Case("version 0", sealed(patched(good, 8, "<I", 0)), "version"),
        Case("version 99", patched(good, 8, "<I", 99), "version"),
        Case("0 sections", sealed(patched(good, 12, "<I", 0)), "damaged"),
        Case("64 sections", patched(good, 12, "<I", 64), "damaged"),
        Case("2^32 - 1 sections", patched(good, 12, "<I", 0xFFFFFFFF), "damaged"),
        Case("a size of 2^63", patched(good, 16, "<Q", 1 << 63), "damaged"),
        Case("a wrong checksum", patched(good, CHECKSUM, "<I", 1), "checksum"),
        Case("a section at 2^63", sealed_table(good, 32, 1 << 63), "damaged"),
        Case("a section of 2^63", sealed_table(good, 40, 1 << 63), "damaged"),
        Case("a section that overlaps", sealed_table(good, ENTRY + 32, 320), "damaged"),
        Case("a section without name", sealed_table(good, 0, 0), "damaged"),
        Case("the wrong magic", b"TF3" + good[3:], ""),
        Case("the magic only", good[:8], ""),
        Case("the header only", good[:64], ""),
        Case("bytes after it", good + b"x", "damaged"),
        Case("twice", good + good, "damaged"),
        Case("lower case", good.replace(b"TF2QNET", b"tf2qnet"), ""),
        Case("CRLF for LF", good.replace(b"\n", b"\r\n", 1), ""),
    ]
    structure = sealed_flips(good, "structure", 60, 21)
    return (no_files() + foreign() + noise(5, 20, good[:8]) + table + structure + sealed_flips(good, "parameters", 15, 22)
            + sealed_flips(good, "preprocessing", 8, 23) + truncations(good, 12, "") + flips(good, 15, "damaged", 24))


def sealed_table(good, field, value):
    """One field of the section table changed, the table's checksum made right."""
    data = bytearray(good)
    struct.pack_into("<Q", data, HEADER + field, value)
    struct.pack_into("<I", data, CHECKSUM, 0)
    table = HEADER + ENTRY * struct.unpack_from("<I", data, 12)[0]
    struct.pack_into("<I", data, CHECKSUM, zlib.crc32(data[:table]))
    return bytes(data)


def programs(good):
    """Artifacts whose program section is damaged; the section has a checksum of its own, some cases make it right too."""
    offset, size = next((o, s) for n, o, s in sections(good) if n == "program")
    section = good[offset : offset + size]

    def with_section(text):
        data = good[:offset] + text
        data = bytearray(data)
        at = HEADER + ENTRY * [n for n, _, _ in sections(good)].index("program")
        struct.pack_into("<Q", data, at + 40, len(text))
        struct.pack_into("<Q", data, 16, len(data))
        return sealed(bytes(data))

    rng = random.Random(31)
    cases = [
        Case("no bytes", with_section(b""), "program"),
        Case("another magic", with_section(b"X" * 8 + section[8:]), "program"),
        Case("text", with_section(b"program\n" * 9), "program"),
        Case("zeros", with_section(bytes(len(section))), "program"),
        Case("ones", with_section(b"\xff" * len(section)), "program"),
        Case("bytes after it", with_section(section + b"x"), "program"),
        Case("twice", with_section(section + section), "program"),
    ]
    for i in range(30):
        cases.append(Case(f"cut at {size * i // 30}", with_section(section[: size * i // 30]), "program"))
    for i in range(20):
        cases.append(Case(f"word {i} large", with_section(patched(section, 4 * i, "<I", 0xFFFFFFFF)), None))
    for i in range(20):
        copy = bytearray(section)
        copy[rng.randrange(size)] ^= 1 << rng.randrange(8)
        cases.append(Case(f"flip {i}", with_section(bytes(copy)), "program"))
    for i in range(80):  # past the checksum: magic 8, version 4, checksum 4, size 8, then the body
        copy = bytearray(section)
        for _ in range(rng.randint(1, 3)):
            copy[24 + rng.randrange(size - 24)] ^= 1 << rng.randrange(8)
        struct.pack_into("<I", copy, 12, zlib.crc32(bytes(copy[24:])))
        cases.append(Case(f"sealed flip {i}", with_section(bytes(copy)), None))
    return cases


# Arrays: the glyphs network takes [1, 16, 16].
def npy(header, data=b"", version=(1, 0), magic=b"\x93NUMPY"):
    text = header if isinstance(header, bytes) else header.encode()
    length = struct.pack("<H" if version[0] == 1 else "<I", len(text))
    return magic + bytes(version) + length + text + data


def described(descr="'|u1'", order="False", shape="(2, 16, 16)", data=bytes(512), more=""):
    return npy(f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, {more}}}\n", data)


def arrays():
    return no_files() + foreign() + noise(10, 41, b"\x93NUMPY\x01\x00") + [
        Case("as it should be", described(), None),
        Case("the magic only", b"\x93NUMPY", ""),
        Case("another magic", described().replace(b"\x93NUMPY", b"\x92NUMPY"), ""),
        Case("version 9", npy("{}", version=(9, 0)), ""),
        Case("version 2", npy("{'descr': '|u1', 'fortran_order': False, 'shape': (2, 16, 16)}\n", bytes(512), (2, 0)), None),
        Case("a header of 4 GiB", b"\x93NUMPY\x02\x00\xff\xff\xff\xff{}", ""),
        Case("a header that is cut", b"\x93NUMPY\x01\x00\xff\xff{'descr'", ""),
        Case("an empty header", npy(""), ""),
        Case("a header that is no dictionary", npy("[1, 2, 3]\n"), ""),
        Case("a header with code", npy("__import__('os').system('true')\n"), ""),
        Case("a header nested 30,000 deep", npy("{'shape': " + "(" * 30000), ""),
        Case("no shape", npy("{'descr': '|u1', 'fortran_order': False}\n", bytes(512)), ""),
        Case("no type", npy("{'fortran_order': False, 'shape': (2, 16, 16)}\n", bytes(512)), ""),
        Case("no order", npy("{'descr': '|u1', 'shape': (2, 16, 16)}\n", bytes(512)), None),
        Case("an order that is 7", described(order="7"), None),
        Case("Fortran order", described(order="True"), None),
        Case("another key", described(more="'wobble': 1"), None),
        Case("a shape of negative numbers", described(shape="(-2, 16, 16)"), ""),
        Case("a shape of zeros", described(shape="(0, 16, 16)", data=b""), ""),
        Case("a shape of 2^40", described(shape="(1099511627776, 16, 16)"), ""),
        Case("a shape of 2^64", described(shape="(18446744073709551616, 16, 16)"), ""),
        Case("a shape that overflows", described(shape="(4294967296, 4294967296, 16)"), ""),
        Case("a shape of floats", described(shape="(2.0, 16, 16)"), ""),
        Case("a shape of text", described(shape="('a', 16)"), ""),
        Case("a scalar", described(shape="()"), ""),
        Case("a vector", described(shape="(512,)"), ""),
        Case("a thousand axes", described(shape="(" + "1, " * 1000 + ")"), ""),
        Case("another size", described(shape="(2, 8, 32)"), None),
        Case("three channels", described(shape="(1, 3, 16, 16)", data=bytes(768)), ""),
        Case("too few bytes", described(data=bytes(100)), ""),
        Case("no bytes", described(data=b""), ""),
        Case("too many bytes", described(data=bytes(9999)), None),
        Case("objects", described(descr="'|O'", data=bytes(4096)), "O"),
        Case("strings", described(descr="'<U9'", data=bytes(18432)), "U9"),
        Case("complex numbers", described(descr="'<c8'", data=bytes(4096)), "c8"),
        Case("records", described(descr="[('a', '<f4'), ('b', '<i4')]", data=bytes(4096)), ""),
        Case("dates", described(descr="'<M8[s]'", data=bytes(4096)), ""),
        Case("type that is empty", described(descr="''"), ""),
        Case("type that is a number", described(descr="7"), ""),
        Case("big endian", described(descr="'>f4'", data=bytes(2048)), None),
        Case("floats of 16 bits", described(descr="'<f2'", data=bytes(1024)), None),
        Case("doubles", described(descr="'<f8'", data=bytes(4096)), None),
        Case("booleans", described(descr="'|b1'"), None),
        Case("NaN", described(descr="'<f4'", data=struct.pack("<512f", *[float("nan")] * 512)), None),
        Case("infinity", described(descr="'<f4'", data=struct.pack("<512f", *[float("inf")] * 512)), None),
        Case("a double beyond float", described(descr="'<f8'", data=struct.pack("<512d", *[1e300] * 512)), None),
        Case("an open string", npy("{'descr': '|u1, 'fortran_order': False\n"), ""),
        Case("UTF-16", npy("{'descr': '|u1'}".encode("utf-16")), ""),
        Case("CRLF", described().replace(b"\n", b"\r\n"), None),
        Case("a byte order mark", b"\xef\xbb\xbf" + described(), ""),
    ] + truncations(described(), 25, None) + flips(described()[:120] + bytes(512), 30, None, 42)


def archives(good):
    def zipped(entries, how=zipfile.ZIP_STORED):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", how) as archive:
            for name, data in entries:
                archive.writestr(zipfile.ZipInfo(name) if how == zipfile.ZIP_STORED else name, data)
        return out.getvalue()

    x = described()
    return no_files() + [c for c in foreign() if c.name != "a zip"] + noise(6, 51, b"PK\x03\x04") + [
        Case("as it should be", zipped([("x.npy", x)]), None),
        Case("deflated", zipped([("x.npy", x)], zipfile.ZIP_DEFLATED), None),
        Case("compressed otherwise", zipped([("x.npy", x)], zipfile.ZIP_BZIP2), ""),
        Case("no entries", zipped([]), ""),
        Case("text only", zipped([("readme.txt", b"hello")]), ""),
        Case("an entry above the folder", zipped([("../../x.npy", x)]), None),
        Case("an entry that is no array", zipped([("x.npy", b"hello")]), ""),
        Case("an empty entry", zipped([("x.npy", b"")]), ""),
        Case("two arrays", zipped([("a.npy", x), ("b.npy", x)]), None),
        Case("the same name twice", zipped([("x.npy", x), ("x.npy", x)]), None),
        Case("labels that do not fit", zipped([("x.npy", x), ("y.npy", described("'<i8'", shape="(7,)", data=bytes(56)))]), None),
        Case("a bomb", zipped([("x.npy", described(shape="(200000, 16, 16)", data=bytes(51_200_000)))], zipfile.ZIP_DEFLATED), None),
        Case("10,000 entries", zipped([(f"{i}.npy", b"") for i in range(10000)]), ""),
        Case("a nested archive", zipped([("x.npz", good)]), ""),
        Case("a name with newlines", zipped([("x\n\x1b[2J.npy", b"hello")]), ""),
        Case("the end only", zipped([("x.npy", x)])[-22:], ""),
        Case("bytes before it", b"x" * 100 + zipped([("x.npy", x)]), None),
        Case("bytes after it", zipped([("x.npy", x)]) + b"x" * 100, None),
    ] + truncations(good, 30, "") + truncations(zipped([("x.npy", x)]), 15, "") + flips(zipped([("x.npy", x)]), 50, None, 52)


# Pictures.
def png(width=16, height=16, depth=8, color=0, data=None, interlace=0, chunks=(), compression=0):
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    rows = (b"\0" + bytes(16)) * 16 if data is None else data
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, color, compression, 0, interlace))
            + b"".join(chunk(k, b) for k, b in chunks) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


# A folder of pictures leaves out what is no regular file; an empty one is refused.
def pictures_common(good, seed):
    return foreign() + [Case("empty", b"", "")] + truncations(good, 45, None) + flips(good, 50, None, seed)


def pngs():
    good = png()
    big = b"\0" * 1000
    return pictures_common(good, 61) + noise(5, 62, b"\x89PNG\r\n\x1a\n") + [
        Case("as it should be", good, None),
        Case("width 0", png(width=0), ""),
        Case("height 0", png(height=0), ""),
        Case("2^31 - 1 squared", png(width=0x7FFFFFFF, height=0x7FFFFFFF), ""),
        Case("2^32 - 1 squared", png(width=0xFFFFFFFF, height=0xFFFFFFFF), ""),
        Case("100,000 squared", png(width=100000, height=100000, data=big), ""),
        Case("depth 3", png(depth=3), ""),
        Case("colour 9", png(color=9), ""),
        Case("depth 16", png(depth=16, data=(b"\0" + bytes(32)) * 16), None),
        Case("a palette that is absent", png(color=3), ""),
        Case("a palette that is short", png(color=3, chunks=[(b"PLTE", b"\1\2\3")], data=(b"\0" + b"\7" * 16) * 16), None),
        Case("too little data", png(data=b"\0" * 20), None),
        Case("too much data", png(data=(b"\0" + bytes(16)) * 999), None),
        Case("a filter of 9", png(data=(b"\x09" + bytes(16)) * 16), None),
        Case("interlaced", png(interlace=1), None),
        Case("interlace 7", png(interlace=7), ""),
        Case("compression 5", png(compression=5), ""),
        Case("a text chunk that is a bomb", png(chunks=[(b"zTXt", b"k\0\0" + zlib.compress(bytes(50_000_000)))]), None),
        Case("an unknown critical chunk", png(chunks=[(b"WOBB", b"x")]), None),
        Case("two headers", good[:33] + good[8:], None),
        Case("a wrong checksum", good[:20] + b"\1" + good[21:], ""),
        Case("one pixel", png(1, 1, data=b"\0\7"), None),
    ]


def _jpeg(size=(16, 16), mode="L", **more):
    from PIL import Image
    out = io.BytesIO()
    Image.new(mode, size).save(out, "JPEG", **more)
    return out.getvalue()


def jpegs():
    good = _jpeg()
    start = good.index(b"\xff\xc0")

    def with_size(h, w):
        return good[: start + 5] + struct.pack(">HH", h, w) + good[start + 9 :]

    return pictures_common(good, 71) + noise(5, 72, b"\xff\xd8\xff\xe0") + [
        Case("as it should be", good, None),
        Case("colour", _jpeg(mode="RGB"), None),
        Case("four channels", _jpeg(mode="CMYK"), None),
        Case("progressive", _jpeg(mode="RGB", progressive=True), None),
        Case("width 0", with_size(16, 0), ""),
        Case("height 0", with_size(0, 16), ""),
        Case("65,535 squared", with_size(65535, 65535), None),
        Case("the markers only", b"\xff\xd8\xff\xd9", ""),
        Case("no tables", good[:2] + good[start:], None),
        Case("bytes after it", good + b"x" * 99, None),
        Case("one pixel", _jpeg((1, 1)), None),
        Case("a line of 1 x 5,000", _jpeg((1, 5000)), None),
    ]


def pnms():
    good = b"P6\n16 16\n255\n" + bytes(768)
    return pictures_common(good, 81) + noise(5, 82, b"P6\n") + [
        Case("as it should be", good, None),
        Case("grey", b"P5 16 16 255\n" + bytes(256), None),
        Case("a comment", b"P5\n# made by hand\n16 16\n255\n" + bytes(256), None),
        Case("width 0", b"P5 0 16 255\n", ""),
        Case("width -1", b"P5 -1 16 255\n", ""),
        Case("width 10^12", b"P5 1000000000000 16 255\n", ""),
        Case("60,000 squared", b"P5 60000 60000 255\n" + bytes(99), ""),
        Case("a maximum of 0", b"P5 16 16 0\n" + bytes(256), ""),
        Case("a maximum of 70,000", b"P5 16 16 70000\n" + bytes(256), ""),
        Case("a maximum of 65,535", b"P5 16 16 65535\n" + bytes(512), None),
        Case("no maximum", b"P5 16 16\n", ""),
        Case("no size", b"P5\n", ""),
        Case("text for size", b"P5 a b 255\n", ""),
        Case("ASCII pixels", b"P2 2 2 255\n1 2 3 4\n", None),
        Case("bits", b"P4 16 16\n" + bytes(32), None),
        Case("too little data", b"P5 16 16 255\n" + bytes(100), ""),
        Case("too much data", b"P5 16 16 255\n" + bytes(999), None),
        Case("an endless comment", b"P5 #" + b"x" * 100000, ""),
        Case("CRLF", b"P5\r\n16 16\r\n255\r\n" + bytes(256), None),
    ]


def idx_files():
    good = struct.pack(">IIII", 0x803, 2, 16, 16) + bytes(512)
    cases = [
        Case("as it should be", good, None),
        Case("no pictures", struct.pack(">IIII", 0x803, 0, 16, 16), ""),
        Case("2^32 - 1 pictures", struct.pack(">IIII", 0x803, 0xFFFFFFFF, 16, 16) + bytes(512), ""),
        Case("everything 2^32 - 1", struct.pack(">IIII", 0x803, *[0xFFFFFFFF] * 3) + bytes(512), ""),
        Case("pictures without width", struct.pack(">IIII", 0x803, 2, 16, 0) + bytes(512), ""),
        Case("other dimensions", struct.pack(">IIII", 0x803, 2, 8, 8) + bytes(128), None),
        Case("labels for pictures", struct.pack(">II", 0x801, 2) + bytes(2), ""),
        Case("floats", struct.pack(">IIII", 0xD03, 2, 16, 16) + bytes(2048), ""),
        Case("an unknown type", struct.pack(">IIII", 0x703, 2, 16, 16) + bytes(512), ""),
        Case("255 axes", struct.pack(">I", 0x8FF) + b"\0\0\0\1" * 255 + b"x", ""),
        Case("too many bytes", good + bytes(99), None),
        Case("the other byte order", struct.pack("<IIII", 0x803, 2, 16, 16) + bytes(512), ""),
    ]
    return no_files() + foreign() + noise(8, 91, b"\0\0\x08\x03") + cases + truncations(good, 40, None) + flips(good[:16] + bytes(512), 45, None, 92)


# JSON.
def json_common(good, seed):
    text = good.encode() if isinstance(good, str) else good
    return no_files() + foreign() + noise(6, seed) + [
        Case("an array", b"[1, 2]", ""), Case("a number", b"7", ""), Case("null", b"null", ""), Case("text in quotes", b'"x"', ""),
        Case("an open brace", b"{", ""), Case("two objects", text + text, ""), Case("a comma too many", b'{"N": 8,}', ""),
        Case("single quotes", b"{'N': 8}", ""), Case("a comment", b'// x\n' + text, ""), Case("UTF-16", text.decode().encode("utf-16"), ""),
        Case("a byte order mark", b"\xef\xbb\xbf" + text, None), Case("CRLF", text.replace(b"\n", b"\r\n"), None),
        Case("no UTF-8", b'{"na\xffme": 1}', ""), Case("a lone surrogate", b'{"name": "\\ud800"}', ""),
        Case("arrays 200,000 deep", b"[" * 200000, ""), Case("objects 50,000 deep", b'{"a":' * 50000, ""),
        Case("a number of 5,000 digits", b'{"N": ' + b"9" * 5000 + b"}", ""), Case("a file of 2 MB", b'{"name": "' + b"x" * 2_000_000 + b'"}', ""),
        Case("Infinity", b'{"N": Infinity}', ""), Case("NaN", b'{"N": NaN}', ""),
    ] + truncations(text, 25, None) + flips(text, 30, None, seed + 1)


ARCH = {"name": "mine", "N": 8, "C": 8, "P": 1, "FeatureWords": 4096, "WeightWords": 4096}


def arch_files():
    def arch(**changes):
        return json.dumps({**ARCH, **changes}).encode()

    cases = [Case("as it should be", arch(), None), Case("an empty object", b"{}", None), Case("an unknown key", arch(Wobble=1), "Wobble"),
             Case("the wrong case", arch(featurewords=9), "featurewords"), Case("a key with newlines", arch(**{"a\nb": 1}), ""),
             Case("a key twice", b'{"N": 8, "N": 16}', None), Case("a name that is a number", arch(name=7), "name"),
             Case("a megabyte's name", arch(name="n" * 900_000), None), Case("a small memory", arch(FeatureWords=64), "feature")]
    for key in ("N", "C", "P", "AccBits", "FeatureWords", "WeightWords", "ParamEntries", "ProgramFields", "FieldBits", "CountBits", "CoordBits",
                "BeatBits", "PortBits", "R"):
        cases.append(Case(f"{key} = -1", arch(**{key: -1}), key))
        cases.append(Case(f"{key} = text", arch(**{key: "x"}), key))
        cases.append(Case(f"{key} = 0", arch(**{key: 0}), None))
        cases.append(Case(f"{key} = 2^40", arch(**{key: 1 << 40}), key))
        cases.append(Case(f"{key} = 1.5", arch(**{key: 1.5}), key))
    for key in ("DualPort", "HasPadding", "HasWide"):
        cases.append(Case(f"{key} = 2", arch(**{key: 2}), key))
    return json_common(json.dumps(ARCH), 101) + cases


def device_files(good):
    device = {**json.loads(good), "name": "mine"}

    def changed(**changes):
        return json.dumps({**device, **changes}).encode()

    cases = [Case("another name", changed(name="yours"), ""), Case("no name", changed(name=""), "name"),
             Case("another family", changed(family="stratix"), "stratix"), Case("an unknown key", changed(wobble=1), "wobble"),
             Case("no sources", changed(sources={}), "source"), Case("sources that are text", changed(sources="x"), "sources"),
             Case("a name with a path", changed(name="../mine"), "")]
    for key in ("logic_cells", "ebr", "ebr_bits", "spram", "spram_bits", "dsp", "ios", "target_mhz"):
        cases.append(Case(f"{key} = -1", changed(**{key: -1}), key))
        cases.append(Case(f"{key} = text", changed(**{key: "x"}), key))
        cases.append(Case(f"{key} = 1e300", changed(**{key: 1e300}), key))
        cases.append(Case(f"{key} = 0", changed(**{key: 0}), None))
        cases.append(Case(f"no {key}", json.dumps({k: v for k, v in device.items() if k != key}).encode(), key))
    return json_common(json.dumps(device, indent=1), 111) + cases
