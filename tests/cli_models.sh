#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# info, compare and synth as a user runs them: what they say, against what Python makes of the same
# files, and what they refuse.

# shellcheck source=tests/lib.sh
. "${top_srcdir:?run it with make check}/tests/lib.sh"

need python3
install_once
python3 "$tools/make_model.py" weights weights.safetensors
python3 "$tools/make_model.py" gguf model.gguf
python3 "$tools/make_model.py" directory model
arrowquant quantize -q -t q8_0 weights.safetensors q8.gguf
arrowquant quantize -q -t int4 model packed

inspect() { # WHAT PROGRAM ARGUMENTS...
    checks=$((checks + 1))
    what=$1 program=$2
    shift 2
    printf 'import json, math, struct, sys\nfrom models import *\nfrom gguf_file import read_gguf\n%s\n' \
        "$program" >inspect.py
    python3 inspect.py "$@" >inspect.out 2>&1 || fail "$what: $(tail -n 3 inspect.out)"
}

# ---- info ----

for file in weights.safetensors model.gguf q8.gguf model packed synthetic:2x64x256:bf16:3; do
    ok "info $file" arrowquant info "$file"
    arrowquant info "$file" >info.txt
    arrowquant info --json "$file" >info.json
    inspect "info $file: text and JSON agree" '
info, text = json.load(open("info.json")), open("info.txt").read()
assert info["status"] == "ok" and info["exit_code"] == 0
assert info["tensors_total"] == len(info["tensors"]) > 0
for key in ("elements", "bytes"):
    total = sum(tensor[key] for tensor in info["tensors"])
    assert info[key + "_total"] == total == sum(kind[key] for kind in info["types"])
for tensor in info["tensors"]:
    assert tensor["elements"] == product(tensor["shape"])
    line = [l for l in text.splitlines() if l.split()[:1] == [tensor["name"]]]
    assert line and tensor["dtype"] in line[0].split(), tensor["name"]'
done
arrowquant info --json weights.safetensors >info.json
inspect 'info --json: every tensor where it is' '
info, data = json.load(open("info.json")), open("weights.safetensors", "rb").read()
_, tensors = read_safetensors("weights.safetensors")
assert {t["name"] for t in info["tensors"]} == set(tensors)
for t in info["tensors"]:
    want = tensors[t["name"]]
    assert (t["dtype"], t["shape"]) == (want.dtype, want.shape), t
    assert data[t["offset"] : t["offset"] + t["bytes"]] == want.data, t["name"]
assert info["metadata"] == {"format": "pt"}'
refused 'info without a file' 2 '1\|FILE\|expected' arrowquant info
refused 'info of two files' 2 'expected\|got' arrowquant info model.gguf q8.gguf
refused 'info of nothing' 1 'nowhere.gguf' arrowquant info nowhere.gguf
head -c 100 model.gguf >short.gguf
refused 'info of half a header' 3 'short.gguf byte' arrowquant info short.gguf
code=0
arrowquant info --json short.gguf >failed.json 2>err || code=$?
equal 'info --json tells of failure' "$code" "$(json failed.json exit_code)"

# ---- compare ----

arrowquant compare --json -j 3 weights.safetensors q8.gguf >compare.json
inspect 'compare: the figures, worked out again' '
result = json.load(open("compare.json"))
_, before = read_safetensors("weights.safetensors")
_, after = read_gguf("q8.gguf")
def unpack(data):
    for at in range(0, len(data), 34):
        (scale,) = struct.unpack_from("<e", data, at)
        yield from (scale * q for q in struct.unpack_from("<32b", data, at + 2))
