"""What the lists of hostile files share: cases, mutations, things that are no regular files, protobuf by hand."""
import os
import random
import struct


class Case:
    """One file. `content`: bytes, or a function that makes something at a path. `says`: text of the message (any case), or
    None where the file is merely odd: success will do."""

    def __init__(self, name, content, says=None):
        self.name, self.content, self.says = name, content, says

    def make(self, path):
        if callable(self.content):
            self.content(path)
        else:
            path.write_bytes(self.content)


def truncations(data, count, says):
    """`count` prefixes of `data`, spread over it."""
    return [Case(f"cut at {len(data) * i // count}", data[: len(data) * i // count], says) for i in range(count)]


def flips(data, count, says, seed):
    """`count` copies of `data` with one to four bytes changed."""
    rng = random.Random(seed)
    cases = []
    for i in range(count):
        copy = bytearray(data)
        for _ in range(rng.randint(1, 4)):
            copy[rng.randrange(len(copy))] ^= 1 << rng.randrange(8)
        cases.append(Case(f"flip {i}", bytes(copy), says))
    return cases


def noise(count, seed, prefix=b""):
    rng = random.Random(seed)
    return [Case(f"noise {i}", prefix + rng.randbytes(rng.randint(1, 3000)), "") for i in range(count)]


def _unreadable(path):
    path.write_bytes(b"x")
    path.chmod(0)


def no_files():
    """What every reader of a file must survive; none of these is a regular file with contents."""
    return [
        Case("empty", b"", ""),
        Case("a folder", lambda p: p.mkdir(), "folder"),
        Case("a pipe", lambda p: os.mkfifo(p), "regular file"),
        Case("a symlink to itself", lambda p: p.symlink_to(p.name), ""),
        Case("a dangling symlink", lambda p: p.symlink_to("nowhere"), "no such file"),
        Case("endless zeros", lambda p: p.symlink_to("/dev/zero"), "regular file"),
        Case("a null device", lambda p: p.symlink_to("/dev/null"), "regular file"),
    ] + ([] if os.geteuid() == 0 else [Case("not readable", _unreadable, "denied")])


def foreign():
    """Files of other formats under the name of this one."""
    return [
        Case("text", b"Dear reader,\nthis is no model.\n" * 20, ""),
        Case("UTF-16 text", "name: 'net'\r\n".encode("utf-16") * 30, ""),
        Case("a web page", b"<!DOCTYPE html><html><head><title>404 Not Found</title></head></html>", ""),
        Case("zeros", bytes(5000), ""),
        Case("ones", b"\xff" * 5000, ""),
        Case("a zip", b"PK\x03\x04" + bytes(60), ""),
        Case("a gzip", b"\x1f\x8b\x08\x00" + bytes(60), ""),
        Case("a PNG", b"\x89PNG\r\n\x1a\n" + bytes(60), ""),
        Case("an ELF", b"\x7fELF\x02\x01\x01" + bytes(200), ""),
        Case("a git-lfs pointer", b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n", ""),
    ]


# Protobuf by hand.
def varint(value):
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def integer(field, value):
    return varint(field << 3) + varint(value)


def chunk(field, data):
    data = data.encode() if isinstance(data, str) else data
    return varint(field << 3 | 2) + varint(len(data)) + data


def floats(values):
    return struct.pack(f"<{len(values)}f", *values)
