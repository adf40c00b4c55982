# SPDX-License-Identifier: Apache-2.0
"""Model files for the tests, read and written without ArrowQuant: only Python's own library."""

import array
import json
import struct
import sys

assert sys.byteorder == "little"

ITEM_BITS = {
    "F64": 64, "F32": 32, "F16": 16, "BF16": 16, "I64": 64, "I32": 32, "I16": 16, "I8": 8,
    "U64": 64, "U32": 32, "U16": 16, "U8": 8, "BOOL": 8, "F8_E4M3": 8, "F8_E5M2": 8, "F4": 4,
}


class Tensor:
    """One tensor: its dtype, its row-major shape and its bytes."""

    def __init__(self, dtype, shape, data):
        self.dtype, self.shape, self.data = dtype, list(shape), bytes(data)

    @property
    def weights(self):
        return product(self.shape)

    def floats(self):
        """The weights, widened exactly to float32."""
        return widen(self.dtype, self.data)

    def __eq__(self, other):
        return (self.dtype, self.shape, self.data) == (other.dtype, other.shape, other.data)


def product(numbers):
    result = 1
    for number in numbers:
        result *= number
    return result


def widen(dtype, data):
    if dtype == "F32":
        return array.array("f", data)
    if dtype == "F16":
        return array.array("f", struct.unpack("<%de" % (len(data) // 2), data))
    if dtype == "BF16":
        words = array.array("I", (half << 16 for half in array.array("H", data)))
        return array.array("f", words.tobytes())
    raise ValueError("no weights in " + dtype)


def narrow(dtype, values):
    """The bytes of `values` in dtype (BF16 is rounded to nearest even, as F16 is)."""
    if dtype == "F32":
        return array.array("f", values).tobytes()
    if dtype == "F16":
        return struct.pack("<%de" % len(values), *values)
    if dtype == "BF16":
        words = array.array("I", array.array("f", values).tobytes())
        return array.array("H", ((w + 0x7FFF + ((w >> 16) & 1)) >> 16 for w in words)).tobytes()
    raise ValueError("no weights in " + dtype)


def read_safetensors(path):
    """(metadata, {name: Tensor}), checked to lie without hole or overlap."""
    with open(path, "rb") as file:
        content = file.read()
    (size,) = struct.unpack_from("<Q", content)
    header = json.loads(content[8 : 8 + size])
    metadata = header.pop("__metadata__", {})
    data, tensors, end = content[8 + size :], {}, 0
    for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        first, last = entry["data_offsets"]
        assert first == end, "%s: %s does not begin where the last one ended" % (path, name)
        bits = product(entry["shape"]) * ITEM_BITS[entry["dtype"]]
        assert (last - first) * 8 == bits, "%s: %s: shape and bytes disagree" % (path, name)
        tensors[name] = Tensor(entry["dtype"], entry["shape"], data[first:last])
        end = last
    assert end == len(data), path + ": bytes after the last tensor"
    return metadata, tensors


def safetensors_bytes(tensors, metadata=None):
    header, offset = {}, 0
    if metadata is not None:
        header["__metadata__"] = metadata
    for name, tensor in tensors.items():
        end = offset + len(tensor.data)
        header[name] = {
            "dtype": tensor.dtype,
            "shape": tensor.shape,
            "data_offsets": [offset, end],
        }
        offset = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + b"".join(t.data for t in tensors.values())


def write_safetensors(path, tensors, metadata=None):
    with open(path, "wb") as file:
        file.write(safetensors_bytes(tensors, metadata))
