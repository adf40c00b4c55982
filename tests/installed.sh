#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# An installed arrowquant as its user has it, found in PATH: what the tests of the packages run.
# Needs only what a minimal system has.
# Usage: installed.sh quantize|benchmark|manual...

set -eu
export LC_ALL=C
scratch=$(mktemp -d "${TMPDIR:-/tmp}/arrowquant-installed.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' HUP INT TERM
cd "$scratch"

die() {
    printf 'FAIL: %s\n' "$*" >&2
    exit 1
}

# From safetensors to GGUF and to safetensors, and back to figures.
quantize() {
    arrowquant synth --quiet --params 4x64x512 model.safetensors
    for output in q8_0.gguf q4_k.gguf int4.safetensors; do
        arrowquant quantize --quiet --type "${output%.*}" model.safetensors "$output"
        arrowquant compare --quiet model.safetensors "$output" >figures
        grep -q '^total ' figures || die "no figures for $output: $(cat figures)"
    done
    arrowquant info q8_0.gguf >info.out
    grep -q 'Q8_0' info.out || die "arrowquant info does not know its own output: $(cat info.out)"
    arrowquant quantize --quiet --threads 1 --isa scalar model.safetensors again.gguf
    cmp q8_0.gguf again.gguf || die 'another instruction set, other bytes'
    code=0
    arrowquant quantize q8_0.gguf.absent out.gguf 2>error || code=$?
    [ "$code" -eq 1 ] || die "a missing input gives $code: $(cat error)"
    printf 'quantize: ok\n'
}

# All sections of the quick benchmark, on models and in a time that a slow machine has.
benchmark() {
    arrowquant-bench --all --quick --model-size 4x64x512 --model-sizes 4x64x512 --cores 1,2 \
        --rounds 2 --budget 5 --output-dir results --work-dir "$scratch" >report ||
        die "the benchmark ended with $?: $(cat report)"
    for section in 'Parallel Scaling Results' 'Model Size Results' 'Streaming vs Batch Results' \
        'Verification'; do
        grep -q "^$section:" report || die "the report has no section '$section': $(cat report)"
    done
    [ -s results/parallel_benchmark_results.json ] || die 'no results were written'
    printf 'benchmark: ok\n'
}

manual() {
    for page in arrowquant arrowquant-bench; do
        man -P cat "$page" >page.out 2>man.err || die "man $page: $(cat man.err)"
        [ ! -s man.err ] || die "man $page warns: $(cat man.err)"
        grep -q 'EXIT STATUS' page.out || die "the page $page has no exit status"
    done
    printf 'manual: ok\n'
}

[ $# -gt 0 ] || die 'usage: installed.sh quantize|benchmark|manual...'
for part; do
    case $part in
        quantize | benchmark | manual) "$part" ;;
        *) die "no such part: $part" ;;
    esac
done
