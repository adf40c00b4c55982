# SPDX-License-Identifier: Apache-2.0
"""Weights in the "pack-quantized" layout of compressed-tensors: read back, and made anew.

NAME is stored as NAME_packed (I32 words, the first level in the lowest bits), NAME_scale (one per
group of a row), NAME_zero_point (asymmetric: levels packed down the columns) and NAME_shape.
"""

import array
from operator import add, sub, truediv

from models import narrow, product, widen

EPSILON = {"F32": 2.0**-23, "F16": 2.0**-10, "BF16": 2.0**-7}


def f32(values):
    """Each rounded to float32."""
    return array.array("f", values)


def unpack_levels(words, bits, count):
    mask, shifts = (1 << bits) - 1, range(0, 32, bits)
    levels = [word >> shift & mask for word in words for shift in shifts]
    del levels[count:]
    return levels


class Packed:
    """One weight: its levels as signed numbers, its scales and zero points, row by row."""

    def __init__(self, tensors, name, bits):
        self.name, self.bits = name, bits
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
        self.zeros = self._zero_points(tensors.get(name + "_zero_point"))

    def _zero_points(self, tensor):
        bits = self.bits
        if tensor is None:
            return [[0] * self.groups for _ in range(self.rows)]
        assert tensor.dtype == "I32" and tensor.shape == [-(-self.rows * bits // 32), self.groups]
        words, half = array.array("I", tensor.data), 1 << (bits - 1)
        columns = [unpack_levels(words[g :: self.groups], bits, self.rows) for g in range(self.groups)]
        return [[columns[g][r] - half for g in range(self.groups)] for r in range(self.rows)]

    def hold(self, original, group_size, asymmetric):
        """Every level, scale and zero point is what quantize_groups makes of the original weights."""
        groups = split(original.floats(), self.columns, group_size)
        found = self.levels, self.scales, self.zeros
        expected = quantize_groups(groups, self.bits, original.dtype, asymmetric)
        for what, rows, values in zip(("levels", "scales", "zero points"), found, expected):
            width = len(rows[0])
            assert len(values) == width * len(rows), (self.name, what)
            for i, row in enumerate(rows):
                same = row == values[i * width : (i + 1) * width]
                assert same, "%s: %s of row %d differ" % (self.name, what, i)

    def dequantized(self, group_size):
        out = array.array("f")
        for levels, scales, zeros in zip(self.levels, self.scales, self.zeros):
            for g, (scale, zero) in enumerate(zip(scales, zeros)):
                group = levels[g * group_size : (g + 1) * group_size]
                out.extend(f32([(level - zero) * scale for level in group]))
        return out


def split(values, columns, group_size):
    """The groups of each row in turn; the last one of a row may be short."""
    starts = range(0, columns, group_size)
    return [
        values[row + start : min(row + start + group_size, row + columns)]
        for row in range(0, len(values), columns)
        for start in starts
    ]


def quantize_groups(groups, bits, dtype, asymmetric):
    """(levels of all, scales, zero points) by compressed-tensors' min-max rule, in float32."""
    steps, least, most = (1 << bits) - 1, -(1 << (bits - 1)), (1 << (bits - 1)) - 1
    lows, highs = [min(0.0, min(g)) for g in groups], [max(0.0, max(g)) for g in groups]
    if asymmetric:
        scales = f32([span / steps for span in f32(map(sub, highs, lows))])
    else:
        scales = f32([max(high, -low) / (steps / 2) for low, high in zip(lows, highs)])
    scales = [scale or EPSILON[dtype] for scale in widen(dtype, narrow(dtype, scales))]
    zeros = [0] * len(groups)
    if asymmetric:
        exact = f32([least - step for step in f32(map(truediv, lows, scales))])
        zeros = [min(most, max(least, round(zero))) for zero in exact]
    # A quotient of two float32 rounded twice, over float64, is the float32 quotient.
    quotients = f32([x / scale for group, scale in zip(groups, scales) for x in group])
    spread = [zero for group, zero in zip(groups, zeros) for _ in group]
    levels = list(map(round, f32(map(add, quotients, spread))))
    return [min(most, max(least, level)) for level in levels], scales, zeros
