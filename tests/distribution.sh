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

# Installed below a directory of its own, as packages are made; what it needs is where it always is.
mkdir pkgconfig
sed "s|^\([a-z_]*\)=/|\1=$destination/|" "$lib/pkgconfig/arrowquant.pc" >pkgconfig/arrowquant.pc
PKG_CONFIG_PATH=$PWD/pkgconfig PKG_CONFIG_ALLOW_SYSTEM_CFLAGS=1 PKG_CONFIG_ALLOW_SYSTEM_LIBS=1
export PKG_CONFIG_PATH PKG_CONFIG_ALLOW_SYSTEM_CFLAGS PKG_CONFIG_ALLOW_SYSTEM_LIBS

cp "$top_srcdir/tests/program.c" program.c
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
# Every function has a manual page under its name.
for name in $(nm -D --defined-only "$lib/libarrowquant.so" 2>/dev/null | awk '{ print $NF }' | grep -Evx '_(init|fini)'); do
    page=$(find "$destination" -name "$name.3")
    ok "man $name" grep -q "$name" "${page:-/nonexistent}"
done
ok 'the installed commands do their work' "$top_srcdir/tests/installed.sh" quantize

done_testing
