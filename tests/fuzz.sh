#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What fuzzing found stays found: every file of the corpora goes through its parser, whole, cut off at
# every byte and with every bit flipped, and 20,000 mutations of them, the same in every run.

set -eu
: "${top_srcdir:?run it with make check}" "${top_builddir:?}"
failed=0 targets=0 valid=0 mutations=20000
[ -z "${AQ_UNDER:-}" ] || mutations=500 # ci/matrix: inside valgrind
for corpus in "$top_srcdir"/tests/fuzz/corpus/*/; do
    target=$(basename "$corpus")
    # shellcheck disable=SC2086 # a command and its arguments
    ${AQ_UNDER:-} "$top_builddir/tests/fuzz/replay_$target" -m "$mutations" "$corpus" \
        >"$target.$$.out" 2>&1 || {
        printf 'FAIL: %s\n' "$target"
        cat "$target.$$.out"
        failed=1
    }
    valid=$((valid + $(sed -n 's/ accepted whole$//p' "$target.$$.out")))
    rm -f "$target.$$.out"
    targets=$((targets + 1))
done
[ "$targets" -ge 8 ] || {
    printf 'only %d corpora were found\n' "$targets"
    failed=1
}
# What is cut off and damaged says nothing of valid files unless it was one.
[ "$valid" -ge 10 ] || {
    printf 'only %d model files of the corpora are accepted when whole\n' "$valid"
    failed=1
}
exit "$failed"
