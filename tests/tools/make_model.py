#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Usage: make_model.py mixed OUT.safetensors   one file with tensors of many dtypes and shapes
       make_model.py weights OUT.safetensors   the same, only what GGUF can hold as well
       make_model.py gguf OUT.gguf             F32, F16, BF16 and Q6_K tensors, keys of every type
       make_model.py directory OUT/            a small language model in two shards
       make_model.py poison OUT.safetensors DTYPE VALUE INDEX
                                               one weight of 'poisoned' is VALUE (nan, inf, 1e38)
"""

import json
import os
import random
import sys

import gguf_file
from gguf_file import gguf_bytes
from models import Tensor, narrow, product, write_safetensors


def gaussian(seed, dtype, *shape):
    rng = random.Random(seed)
    return Tensor(dtype, shape, narrow(dtype, [rng.gauss(0, 0.05) for _ in range(product(shape))]))


def weights():
    return {
        "a.f32.weight": gaussian(1, "F32", 96, 256),
        "b.f16.weight": gaussian(2, "F16", 33, 320),
        "c.bf16.weight": gaussian(3, "BF16", 48, 128),
        "d.odd_row.weight": gaussian(4, "F32", 5, 33),
        "e.vector": gaussian(5, "F32", 64),
        "f.three.weight": gaussian(6, "F16", 3, 5, 64),
        "g.scalar": gaussian(7, "F32"),
        "h.ids": Tensor("I64", [7, 3], bytes(range(168))),
        "i.one_row.weight": gaussian(8, "BF16", 1, 32),
        "j.zeros.weight": Tensor("F32", [4, 64], bytes(1024)),
        "k.half_vector": gaussian(9, "F16", 40),
    }


def mixed():
    tensors = weights()
    tensors["m.bool"] = Tensor("BOOL", [2, 5], b"\0\1" * 5)
    tensors["n.u8"] = Tensor("U8", [3, 32], bytes(range(96)))
    tensors["o.f8"] = Tensor("F8_E4M3", [4, 32], bytes(range(128)))
    tensors["p.f64"] = Tensor("F64", [2, 32], bytes(512))
    tensors["q.empty"] = Tensor("F32", [0, 32], b"")
    # Where an odd number of bytes ends, what follows is not aligned.
    tensors["r.unaligned.weight"] = gaussian(10, "F16", 7, 96)
    return tensors


def keys():
    return [
        ("general.architecture", gguf_file.STRING, "llama"),
        ("general.name", gguf_file.STRING, "t\u00e9st"),
        ("general.file_type", gguf_file.U32, 1),
        ("x.u8", gguf_file.U8, 200),
        ("x.i8", gguf_file.I8, -3),
        ("x.u16", gguf_file.U16, 60000),
        ("x.i16", gguf_file.I16, -300),
        ("x.i32", gguf_file.I32, -70000),
        ("x.f32", gguf_file.F32, 0.5),
        ("x.bool", gguf_file.BOOL, True),
        ("x.u64", gguf_file.U64, 1 << 63),
        ("x.i64", gguf_file.I64, -(1 << 40)),
        ("x.f64", gguf_file.F64, 1e300),
        ("tokenizer.ggml.tokens", gguf_file.ARRAY, (gguf_file.STRING, ["a", "", "\u00fc", "zz"])),
        ("tokenizer.ggml.scores", gguf_file.ARRAY, (gguf_file.F32, [0.0, -1.5, 2.0])),
    ]


def gguf_tensors():
    return {
        "token_embd.weight": gaussian(11, "F16", 32, 64),
        "blk.0.attn_norm.weight": gaussian(12, "F32", 64),
        "blk.0.attn_q.weight": gaussian(13, "F32", 64, 64),
        "blk.0.attn_k.weight": gaussian(14, "BF16", 32, 64),
        "blk.0.odd.weight": gaussian(15, "F16", 3, 40),
        "blk.0.done.weight": Tensor("Q6_K", [2, 256], bytes(i % 251 for i in range(420))),
        "output.weight": gaussian(16, "F16", 32, 64),
    }


def linear_layers(hidden, inner):
    yield from (("self_attn.%s_proj" % part, hidden, hidden) for part in "qkvo")
    yield from (("mlp.%s_proj" % part, inner, hidden) for part in ("gate", "up"))
    yield "mlp.down_proj", hidden, inner


def directory(path, hidden=64, inner=136, vocabulary=96):
    shards, seed = [{}, {}], 100
    shards[0]["model.embed_tokens.weight"] = gaussian(seed, "BF16", vocabulary, hidden)
    for layer, shard in enumerate(shards):
        prefix = "model.layers.%d." % layer
        for name, rows, columns in linear_layers(hidden, inner):
            seed += 1
            shard[prefix + name + ".weight"] = gaussian(seed, "BF16", rows, columns)
        shard[prefix + "input_layernorm.weight"] = gaussian(seed + 50, "BF16", hidden)
    shards[1]["model.norm.weight"] = gaussian(200, "BF16", hidden)
    shards[1]["lm_head.weight"] = gaussian(201, "BF16", vocabulary, hidden)
    os.makedirs(path)
    weight_map, total = {}, 0
    for i, shard in enumerate(shards):
        name = "model-%05d-of-%05d.safetensors" % (i + 1, len(shards))
        write_safetensors(os.path.join(path, name), shard, {"format": "pt"})
        weight_map.update((tensor, name) for tensor in shard)
        total += sum(len(tensor.data) for tensor in shard.values())
    texts = {
        "model.safetensors.index.json": {
            "metadata": {"total_size": total}, "weight_map": weight_map
        },
        "config.json": {
            "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": hidden,
            "intermediate_size": inner, "num_hidden_layers": 2, "num_attention_heads": 4,
            "vocab_size": vocabulary, "rms_norm_eps": 1e-05, "torch_dtype": "bfloat16",
        },
        "generation_config.json": {"bos_token_id": 1},
        "tokenizer.json": {"version": "1.0", "note": "z\u00fcrich"},
    }
    for name, value in texts.items():
        with open(os.path.join(path, name), "w", encoding="utf-8") as file:
            json.dump(value, file, indent=2, ensure_ascii=False)
    with open(os.path.join(path, "tokenizer.model"), "wb") as file:
        file.write(bytes(range(256)) * 8)


def poison(dtype, value, index):
    tensor = gaussian(17, dtype, 64, 96)
    values = tensor.floats()
    values[index] = value
    spoiled = Tensor(dtype, tensor.shape, narrow(dtype, values))
    return {"clean.weight": gaussian(18, dtype, 8, 64), "poisoned": spoiled}


def main(kind, path, *arguments):
    if kind == "mixed":
        write_safetensors(path, mixed(), {"format": "pt", "made": "for tests"})
    elif kind == "weights":
        write_safetensors(path, weights(), {"format": "pt"})
    elif kind == "directory":
        directory(path)
    elif kind == "gguf":
        with open(path, "wb") as file:
            file.write(gguf_bytes(keys(), gguf_tensors()))
    elif kind == "poison":
        dtype, value, index = arguments
        write_safetensors(path, poison(dtype, float(value), int(index)))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
