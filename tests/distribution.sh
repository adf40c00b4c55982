#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What `make install` puts there is enough to build and run a program against, found by pkg-config.

# shellcheck source=tests/lib.sh
. "${top_srcdir:?run it with make check}/tests/lib.sh"

need pkg-config
[ -z "${AQ_SANITIZE:-}${AQ_COVERAGE:-}" ] ||
    skip 'a program needs the instrumentation that the library was built with'
install_once
CC=$(sed -n "s/^CC='\(.*\)'/\1/p" "$top_builddir/config.log")
need "${CC%% *}"

# Installed below a directory of its own, as packages are made.
PKG_CONFIG_PATH=$(dirname "$(find "$destination" -name arrowquant.pc)")
PKG_CONFIG_SYSROOT_DIR=$destination PKG_CONFIG_ALLOW_SYSTEM_CFLAGS=1 PKG_CONFIG_ALLOW_SYSTEM_LIBS=1
export PKG_CONFIG_PATH PKG_CONFIG_SYSROOT_DIR PKG_CONFIG_ALLOW_SYSTEM_CFLAGS
export PKG_CONFIG_ALLOW_SYSTEM_LIBS

cat >program.c <<'PROGRAM'
#include <arrowquant.h>
#include <stdio.h>
#include <string.h>

int main(void)
{
    float weights[64];
    unsigned char blocks[68];
    aq_error error;
    aq_quantize_options options;
    aq_quantize_result result;
    int i;
    for (i = 0; i < 64; i++)
        weights[i] = (float)i - 31.5f;
    if (aq_quantize_rows(AQ_TYPE_Q8_0, AQ_DTYPE_F32, weights, 2, 32, blocks, aq_isa_best(),
                         &error) != AQ_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    aq_quantize_options_init(&options);
    memset(&result, 0, sizeof result);
    result.size = sizeof result;
    options.type = AQ_TYPE_Q4_0;
    if (aq_quantize("synthetic:2x64x64:f32:1", "null:", &options, &result, &error) != AQ_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    printf("%s %d %lu\n", aq_version(), (signed char)blocks[2], (unsigned long)result.weights);
    aq_quantize_result_free(&result);
    return 0;
}
PROGRAM
expected="$(pkg-config --modversion arrowquant) -127 8192"

# shellcheck disable=SC2046,SC2086 # lists of flags; CC may have some
{
    ok 'the header is C99' $CC -std=c99 -pedantic-errors -Wall -Wextra -Werror -fsyntax-only \
        $(pkg-config --cflags arrowquant) program.c
    if command -v c++ >/dev/null; then
        cp program.c program.cc
        ok 'the header is C++' c++ -std=c++11 -Wall -Werror -fsyntax-only \
            $(pkg-config --cflags arrowquant) program.cc
    fi
    if [ -e "$lib/libarrowquant.so" ]; then
        ok 'link with the shared library' $CC $(pkg-config --cflags arrowquant) program.c \
            -o shared $(pkg-config --libs arrowquant)
        equal 'run with the shared library' "$expected" "$(./shared 2>&1)"
        ok 'only libraries that are promised' sh -c \
            "! objdump -p '$lib/libarrowquant.so' | grep NEEDED |
                grep -Ev 'lib(jansson|m|c|pthread|dl)\.so|ld-linux'"
    fi
    if [ -e "$lib/libarrowquant.a" ]; then
        ok 'link with the static library' $CC -static $(pkg-config --cflags arrowquant) program.c \
            -o static $(pkg-config --static --libs arrowquant)
        equal 'run with the static library' "$expected" "$(env -u LD_LIBRARY_PATH ./static 2>&1)"
    fi
}

# Nothing else is installed, and nothing of the build's place is in it.
# shellcheck disable=SC2154 # set by install_once
headers=$(cd "$destination" && find . -name '*.h')
equal 'one header' arrowquant.h "$(basename "$headers")"
for program in arrowquant arrowquant-bench; do
    ok "$program is installed and runs" "$program" --version
done

done_testing
