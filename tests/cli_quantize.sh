#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# arrowquant quantize on single files, as a user runs it: every type, mode, thread count and ISA,
# what passes through, what is refused, and what is said about it.

# shellcheck source=tests/lib.sh
. "${top_srcdir:?run it with make check}/tests/lib.sh"

need python3
install_once
make_model() { # ARGUMENTS...
    python3 "$tools/make_model.py" "$@"
}
quantize() { # ARGUMENTS...
    arrowquant quantize "$@"
}
# Python over the files, with the independent readers; an assertion that fails is the test's failure.
inspect() { # WHAT PROGRAM ARGUMENTS...
    checks=$((checks + 1))
    what=$1 program=$2
    shift 2
    printf 'import sys\nfrom models import *\nfrom gguf_file import read_gguf\n%s\n' "$program" \
        >inspect.py
    python3 inspect.py "$@" >inspect.out 2>&1 || fail "$what: $(tail -n 3 inspect.out)"
}

make_model weights weights.safetensors
make_model mixed mixed.safetensors
make_model gguf model.gguf
gguf_types='q8_0 q4_0 q4_1 q5_0 q5_1 q2_k q3_k q4_k q5_k q6_k'
packed_types='int8 int4 int2'
isas=scalar
for isa in neon avx2 avx512; do
    if quantize -q --isa "$isa" --json weights.safetensors null: >isa.json 2>/dev/null &&
        [ "$(json isa.json isa)" = "$isa" ]; then
        isas="$isas $isa"
    fi
done
printf 'usable here: %s\n' "$isas"

# ---- the same bytes whatever the mode, the threads and the ISA ----

# A synthetic model is large enough for many tiles; the small one has odd shapes.
for type in $gguf_types $packed_types; do
    case $type in int*) end=safetensors ;; *) end=gguf ;; esac
    for input in weights.safetensors synthetic:3x256x2048:f16:7; do
        case $input in w*) name=small ;; *) name=large ;; esac
        ok "$type of $name" quantize -q -j 1 -t "$type" "$input" "$name.$type.$end"
        ok "$type in batch" quantize -q -j 2 -m batch -t "$type" "$input" "batch.$end"
        same "$type: batch and streaming" "$name.$type.$end" "batch.$end"
        rm "batch.$end"
    done
    for threads in 2 3 8 64; do
        ok "$type on $threads threads" quantize -q -j "$threads" -t "$type" \
            synthetic:3x256x2048:f16:7 "threads.$end"
        same "$type: 1 and $threads threads" "large.$type.$end" "threads.$end"
        rm "threads.$end"
    done
    for isa in $isas; do
        ok "$type with $isa" quantize -q --isa "$isa" -t "$type" weights.safetensors "isa.$end"
        same "$type: $isa" "small.$type.$end" "isa.$end"
        rm "isa.$end"
    done
done
for options in '--group-size 32' '--group-size 64 --asymmetric' '--group-size 8' '--group-size 0' \
    '--group-size 0 --asymmetric' '--group-size 96'; do
    for isa in $isas; do
        # shellcheck disable=SC2086 # several options
        ok "int4 $options $isa" quantize -q --force -t int4 --isa "$isa" -j 3 $options \
            weights.safetensors "$isa.safetensors"
        same "int4 $options: $isa" scalar.safetensors "$isa.safetensors"
    done
    # shellcheck disable=SC2086
    ok "int4 $options batch" quantize -q --force -t int4 -m batch $options weights.safetensors \
        batch.safetensors
    same "int4 $options: batch" scalar.safetensors batch.safetensors
done

# ---- what is in the output ----

for type in $gguf_types; do
    inspect "$type: what passes through" '
_, source = read_safetensors("weights.safetensors")
keys, tensors = read_gguf(sys.argv[1])
assert list(sorted(source)) == list(sorted(tensors)), "names"
for name, tensor in source.items():
    kind, shape, data = tensors[name]
    block = 256 if sys.argv[2].endswith("_k") else 32
    whole_blocks = len(tensor.shape) > 1 and tensor.shape[-1] % block == 0
    if tensor.dtype in ("F32", "F16", "BF16") and whole_blocks:
        assert kind == sys.argv[2].upper(), (name, kind)
    elif tensor.dtype in ("F32", "F16"):
        assert (kind, data) == (tensor.dtype, tensor.data), name
    elif tensor.dtype == "BF16":
        assert kind in ("F16", "F32", "BF16"), name
    else:
        assert (kind, data) == (tensor.dtype, tensor.data), name
    assert shape == (tensor.shape or [1]), (name, shape)
