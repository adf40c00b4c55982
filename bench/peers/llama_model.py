# SPDX-License-Identifier: Apache-2.0
"""A model shaped as a small llama, in float16: what the whole-file peers quantize."""

import struct

import numpy

STRING, U32, F32, F16 = 8, 4, 6, 1
EMBEDDING, INNER, KEYS, VOCABULARY = 2048, 5632, 256, 34048
LAYERS, LAYERS_QUICK = 8, 1  # 491,815,000 weights: 0.98 GB


def tensors(layers):
    """(name, ggml's number of the type, row-major shape), in file order."""
    yield "token_embd.weight", F16, (VOCABULARY, EMBEDDING)
    yield "output_norm.weight", 0, (EMBEDDING,)
    yield "output.weight", F16, (VOCABULARY, EMBEDDING)
    for i in range(layers):
        for name, shape in (
            ("attn_norm", (EMBEDDING,)), ("attn_q", (EMBEDDING, EMBEDDING)),
            ("attn_k", (KEYS, EMBEDDING)), ("attn_v", (KEYS, EMBEDDING)),
            ("attn_output", (EMBEDDING, EMBEDDING)), ("ffn_norm", (EMBEDDING,)),
            ("ffn_gate", (INNER, EMBEDDING)), ("ffn_up", (INNER, EMBEDDING)),
            ("ffn_down", (EMBEDDING, INNER)),
        ):
            yield "blk.%d.%s.weight" % (i, name), F16 if len(shape) > 1 else 0, shape


def text(value):
    return struct.pack("<Q", len(value)) + value.encode()


def keys(layers):
    numbers = {
        "block_count": layers, "context_length": 2048, "embedding_length": EMBEDDING,
        "feed_forward_length": INNER, "attention.head_count": 32, "attention.head_count_kv": 4,
    }
    yield text("general.architecture") + struct.pack("<I", STRING) + text("llama")
    for name, value in numbers.items():
        yield text("llama." + name) + struct.pack("<II", U32, value)
    yield text("llama.attention.layer_norm_rms_epsilon") + struct.pack("<If", F32, 1e-5)


def size_of(number, shape):
    return int(numpy.prod(shape)) * (2 if number == F16 else 4)


def layout(layers):
    """The header's bytes, and [(name, type number, shape, absolute offset)]."""
    infos, places, offset = b"", [], 0
    for name, number, shape in tensors(layers):
        infos += text(name) + struct.pack("<I", len(shape))
        infos += struct.pack("<%dQIQ" % len(shape), *shape[::-1], number, offset)
        places.append((name, number, shape, offset))
        offset += (size_of(number, shape) + 31) // 32 * 32
    pairs = list(keys(layers))
    header = b"GGUF" + struct.pack("<IQQ", 3, len(places), len(pairs)) + b"".join(pairs) + infos
    header += b"\0" * (-len(header) % 32)
    return header, [(*place[:3], len(header) + place[3]) for place in places]


def write(path, layers, seed=1):
    """Gaussian weights, each its own: what repeats would flatter whoever's branches learn it."""
    header, places = layout(layers)
    random = numpy.random.default_rng(seed)
    with open(path, "wb") as file:
        file.write(header)
        for _, number, shape, offset in places:
            file.seek(offset)
            if number != F16:
                numpy.ones(shape, numpy.float32).tofile(file)
                continue
            for first in range(0, shape[0], 1024):
                rows = min(1024, shape[0] - first)
                part = random.standard_normal((rows, shape[1]), numpy.float32)
                (part * numpy.float32(0.02)).astype(numpy.float16).tofile(file)
        file.truncate((file.tell() + 31) // 32 * 32)
