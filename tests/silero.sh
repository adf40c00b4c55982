#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Real weights, the whole way: the speech detector Silero VAD out of ONNX, quantized by the command,
# read back by readers that are not ours. Absent oracle: skipped (ci/oracle fetches it).

# shellcheck source=tests/lib.sh
. "${top_srcdir:?run it with make check}/tests/lib.sh"

onnx=$oracle/vad-web/dist/silero_vad_v5.onnx
libggml=$oracle/node-llama-cpp/bins/linux-x64/libggml-base.so
need python3
[ -r "$onnx" ] || skip "no $onnx (ci/oracle fetches it)"
[ "$(uname -m)" = x86_64 ] || skip 'the ggml of the oracle is for x86_64'
install_once

python3 "$tools/onnx_to_safetensors.py" "$onnx" silero.safetensors >counted
equal 'weights in the model' \
    '36 tensors, 545288 weights, 344832 in rows of a multiple of 32' "$(cat counted)"

# Sets hf to the name of the other readers' view of a file; to nothing where node is not there.
other_reader() { # FORMAT ARGUMENTS...
    hf=''
    command -v node >/dev/null || { printf 'no node: read by ggml and python3 only\n' && return 0; }
    node "$tools/hf_read.cjs" "$oracle" "$@" >hf.json || { fail "hf_read $*" && return 0; }
    hf=hf.json
}

at_least() { # WHAT LEAST GOT
    checks=$((checks + 1))
    awk -v got="$3" -v least="$2" 'BEGIN { exit !(got != "" && got + 0 >= least + 0) }' ||
        fail "$1: $3 is less than $2"
}

for case in q8_0:0.9999 q5_1:0.998 q5_0:0.998 q4_1:0.99 q4_0:0.99 \
    q6_k:0.9999 q5_k:0.9999 q4_k:0.999 q3_k:0.99 q2_k:0.99; do
    type=${case%%:*}
    ok "quantize to $type" arrowquant quantize -q -t "$type" silero.safetensors "$type.gguf"
    arrowquant compare --json silero.safetensors "$type.gguf" >compare.json
    other_reader gguf "$PWD/$type.gguf"
    # shellcheck disable=SC2086 # hf is a name or nothing
    cosine=$(python3 "$tools/check_readback.py" gguf silero.safetensors "$type" "$type.gguf" \
        compare.json "$libggml" $hf) || fail "$type read back"
    printf '%s cosine %s\n' "$type" "$cosine"
    at_least "cosine of $type" "${case#*:}" "$cosine"
    at_least "cosine of $type by compare" "${case#*:}" "$(json compare.json total.cosine)"
done

for case in int8:8:128:0.9999 int4:4:128:0.99 int4:4:32:0.99 int2:2:32:0.85; do
    IFS=: read -r type bits group least <<-EOT
		$case
	EOT
    for symmetry in '' --asymmetric; do
        # shellcheck disable=SC2086 # an option or nothing
        ok "quantize to $case $symmetry" arrowquant quantize -q --force -t "$type" \
            --group-size "$group" $symmetry silero.safetensors out.safetensors
        arrowquant compare --json silero.safetensors out.safetensors >compare.json
        other_reader safetensors "$PWD" out.safetensors
        # shellcheck disable=SC2086
        cosine=$(python3 "$tools/check_readback.py" packed silero.safetensors "$bits" "$group" \
            out.safetensors compare.json $hf) || fail "$case $symmetry read back"
        printf '%s group %s %s cosine %s\n' "$type" "$group" "$symmetry" "$cosine"
        at_least "cosine of $case $symmetry" "$least" "$cosine"
    done
done

done_testing
