#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The manual page and --help name the same options, and the page is well-formed.

set -eu
: "${top_srcdir:?run it with make check}" "${top_builddir:?}"
page=$top_srcdir/doc/arrowquant.1
failed=0

fail() {
    printf 'FAIL: %s\n' "$*"
    failed=1
}

# The long options of a section of the page (up to the next section).
manual_options() { # SECTION
    sed -n "/^\\.SH $1\$/,/^\\.SH /p" "$page" | sed 's/\\-/-/g' |
        grep -E '^\.(B|BI|BR) ' | grep -o -- '--[a-z][a-z-]*' | sort -u
}

help_options() { # COMMAND
    "$top_builddir/arrowquant" "$1" --help | grep -E '^ +(-[a-z], )?--' |
        grep -o -- '--[a-z][a-z-]*' | grep -vx -- --help | sort -u
}

for command in quantize info compare synth; do
    section=$(printf '%s\n' "$command" | tr '[:lower:]' '[:upper:]')
    help=$(help_options "$command")
    manual=$(manual_options "$section" | grep -vx -- --help || :)
    [ -n "$help" ] || fail "$command --help names no option"
    [ "$help" = "$manual" ] || fail "$command: --help has
$help
and the manual
$manual"
done

version=$("$top_builddir/arrowquant" --version)
grep -q "^\\.TH ARROWQUANT 1 \"\" \"$version\"" "$page" || fail "the page is not of $version"

if command -v man >/dev/null 2>&1; then
    warnings=$(LC_ALL=C.UTF-8 MANROFFSEQ='' man --warnings -l "$page" 2>&1 >/dev/null || :)
    [ -z "$warnings" ] || fail "man warns: $warnings"
fi
exit "$failed"
