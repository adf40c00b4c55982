# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# shellcheck disable=SC2034 # variables that the sourcing tests use
# What the shell tests share: an installed copy of the commands, a scratch directory, and checks
# that name what went wrong. Source it first; call `done_testing` last.

set -eu
: "${top_srcdir:?run it with make check}" "${top_builddir:?}"
export LC_ALL=C PYTHONDONTWRITEBYTECODE=1 PYTHONPATH="$top_srcdir/tests/tools"
unset CDPATH

tools=$top_srcdir/tests/tools
oracle=${AQ_ORACLE_DIR:-${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/arrowquant-oracle}
checks=0 failures=0

scratch=$(mktemp -d "${TMPDIR:-/tmp}/arrowquant-test.XXXXXX")
trap 'chmod -R u+rwX "$scratch"; rm -rf "$scratch"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
cd "$scratch"

skip() {
    printf 'SKIP: %s\n' "$*"
    exit 77
}

need() { # COMMAND...
    for command; do
        command -v "$command" >/dev/null || skip "$command is not installed"
    done
}

fail() {
    failures=$((failures + 1))
    printf 'FAIL: %s\n' "$*"
}

# Runs a command that must succeed; its output is shown where it does not.
ok() { # WHAT COMMAND...
    checks=$((checks + 1))
    what=$1
    shift
    code=0
    "$@" >ok.out 2>&1 </dev/null || code=$?
    [ "$code" -ne 0 ] || return 0
    fail "$what: $* ended with $code"
    sed 's/^/    /' ok.out
}

# Runs a command that must end with this exit code, silent on standard output, with one line on
# standard error that matches each of the patterns (a usage error may point to --help on a second).
# The command's output stays in `refused.out` and `refused.err`.
refused() { # WHAT EXIT-CODE PATTERNS COMMAND...
    checks=$((checks + 1))
    what=$1 expected=$2 patterns=$3
    shift 3
    code=0
    "$@" >refused.out 2>refused.err </dev/null || code=$?
    [ "$code" -eq "$expected" ] || fail "$what: exit $code instead of $expected: $(cat refused.err)"
    [ ! -s refused.out ] || fail "$what: wrote to standard output: $(head -c 200 refused.out)"
    [ "$(grep -cv "^Try 'arrowquant" refused.err)" -eq 1 ] ||
        fail "$what: not one line on standard error: $(cat refused.err)"
    for pattern in $patterns; do
        grep -q -e "$pattern" refused.err || fail "$what: '$pattern' is not in: $(cat refused.err)"
    done
}

same() { # WHAT FILE FILE
    checks=$((checks + 1))
    cmp -- "$2" "$3" >cmp.out 2>&1 || fail "$1: $(cat cmp.out)"
}

absent() { # WHAT PATH...
    checks=$((checks + 1))
    what=$1
    shift
    for path; do
        [ ! -e "$path" ] || fail "$what: $path was left behind"
    done
}

# The value of a path such as tensors.0.name in a JSON file; `null`, `true` as JSON spells them.
json() { # FILE PATH
    python3 - "$1" "$2" <<'PYTHON'
import json, sys
value = json.load(open(sys.argv[1]))
for key in filter(None, sys.argv[2].split(".")):
    value = value[int(key)] if isinstance(value, list) else value[key]
print(value if isinstance(value, str) else json.dumps(value))
PYTHON
}

# Nothing but what is named may be in a directory: no half output, no temporary.
holds_only() { # WHAT DIRECTORY NAMES
    checks=$((checks + 1))
    # shellcheck disable=SC2012 # names of ours, to be compared as ls sorts them
    found=$(ls -A "$2" | tr '\n' ' ')
    [ "${found% }" = "$3" ] || fail "$1: $2 holds '$found', not '$3'"
}

equal() { # WHAT EXPECTED GOT
    checks=$((checks + 1))
    [ "$2" = "$3" ] || fail "$1: expected '$2', got '$3'"
}

# The commands as a user has them: installed below the build directory, once for all tests.
install_once() {
    destination=$top_builddir/tests/installed
    exec 9>"$destination.lock"
    flock 9
    if [ ! -e "$destination/.complete" ] || [ -n "$(built_since "$destination/.complete")" ]; then
        rm -rf "$destination"
        # Not as a part of the make that runs the tests: none of its variables, no job server.
        if ! env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS make -s -C "$top_builddir" install \
            "DESTDIR=$destination" >"$destination.log" 2>&1; then
            cat "$destination.log"
            exit 1
        fi
        : >"$destination/.complete"
    fi
    bin=$(dirname "$(find "$destination" -type f -path '*/bin/arrowquant')")
    [ -z "${AQ_UNDER:-}" ] || put_under
    exec 9>&-
    lib=$(dirname "$(find "$destination" -type f -name 'arrowquant.pc')")/..
    PATH=$bin:$PATH
    LD_LIBRARY_PATH=$lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
    export PATH LD_LIBRARY_PATH
}

# ci/matrix: commands inside valgrind, in the place of those installed.
put_under() {
    under=$destination/under
    mkdir -p "$under"
    for program in arrowquant arrowquant-bench; do
        printf '#!/bin/sh\nexec %s %s "$@"\n' "$AQ_UNDER" "$bin/$program" >"$under/$program.new"
        chmod +x "$under/$program.new"
        mv "$under/$program.new" "$under/$program" # another test may just read the old one
    done
    bin=$under
}

built_since() { # STAMP
    find "$top_builddir" "$top_builddir/.libs" "$top_builddir/src" "$top_builddir/src/.libs" \
        -maxdepth 1 -type f \( -name 'arrowquant' -o -name 'arrowquant-bench' -o -name '*.la' \
        -o -name '*.pc' \) -newer "$1" 2>/dev/null
}

done_testing() {
    printf '%d checks, %d failures\n' "$checks" "$failures"
    [ "$checks" -gt 0 ] || exit 1
    [ "$failures" -eq 0 ] || exit 1
    exit 0
}
