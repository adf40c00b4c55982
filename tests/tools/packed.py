# SPDX-License-Identifier: Apache-2.0
"""Weights in the "pack-quantized" layout of compressed-tensors: read back, and made anew.

NAME is stored as NAME_packed (I32 words, the first level in the lowest bits), NAME_scale (one per
group of a row), NAME_zero_point (asymmetric: levels packed down the columns) and NAME_shape.
"""

import array
import struct

from models import narrow, product, widen

EPSILON = {"F32": 2.0**-23, "F16": 2.0**-10, "BF16": 2.0**-7}


def f32(value):
    return struct.unpack("<f", struct.pack("<f", value))[0]


def unpack_levels(words, bits, count):
    mask, per_word = (1 << bits) - 1, 32 // bits
    return [(words[i // per_word] >> (i % per_word * bits)) & mask for i in range(count)]


class Packed:
    """One weight: its levels as signed numbers, its scales and zero points, row by row."""

    def __init__(self, tensors, name, bits):
        packed, scale = tensors[name + "_packed"], tensors[name + "_scale"]
        shape = array.array("q", tensors[name + "_shape"].data)
        assert tensors[name + "_shape"].dtype == "I64" and len(shape) >= 2, name
        outer, self.columns = list(shape[:-1]), shape[-1]
        self.rows, self.shape = product(outer), list(shape)
        words_per_row = -(-self.columns * bits // 32)
        assert packed.dtype == "I32" and packed.shape == outer + [words_per_row], name
        self.groups = scale.shape[-1]
        assert scale.shape == outer + [self.groups], name
        words, half = array.array("I", packed.data), 1 << (bits - 1)
        self.levels = []
        for row in range(self.rows):
            line = words[row * words_per_row : (row + 1) * words_per_row]
            levels = unpack_levels(line, bits, self.columns)
            self.levels.append([level - half for level in levels])
        self.scale_dtype, scales = scale.dtype, scale.floats()
        self.scales = [list(scales[r * self.groups :][: self.groups]) for r in range(self.rows)]
        self.zeros = self._zero_points(tensors.get(name + "_zero_point"), bits)

    def _zero_points(self, tensor, bits):
        if tensor is None:
            return [[0] * self.groups for _ in range(self.rows)]
        assert tensor.dtype == "I32" and tensor.shape == [-(-self.rows * bits // 32), self.groups]
        words, half = array.array("I", tensor.data), 1 << (bits - 1)
        columns = [unpack_levels(words[g :: self.groups], bits, self.rows) for g in range(self.groups)]
        return [[columns[g][r] - half for g in range(self.groups)] for r in range(self.rows)]

    def dequantized(self, group_size):
        out = array.array("f")
        for levels, scales, zeros in zip(self.levels, self.scales, self.zeros):
            out.extend(
                f32((level - zeros[i // group_size]) * scales[i // group_size])
                for i, level in enumerate(levels)
            )
        return out


def quantize_group(values, bits, dtype, asymmetric):
    """(levels, scale, zero point) of one group by compressed-tensors' min-max rule, in float32."""
    low, high = min(0.0, min(values)), max(0.0, max(values))
    steps, least, most = (1 << bits) - 1, -(1 << (bits - 1)), (1 << (bits - 1)) - 1
    if asymmetric:
        scale = f32(f32(high - low) / steps)
    else:
        scale = f32(max(high, -low) / f32(steps / 2))
    scale = widen(dtype, narrow(dtype, [scale]))[0] or EPSILON[dtype]
    zero = 0
    if asymmetric:
        zero = min(most, max(least, round(f32(least - f32(low / scale)))))
    # A quotient of two float32 rounded twice, over float64, is the float32 quotient.
    levels = [min(most, max(least, round(f32(f32(x / scale) + zero)))) for x in values]
    return levels, scale, zero
