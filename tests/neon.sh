#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The NEON and scalar kernels under an emulated 64-bit ARM: equal to each other there, and scalar
# output equal to this machine's. Skips where the cross compiler or the emulator is absent.

set -eu
: "${top_srcdir:?run it with make check}" "${top_builddir:?}"
for tool in aarch64-linux-gnu-gcc qemu-aarch64; do
    if ! command -v "$tool" >/dev/null; then
        echo "$tool is not there: skipped"
        exit 77
    fi
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

# No configure run for the other architecture: what the kernels need to know of it is one line.
echo '#define AQ_HAVE_NEON 1' >"$work/config.h"
src=$top_srcdir/src
# Barely optimized, since compiling is most of what takes time here; `ci/ports arm64` has them as
# they are shipped.
cross() { # ARGUMENTS...
    aarch64-linux-gnu-gcc -std=gnu11 -D_GNU_SOURCE -O1 -ffp-contract=off -Wall -Wextra -Werror \
        -I"$work" -I"$src" "$@"
}

for file in "$src/isa.c" "$src"/kernels/table*.c "$src"/kernels/scalar_*.c "$src"/kernels/vec_*.c; do
    cross -DAQ_VEC_NEON -c -o "$work/$(basename "$file" .c).o" "$file"
done
for test in test_kernels test_weighted; do
    cross -static -o "$work/$test" "$top_srcdir/tests/$test.c" "$work"/*.o -lm
done

qemu-aarch64 "$work/test_kernels" --brief
there=$(qemu-aarch64 "$work/test_kernels" --hash)
here=$("$top_builddir/tests/test_kernels" --hash)
echo "scalar output: there $there, here $here"
[ "$there" = "$here" ]

there=$(qemu-aarch64 "$work/test_weighted" --brief) || { echo "$there" && exit 1; }
here=$("$top_builddir/tests/test_weighted" --brief)
printf 'with importances there: %s\nhere: %s\n' "$there" "$here"
[ "${there##*hash}" = "${here##*hash}" ]
