#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Usage: random_mixture.py ARROWQUANT LLAMA-DIRECTORY MODELS SEED
As check_mixture.py, on models made up from numbers, architectures and tensors' names drawn at random,
with four presets each, some of them pure, some with an importance matrix. What llama_model_quantize
refuses or dies of is counted, and is not held against us."""

import os
import random
import re
import sys

import gguf_file as gguf
from check_mixture import Model, compare, run_ours, write_matrices
from llama import FTYPES, Llama

ARCHS = """afmoe apertus arctic baichuan bailingmoe bert bitnet bloom chameleon chatglm codeshell cohere2
command-r dbrx deci deepseek deepseek2 dots1 ernie4_5 exaone falcon gemma gemma2 gemma3 gemma3n glm4
glm4moe gpt-oss gpt2 gptj gptneox granite granitemoe grok hunyuan-moe internlm2 jais jamba lfm2 llama
llama-embed llama4 mamba mamba2 minicpm minicpm3 mpt nemotron nomic-bert olmo olmo2 olmoe openelm orion
phi2 phi3 plamo qwen qwen2 qwen2moe qwen2vl qwen3 qwen3moe qwen3next refact rwkv6 rwkv7 smollm3 stablelm
starcoder starcoder2 t5 t5encoder xverse""".split()
LAYERED = """attn_q attn_k attn_v attn_qkv attn_output attn_kv_b attn_kv_a_mqa attn_q_a attn_q_b attn_k_b
attn_v_b attn_norm attn_q_norm attn_rel_b attn_sinks attn_gate attn_v_enc cross_attn_v cross_attn_k
ffn_gate ffn_up ffn_down ffn_down.0 ffn_gate_exps ffn_up_exps ffn_down_exps ffn_down_shexp ffn_up_shexp
ffn_gate_inp ffn_gate_inp_shexp ffn_down_enc ffn_latent_up ffn_norm_exps ffn_act ssm_in ssm_out ssm_x
ssm_dt ssm_conv1d time_mix_key time_mix_w1 channel_mix_value nextn.eh_proj nextn.embed_tokens
nextn.shared_head_head laurel_l per_layer_proj inp_gate proj post_norm shortconv.in_proj indexer.attn_q_b
visual.attn_v""".split()
WHOLE = """output output_norm output_b token_embd token_embd_norm token_types position_embd rope_freqs cls
cls.output per_layer_token_embd per_layer_model_proj per_layer_proj_norm altup_proj enc.output dec.output
enc.blk.0.attn_v dec.blk.0.ffn_down v.blk.0.attn_q mm.0 nextn.output""".split()


def extra_tensors(rng, layers, columns):
    found = {}
    for _ in range(rng.choice([0, 0, 3, 10, 30])):
        name = "blk.%d.%s" % (rng.randrange(layers), rng.choice(LAYERED))
        name = rng.choice([name] * 3 + [rng.choice(WHOLE)])
        name += rng.choice([".weight"] * 8 + [".bias", ".scale", "", "_weight"])
        c = rng.choice([columns] * 3 + [256, 32, 64, 96])
        shape = rng.choice([(2, c), (3, c), (c,), (1, c), (2, 1, c), (3, 2, c), (1, 2, c), (1, 1, c)])
        found[name] = (name, rng.choice(["F16", "BF16", "F32"]), shape)
    return found


def random_model(rng):
    layers = rng.choice([1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 24, 31, 32, 33, 40, 80, 80, 81])
    heads = rng.choice([1, 4, 8, 9, 16, 32, 64])
    shared = rng.choice([1, 2, heads, max(1, heads // 4), max(1, heads // 8)])
    columns = rng.choice([256, 256, 256, 512, 96, 32, 64, 320, 288])
    keys = [("vocab_size", gguf.U32, 2)]
    if rng.random() < 0.15:
        keys.append(("nextn_predict_layers", gguf.U32, rng.choice([0, 1])))
    for name, chance, choices in (("head_count_kv", 0.2, [0, shared, 1]), ("head_count", 0.1, [0, heads, heads])):
        if rng.random() < chance:
            each = [rng.choice(choices) for _ in range(layers)]
            keys.append(("attention." + name, gguf.ARRAY, (gguf.U32, each)))
    options = {
        "arch": rng.choice(ARCHS) if rng.random() < 0.6 else "llama", "layers": layers, "heads": heads,
        "heads_kv": shared, "experts": rng.choice([0, 0, 0, 2, 4, 8, 8, 16]), "columns": columns,
        "dtype": rng.choice(["F16", "F16", "BF16", "F32"]), "tied": rng.random() < 0.3, "keys": keys,
        "qkv": rng.random() < 0.2,
    }
    names = {name for name, _ in Model(**options).tensors()}
    extra = extra_tensors(rng, layers, columns)
    return Model(**options, extra=[extra[name] for name in extra if name not in names])


def quantize_apart(directory, preset, pure, values):
    """(whether llama made theirs.gguf, the end of what it said), in a process that may die of it."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        llama = Llama(directory)
        ok = llama.quantize("model.gguf", "theirs.gguf", preset, pure, values)
        os.write(writing, (" +"[ok] + "".join(llama.log)[-1000:]).encode()[:4000])
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8", errors="replace") as file:
        said = file.read()
    os.waitpid(child, 0)
    return said.startswith("+"), said


def add_missing_keys(directory, model):
    """What the architecture's own code asks for before it looks at any tensor."""
    for _ in range(30):
        found = re.search(r"key not found in model: (\S+)", quantize_apart(directory, "q8_0", False, None)[1])
        if not found or not found[1].startswith(model.arch + "."):
            return
        broken = re.search("scale|epsilon|base|clamp|bias", found[1])
        model.keys.append((found[1], gguf.F32, 1.0) if broken else (found[1], gguf.U32, 2))
        model.write("model.gguf")


def check(command, directory, seed):
    """(equal files, files that llama did not make, failures)"""
    rng = random.Random(seed)
    model = random_model(rng)
    model.write("model.gguf")
    add_missing_keys(directory, model)
    values = write_matrices(model) if rng.random() < 0.35 else None
    equal = refused = failures = 0
    for preset in rng.sample(sorted(FTYPES), 4):
        pure = rng.random() < 0.15
        matrix = ["--imatrix", rng.choice(["imatrix.dat", "imatrix.gguf"])] if values else []
        what = "seed %d, %s%s%s" % (seed, preset, ", pure" * pure, ", importances" * bool(matrix))
        made, _ = quantize_apart(directory, preset, pure, values)
        if not made:
            refused += 1
            continue
        code, message = run_ours(command, "model.gguf", "ours.gguf", preset, pure, matrix)
        if code != 0:
            print("%s: exit %d: %s" % (what, code, message))
        # Files that say the same differ where llama.cpp leaves out an outermost dimension of 1.
        if code == 0 and compare("one-row, " + what, "ours.gguf", "theirs.gguf"):
            equal += 1
        else:
            failures += 1
    return equal, refused, failures


def main(command, directory, models, seed):
    os.environ["GGML_NO_BACKTRACE"] = "1"
    done = [check(command, directory, int(seed) + i) for i in range(int(models))]
    equal, refused, failures = map(sum, zip(*done))
    print("%d models of seed %s: %d equal files, %d that llama does not make, %d failures"
          % (len(done), seed, equal, refused, failures))
    sys.exit(1 if failures or equal == 0 else 0)


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    main(*sys.argv[1:])
