#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Usage: check_readback.py gguf ORIGINAL.safetensors TYPE QUANTIZED.gguf COMPARE.json LIBGGML [HF.json]
       check_readback.py packed ORIGINAL.safetensors BITS GROUP QUANTIZED.safetensors COMPARE.json [HF.json]

Reads a quantized model with readers that are not ArrowQuant's, and holds its bytes against an
independent quantization, its values against the original, and `arrowquant compare --json` against
the same sums done here. Prints the total cosine.
"""

import json
import math
import sys
from operator import mul, sub

from ggml import Ggml
from models import read_safetensors
from packed import Packed


class Errors:
    """The sums that `compare` reports, over one tensor or over all."""

    def __init__(self):
        self.weights, self.squares, self.dot, self.aa, self.bb, self.most = 0, 0.0, 0.0, 0.0, 0.0, 0.0

    def add(self, original, quantized):
        self.weights += len(original)
        differences = list(map(sub, original, quantized))
        self.most = max(self.most, max(map(abs, differences)))
        self.squares += math.fsum(map(mul, differences, differences))
        self.dot += math.fsum(map(mul, original, quantized))
        self.aa += math.fsum(map(mul, original, original))
        self.bb += math.fsum(map(mul, quantized, quantized))

    def figures(self):
        return {
            "weights": self.weights,
            "mse": self.squares / self.weights,
            "max_abs": self.most,
            "snr_db": 10 * math.log10(self.aa / self.squares) if self.squares else None,
            "cosine": self.dot / math.sqrt(self.aa * self.bb),
        }


def hold_compare(what, entry, errors):
    for key, value in errors.figures().items():
        if value is None:  # JSON has no infinity
            close = entry[key] is None
        else:
            close = math.isclose(entry[key], value, rel_tol=1e-9, abs_tol=1e-15)
        assert close, "compare says %s of %s is %r, not %r" % (key, what, entry[key], value)


def squeeze(shape):
    """Without leading ones, which GGUF does not keep apart from absent dimensions."""
    shape = list(shape)
    while len(shape) > 1 and shape[0] == 1:
        shape.pop(0)
    return shape


def check_gguf(original, type_name, quantized, compare, library, hf=None):
    _, tensors = read_safetensors(original)
    ggml = Ggml(library)
    found, keys = ggml.tensors(quantized)
    assert set(found) == set(tensors), "names differ"
    assert keys["general.quantization_version"] == 2, keys
    entries = {entry["name"]: entry for entry in compare["tensors"]}
    total, done, block = Errors(), 0, 256 if type_name.endswith("_k") else 32
    for name, tensor in tensors.items():
        kind, shape, data, offset = found[name]
        assert shape == (squeeze(tensor.shape) or [1]), (name, shape, tensor.shape)
        floats = tensor.floats()
        if len(tensor.shape) < 2 or tensor.shape[-1] % block != 0:
            assert kind == "F32" and data == tensor.data, name + " should have been kept"
            total.add(floats, floats)
            continue
        assert kind == type_name.upper(), "%s is %s" % (name, kind)
        expected = ggml.quantize(kind, floats, tensor.shape[-1])
        assert data == expected, name + ": the bytes are not ggml's"
        values, errors = ggml.dequantize(kind, data, len(floats)), Errors()
        errors.add(floats, values)
        hold_compare(name, entries[name], errors)
        total.add(floats, values)
        done += 1
    assert done == sum(1 for t in tensors.values() if len(t.shape) > 1 and t.shape[-1] % block == 0) > 0
    if hf:
        theirs = {t["name"]: (t["dtype"], squeeze(t["shape"]), t["offset"]) for t in hf["tensors"]}
        ours = {n: (kind, shape, offset) for n, (kind, shape, _, offset) in found.items()}
        assert theirs == ours, "the other reader sees different tensors"
        assert hf["metadata"]["general.architecture"] == keys["general.architecture"]
    return total


def check_packed(original, bits, group, quantized, compare, hf=None):
    _, tensors = read_safetensors(original)
    _, found = read_safetensors(quantized)
    entries = {entry["name"]: entry for entry in compare["tensors"]}
    total, done, expected_names = Errors(), 0, set()
    for name, tensor in tensors.items():
        floats = tensor.floats()
        if name in found:
            assert found[name] == tensor, name + " changed"
            expected_names.add(name)
            total.add(floats, floats)
            continue
        packed, errors = Packed(found, name, bits), Errors()
        assert packed.shape == tensor.shape, name
        parts = (name + part for part in ("_packed", "_scale", "_zero_point", "_shape"))
        expected_names.update(part for part in parts if part in found)
        size = min(group or packed.columns, packed.columns)
        assert packed.groups == -(-packed.columns // size), name
        packed.hold(tensor, size, asymmetric=name + "_zero_point" in found)
        values = packed.dequantized(size)
        errors.add(floats, values)
        hold_compare(name, entries[name], errors)
        total.add(floats, values)
        done += 1
    assert done > 0, "nothing was quantized"
    assert set(found) == expected_names, set(found) ^ expected_names
    if hf:
        header = hf["header"]
        header.pop("__metadata__", None)
        theirs = {name: (entry["dtype"], entry["shape"]) for name, entry in header.items()}
        assert theirs == {name: (t.dtype, t.shape) for name, t in found.items()}
    return total


def load(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def main(kind, *arguments):
    if kind == "gguf":
        original, type_name, quantized, compare, library, *hf = arguments
        total = check_gguf(original, type_name, quantized, load(compare), library, *map(load, hf))
    else:
        original, bits, group, quantized, compare, *hf = arguments
        total = check_packed(
            original, int(bits), int(group), quantized, load(compare), *map(load, hf)
        )
    print("%.9f" % total.figures()["cosine"])


if __name__ == "__main__":
    if len(sys.argv) < 7:
        sys.exit(__doc__)
    main(*sys.argv[1:])
