# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# shellcheck disable=SC2034 # variables that the sourcing tests use
# What the tests of arrowquant-bench share: a directory for what they make, the benchmark run, and
# checks that name what went wrong. Source it first; call `finish` last.

set -u
: "${top_srcdir:?run it with make check}" "${top_builddir:?}"
bench=$top_builddir/arrowquant-bench
fake=$top_srcdir/tests/fake-arrowquant
dir=$(mktemp -d "${TMPDIR:-/tmp}/bench-test.XXXXXX") || exit 1
trap 'rm -rf "$dir"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
unset TMPDIR NO_COLOR SOURCE_DATE_EPOCH
unset FAKE_MODE FAKE_WHEN FAKE_LOG FAKE_SLEEP FAKE_ARM FAKE_TIME
failed=0 not_validated=no

fail() {
    printf 'FAIL: %s\n' "$*"
    failed=1
}

# Runs the benchmark, which must end with one of these codes and leave nothing in $dir/w; what it
# says stays in $dir/out and $dir/err.
run() { # CODES ARGUMENTS...
    want=$1
    shift
    code=0
    "$bench" "$@" >"$dir/out" 2>"$dir/err" </dev/null || code=$?
    case " $want " in *" $code "*) ;; *) fail "$* gave $code, not $want: $(cat "$dir/out" "$dir/err")" ;; esac
    [ ! -d "$dir/w" ] || [ -z "$(ls "$dir/w")" ] ||
        fail "$* left in the work directory: $(ls "$dir/w")"
}

says() { # FILE PATTERN
    grep -Eq -- "$2" "$dir/$1" || fail "$1 does not say \"$2\": $(cat "$dir/$1")"
}

says_not() { # FILE PATTERN
    ! grep -Eq -- "$2" "$dir/$1" || fail "$1 says \"$2\": $(cat "$dir/$1")"
}

# The results below $dir follow their schema, or with --broken are noticed not to.
follows() { # SCHEMA RESULTS [--broken]
    schema=$top_srcdir/bench/$1 results=$dir/$2
    shift 2
    python3 "$top_srcdir/tests/tools/validate_results.py" "$schema" "$results" "$@" >"$dir/valid" 2>&1
    case $? in
        0) ;;
        77) not_validated=yes ;;
        *) fail "$(cat "$dir/valid")" ;;
    esac
}

valid() {
    follows results.schema.json o/parallel_benchmark_results.json
}

finish() {
    [ "$not_validated" = no ] || echo 'python3-jsonschema is absent: the JSON was not validated'
    exit "$failed"
}
