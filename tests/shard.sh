#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A model quantized in parts that know nothing of each other is the model quantized at once; what is
# missing, stale or of another run is refused.

# shellcheck source=tests/lib.sh
. "${top_srcdir:?run it with make check}/tests/lib.sh"

need python3
install_once
python3 "$tools/make_model.py" directory model

part() { # K/N ARGUMENTS...
    shard=$1
    shift
    arrowquant quantize -q --no-sync --shard "$shard" "$@"
}

same_tree() { # WHAT DIRECTORY DIRECTORY
    checks=$((checks + 1))
    diff -r "$2" "$3" >diff.out 2>&1 || fail "$1: $(cat diff.out)"
}

# Sizes that differ, so that sharing them out evenly is more than counting.
cat >five.py <<'PYTHON'
import json, os, random
from models import *
os.makedirs("five")
rng = random.Random(5)
json.dump({"architectures": ["X"]}, open("five/config.json", "w"))
places = {}
for i, rows in enumerate((16, 160, 96, 96, 128)):
    name, shard = f"layers.{i}.mlp.up_proj.weight", f"model-{i + 1:05d}-of-00005.safetensors"
    weights = narrow("F16", [rng.gauss(0, 0.05) for _ in range(rows * 256)])
    write_safetensors(os.path.join("five", shard), {name: Tensor("F16", (rows, 256), weights)})
    places[name] = shard
json.dump({"weight_map": places}, open("five/model.safetensors.index.json", "w"))
PYTHON
python3 five.py

# ---- the union is the whole, whatever the number of parts, the order, and the options ----

for case in model:1:int8: model:2:int4: model:3:int4:--asymmetric five:2:int2:--group-size=32 \
    five:4:int8:--group-size=0 five:9:int4:--mode=batch; do
    IFS=: read -r input parts type option <<-EOT
		$case
	EOT
    rm -rf one many
    # shellcheck disable=SC2086 # no option is none
    ok "$case at once" arrowquant quantize --no-sync --checksum --json -t "$type" $option "$input" one
    mv ok.out one.json
    k=$parts
    while [ "$k" -ge 1 ]; do
        [ ! -e many/model.safetensors.index.json ] || fail "$case: an index before all is there"
        # shellcheck disable=SC2086
        ok "$case part $k" part "$k/$parts" -t "$type" $option "$input" many
        k=$((k - 1))
    done
    ok "$case index" arrowquant index --no-sync --json many
    mv ok.out many.json
    same_tree "$case" one many
    equal "$case: checksum" "$(json one.json checksum)" "$(json many.json checksum)"
    equal "$case: parts" "$parts" "$(json many.json parts)"
done

