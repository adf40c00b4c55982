#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# llama-quantize's presets: the files that arrowquant makes of models of many shapes are those of
# llama_model_quantize, byte for byte. Absent oracle: skipped (ci/oracle fetches it).

# shellcheck source=tests/lib.sh
. "${top_srcdir:?run it with make check}/tests/lib.sh"

llama=$oracle/node-llama-cpp/bins/linux-x64
need python3
[ -r "$llama/libggml-base.so" ] || skip "no $llama (ci/oracle fetches it)"
[ "$(uname -m)" = x86_64 ] || skip 'the llama of the oracle is for x86_64'
install_once

python3 "$tools/check_mixture.py" "$bin/arrowquant" "$llama" >mixture.out 2>mixture.err || {
    cat mixture.err mixture.out
    fail 'what llama_model_quantize makes'
}
checks=$((checks + 1))
cat mixture.out

# ci/exact has more of these.
ok 'what it makes of models made at random' \
    python3 "$tools/random_mixture.py" "$bin/arrowquant" "$llama" 12 1

done_testing
