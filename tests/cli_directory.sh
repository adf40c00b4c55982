#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A model directory in, a model directory out, as vLLM and transformers would load it.

# shellcheck source=tests/lib.sh
. "${top_srcdir:?run it with make check}/tests/lib.sh"

need python3
install_once
python3 "$tools/make_model.py" directory model

cat >check_directory.py <<'PYTHON'
"""check_directory.py OUT BITS GROUP SYMMETRIC"""
import json, os, sys
from models import *
from packed import Packed

out, bits, group, symmetric = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4] == "yes"


def read_directory(path):
    index = json.load(open(os.path.join(path, "model.safetensors.index.json")))
    tensors, places = {}, {}
    for shard in sorted(set(index["weight_map"].values())):
        metadata, found = read_safetensors(os.path.join(path, shard))
        assert metadata.get("format") == "pt", (shard, metadata)
        tensors.update(found)
        places.update((name, shard) for name in found)
    assert places == index["weight_map"], "the index and the shards disagree"
    total = sum(len(t.data) for t in tensors.values())
    assert index["metadata"]["total_size"] == total, "total_size"
    return tensors, places


source, source_places = read_directory("model")
tensors, places = read_directory(out)
linear = {n for n in source if "_proj.weight" in n}
for name, tensor in source.items():
    if name not in linear:
        assert tensors[name] == tensor, name + " changed"
        assert places[name] == source_places[name]
        continue
    assert name not in tensors, name
    module = name[: -len(".weight")]
    packed = Packed(tensors, name, bits)
    assert places[module + ".weight_packed"] == source_places[name], "moved to another shard"
    packed.hold(tensor, group or packed.columns, asymmetric=not symmetric)
    assert (module + ".weight_zero_point" in tensors) != symmetric, name

before = json.load(open("model/config.json"))
after = json.load(open(os.path.join(out, "config.json")))
config = after.pop("quantization_config")
assert after == before, "config.json lost or changed something"
assert list(after) == list(before), "config.json is in another order"
assert config["quant_method"] == "compressed-tensors" and config["format"] == "pack-quantized"
(scheme,) = config["config_groups"].values()
assert scheme["targets"] == ["Linear"]
assert scheme["weights"]["num_bits"] == bits and scheme["weights"]["type"] == "int"
assert scheme["weights"]["symmetric"] is symmetric
assert scheme["weights"]["strategy"] == ("group" if group else "channel")
assert scheme["weights"]["group_size"] == (group or None)
# What is a linear layer and was kept must be listed; a norm may be.
ignore = set(config["ignore"])
assert "lm_head" in ignore, ignore
assert not ignore & {n[: -len(".weight")] for n in linear}, ignore
PYTHON

for case in int8:8:128:yes int4:4:32:yes int4:4:32:no int4:4:0:no int2:2:64:yes int8:8:0:no; do
    IFS=: read -r type bits group symmetric <<-EOT
		$case
	EOT
    options=''
    [ "$symmetric" = yes ] || options=--asymmetric
    # shellcheck disable=SC2086 # an option or nothing
    ok "directory to $case" arrowquant quantize -q -t "$type" --group-size "$group" $options \
        model "out.$case/"
    ok "$case is what loaders expect" python3 check_directory.py "out.$case" "$bits" "$group" \
        "$symmetric"
    for file in generation_config.json tokenizer.json tokenizer.model; do
        same "$case: $file is carried along" "model/$file" "out.$case/$file"
    done
    # shellcheck disable=SC2012
    equal "$case: no other file" "$(ls -A model)" "$(ls -A "out.$case")"
done

# The same model by its index, and in batch on other thread counts.
ok 'by the index' arrowquant quantize -q -t int8 model/model.safetensors.index.json by-index
ok 'in batch' arrowquant quantize -q -m batch -j 3 -t int8 model batch
for other in by-index batch; do
    ok "the same bytes: $other" diff -r out.int8:8:128:yes "$other"
done

# Hugging Face's own reader counts the weights that the quantized model stands for.
if command -v node >/dev/null && [ -d "$oracle/hf-hub" ]; then
    for out in model out.int8:8:128:yes out.int4:4:32:no; do
        ok "hub reads $out" sh -c "node '$tools/hf_read.cjs' '$oracle' safetensors '$PWD/$out' \
            model.safetensors.index.json >'hub.json'"
        python3 - "$out" <<'PYTHON' >>counted || fail "hub reads $out"
