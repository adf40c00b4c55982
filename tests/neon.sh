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

# No configure run for the other architecture: what the kernels need to know of it is one line. Names
# are relative, so that ccache knows what it compiled before.
cd "$work"
echo '#define AQ_HAVE_NEON 1' >config.h
src=$top_srcdir/src
ccache=$(command -v ccache || :)
# Barely optimized, since compiling takes long; `ci/ports arm64` has them as they are shipped.
cross() { # ARGUMENTS...
    $ccache aarch64-linux-gnu-gcc -std=gnu11 -D_GNU_SOURCE -O1 -ffp-contract=off -Wall -Wextra \
        -Werror -I. -I"$src" "$@"
}

for file in "$src/isa.c" "$src"/kernels/table*.c "$src"/kernels/scalar_*.c "$src"/kernels/vec_*.c; do
    cross -DAQ_VEC_NEON -c -o "$(basename "$file" .c).o" "$file"
done
for test in test_kernels test_weighted; do
    cross -c -o "$test.main" "$top_srcdir/tests/$test.c"
    cross -static -o "$test" "$test.main" ./*.o -lm
done

qemu-aarch64 ./test_kernels --brief
there=$(qemu-aarch64 ./test_kernels --hash)
here=$("$top_builddir/tests/test_kernels" --hash)
echo "scalar output: there $there, here $here"
[ "$there" = "$here" ]

there=$(qemu-aarch64 ./test_weighted --brief) || { echo "$there" && exit 1; }
here=$("$top_builddir/tests/test_weighted" --brief)
printf 'with importances there: %s\nhere: %s\n' "$there" "$here"
[ "${there##*hash}" = "${here##*hash}" ]