# By bytes: 160 | 128 + 16 | 96 + 96 rows are the best that three can have.
rm -rf many
for k in 1 2 3; do ok "balance $k" part "$k/3" -t int8 five many; done
loads=$(for k in 1 2 3; do
    python3 -c 'import json, sys
print(sum(f["bytes"] for f in json.load(open(sys.argv[1]))["shards"]) // 1000)' "many/arrowquant-part-$k-of-3.json"
done | sort -n | tr '\n' ' ')
equal 'balance' '38 42 50 ' "$loads"

# All at once, into one directory.
rm -rf many
for k in 1 2 3 4 5; do part "$k/5" -t int8 five many & done
wait
ok 'parts side by side' arrowquant index many
rm -rf one
ok 'at once' arrowquant quantize -q -t int8 five one
same_tree 'side by side' one many
ok 'index again' arrowquant index many
grep -q 'whole already: 5 shards' ok.out || fail "index again: $(cat ok.out)"
[ ! -w /dev/full ] || refused 'a full standard output' 1 'standard.output' \
    sh -c 'arrowquant index --json many >/dev/full'
refused 'a part into a whole model' 2 'whole' part 1/5 -t int8 --force five many

# ---- what is not there, or not of this run ----

rm -rf many
mkdir many
refused 'nothing' 3 'no record --shard' arrowquant index many
refused 'no directory' 3 'absent' arrowquant index absent
ok 'one of three' part 2/3 -t int4 model many
refused 'two missing' 3 '2.of.3 1,.3' arrowquant index many
absent 'two missing' many/model.safetensors.index.json many/config.json
refused 'made twice' 2 'part-2-of-3 --force' part 2/3 -t int4 model many
ok 'made again' part 2/3 -t int4 --force model many
ok 'part 1' part 1/3 -t int4 model many
ok 'part 3 of another type' part 3/3 -t int8 model many
refused 'another type' 3 'int4 int8 not.of.one.run' arrowquant index many
ok 'part 3 with other groups' part 3/3 -t int4 --group-size 32 --force model many
refused 'other groups' 3 'groups.of.32' arrowquant index many
ok 'part 3 with --keep' part 3/3 -t int4 --keep '*up*' --force model many
refused 'other keeps' 3 'keep' arrowquant index many
# The same names and sizes, other weights or another config.json: another model.
cp -R model tuned
python3 - tuned <<'PYTHON'
import glob, sys
for path in glob.glob(sys.argv[1] + "/*.safetensors"):
    with open(path, "r+b") as file:
        data = bytearray(file.read())
        header = 8 + int.from_bytes(data[:8], "little")
        for i in range(header, len(data), 2):
            data[i] ^= 1
        file.seek(0)
        file.write(data)
PYTHON
ok 'part 3 of tuned weights' part 3/3 -t int4 --force tuned many
refused 'tuned weights' 3 'inputs.differ' arrowquant index many
cp -R model configured
sed 's/"hidden_act"/"hidden_actor"/; s/{/{"added": 1,/' model/config.json >configured/config.json
ok 'part 3 with another config' part 3/3 -t int4 --force configured many
refused 'another config' 3 'config.json' arrowquant index many
ok 'part 2 of 2' part 2/2 -t int4 --force model many
refused 'two numbers of parts' 3 '2.parts 3' arrowquant index many
rm many/arrowquant-part-2-of-2.json
ok 'part 2 of 3 again' part 2/3 -t int4 --force model many
ok 'part 3 again' part 3/3 -t int4 --force model many

# A file that changed after its part, by one bit; one that lost its end; one that went away.
cp -R many kept
damage() { # WHAT PATTERNS COMMAND...
    what=$1 patterns=$2
    shift 2
    "$@"
    refused "$what" 3 "$patterns" arrowquant index many
    absent "$what" many/model.safetensors.index.json
    rm -rf many
    cp -R kept many
}
put_byte() { printf '\001' | dd of="$1" bs=1 seek="$2" conv=notrunc 2>/dev/null; }
damage 'another byte' 'stale model-00002' put_byte many/model-00002-of-00002.safetensors 9000
damage 'a cut shard' 'make.that.part' truncate -s -1 many/model-00001-of-00002.safetensors
damage 'no shard' 'missing model-00001' rm many/model-00001-of-00002.safetensors
damage 'another tokenizer' 'stale its.files' put_byte many/tokenizer.json 5
damage 'no tokenizer' 'tokenizer.json.*missing' rm many/tokenizer.json
damage 'a cut record' 'part-2-of-3' truncate -s -9 many/arrowquant-part-2-of-3.json
damage 'a foreign record' 'no.record.of' sh -c 'echo {} >many/arrowquant-part-2-of-3.json'
cp model/model-00001-of-00002.safetensors many/x.safetensors
refused 'a foreign shard' 2 'x.safetensors another.model' arrowquant index many
rm many/x.safetensors

# A part that is killed leaves nothing that the others, or it when run again, would trip over.
rm -f many/arrowquant-part-1-of-3.json
: >many/.arrowquant-0123456789abcdef.tmp
refused 'a shard without its record' 2 'exists --force' part 1/3 -t int4 model many
ok 'run again' part 1/3 -t int4 --force model many
ok 'index at last' arrowquant index many
rm -rf one
ok 'at once' arrowquant quantize -q -t int4 model one
same_tree 'after all that' one many

# ---- as tasks of a Slurm job array ----

task() { # ID COUNT MIN MAX ARGUMENTS...
    SLURM_ARRAY_TASK_ID=$1 SLURM_ARRAY_TASK_COUNT=$2 SLURM_ARRAY_TASK_MIN=$3 SLURM_ARRAY_TASK_MAX=$4
    export SLURM_ARRAY_TASK_ID SLURM_ARRAY_TASK_COUNT SLURM_ARRAY_TASK_MIN SLURM_ARRAY_TASK_MAX
    shift 4
    "$top_srcdir/doc/quantize-array.sbatch" "$@"
}
rm -rf one many
ok 'at once' arrowquant quantize -q -t int2 five one
for k in 1 2 4; do ok "task $k" task "$k" 4 1 4 five many -t int2; done
refused 'task 3 failed' 3 '3' arrowquant index many
refused 'alone, of how many?' 2 'PARTS' task 3 1 3 3 five many -t int2
export PARTS=4
ok 'task 3 alone' task 3 1 3 3 five many -t int2
unset PARTS
ok 'the array' arrowquant index many
same_tree 'a job array' one many
refused 'no array' 2 'array' env -u SLURM_ARRAY_TASK_ID "$top_srcdir/doc/quantize-array.sbatch" five many

# ---- usage ----

for bad in 0/2 3/2 1 1/ /2 a/2 1/0 -1/2 1/2/3 1/70000; do
    refused "--shard $bad" 2 'K/N' arrowquant quantize -t int4 --shard "$bad" model other
done
refused 'a single file' 2 'directory' arrowquant quantize -t int4 --shard 1/2 \
    model/model-00001-of-00002.safetensors out.safetensors
refused 'GGUF' 2 'directory' arrowquant quantize --shard 1/2 model out.gguf
refused 'null:' 2 'directory' arrowquant quantize -t int4 --shard 1/2 model null:
refused 'its own input' 2 'input' part 1/2 -t int4 --force model model
refused 'index without a directory' 2 'DIR' arrowquant index
refused 'index with two' 2 'DIR' arrowquant index a b
done_testing
