# SPDX-License-Identifier: Apache-2.0
"""GGUF version 3, written and read without ArrowQuant or ggml."""

import struct

from models import product

U8, I8, U16, I16, U32, I32, F32, BOOL, STRING, ARRAY, U64, I64, F64 = range(13)
FORMATS = {
    U8: "B", I8: "b", U16: "H", I16: "h", U32: "I", I32: "i", F32: "f", BOOL: "?",
    U64: "Q", I64: "q", F64: "d",
}
# ggml's number of a tensor type: (name, elements per block, bytes per block)
TYPES = {
    0: ("F32", 1, 4), 1: ("F16", 1, 2), 2: ("Q4_0", 32, 18), 3: ("Q4_1", 32, 20),
    6: ("Q5_0", 32, 22), 7: ("Q5_1", 32, 24), 8: ("Q8_0", 32, 34),
    10: ("Q2_K", 256, 84), 11: ("Q3_K", 256, 110), 12: ("Q4_K", 256, 144), 13: ("Q5_K", 256, 176), 14: ("Q6_K", 256, 210),
    24: ("I8", 1, 1), 25: ("I16", 1, 2), 26: ("I32", 1, 4), 27: ("I64", 1, 8), 28: ("F64", 1, 8),
    30: ("BF16", 1, 2),
}
NUMBERS = {name: number for number, (name, _, _) in TYPES.items()}


def text(value):
    data = value.encode() if isinstance(value, str) else value
    return struct.pack("<Q", len(data)) + data


def value_bytes(kind, value):
    if kind == STRING:
        return text(value)
    if kind == ARRAY:
        item, values = value
        body = b"".join(value_bytes(item, v) for v in values)
        return struct.pack("<IQ", item, len(values)) + body
    return struct.pack("<" + FORMATS[kind], value)


def key_value(key, kind, value):
    return text(key) + struct.pack("<I", kind) + value_bytes(kind, value)


def tensor_info(name, shape, number, offset):
    dims = shape[::-1]
    return text(name) + struct.pack("<I%dQIQ" % len(dims), len(dims), *dims, number, offset)


def padding(size, alignment=32):
    return b"\0" * (-size % alignment)


def gguf_bytes(keys, tensors, alignment=32):
    """keys: [(key, kind, value)]; tensors: {name: Tensor}."""
    infos, data = b"", b""
    for name, tensor in tensors.items():
        infos += tensor_info(name, tensor.shape, NUMBERS[tensor.dtype], len(data))
        data += tensor.data + padding(len(tensor.data), alignment)
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(keys))
    head += b"".join(key_value(*key) for key in keys) + infos
    return head + padding(len(head), alignment) + data


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, form):
        values = struct.unpack_from("<" + form, self.data, self.at)
        self.at += struct.calcsize("<" + form)
        return values if len(values) > 1 else values[0]

    def text(self):
        size = self.take("Q")
        self.at += size
        return self.data[self.at - size : self.at].decode()

    def value(self, kind):
        if kind == STRING:
            return self.text()
        if kind == ARRAY:
            item, count = self.take("IQ")
            return item, [self.value(item) for _ in range(count)]
        return self.take(FORMATS[kind])


def read_gguf(path):
    """({key: (kind, value)}, {name: (type, row-major shape, bytes)})"""
    with open(path, "rb") as file:
        reader = Reader(file.read())
    assert reader.data[:4] == b"GGUF"
    reader.at = 4
    version, tensor_count, key_count = reader.take("IQQ")
    assert version == 3
    keys, infos, tensors = {}, [], {}
    for _ in range(key_count):
        key, kind = reader.text(), reader.take("I")
        keys[key] = (kind, reader.value(kind))
    for _ in range(tensor_count):
        name, rank = reader.text(), reader.take("I")
        dims = [reader.take("Q") for _ in range(rank)]
        infos.append((name, dims[::-1], reader.take("I"), reader.take("Q")))
    alignment = keys.get("general.alignment", (U32, 32))[1]
    begin = reader.at + -reader.at % alignment
    for name, shape, number, offset in infos:
        kind, block, size = TYPES[number]
        assert offset % alignment == 0, name
        length = product(shape) // block * size
        data = reader.data[begin + offset : begin + offset + length]
        assert len(data) == length, name
        tensors[name] = (kind, shape, data)
    return keys, tensors