checked = 0
for entry in result["tensors"]:
    if entry["type"] != "Q8_0":
        continue
    a, b = list(before[entry["name"]].floats()), list(unpack(after[entry["name"]][2]))
    assert entry["weights"] == len(a) == len(b)
    errors = [x - y for x, y in zip(a, b)]
    mse = math.fsum(e * e for e in errors) / len(a)
    assert math.isclose(entry["mse"], mse, rel_tol=1e-9, abs_tol=1e-30), entry
    assert math.isclose(entry["max_abs"], max(map(abs, errors)), rel_tol=1e-6, abs_tol=1e-30)
    if mse > 0:
        energy = math.fsum(x * x for x in a)
        assert math.isclose(entry["snr_db"], 10 * math.log10(energy / mse / len(a)), rel_tol=1e-9)
        cosine = math.fsum(x * y for x, y in zip(a, b)) / math.sqrt(energy * math.fsum(y * y for y in b))
        assert math.isclose(entry["cosine"], cosine, rel_tol=1e-9)
    checked += 1
assert checked > 3
compared = [e["weights"] for e in result["tensors"] if e["skipped"] is None]
assert result["total"]["weights"] == sum(compared) and result["tensors_compared"] == len(compared)'
arrowquant compare --json -j 1 weights.safetensors q8.gguf >one.json
same 'compare: the same on one thread' compare.json one.json
ok 'compare a directory with its packed form' arrowquant compare -q model packed
arrowquant compare weights.safetensors q8.gguf >compare.txt
[ "$(grep -c '^total ' compare.txt)" -eq 1 ] || fail "compare has no total: $(cat compare.txt)"
arrowquant compare --json model.gguf model.gguf >same.json
equal 'a model compared with itself: no error' 0.0 "$(json same.json total.mse)"
refused 'two models that have nothing in common' 3 'weights.safetensors model.gguf tensor' \
    arrowquant compare weights.safetensors model.gguf
refused 'compare with one file' 2 'expected\|got' arrowquant compare weights.safetensors
refused 'compare with nothing' 1 'nowhere' arrowquant compare weights.safetensors nowhere.gguf

# ---- synth ----

for dtype in f16 bf16 f32; do
    ok "synth $dtype" arrowquant synth -q --no-sync -j 3 --dtype "$dtype" --params 3x64x256 "$dtype.safetensors"
    ok "synth $dtype, one thread" arrowquant synth -q --no-sync -j 1 --dtype "$dtype" --params 3x64x256 \
        one.safetensors
    same "synth $dtype: the same on one thread" one.safetensors "$dtype.safetensors"
    rm one.safetensors
    inspect "synth $dtype: what was asked for" '
_, tensors = read_safetensors(sys.argv[1] + ".safetensors")
assert [(t.dtype, t.shape) for t in tensors.values()] == [(sys.argv[1].upper(), [64, 256])] * 3
values = [v for t in tensors.values() for v in t.floats()]
assert all(map(math.isfinite, values)) and len(set(values)) > len(values) // 20' "$dtype"
done
ok 'synth --seed' arrowquant synth -q --no-sync --seed 1 --params 3x64x256 seed.safetensors
checks=$((checks + 1))
! cmp -s seed.safetensors f16.safetensors || fail 'another seed makes the same model'
ok 'synth to null:' arrowquant synth -q --params 3x64x256 null:
absent 'null: is no file' null:
refused 'synth over a file' 2 'f16.safetensors --force' arrowquant synth --params 3x64x256 f16.safetensors
ok 'synth --force' arrowquant synth -q --no-sync --force --params 3x64x256 --seed 1 f16.safetensors
same 'synth --force replaces it' seed.safetensors f16.safetensors
for wrong in 0 3x64 3x64x0 -1 many 99999999999999999999; do
    refused "synth --params $wrong" 2 "$wrong\|params" arrowquant synth --params "$wrong" wrong.safetensors
done
refused 'synth without a size' 2 'params' arrowquant synth wrong.safetensors
refused 'synth of an unknown dtype' 2 'f64' arrowquant synth --dtype f64 --params 1x32x32 wrong.safetensors
absent 'nothing is left of what was refused' wrong.safetensors

done_testing
