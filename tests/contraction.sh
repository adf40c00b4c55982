#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A negative control: scalar twins built with contraction to fused multiply-adds must fail the very
# tests that hold the real ones. They are given the table's names of the AVX2 kernels, so that
# test_kernels compares them with the true twins as it would any kernel.

set -eu
: "${top_srcdir:?run it with make check}" "${top_builddir:?}"
cc=${CC:-cc}
ccache=$(command -v ccache || :)
if ! grep -qw fma /proc/cpuinfo 2>/dev/null; then
    echo 'this CPU has no fused multiply-add: skipped'
    exit 77
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
src=$top_srcdir/src
# What is made there has relative names, by which ccache knows it again.
cd "$work"
: >config.h

# As a table with scalar twins and one more ISA, whose kernels are the scalar sources renamed.
for file in scalar_blocks scalar_rows scalar_k; do
    sed 's/##_scalar(/##_avx2(/; s/aq_search_q3_k(/aq_search_q3_k_avx2(/' "$src/kernels/$file.c" \
        >$file.c
done
sed 's/^#define IF_NEON(...)$/#define IF_NEON(...) __VA_ARGS__/
     s/NEON, neon/AVX2, avx2/' "$src/kernels/table.c" >table.c
sed 's/^static unsigned detect(void)$/static unsigned detect(void) { return 1u << AQ_ISA_SCALAR | 1u << AQ_ISA_AVX2; }\
unsigned aq_detected(void);\
unsigned aq_detected(void)/' "$src/isa.c" >isa.c

compile() { # ARGUMENTS...
    # shellcheck disable=SC2086
    $ccache $cc -std=gnu11 -D_GNU_SOURCE -O2 -I. -I"$src" -I"$src/kernels" "$@"
}

# Each source once; the twins as they are, and contracted.
for file in table.c isa.c "$top_srcdir/tests/test_kernels.c"; do
    compile -ffp-contract=off -c -o "$(basename "$file" .c).o" "$file"
done
for file in scalar_blocks scalar_rows scalar_k; do
    compile -ffp-contract=off -c -o "$file-true.o" "$src/kernels/$file.c"
    compile -mfma -ffp-contract=off -c -o "$file-off.o" $file.c
done
for file in scalar_blocks scalar_k; do
    compile -mfma -ffp-contract=fast -c -o "$file-fast.o" $file.c
done

link() { # OUTPUT CONTRACTED-FILE
    set -- "$1" "$2" table.o isa.o test_kernels.o
    for file in scalar_blocks scalar_rows scalar_k; do
        contract=off
        [ "$file" != "$2" ] || contract=fast
        set -- "$@" "$file-true.o" "$file-$contract.o"
    done
    output=$1
    shift 2
    $cc -o "$output" "$@" -lm
}

# All that fails must be of the family that is contracted.
must_fail() { # FAMILY PATTERN CONTRACTED-FILE
    link ./contracted "$3"
    if ./contracted --brief >log; then
        echo "FAIL: contracted kernels of $1 passed"
        exit 1
    fi
    found=$(grep -c "^FAIL $2.*output differs" log || :)
    others=$(grep '^FAIL' log | grep -c -v "^FAIL $2" || :)
    if [ "$found" -eq 0 ] || [ "$others" -ne 0 ]; then
        cat log
        exit 1
    fi
    printf 'contracted %s: %s\n' "$1" "$(tail -n 1 log)"
}

link ./honest none
./honest --brief
must_fail 'types of 32 weights a block' 'q[458]_[01]_' scalar_blocks
must_fail 'K types' 'q[2-6]_k_' scalar_k
