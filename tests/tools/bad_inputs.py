#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Usage: bad_inputs.py DIRECTORY

Writes model files that are not what they say they are, and prints one line for each: the input's
path, then the words that an error about it must hold, separated by tabs.
"""

import json
import os
import struct
import sys

import gguf_file
from gguf_file import gguf_bytes, key_value, padding, tensor_info
from make_model import gguf_tensors, keys
from models import Tensor, safetensors_bytes

ROOM = 256  # bytes of data in the small files


def small():
    return {
        "first": Tensor("F32", [2, 16], bytes(128)),
        "victim": Tensor("F16", [2, 32], bytes(128)),
    }


def with_header(header, data=bytes(ROOM)):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def entry(dtype="F16", shape=(2, 32), offsets=(128, 256), **more):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets), **more}


def victim(*arguments, **more):
    """A file whose second tensor has an entry of its own."""
    return with_header({"first": entry("F32", (2, 16), (0, 128)), "victim": entry(*arguments, **more)})


def without(field):
    broken = entry()
    del broken[field]
    return with_header({"first": entry("F32", (2, 16), (0, 128)), "victim": broken})


def safetensors():
    whole = safetensors_bytes(small())
    (size,) = struct.unpack_from("<Q", whole)
    pair = b'{"victim":%s,"victim":%s}' % ((json.dumps(entry(offsets=(0, 128))).encode(),) * 2)
    yield "empty", b"", ""
    yield "seven_bytes", whole[:7], ""
    yield "header_zero", struct.pack("<Q", 0) + bytes(ROOM), ""
    yield "header_beyond_file", struct.pack("<Q", len(whole)) + whole[8:], "header"
    yield "header_huge", struct.pack("<Q", 1 << 63) + whole[8:], "header"
    yield "header_cut", whole[: 8 + size // 2], "header"
    yield "header_not_json", with_header(b"{'first': 1}"), "header", "byte"
    yield "header_array", with_header([1, 2]), ""
    yield "header_deep", with_header(b'{"a":' + b"[" * 100000), ""
    yield "header_two_values", with_header(b"{} {}"), ""
    yield "name_not_utf8", with_header(b'{"\xff\xfe":%s}' % json.dumps(entry()).encode()), ""
    yield "name_with_nul", with_header(b'{"a\\u0000b":%s}' % json.dumps(entry()).encode()), ""
    yield "name_twice", with_header(pair), "victim"
    yield "data_cut", whole[:-1], "victim"
    yield "data_extra", whole + b"x", ""
    yield "dtype_unknown", victim("F13"), "victim", "F13"
    yield "dtype_number", victim(5), "victim"
    yield "dtype_missing", without("dtype"), "victim"
    yield "shape_missing", without("shape"), "victim"
    yield "offsets_missing", without("data_offsets"), "victim"
    yield "shape_negative", victim("F16", (-2, 32)), "victim"
    yield "shape_fraction", victim("F16", (2.5, 32)), "victim"
    yield "shape_text", victim("F16", ("2", 32)), "victim"
    yield "shape_overflow", victim("F16", (1 << 32, 1 << 32, 2)), "victim"
    yield "shape_too_large", victim("F16", (1 << 70,)), ""
    yield "shape_and_bytes", victim("F16", (2, 33)), "victim"
    yield "offsets_reversed", victim(offsets=(256, 128)), "victim"
    yield "offsets_three", victim(offsets=(128, 256, 256)), "victim"
    yield "offsets_beyond", victim("F16", (2, 64), (128, 384)), "victim"
    yield "overlap", victim(offsets=(64, 192)), "victim"
    yield "hole", victim("F16", (2, 16), (192, 256)), "victim"
    yield "hole_at_start", with_header({"victim": entry()}), "victim"
    yield "metadata_number", with_header({"__metadata__": {"a": 1}, "victim": entry(
        shape=(4, 32), offsets=(0, 256))}), "metadata"


def with_counts(tensors, kvs, rest=b""):
    return b"GGUF" + struct.pack("<IQQ", 3, tensors, kvs) + rest


def one_tensor(info, data=bytes(4096)):
    head = with_counts(1, 0, info)
    return head + padding(len(head)) + data


def one_key(key, count=1):
    head = with_counts(0, count, key)
    return head + padding(len(head))


def gguf():
    whole = gguf_bytes(keys(), gguf_tensors())
    f16 = gguf_file.NUMBERS["F16"]
    kind = struct.pack
    twice = tensor_info("victim", [2, 32], f16, 0) * 2
    yield "empty", b"", ""
    yield "magic", b"GGML" + whole[4:], ""
    yield "version_1", whole[:4] + kind("<I", 1) + whole[8:], "version"
    yield "version_99", whole[:4] + kind("<I", 99) + whole[8:], "version"
    yield "big_endian", whole[:4] + kind(">I", 3) + whole[8:], "endian"
    yield "cut_in_header", whole[:200], ""
    yield "cut_in_data", whole[:-64], "output.weight"
    yield "tensors_huge", with_counts(1 << 60, 0, bytes(64)), ""
    yield "keys_huge", with_counts(0, 1 << 60, bytes(64)), ""
    yield "key_too_long", one_key(kind("<Q", 1 << 62) + b"victim"), ""
    yield "key_type", one_key(gguf_file.text("victim") + kind("<IQ", 77, 0)), "byte", "metadata"
    yield "key_twice", one_key(key_value("victim", 4, 1) * 2, 2), "victim"
    yield "array_of_arrays", one_key(gguf_file.text("victim") + kind("<IIQ", 9, 9, 0)), "byte", "metadata"
    yield "array_huge", one_key(gguf_file.text("victim") + kind("<IIQ", 9, 10, 1 << 61)), "byte", "metadata"
    yield "string_huge", one_key(gguf_file.text("victim") + kind("<IQ", 8, 1 << 62)), "byte", "metadata"
    yield "alignment", one_key(key_value("general.alignment", 4, 24)), "alignment"
    yield "tensor_type", one_tensor(tensor_info("victim", [2, 32], 9999, 0)), "victim", "9999"
    yield "five_dims", one_tensor(tensor_info("victim", [1, 1, 1, 1, 32], f16, 0)), "victim"
    yield "dims_overflow", one_tensor(tensor_info("victim", [1 << 32, 1 << 32], f16, 0)), "victim"
    yield "dims_negative", one_tensor(tensor_info("victim", [2, (1 << 64) - 32], f16, 0)), "victim"
    yield "row_not_blocks", one_tensor(tensor_info("victim", [2, 33], 8, 0)), "victim"
    yield "offset_unaligned", one_tensor(tensor_info("victim", [2, 32], f16, 7)), "victim"
    yield "offset_beyond", one_tensor(tensor_info("victim", [2, 32], f16, 1 << 20)), "victim"
    yield "offset_wraps", one_tensor(tensor_info("victim", [2, 32], f16, (1 << 64) - 32)), "victim"
    head = with_counts(2, 0, twice)
    yield "name_twice", head + padding(len(head)) + bytes(4096), "victim"


def directory(path, index, shards):
    os.makedirs(path)
    for name, data in shards.items():
        with open(os.path.join(path, name), "wb") as file:
            file.write(data)
    with open(os.path.join(path, "model.safetensors.index.json"), "w", encoding="utf-8") as file:
        file.write(index if isinstance(index, str) else json.dumps(index))
    return path


def indexes(top):
    shard = "model-00001-of-00002.safetensors"
    whole = safetensors_bytes(small())
    good = {"first": shard, "victim": shard}
    other = "model-00002-of-00002.safetensors"
    cases = {
        "index_not_json": ("{", ["index.json"]),
        "index_array": ([1], ["index.json"]),
        "map_missing": ({"metadata": {}}, ["weight_map"]),
        "map_array": ({"weight_map": []}, ["index.json", "byte"]),
        "map_number": ({"weight_map": {"victim": 1}}, ["index.json", "byte"]),
        "shard_missing": ({"weight_map": {**good, "x": other}}, [other]),
        "shard_outside": ({"weight_map": {**good, "x": "../" + shard}}, ["index.json"]),
        "shard_absolute": ({"weight_map": {"first": "/etc/passwd"}}, ["index.json"]),
        "shard_of_another_kind": ({"weight_map": {**good, "x": "notes.txt"}}, ["notes.txt"]),
        "tensor_not_in_shard": ({"weight_map": {**good, "ghost": shard}}, ["ghost"]),
        "tensor_not_in_map": ({"weight_map": {"first": shard}}, ["victim"]),
    }
    for name, (index, words) in cases.items():
        path = directory(os.path.join(top, name), index, {shard: whole})
        yield path, words
    broken = directory(os.path.join(top, "shard_broken"), {"weight_map": good}, {shard: whole[:-1]})
    yield broken, [shard, "victim"]
    empty = os.path.join(top, "neither")
    os.makedirs(empty)
    yield empty, ["neither"]


def main(top):
    os.makedirs(top)
    for end, cases in (("safetensors", safetensors()), ("gguf", gguf())):
        for name, data, *words in cases:
            path = os.path.join(top, "%s.%s" % (name, end))
            with open(path, "wb") as file:
                file.write(data)
            print("\t".join([path, os.path.basename(path), *filter(None, words)]))
    for path, words in indexes(top):
        print("\t".join([path, *words]))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
