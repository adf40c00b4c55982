#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Usage: check_mixture.py ARROWQUANT LLAMA-DIRECTORY [CASE...]
What arrowquant makes of small models of many shapes against what llama_model_quantize does: whole
files, byte for byte. Each case is a model; every preset is tried on it, --pure and not."""

import array
import random
import struct
import subprocess
import sys

import gguf_file as gguf
from llama import FTYPES, Llama
from models import Tensor, narrow, product

POOL = {}


def weights(dtype, shape):
    """Gaussian ones; cut out of one long run, since only their variety matters."""
    if dtype not in POOL:
        rng = random.Random(len(POOL))
        POOL[dtype] = narrow(dtype, [rng.gauss(0, 0.05) for _ in range(1 << 14)])
    item = 4 if dtype == "F32" else 2
    size = product(shape) * item
    begin = len(POOL) * 2 * item % 512
    return Tensor(dtype, list(shape), (POOL[dtype] * (size // len(POOL[dtype]) + 2))[begin : begin + size])


class Model:
    def __init__(self, arch="llama", layers=2, heads=8, heads_kv=8, experts=0, columns=256,
                 dtype="F16", tied=False, keys=(), qkv=False, extra=()):
        self.arch, self.layers, self.columns, self.dtype = arch, layers, columns, dtype
        self.experts, self.tied, self.qkv, self.extra = experts, tied, qkv, extra
        u32, f32 = gguf.U32, gguf.F32
        own = [
            ("block_count", u32, layers), ("context_length", u32, 64),
            ("embedding_length", u32, columns), ("feed_forward_length", u32, columns),
            ("attention.head_count", u32, heads), ("attention.head_count_kv", u32, heads_kv),
            ("attention.layer_norm_rms_epsilon", f32, 1e-5),
            ("attention.layer_norm_epsilon", f32, 1e-5),
        ]
        if experts:
            own += [("expert_count", u32, experts), ("expert_used_count", u32, 2)]
        taken = {key[0] for key in keys}
        self.keys = [("general.architecture", gguf.STRING, arch), ("general.file_type", u32, 1)]
        self.keys += [(arch + "." + k, t, v) for k, t, v in own if k not in taken]
        self.keys += [(arch + "." + k, t, v) for k, t, v in keys]
        self.keys += [("tokenizer.ggml.tokens", gguf.ARRAY, (gguf.STRING, ["a", "bc"]))]

    def layer(self, i):
        experts, columns = self.experts, self.columns
        attention = ["attn_qkv"] if self.qkv else ["attn_q", "attn_k", "attn_v"]
        for name in attention + ["attn_output"]:
            yield name, (2, columns)
        if experts:
            yield "ffn_gate_inp", (experts, columns)
        for name in ("ffn_gate", "ffn_up", "ffn_down"):
            yield (name + "_exps", (experts, 1, columns)) if experts else (name, (2, columns))

    def tensors(self):
        norm = Tensor("F32", [self.columns], bytes(4 * self.columns))
        yield "token_embd.weight", weights(self.dtype, (2, self.columns))
        yield "output_norm.weight", norm
        if not self.tied:
            yield "output.weight", weights(self.dtype, (2, self.columns))
        for i in range(self.layers):
            yield "blk.%d.attn_norm.weight" % i, norm
            for name, shape in self.layer(i):
                yield "blk.%d.%s.weight" % (i, name), weights(self.dtype, shape)
        for name, dtype, shape in self.extra:
            yield name, weights(dtype, shape)

    def write(self, path):
        with open(path, "wb") as file:
            file.write(gguf.gguf_bytes(self.keys, dict(self.tensors())))


SPARED = [
    "position_embd.weight", "token_types.weight", "blk.0.attn_rel_b.weight", "blk.0.ssm_conv1d.weight",
    "blk.0.shortconv.conv.weight", "altup_proj.weight", "blk.0.laurel_l.weight",
    "per_layer_model_proj.weight", "blk.0.indexer.k_proj.weight", "blk.0.time_mix_w1.weight",
    "blk.0.time_mix_decay_w2.weight", "blk.0.ffn_gate_inp.weight", "v.position_embd.weight",
    "v.patch_embd.weight", "mm.a.code_embd.weight", "blk.0.attn_q_norm.weight",
]
NOT_SPARED = ["per_layer_token_embd.weight", "blk.0.some_other.weight", "blk.1.ffn_down_shexp.weight",
              "cls.weight", "blk.0.attn_kv_b.weight", "blk.1.attn_kv_a_mqa.weight"]
EXTRA = [(name, "F16", (4, 256)) for name in SPARED + NOT_SPARED] + [
    ("blk.0.attn_q.bias", "F32", (256,)), ("blk.1.attn_q.scale", "F16", (4, 256)),
    ("blk.1.ffn_three.weight", "F16", (3, 2, 256)),
]

CASES = {
    "llama": dict(layers=8),
    "one-layer": dict(layers=1),
    "llama-32": dict(layers=32, heads_kv=2),
    "llama-70b": dict(layers=80, heads_kv=1),
    "llama-65b": dict(layers=80),
    "llama-gqa-3": dict(layers=16, heads=9, heads_kv=3),
    "heads-of-each-layer": dict(layers=2, keys=[
        ("attention.head_count", gguf.ARRAY, (gguf.U32, [8, 4])),
        ("attention.head_count_kv", gguf.ARRAY, (gguf.U32, [2, 4]))]),
    "tied": dict(layers=8, tied=True),
    "bf16": dict(layers=2, dtype="BF16"),
    "f32": dict(layers=2, dtype="F32"),
    "extra": dict(layers=2, extra=EXTRA),
    "one-row": dict(layers=1, extra=[("blk.0.ffn_one_row.weight", "F16", (1, 256)),
                                     ("blk.0.ffn_slab.weight", "F16", (1, 4, 256))]),
    "rows-of-96": dict(layers=8, columns=96),
    "rows-of-96-tied": dict(layers=2, columns=96, tied=True),
    "rows-of-320-f32": dict(layers=2, columns=320, dtype="F32", tied=True),
    "rows-of-80-f32": dict(layers=2, columns=80, dtype="F32", tied=True),
    "rows-of-80-bf16": dict(layers=2, columns=80, dtype="BF16"),
    "mixtral": dict(layers=32, experts=8, heads_kv=2),
    "four-experts": dict(layers=17, experts=4),
    "falcon": dict(arch="falcon", layers=32, heads_kv=1, qkv=True),
    "falcon-60": dict(arch="falcon", layers=60, qkv=True, tied=True),
    "falcon-96": dict(arch="falcon", layers=8, qkv=True, columns=96),
    "qwen2": dict(arch="qwen2", layers=28, heads_kv=2, tied=True),
    "qwen2-80": dict(arch="qwen2", layers=80, heads_kv=1),
    "olmo-80": dict(arch="olmo", layers=80),
    "phi3": dict(arch="phi3", layers=32, qkv=True),
    "gemma": dict(arch="gemma", layers=18, heads_kv=1, tied=True),
    "gpt2": dict(arch="gpt2", layers=12, qkv=True),
    "bert": dict(arch="bert", layers=12, tied=True, keys=[("attention.causal", gguf.BOOL, False)]),
}

# With an importance matrix as well.
WEIGHTED = ("llama", "mixtral", "rows-of-96", "rows-of-80-f32", "bf16", "f32", "falcon", "tied")


def contents(path):
    """All that a file says, with shapes as llama.cpp writes them: no outermost dimension of 1."""
    keys, tensors = gguf.read_gguf(path)
    stripped = {}
    for name, (kind, shape, data) in tensors.items():
        while len(shape) > 1 and shape[0] == 1:
            shape = shape[1:]
        stripped[name] = (kind, shape, data)
    return list(keys.items()), list(stripped.items())


def compare(what, ours, theirs):
    with open(ours, "rb") as a, open(theirs, "rb") as b:
        if a.read() == b.read():
            return True
    mine, other = contents(ours), contents(theirs)
    if mine == other and what.startswith("one-row"):
        return True
    print("%s: the files differ" % what)
    mine, other = dict(mine[1]), dict(other[1])
    for name in [n for n in other if mine.get(n) != other[n]][:5]:
        print("  %s: %s instead of %s" % (name, mine[name][:2], other[name][:2]))
    return False


def run_ours(command, source, target, preset, pure, more=()):
    arguments = [command, "quantize", "-q", "--no-sync", "--force", "-j", "1", "-t", preset]
    arguments += ["--pure"] * pure + list(more) + [source, target]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr.strip()


def importances(model):
    """{tensor: (calls, sums over the calls)} for most of a model's weights; some columns count 0."""
    rng, found = random.Random(5), {}
    for name, tensor in model.tensors():
        if name.endswith("weight") and "norm" not in name and "attn_q" not in name:
            count = tensor.shape[-1] * (tensor.shape[0] if len(tensor.shape) > 2 else 1)
            sums = [rng.random() ** 4 * 50 if rng.random() < 0.9 else 0.0 for _ in range(count)]
            found[name] = (7, array.array("f", sums))
    return found