assert keys["general.quantization_version"][1] == 2
file_types = {"q4_0": 2, "q4_1": 3, "q8_0": 7, "q5_0": 8, "q5_1": 9, "q2_k": 10, "q3_k": 12,
              "q4_k": 15, "q5_k": 17, "q6_k": 18}
assert keys["general.file_type"][1] == file_types[sys.argv[2]]' "small.$type.gguf" "$type"
done

ok 'mixed dtypes' quantize -q -t int8 mixed.safetensors mixed.int8.safetensors
inspect 'mixed dtypes pass through byte for byte' '
metadata, source = read_safetensors("mixed.safetensors")
kept, tensors = read_safetensors("mixed.int8.safetensors")
for name, tensor in source.items():
    weight = tensor.dtype in ("F32", "F16", "BF16") and len(tensor.shape) > 1 and tensor.weights
    if weight:
        assert name not in tensors and name + "_packed" in tensors, name
    else:
        assert tensors[name] == tensor, name
assert metadata.items() <= kept.items(), kept'

ok 'gguf to gguf' quantize -q -t q4_0 model.gguf out.gguf
inspect 'gguf to gguf keeps every key and what is quantized already' '
before, source = read_gguf("model.gguf")
after, tensors = read_gguf("out.gguf")
changed = {"general.file_type": 2, "general.quantization_version": 2}
for key, value in before.items():
    if key not in changed:
        assert after[key] == value, key
assert {key: after[key][1] for key in changed} == changed
assert set(after) == set(before) | set(changed)
assert list(after) == [k for k in before if k not in changed] + sorted(changed)[::-1], "order"
assert tensors["blk.0.done.weight"] == source["blk.0.done.weight"]
assert tensors["blk.0.attn_norm.weight"] == source["blk.0.attn_norm.weight"]
assert tensors["blk.0.attn_q.weight"][0] == "Q4_0"
assert tensors["blk.0.odd.weight"] == source["blk.0.odd.weight"]'
ok 'gguf, --pure' quantize -q --pure -t q4_0 model.gguf pure.gguf
inspect 'gguf, --pure: one type' '
_, tensors = read_gguf("pure.gguf")
kinds = {kind for name, (kind, _, _) in tensors.items() if "norm" not in name}
assert kinds == {"Q4_0", "Q6_K", "F16"}, kinds'

ok '--arch' quantize -q --arch bert -t q8_0 weights.safetensors arch.gguf
inspect '--arch sets the architecture' '
assert read_gguf("arch.gguf")[0]["general.architecture"][1] == "bert"'

ok '--keep' quantize -q --keep 'a.*' --keep '*.three.*' -t q8_0 weights.safetensors keep.gguf
inspect '--keep leaves what matches, and no more' '
_, tensors = read_gguf("keep.gguf")
_, source = read_safetensors("weights.safetensors")
for name in ("a.f32.weight", "f.three.weight"):
    kind, _, data = tensors[name]
    assert (kind, data) == (source[name].dtype, source[name].data), name
assert tensors["b.f16.weight"][0] == "Q8_0"'

# ---- JSON ----

quantize --json -j 2 --checksum -t q8_0 --keep 'a.*' weights.safetensors json.gguf >result.json ||
    fail 'quantize --json'
