#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Importance matrices that are not what they should be: each is refused in one line that names the
# file. What good ones lead to is for mixture.sh to compare.

# shellcheck source=tests/lib.sh
. "${top_srcdir:?run it with make check}/tests/lib.sh"

need python3
install_once

cat >make.py <<'PYTHON'
import array
import struct

import check_mixture as cm

model = cm.Model(layers=1)
model.write("model.gguf")
name = b"blk.0.ffn_down.weight"


def old(values, name=name, calls=1, count=1, claimed=None):
    data = struct.pack("<ii", count, len(name)) + name
    data += struct.pack("<ii", calls, len(values) if claimed is None else claimed)
    return data + array.array("f", values).tobytes()


good = [1.0] * 256
files = {
    "good": old(good),
    "empty": b"",
    "no_entries": struct.pack("<i", 0),
    "many_entries": old(good, count=1 << 30),
    "negative_count": old(good, count=-1),
    "cut": old(good)[:-5],
    "too_many_values": old(good, claimed=1 << 30),
    "no_values": old(good, claimed=0),
    "bad_name": old(good, name=b"a\xff"),
    "nameless": old(good, name=b""),
    "long_name": struct.pack("<ii", 1, 1 << 20) + bytes(4096),
    "cut_name": struct.pack("<ii", 1, 64) + bytes(32),
    "cut_counts": struct.pack("<ii", 1, len(name)) + name + bytes(4),
    "three_bytes": b"abc",
    "never_called": old(good, calls=0),
    "nan": old(good[:7] + [float("nan")] + good[8:]),
    "infinite": old(good[:7] + [float("inf")] + good[8:]),
    "below_zero": old(good[:7] + [-1.0] + good[8:]),
    "short_row": old(good[:-1]),
    "of_another_model": old(good, name=b"blk.77.ffn_down.weight"),
    "twice": old(good, count=2) + old(good)[4:],
    "model_instead": open("model.gguf", "rb").read(),
    "text": b"hello, this is no matrix of any kind",
}
tensor = lambda values, rows=1: cm.Tensor("F32", [rows, len(values) // rows], array.array("f", values).tobytes())
files["gguf_no_counts"] = cm.gguf.gguf_bytes([], {name.decode() + ".in_sum2": tensor(good)})
files["gguf_bad_count"] = cm.gguf.gguf_bytes(
    [], {name.decode() + ".in_sum2": tensor(good), name.decode() + ".counts": tensor([-1.0])})
files["gguf_two_counts"] = cm.gguf.gguf_bytes(
    [], {name.decode() + ".in_sum2": tensor(good), name.decode() + ".counts": tensor([1.0, 1.0])})
halves = cm.Tensor("F16", [1, 256], bytes(512))
files["gguf_half_sums"] = cm.gguf.gguf_bytes(
    [], {name.decode() + ".in_sum2": halves, name.decode() + ".counts": tensor([1.0])})
files["gguf_half_counts"] = cm.gguf.gguf_bytes(
    [], {name.decode() + ".in_sum2": tensor(good), name.decode() + ".counts": cm.Tensor("F16", [1, 1], bytes(2))})
files["gguf_long_name"] = cm.gguf.gguf_bytes([], {"n" * 5000 + ".in_sum2": tensor(good)})
files["gguf_never_called"] = cm.gguf.gguf_bytes(
    [], {name.decode() + ".in_sum2": tensor([0.0] * 256), name.decode() + ".counts": tensor([0.0])})
for file, data in files.items():
    with open(file, "wb") as out:
        out.write(data)
PYTHON
python3 make.py

mkdir out
for file in empty no_entries many_entries negative_count cut too_many_values no_values bad_name nan \
    infinite below_zero short_row of_another_model twice model_instead text gguf_no_counts \
    gguf_bad_count gguf_two_counts nameless long_name cut_name cut_counts three_bytes gguf_half_sums \
    gguf_half_counts gguf_long_name; do
    refused "$file" 3 "$file" arrowquant quantize -t q4_k_m --imatrix "$file" model.gguf out/x.gguf
    holds_only "$file" out ''
done
refused 'no such file' 1 'missing' arrowquant quantize -t q4_k_m --imatrix missing model.gguf out/x.gguf
refused 'input without names' 2 'good llama' \
    arrowquant quantize -t q4_k_m --imatrix good synthetic:2x64x256 out/x.gguf
refused 'a type that needs one' 2 'blk.0.attn.*--imatrix' \
    arrowquant quantize -t q2_k_s --imatrix good model.gguf out/x.gguf
ok 'a good one' arrowquant quantize -t q4_k_m --imatrix good model.gguf out/x.gguf
arrowquant quantize --json -t q4_k_m -j 3 -m batch --imatrix good model.gguf out/batch.gguf >result.json
same 'batch and streaming' out/x.gguf out/batch.gguf
equal 'tensors that it weighed' 1 "$(json result.json tensors_weighted)"
equal 'the mixture' q4_k_m "$(json result.json mixture)"
arrowquant quantize -q -t q4_k_m model.gguf out/plain.gguf
checks=$((checks + 1))
! cmp -s out/x.gguf out/plain.gguf || fail 'the matrix changes nothing'

# Sums of no call say nothing: old ones are taken as they are, newer ones as if all weighed the same.
for file in never_called gguf_never_called; do
    ok "$file" arrowquant quantize -t q4_k_m --force --imatrix "$file" model.gguf out/never.gguf
    same "$file: all weigh the same" out/x.gguf out/never.gguf
done
rm out/never.gguf

# The matrix is an input too.
ln good hard.gguf
ln -s good soft.gguf
cp good before
for output in hard.gguf soft.gguf; do
    refused "the matrix as the output: $output" 2 "$output matrix" \
        arrowquant quantize --force -t q4_k_m --imatrix good model.gguf "$output"
done
same 'it is as it was' before good

done_testing