def old_form(entries):
    data = struct.pack("<i", len(entries))
    for name, (calls, sums) in entries.items():
        data += struct.pack("<i", len(name)) + name.encode()
        data += struct.pack("<ii", calls, len(sums)) + sums.tobytes()
    return data + struct.pack("<ii", 7, 4) + b"wiki"


def gguf_form(entries, shapes):
    tensors = {}
    for name, (calls, sums) in entries.items():
        rows = len(sums) // shapes[name]
        tensors[name + ".in_sum2"] = Tensor("F32", [rows, shapes[name]], sums.tobytes())
        counts = array.array("f", [calls] * rows)
        tensors[name + ".counts"] = Tensor("F32", [rows, 1], counts.tobytes())
    keys = [("general.type", gguf.STRING, "imatrix"), ("imatrix.chunk_count", gguf.U32, 7),
            ("imatrix.datasets", gguf.ARRAY, (gguf.STRING, ["wiki"]))]
    return gguf.gguf_bytes(keys, tensors)


def write_matrices(model):
    """Both forms, and what llama's own reader would make of them."""
    entries = importances(model)
    shapes = {name: tensor.shape[-1] for name, tensor in model.tensors()}
    with open("imatrix.dat", "wb") as file:
        file.write(old_form(entries))
    with open("imatrix.gguf", "wb") as file:
        file.write(gguf_form(entries, shapes))
    return {name: array.array("f", [s / calls for s in sums])
            for name, (calls, sums) in entries.items()}


