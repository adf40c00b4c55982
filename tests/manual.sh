#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The manual pages say what the programs and the header say: options in both directions, every public
# function and every field of a public structure, the version; and they are well-formed.

set -eu
: "${top_srcdir:?run it with make check}" "${top_builddir:?}"
doc=$top_srcdir/doc
failed=0 checks=0

fail() {
    printf 'FAIL: %s\n' "$*"
    failed=1
}

# Two lists, one name a line, that must hold the same.
same_names() { # WHAT FIRST SECOND
    checks=$((checks + 1))
    [ -n "$2" ] || fail "$1: the first list is empty"
    [ "$2" = "$3" ] || fail "$1 differ:
$(printf '%s\n' "$2" "$3" | sort | uniq -u)"
}

# The long options that a section of a page explains, each after .TP (or .TQ).
page_options() { # PAGE SECTION
    sed 's/\\-/-/g' "$1" | sed -n "/^\\.SH $2\$/,/^\\.SH /p" |
        sed -n '/^\.T[PQ]/{n;p;}' | grep -E '^\.(B|BI|BR) ' | grep -o -- '--[a-z][a-z-]*' | sort -u
}

# The long options that a help text lists, each at the beginning of a line.
help_options() { # COMMAND...
    "$@" --help | grep -E '^ +(-[a-zA-Z], )?--' | sed 's/^\( *\(-[a-zA-Z], \)\{0,1\}--[a-z-]*\).*/\1/' |
        grep -o -- '--[a-z][a-z-]*' | sort -u
}

# ---- commands ----

commands=$("$top_builddir/arrowquant" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p')
[ -n "$commands" ] || fail 'arrowquant --help names no command'
for command in $commands; do
    section=$(printf '%s\n' "$command" | tr '[:lower:]' '[:upper:]')
    same_names "options of arrowquant $command in --help and in the manual" \
        "$(help_options "$top_builddir/arrowquant" "$command" | grep -vx -- --help)" \
        "$(page_options "$doc/arrowquant.1" "$section")"
done
same_names 'options of arrowquant-bench in --help and in the manual' \
    "$(help_options "$top_builddir/arrowquant-bench")" "$(page_options "$doc/arrowquant-bench.1" OPTIONS)"

# ---- the library ----

header=$(tr '\n' ' ' <"$top_srcdir/src/arrowquant.h" | sed 's|/\*|\
/*|g; s|\*/|*/\
|g' | grep -v '^/\*' | tr '\n' ' ' | sed 's/;/;\
/g; s/[{}]/&\
/g')

# What a page is found by: the names before the dash of its NAME section.
page_names() { # PAGE
    sed -n '/^\.SH NAME/,/^\.SH [^N]/{/^\.SH/d;p;}' "$1" | tr '\n' ' ' | sed 's/ \\- .*//; s/, */\
/g'
    echo
}

functions=$(printf '%s\n' "$header" | sed -n 's/^ *AQ_API [^(]*[ *]\(aq_[a-z0-9_]*\)(.*/\1/p' | sort)
documented=$(for page in "$doc"/aq_*.3; do page_names "$page"; done | grep . | sort)
same_names 'functions of arrowquant.h and names of the pages of section 3' "$functions" "$documented"

# Each function's prototype is in the page that has its name, as the compiler would read it.
for page in "$doc"/aq_*.3; do
    for name in $(page_names "$page"); do
        checks=$((checks + 1))
        wanted=$(printf '%s\n' "$header" | grep -E "^ *AQ_API .*[ *]$name\(" | head -n 1 |
            sed 's/ *AQ_API *//; s/[[:space:]]//g')
        sed -n '/^\.SH SYNOPSIS/,/^\.SH [^S]/p' "$page" | sed 's/^\.[BI]* //; s/"//g' | tr -d '[:space:]' |
            grep -qF -- "$wanted" || fail "$page: the prototype of $name is not '$wanted'"
    done
done

# Fields of public structures: the last word before each ; or , in a typedef struct.
fields=$(printf '%s\n' "$header" | awk '
    /typedef struct [a-z_]* \{/ { inside = 1; next }
    /\}/ { inside = 0 }
    inside { gsub(/\[[^]]*\]/, ""); n = split($0, part, /[,;]/)
             for (i = 1; i < n; i++) { sub(/.*[ *]/, "", part[i]); print part[i] } }' | sort -u)
[ "$(printf '%s\n' "$fields" | grep -c .)" -gt 40 ] || fail 'hardly a field was found'
for field in $fields; do
    checks=$((checks + 1))
    [ "$field" != size ] || continue # of every options and result: arrowquant(3) says it
    cat "$doc"/*.3 | grep -qE "(^|[^a-z_])$field([^a-z_]|\$)" ||
        fail "the field $field of arrowquant.h is in no page of section 3"
done

# ---- all pages ----

version=$("$top_builddir/arrowquant" --version)
for page in "$doc"/*.[135]; do
    checks=$((checks + 1))
    grep -q "^\\.TH [A-Z_]*\(\\\\-BENCH\)\{0,1\} [135] \"\" \"$version\"" "$page" || fail "$page is not of $version"
    missing=$(sed -n '/^\.SH SEE ALSO/,$s/^\.BR \([a-z_\\-]*\) (\([0-9]\)).*/\1.\2/p' "$page" | sed 's/\\//g' |
        while read -r other; do [ -e "$doc/$other" ] || printf '%s\n' "$other"; done)
    [ -z "$missing" ] || fail "$page points to what is not there: $missing"
    if command -v man >/dev/null 2>&1; then
        warnings=$(LC_ALL=C.UTF-8 MANROFFSEQ='' MANWIDTH=80 man --warnings -l "$page" 2>&1 >/dev/null || :)
        [ -z "$warnings" ] || fail "man warns: $warnings"
    fi
done

printf '%d checks\n' "$checks"
[ "$checks" -gt 60 ] || fail 'hardly a check was made'
exit "$failed"