import json
result = json.load(open("hub.json"))
print(result.get("parameterTotal", sum(result["parameterCount"].values())))
PYTHON
    done
    equal 'weights as the hub counts them' 1 "$(sort -u counted | wc -l)"
else
    printf 'no node or no oracle: not read by the hub client\n'
fi

# A directory that is one GGUF: all shards in one file.
ok 'directory to GGUF' arrowquant quantize -q -t q8_0 model all.gguf
ok 'all tensors are in it' python3 -c '
from gguf_file import read_gguf
import json
names = json.load(open("model/model.safetensors.index.json"))["weight_map"]
_, tensors = read_gguf("all.gguf")
assert set(tensors) == set(names)'

# A directory with a single unsharded file.
mkdir single
cp model/config.json single/
python3 "$tools/make_model.py" weights single/model.safetensors
ok 'a directory without an index' arrowquant quantize -q -t int8 single single.out
holds_only 'single.out' single.out 'config.json model.safetensors'

# ---- refusals ----

# More than any model's config.json, all of it white space: bounded before it is read.
cp -R single wide
truncate -s 17M blank
tr '\0' ' ' <blank >>wide/config.json
refused 'a config.json without end' 3 'wide/config.json too.many' \
    arrowquant quantize -t int8 wide wide.out
refused 'to compare, too' 3 'wide/config.json too.many' arrowquant compare wide wide
absent 'a config.json without end' wide.out

refused 'an output directory that is not empty' 2 'out.int8 --force' \
    arrowquant quantize -t int8 model out.int8:8:128:yes
ok '--force into it' arrowquant quantize -q --force -t int8 model out.int8:8:128:yes
ok 'and it is the same again' diff -r out.int8:8:128:yes batch
refused 'the input directory as output' 2 'model' arrowquant quantize --force -t int8 model model/
refused 'a quantized model again' 3 'config.json quantization_config' \
    arrowquant quantize -t int4 batch again
absent 'no output of it' again
mkdir foreign
printf x >foreign/model-00007-of-00009.safetensors
refused 'shards of another model in the way' 2 'model-00007-of-00009.safetensors' \
    arrowquant quantize --force -t int8 model foreign
holds_only 'they are left alone' foreign model-00007-of-00009.safetensors

# Nor by any link to an input file, whatever it is called there.
shard=model-00001-of-00002.safetensors
for link in "ln model/$shard links/$shard" "ln -s ../model/$shard links/$shard" \
    "ln model/model-00002-of-00002.safetensors links/$shard" \
    'ln model/config.json links/config.json' 'ln -s ../model/config.json links/config.json' \
    'ln model/config.json links/tokenizer.json' 'ln model/tokenizer.json links/tokenizer.json' \
    'ln -s ../model/model.safetensors.index.json links/model.safetensors.index.json'; do
    rm -rf links before
    mkdir links
    $link
    cp -r model before
    name=${link##*/}
    refused "$link" 2 "links/$name input" arrowquant quantize --force -t int8 model links
    holds_only "$link" links "$name"
    ok "$link: the input is as it was" diff -r before model
done
cp -r model broken
cp -r model poisoned
python3 "$tools/make_model.py" poison poisoned/model-00002-of-00002.safetensors BF16 nan 9
printf '{' >broken/config.json
refused 'a config.json that is no JSON' 3 'broken/config.json' arrowquant quantize -t int8 broken new
absent 'no directory is left' new
python3 - <<'PYTHON'
import json
index = json.load(open("poisoned/model.safetensors.index.json"))
keep = {n: s for n, s in index["weight_map"].items() if s.startswith("model-00001")}
keep.update({n: "model-00002-of-00002.safetensors" for n in ("clean.weight", "poisoned")})
index["weight_map"] = keep
json.dump(index, open("poisoned/model.safetensors.index.json", "w"))
PYTHON
refused 'a NaN in the second shard' 4 "model-00002-of-00002.safetensors 'clean.weight\|poisoned'" \
    arrowquant quantize -t q8_0 poisoned poisoned.gguf
absent 'no output of it' poisoned.gguf

done_testing
