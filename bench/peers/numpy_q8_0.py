#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Usage: numpy_q8_0.py IN.gguf LAYERS OUT
q8_0 as one writes it with numpy: the blocks of each matrix of a model of llama_model.py, one after
the other. Prints the time it took and the peak of its memory."""

import json
import sys
import time

import llama_model
import numpy


def peak_bytes():
    with open("/proc/self/status", encoding="ascii") as file:
        for line in file:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0


def blocks(part):
    """half[n] -> bytes: a float16 scale and 32 levels, rounded half away from zero."""
    x = part.astype(numpy.float32).reshape(-1, 32)
    scale = numpy.abs(x).max(axis=1, keepdims=True) / numpy.float32(127)
    inverse = numpy.divide(1, scale, out=numpy.zeros_like(scale), where=scale != 0)
    x *= inverse
    x += numpy.copysign(numpy.float32(0.49999997), x)
    out = numpy.empty((len(x), 34), numpy.uint8)
    out[:, :2] = scale.astype(numpy.float16).view(numpy.uint8)
    out[:, 2:] = numpy.trunc(x).astype(numpy.int8).view(numpy.uint8)
    return out


def main(source, layers, target):
    begin = time.monotonic()
    step = 1 << 22
    with open(source, "rb") as data, open(target, "wb") as out:
        for _, number, shape, offset in llama_model.layout(int(layers))[1]:
            if number != llama_model.F16:
                continue
            data.seek(offset)
            left = int(numpy.prod(shape))
            while left > 0:
                part = numpy.fromfile(data, numpy.float16, min(left, step))
                blocks(part).tofile(out)
                left -= len(part)
    print(json.dumps({"time_s": time.monotonic() - begin, "peak_bytes": peak_bytes()}))


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
