#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Usage: onnx_to_safetensors.py MODEL.onnx OUT.safetensors

Takes the float32 tensors out of an ONNX model - initializers and constants, those of If and Loop
bodies too - and prints how many weights there are, and how many in rows of a multiple of 32.

ONNX is Protocol Buffers: a message is a run of (key, value), where key = field << 3 | wire type.
Only the handful of fields named below are looked at.
"""

import array
import sys

from models import Tensor, product, write_safetensors

MODEL_GRAPH = 7
GRAPH_NODE, GRAPH_INITIALIZER = 1, 5
NODE_OUTPUT, NODE_ATTRIBUTE = 2, 5
ATTRIBUTE_NAME, ATTRIBUTE_TENSOR, ATTRIBUTE_GRAPH = 1, 5, 6
TENSOR_DIMS, TENSOR_TYPE, TENSOR_FLOATS, TENSOR_NAME, TENSOR_RAW = 1, 2, 4, 8, 9
TYPE_FLOAT = 1


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def fields(data):
    """Each (field, value) of a message; value is an int or the bytes."""
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        if key & 7 == 0:
            value, at = varint(data, at)
        elif key & 7 == 1:
            value, at = data[at : at + 8], at + 8
        elif key & 7 == 2:
            size, at = varint(data, at)
            value, at = data[at : at + size], at + size
        elif key & 7 == 5:
            value, at = data[at : at + 4], at + 4
        else:
            raise ValueError("wire type %d at %d" % (key & 7, at))
        yield key >> 3, value


def first(data, wanted, default=b""):
    return next((value for field, value in fields(data) if field == wanted), default)


def take_tensor(message, name, found):
    if first(message, TENSOR_TYPE, 0) != TYPE_FLOAT:
        return
    shape, floats = [], b""
    for field, value in fields(message):
        if field == TENSOR_DIMS and isinstance(value, int):
            shape.append(value)
        elif field == TENSOR_DIMS:
            at = 0
            while at < len(value):
                dim, at = varint(value, at)
                shape.append(dim)
        elif field in (TENSOR_FLOATS, TENSOR_RAW):
            floats += value
    assert len(floats) == 4 * product(shape), name
    assert name not in found, name
    found[name] = Tensor("F32", shape, array.array("f", floats).tobytes())


def take_graph(message, path, found):
    for field, value in fields(message):
        if field == GRAPH_INITIALIZER:
            take_tensor(value, path + first(value, TENSOR_NAME).decode(), found)
        elif field == GRAPH_NODE:
            take_node(value, path, found)


def take_node(message, path, found):
    output = first(message, NODE_OUTPUT).decode().rpartition("/")[2]
    for field, attribute in fields(message):
        if field != NODE_ATTRIBUTE:
            continue
        body = path + first(attribute, ATTRIBUTE_NAME).decode() + "."
        for part, value in fields(attribute):
            if part == ATTRIBUTE_GRAPH:
                take_graph(value, body, found)
            elif part == ATTRIBUTE_TENSOR and isinstance(value, bytes):
                name = first(value, TENSOR_NAME).decode() or output
                take_tensor(value, path + name, found)


def main(source, destination):
    found = {}
    with open(source, "rb") as file:
        take_graph(first(file.read(), MODEL_GRAPH), "", found)
    write_safetensors(destination, found, {"format": "pt"})
    rows = [t for t in found.values() if len(t.shape) >= 2 and t.shape[-1] % 32 == 0]
    weights, in_rows = (sum(t.weights for t in ts) for ts in (found.values(), rows))
    print("%d tensors, %d weights, %d in rows of a multiple of 32" % (len(found), weights, in_rows))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