inspect '--json tells what was done' '
import json, os
result = json.load(open("result.json"))
assert result["schema_version"] == 1 and result["status"] == "ok" and result["exit_code"] == 0
assert result["type"] == "q8_0" and result["mode"] == "streaming" and result["threads"] == 2
assert result["out_bytes"] <= os.path.getsize("json.gguf")
assert len(result["workers"]) == result["threads"]
assert len(result["checksum"]) == 16 and int(result["checksum"], 16) >= 0
entries = {entry["name"]: entry for entry in result["tensors"]}
_, source = read_safetensors("weights.safetensors")
assert set(entries) == set(source) and result["tensors_total"] == len(source)
quantized = [e for e in entries.values() if e["quantized"]]
assert result["tensors_quantized"] == len(quantized)
assert result["weights"] == sum(e["weights"] for e in quantized) > 0
for name, entry in entries.items():
    assert entry["weights"] == source[name].weights and entry["dtype"] == source[name].dtype, name
    assert entry["in_bytes"] == len(source[name].data), name
    assert (entry["reason"] is None) == entry["quantized"], name
    assert entry["type"] == ("q8_0" if entry["quantized"] else source[name].dtype), name
assert "keep" in entries["a.f32.weight"]["reason"] or "request" in entries["a.f32.weight"]["reason"]
assert all(result[key] >= 0 for key in ("time_s", "open_s", "run_s", "commit_s", "user_s"))
assert 0 < result["accounted_bytes"] < 64 << 20
assert 0 < result["allocations"] < 1000
assert result["repeat"] == 1 and result["run_times_s"] == [result["time_s"]]'
quantize --json -m batch -j 3 --checksum --keep 'a.*' -t q8_0 weights.safetensors null: >null.json ||
    fail 'quantize to null:'
equal 'the checksum of null: is that of the file' "$(json result.json checksum)" \
    "$(json null.json checksum)"
equal 'mode in --json' batch "$(json null.json mode)"
quantize --json -m batch -j 3 --checksum --keep 'a.*' -t q8_0 --repeat 5 weights.safetensors null: \
    >repeat.json || fail 'quantize --repeat'
equal 'the checksum of repeated runs' "$(json null.json checksum)" "$(json repeat.json checksum)"
python3 - <<'PYTHON' || fail 'the times of repeated runs are not their sums'
import json
one, five = (json.load(open(name + ".json")) for name in ("null", "repeat"))
assert five["repeat"] == len(five["run_times_s"]) == 5 and min(five["run_times_s"]) > 0
assert abs(sum(five["run_times_s"]) / five["time_s"] - 1) < 1e-5
for key in ("weights", "in_bytes", "out_bytes", "allocations", "threads"):
    assert one[key] == five[key], key
def tiles(r):
    return sum(w["tiles"] for w in r["workers"])
assert tiles(five) == 5 * tiles(one)
PYTHON
equal 'the text of repeated runs' 1 "$(quantize --repeat 3 -t q8_0 weights.safetensors null: |
    grep -c '^the mean of 3 runs, ')"
quantize --json -t q4_0 --checksum weights.safetensors null: >other.json || fail 'another type'
[ "$(json other.json checksum)" != "$(json null.json checksum)" ] || fail 'checksums never differ'
absent 'null: is no file' null: ./null:
equal 'quiet is quiet' '' "$(quantize -q --force -t q8_0 weights.safetensors json.gguf 2>&1)"
quantize --force -t q8_0 weights.safetensors json.gguf >summary || fail 'a summary'
grep -q 'json.gguf' summary || fail "the summary does not name the output: $(cat summary)"
code=0
quantize --json missing.safetensors x.gguf >failed.json 2>err || code=$?
equal 'a failure ends --json with its exit code' "$code" "$(json failed.json exit_code)"
equal 'status of a failure' error "$(json failed.json status)"
equal 'one message in both places' "$(cat err)" "arrowquant: $(json failed.json message)"

# ---- outputs that may not be replaced ----

mkdir outputs
printf precious >outputs/old.gguf
refused 'an existing output' 2 'old.gguf --force' \
    arrowquant quantize -t q8_0 weights.safetensors outputs/old.gguf
equal 'the existing output is intact' precious "$(cat outputs/old.gguf)"
ok '--force' quantize -q --force -t q8_0 weights.safetensors outputs/old.gguf
same '--force replaces it' small.q8_0.gguf outputs/old.gguf
holds_only 'nothing beside it' outputs old.gguf
cp weights.safetensors w.safetensors
ln w.safetensors hard.safetensors
ln -s w.safetensors soft.safetensors
for alias in w ./w hard soft; do
    refused "output equal to the input as $alias" 2 "$alias.safetensors input" \
        arrowquant quantize --force -t int8 w.safetensors "$alias.safetensors"
