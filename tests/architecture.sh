#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Holds what the layout of the sources promises: which part may include which, and that the shared
# library exports the public interface and nothing else.

set -eu
: "${top_srcdir:?run it with make check}" "${top_builddir:?}"
failed=0

fail() {
    printf 'FAIL: %s\n' "$*"
    failed=1
}

# ---- includes point one way ----

# Prints "FILE HEADER" for each #include "HEADER", the header as a path from the top. What make
# writes, which in a build inside the source tree is there too, is no source.
own_includes() {
    (cd "$top_srcdir" && find src bench -name '*.[ch]' ! -path bench/revision.c 2>/dev/null | sort | while read -r file; do
        sed -n 's/^[[:space:]]*#[[:space:]]*include[[:space:]]*"\([^"]*\)".*/\1/p' "$file" |
            while read -r header; do
                printf '%s %s\n' "$file" "$(resolve "$(dirname "$file")" "$header")"
            done
    done)
}

resolve() { # DIRECTORY HEADER
    if [ -f "$1/$2" ]; then
        (cd "$1/$(dirname "$2")" && printf '%s/%s\n' "$PWD" "$(basename "$2")") |
            sed "s|^$(cd "$top_srcdir" && pwd -P)/||; s|^$top_srcdir/||"
    elif [ -f "$top_srcdir/bench/$2" ]; then
        printf 'bench/%s\n' "$2"
    else
        printf 'src/%s\n' "$2"
    fi
}

includes=$(own_includes)
[ "$(printf '%s\n' "$includes" | grep -c .)" -gt 10 ] || fail 'hardly an include was found'

# Files that match FROM may include only what matches TO (both extended regular expressions).
only() { # WHY FROM TO
    bad=$(printf '%s\n' "$includes" | grep -E "^($2) " | grep -Ev " ($3)\$" || :)
    [ -z "$bad" ] || fail "$1:
$bad"
}

never() { # WHY FROM TO
    bad=$(printf '%s\n' "$includes" | grep -E "^($2) " | grep -E " ($3)\$" || :)
    [ -z "$bad" ] || fail "$1:
$bad"
}

public='src/arrowquant\.h'
# One room a line, from what knows nothing up to what knows all below it.
base='src/base/.*'
formats='src/formats/.*'
only 'the public header stands alone' "$public" 'nothing'
only 'the base knows the public types and itself' "$base" "$public|src/formats/dtype\.h|$base"
only 'formats see neither pool nor kernels nor what drives them' "$formats" "$public|$base|$formats"
never 'formats do not know of threads' "$formats" 'src/base/(pool|thread)\.h'
only 'input and output know what a model is' 'src/io/.*' "$public|$base|$formats|src/io/.*"
only 'kernels see their own contract' 'src/kernels/.*' "$public|src/base/half\.h|src/kernels/.*"
only 'the pool knows nothing of quantization' 'src/base/pool\.[ch]' \
    "$public|src/base/(error|memory|placement|pool|small|thread|turns)\.h"
never 'a plan reads and writes nothing' 'src/plan/.*' 'src/(io|run|kernels)/.*'
never 'a run does not know of files and formats' 'src/run/.*' \
    'src/formats/(files|gguf|safetensors|shards).*'
only 'the commands see only the public interface' 'src/cli/.*' "$public|src/base/small\.h|src/cli/.*"
only 'the benchmark sees only the public interface' 'bench/.*' "$public|bench/.*"
only 'statistics are arithmetic on numbers' 'bench/stats/.*' 'bench/stats/.*|bench/util\.h'
never 'a report measures nothing' 'bench/report/.*' \
    'bench/measure/(binary|child|progress|store|system)\.h'
never 'measuring does not know of verdicts and reports' 'bench/measure/.*' \
    'bench/(verdict\.h|report/.*|gate/.*|results/.*)'

# ---- the shared library exports aq_*, all of it ----

declared_functions() {
    tr '\n' ' ' <"$top_srcdir/src/arrowquant.h" | grep -o 'AQ_API [^;#]*;' |
        sed -n 's/^[^(]*[ *]\(aq_[a-z0-9_]*\)(.*/\1/p' | sort
}

library=$top_builddir/src/.libs/libarrowquant.so
if [ -n "${AQ_COVERAGE:-}" ]; then
    printf 'instrumented: the library exports what gcov needs, too\n'
elif [ -e "$library" ]; then
    # What a C library's start files define in every library is none of its functions.
    exported=$(nm -D --defined-only "$library" | awk '{ print $NF }' | grep -Evx '_(init|fini)' | sort)
    foreign=$(printf '%s\n' "$exported" | grep -v '^aq_' || :)
    [ -z "$foreign" ] || fail "exported without the prefix: $foreign"
    declared=$(declared_functions)
    [ "$(printf '%s\n' "$declared" | grep -c .)" -gt 20 ] || fail 'hardly a function is declared'
    [ "$exported" = "$declared" ] || fail "exported and declared functions differ:
$(printf '%s\n' "$exported" "$declared" | sort | uniq -u)"
else
    printf 'no shared library in this build: its symbols are not looked at\n'
fi

exit "$failed"
