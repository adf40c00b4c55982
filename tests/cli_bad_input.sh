#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Files that are not what they say they are: one clear line that names file and tensor, exit 3, and
# neither an output nor a temporary file.

# shellcheck source=tests/lib.sh
. "${top_srcdir:?run it with make check}/tests/lib.sh"

need python3
install_once
python3 "$tools/bad_inputs.py" bad >table
[ "$(wc -l <table)" -gt 60 ] || fail "the table of bad inputs is short: $(wc -l <table)"
mkdir out

tab=$(printf '\t')
while IFS=$tab read -r input words; do
    patterns=$(printf '%s' "$words" | tr '\t' ' ')
    for target in out/x.gguf out/x.safetensors; do
        refused "$input to $target" 3 "$patterns" arrowquant quantize "$input" "$target"
        holds_only "$input to $target" out ''
    done
    refused "info $input" 3 "$patterns" arrowquant info "$input"
    refused "compare $input" 3 "$patterns" arrowquant compare "$input" "$input"
done <table

# What GGUF cannot hold is said by name, before anything is written.
python3 - <<'PYTHON'
from models import Tensor, write_safetensors
long = "model." + "x" * 70
write_safetensors("long.safetensors", {long: Tensor("F32", [2, 32], bytes(256))})
write_safetensors("five.safetensors", {"victim": Tensor("F32", [1, 1, 1, 2, 32], bytes(256))})
write_safetensors("bool.safetensors", {"victim": Tensor("BOOL", [4], bytes(4))})
PYTHON
refused 'a name too long for GGUF' 3 'long.safetensors model.xxx 63' \
    arrowquant quantize long.safetensors out/x.gguf
refused 'five dimensions in GGUF' 3 "victim" arrowquant quantize five.safetensors out/x.gguf
refused 'BOOL in GGUF' 3 "victim BOOL" arrowquant quantize bool.safetensors out/x.gguf
holds_only 'what GGUF cannot hold' out ''
ok 'safetensors can hold them' arrowquant quantize -q -t int8 long.safetensors out/x.safetensors
rm out/x.safetensors

refused 'no such input' 1 'missing.safetensors' arrowquant quantize missing.safetensors out/x.gguf
printf 'hello' >notes.txt
refused 'an input of no known kind' 3 'notes.txt' arrowquant quantize notes.txt out/x.gguf
holds_only 'after all of them' out ''

done_testing
