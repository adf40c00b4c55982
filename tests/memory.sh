#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Streaming memory, measured from outside by massif: less than half of batch mode's, and flat, within
# 10%, between a model and one four times its size. The library's buffers are mapped, so massif
# counts pages; that includes the program itself and its stacks, which only makes the first claim
# harder to meet. What the library itself accounts for must say the same.

# shellcheck source=tests/lib.sh
. "${top_srcdir:?run it with make check}/tests/lib.sh"

need python3 valgrind parallel
[ -z "${AQ_SANITIZE:-}" ] || skip 'valgrind cannot run an instrumented program'
install_once

# Zeros, as holes: nothing but the size matters here. 4 and 16 layers of 2048x1024 in float16.
python3 - <<'PYTHON'
import json, struct
for name, layers in (("small", 4), ("large", 16)):
    size, header = 2048 * 1024 * 2, {}
    for i in range(layers):
        header["layers.%02d.weight" % i] = {
            "dtype": "F16", "shape": [2048, 1024], "data_offsets": [i * size, (i + 1) * size]
        }
    text = json.dumps(header).encode()
    with open(name + ".safetensors", "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.truncate(8 + len(text) + layers * size)
PYTHON

cat >measure.sh <<'SHELL'
# measure.sh NAME MODEL MODE TYPE OUT: NAME.massif and NAME.json
exec valgrind -q --tool=massif --pages-as-heap=yes --peak-inaccuracy=0.0 \
    --massif-out-file="$1.massif" "$(command -v arrowquant)" \
    quantize --json --no-sync -j 2 -m "$3" -t "$4" "$2.safetensors" "$5" >"$1.json" 2>"$1.err"
SHELL
cat >runs <<'RUNS'
q8_0_batch large batch q8_0 q8_0_batch.gguf
q8_0_large large streaming q8_0 q8_0_large.gguf
q8_0_small small streaming q8_0 q8_0_small.gguf
int4_batch large batch int4 int4_batch.safetensors
int4_large large streaming int4 int4_large.safetensors
int4_small small streaming int4 int4_small.safetensors
RUNS
ok 'six runs under massif' parallel --will-cite -j 2 --colsep ' ' -a runs sh measure.sh

massif_peak() { # NAME
    awk -F= '$1 == "mem_heap_B" { heap = $2 }
        $1 == "mem_heap_extra_B" && heap + $2 > peak { peak = heap + $2 }
        END { printf "%.0f\n", peak }' "$1.massif"
}

# a is at most percent% of b
at_most() { # WHAT A PERCENT B
    checks=$((checks + 1))
    if [ "$2" -le 0 ] || [ $(($2 * 100)) -gt $(($4 * $3)) ]; then
        fail "$1: $2 is more than $3% of $4"
    fi
}

accounted() { # NAME
    json "$1.json" accounted_bytes
}

for type in q8_0 int4; do
    for what in massif_peak accounted; do
        batch=$($what "${type}_batch") large=$($what "${type}_large") small=$($what "${type}_small")
        printf '%s, %s: batch %d, streaming %d, a quarter of the model %d bytes\n' \
            "$type" "$what" "$batch" "$large" "$small"
        at_most "$type, $what: streaming to batch" "$large" 50 "$batch"
        at_most "$type, $what: flat" "$large" 110 "$small"
    done
done

# The same limit where nothing slows it down.
for model in small large; do
    arrowquant quantize --json --force -q -j 2 -t q8_0 "$model.safetensors" null: >limit.json
    at_most "resident: $model" "$(json limit.json rss_peak_bytes)" 100 $((16 * 1024 * 1024))
done

done_testing