def check_matrices(command, llama, name, source, values):
    """(checks, failures) of every preset with an importance matrix."""
    checks = failures = 0
    for preset in FTYPES:
        if not llama.quantize(source, "theirs.gguf", preset, False, values):
            assert "Missing importance" in "".join(llama.log), "".join(llama.log)[-300:]
            code, message = run_ours(command, source, "x.gguf", preset, False, ["--imatrix", "imatrix.dat"])
            checks += 1
            failures += code != 2 or "--imatrix" not in message
            continue
        for file in ("imatrix.dat", "imatrix.gguf"):
            what = "%s, %s with %s" % (name, preset, file)
            code, message = run_ours(command, source, "ours.gguf", preset, False, ["--imatrix", file])
            checks += 1
            if code != 0:
                print("%s: exit %d: %s" % (what, code, message))
            failures += code != 0 or not compare(what, "ours.gguf", "theirs.gguf")
    return checks, failures


def check_one(command, llama, name, source, preset, pure):
    """(whether all is well, whether llama quantized it at all)"""
    what = "%s, %s%s" % (name, preset, ", pure" if pure else "")
    code, message = run_ours(command, source, "ours.gguf", preset, pure)
    if not llama.quantize(source, "theirs.gguf", preset, pure):
        said = "".join(llama.log)
        ok = "requires an imatrix" in said and code == 2 and "--imatrix" in message
        if not ok:
            print("%s: exit %d (%s) where llama says: %s" % (what, code, message, said[-200:]))
        return ok, False
    if code != 0:
        print("%s: exit %d: %s" % (what, code, message))
        return False, True
    return compare(what, "ours.gguf", "theirs.gguf"), True


def main(command, directory, *names):
    llama = Llama(directory)
    failures = checks = equal = 0
    for name in names or CASES:
        model = Model(**CASES[name])
        model.write("model.gguf")
        if name in WEIGHTED:
            more, bad = check_matrices(command, llama, name, "model.gguf", write_matrices(model))
            checks, failures, equal = checks + more, failures + bad, equal + more - bad
        for preset in FTYPES:
            for pure in (False, True):
                ok, quantized = check_one(command, llama, name, "model.gguf", preset, pure)
                checks += 1
                failures += not ok
                equal += ok and quantized
    print("%d checks, %d of them equal files, %d failures" % (checks, equal, failures))
    sys.exit(1 if failures or equal == 0 else 0)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