done
same 'the input is intact' weights.safetensors w.safetensors
refused 'a directory in the way' 2 'outputs' arrowquant quantize --force -t q8_0 \
    weights.safetensors outputs.gguf/../outputs
refused 'no such directory' 1 'nowhere' \
    arrowquant quantize -t q8_0 weights.safetensors nowhere/out.gguf
umask 027
ok 'under a umask' quantize -q --no-sync -t q8_0 weights.safetensors mode.gguf
equal 'the mode follows the umask' 640 "$(stat -c %a mode.gguf)"
umask 022

# ---- weights that are not finite ----

mkdir numeric
for dtype in F32 F16 BF16; do
    for value in nan inf -inf; do
        for index in 0 77 6143; do
            make_model poison poison.safetensors "$dtype" "$value" "$index"
            for type in q8_0 q5_1 int4; do
                case $type in int*) out=numeric/out.safetensors ;; *) out=numeric/out.gguf ;; esac
                refused "$dtype $value at $index to $type" 4 \
                    "poison.safetensors 'poisoned' \\b$index\\b" \
                    arrowquant quantize -j 2 -t "$type" poison.safetensors "$out"
                holds_only 'no output of it' numeric ''
            done
        done
    done
done
make_model poison poison.safetensors F32 nan 100
for isa in $isas; do
    ok '--nonfinite keep' quantize -q --force --nonfinite keep --isa "$isa" -t q8_0 \
        poison.safetensors "keep.$isa.gguf"
    same "--nonfinite keep: $isa" keep.scalar.gguf "keep.$isa.gguf"
done
inspect '--nonfinite keep: the block reads as NaN, its neighbours as they are' '
import struct
_, tensors = read_gguf("keep.scalar.gguf")
kind, shape, data = tensors["poisoned"]
scales = [struct.unpack_from("<e", data, 34 * i)[0] for i in range(len(data) // 34)]
assert [i for i, d in enumerate(scales) if d != d] == [100 // 32], scales[:8]'
make_model poison poison.safetensors F32 1e38 5
refused 'a scale that float16 cannot hold' 4 "poison.safetensors 'poisoned'" \
    arrowquant quantize -t q8_0 poison.safetensors numeric/out.gguf
ok '--keep spares a tensor that cannot be quantized' quantize -q --keep poisoned -t q8_0 \
    poison.safetensors numeric/out.gguf

# ---- memory ----

for size in 4K 100000 1M; do
    ok "tiles of $size" quantize -q --force -j 2 --tile-size "$size" -t q8_0 \
        synthetic:3x256x2048:f16:7 tiled.gguf
    same "the same bytes from tiles of $size" large.q8_0.gguf tiled.gguf
done
for size in 64K 512K; do
    quantize --json -j 1 --tile-size "$size" -t q8_0 synthetic:3x256x2048:f16:7 null: >"$size.json" ||
        fail "tiles of $size"
done
[ $(($(json 512K.json accounted_bytes) - $(json 64K.json accounted_bytes))) -gt 458752 ] ||
    fail 'larger tiles do not take more memory'

refused 'a limit that cannot be kept' 1 'memory-limit\|memory.limit\|limit' \
    arrowquant quantize --memory-limit 4K -t q8_0 weights.safetensors limited.gguf
refused 'a limit that batch mode cannot keep' 1 'streaming' \
    arrowquant quantize --memory-limit 2M -m batch -t q8_0 synthetic:3x256x2048:f16:7 limited.gguf
absent 'no output beyond the limit' limited.gguf
quantize --json --memory-limit 16M -j 1 -t q8_0 synthetic:3x256x2048:f16:7 limited.gguf >limit.json ||
    fail 'a limit that can be kept'
[ "$(json limit.json accounted_bytes)" -le 16777216 ] || fail 'the limit was not kept'
same 'the same bytes under a limit' large.q8_0.gguf limited.gguf

done_testing
