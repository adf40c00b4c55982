#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What is said to someone who types: help, version, and mistakes.

# shellcheck source=tests/lib.sh
. "${top_srcdir:?run it with make check}/tests/lib.sh"

need python3
install_once
python3 "$tools/make_model.py" weights in.safetensors

for words in --help 'quantize --help' 'info --help' 'compare --help' 'synth --help'; do
    # shellcheck disable=SC2086 # several words
    arrowquant $words >help 2>err || fail "arrowquant $words ended with $?"
    equal "arrowquant $words is silent on standard error" '' "$(cat err)"
    grep -q '^Usage: arrowquant' help || fail "arrowquant $words does not begin with the usage"
    [ "$(awk 'length > 100' help)" = '' ] || fail "arrowquant $words is wider than 100 columns"
done
arrowquant quantize --help >help
for option in --type --pure --threads --mode --group-size --asymmetric --memory-limit --isa --keep \
    --tile-size --nonfinite --force --no-sync --json --quiet --arch --checksum --repeat --shard; do
    checks=$((checks + 1))
    grep -q -e "$option" help || fail "quantize --help does not tell of $option"
done
for command in quantize index info compare synth; do
    checks=$((checks + 1))
    arrowquant --help | grep -q "^ *$command " || fail "--help does not tell of $command"
done
version=$(sed -n "s/^PACKAGE_VERSION='\(.*\)'/\1/p" "$top_builddir/config.log")
equal --version "arrowquant $version" "$(arrowquant --version)"

mistake() { # WHAT PATTERNS ARGUMENTS...
    what=$1 patterns=$2
    shift 2
    refused "$what" 2 "$patterns" arrowquant "$@"
    absent "$what" out.gguf out.safetensors
}
mistake 'no such command' dequantize dequantize
mistake 'no such option' bogus quantize --bogus in.safetensors out.gguf
mistake 'no output named' 'INPUT' quantize in.safetensors
mistake 'too many names' 'INPUT' quantize in.safetensors out.gguf third
mistake 'no such type' 'type q9_9' quantize -t q9_9 in.safetensors out.gguf
mistake 'a type without its value' '' quantize -t
mistake 'a GGUF type into safetensors' 'q8_0 out.safetensors' \
    quantize -t q8_0 in.safetensors out.safetensors
mistake 'a safetensors type into GGUF' 'int4 out.gguf' quantize -t int4 in.safetensors out.gguf
mistake 'an output of no known kind' 'out.bin' quantize -t q8_0 in.safetensors out.bin
for threads in 0 -1 x 1.5 99999999999 ''; do
    mistake "-j '$threads'" threads quantize -j "$threads" in.safetensors out.gguf
done
for size in 7 -8 x 12; do
    mistake "--group-size $size" group-size \
        quantize -t int4 --group-size "$size" in.safetensors out.safetensors
done
for limit in 0 -1 x 10Q; do
    mistake "--memory-limit $limit" memory-limit \
        quantize --memory-limit "$limit" in.safetensors out.gguf
done
for size in 0 -1 x 4095 2G; do
    mistake "--tile-size $size" tile-size quantize --tile-size "$size" in.safetensors out.gguf
done
mistake 'no such mode' mode quantize -m turbo in.safetensors out.gguf
for repeat in 0 -1 x 2.5 1000001; do
    mistake "--repeat $repeat" repeat quantize --repeat "$repeat" in.safetensors null:
done
mistake '--repeat into a file' '--repeat out.gguf' quantize --repeat 2 in.safetensors out.gguf
mistake 'no such ISA' isa quantize --isa mmx in.safetensors out.gguf
mistake 'no such way with NaN' nonfinite quantize --nonfinite ignore in.safetensors out.gguf

checks=$((checks + 1))
code=0
arrowquant >out 2>err || code=$?
equal 'no command: exit code' 2 "$code"
grep -q '^Usage: arrowquant' err || fail 'no command: no usage on standard error'

# An output that goes nowhere is a failure, not a success.
if [ -w /dev/full ]; then
    for words in '--version' '--help' 'quantize --json in.safetensors null:'; do
        checks=$((checks + 1))
        code=0
        # shellcheck disable=SC2086
        arrowquant $words >/dev/full 2>err || code=$?
        equal "a full standard output: arrowquant $words" 1 "$code"
        [ -s err ] || fail "a full standard output: arrowquant $words says nothing"
    done
fi

# The cap from the environment is one on what this CPU is taken to have.
equal 'ARROWQUANT_ISA' '"scalar"' "$(ARROWQUANT_ISA=scalar arrowquant quantize --json \
    synthetic:1x32x256 null: | grep -o '"isa": "[a-z0-9]*"' | cut -d ' ' -f 2)"
done_testing
