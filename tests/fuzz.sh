#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What fuzzing found stays found: every file of the corpora goes through its parser, whole, cut off at
# every byte and with every bit flipped, and 20,000 mutations of them, the same in every run.

set -eu
: "${top_srcdir:?run it with make check}" "${top_builddir:?}"
failed=0 targets=0
for corpus in "$top_srcdir"/tests/fuzz/corpus/*/; do
    target=$(basename "$corpus")
    "$top_builddir/tests/fuzz/replay_$target" -m 20000 "$corpus" >"$target.$$.out" 2>&1 || {
        printf 'FAIL: %s\n' "$target"
        cat "$target.$$.out"
        failed=1
    }
    rm -f "$target.$$.out"
    targets=$((targets + 1))
done
[ "$targets" -ge 6 ] || {
    printf 'only %d corpora were found\n' "$targets"
    failed=1
}
exit "$failed"
