#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# arrowquant-bench with the arrowquant of this build: small models, every section, a bad model.

# shellcheck source=tests/bench_lib.sh
. "${top_srcdir:?run it with make check}/tests/bench_lib.sh"

measure() { # CODE ARGUMENTS...
    want=$1
    shift
    run "$want" --binary "$top_builddir/arrowquant" --output-dir "$dir/o" --work-dir "$dir/w" \
        --rounds 2 "$@"
    valid
}

# Synthetic models of every dtype, to every kind of output.
measure 0 --cores 1,2,3 --model-size 6x64x1024 --model-sizes 2x64x256,5000000
measure 0 --cores 1,2 --model-size 6x64x1024 --dtype f32 --type int4 --sink file
measure 0 --cores 2 --model-size 6x64x1024 --dtype bf16 --type q4_0 --mode batch
grep -q 'checksum' "$dir/out" || fail 'nothing was verified'

# A model of one's own, in every section.
"$top_builddir/arrowquant" synth --params 4x64x2048 --dtype f16 "$dir/own.safetensors" >/dev/null ||
    fail 'cannot make a model'
measure 0 --all --group speedup_analysis --model "$dir/own.safetensors"
for row in '^1  *[0-9.]' '^16  *[0-9.]' '^own.safetensors  *[0-9.]' '^batch  *[0-9.]' \
    '^streaming  *[0-9.]'; do
    grep -q -- "$row" "$dir/out" || fail "no row \"$row\": $(cat "$dir/out")"
done
[ -e "$dir/own.safetensors" ] || fail 'the model is gone'

# A directory stays one.
mkdir "$dir/model"
cp "$dir/own.safetensors" "$dir/model/model.safetensors"
printf '{"model_type": "x"}\n' >"$dir/model/config.json"
measure 0 --cores 1,2 --model "$dir/model" --type int8 --sink file

# What arrowquant says of a bad model is passed on.
head -c 100000 "$dir/own.safetensors" >"$dir/short.safetensors"
measure 1 --cores 1,2 --model "$dir/short.safetensors"
grep -q 'short.safetensors' "$dir/err" || fail "the bad model is not named: $(cat "$dir/err")"

finish
