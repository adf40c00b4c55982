#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What packages promise is what the sources have: the symbols file names the public functions, and all
# files that name the version name the same (ci/release --check, which must also be able to say no).

# shellcheck source=tests/lib.sh
. "${top_srcdir:?run it with make check}/tests/lib.sh"

[ -e "$top_srcdir/debian/control" ] || skip 'a tarball has no debian/'

declared=$(tr '\n' ' ' <"$top_srcdir/src/arrowquant.h" | grep -o 'AQ_API [^;#]*;' |
    sed -n 's/^[^(]*[ *]\(aq_[a-z0-9_]*\)(.*/\1/p' | sort)
[ "$(printf '%s\n' "$declared" | grep -c .)" -gt 20 ] || fail 'hardly a function is declared'
equal 'functions of arrowquant.h and of debian/libarrowquant0.symbols' "$declared" \
    "$(sed -n 's/^ \(aq_[a-z0-9_]*\)@.*/\1/p' "$top_srcdir/debian/libarrowquant0.symbols" | sort)"

ok 'one version everywhere' "$top_srcdir/ci/release" --check
version=$(sed -n 's/^Version: *//p' "$top_srcdir/rpm/arrowquant.spec")
mkdir copy
cp -R "$top_srcdir/ci" "$top_srcdir/debian" "$top_srcdir/doc" "$top_srcdir/rpm" "$top_srcdir/NEWS" \
    "$top_srcdir/configure.ac" "$top_srcdir/Makefile.am" copy
ok 'one version in a copy' copy/ci/release --check
for file in NEWS rpm/arrowquant.spec doc/arrowquant.5 debian/changelog; do
    cp "copy/$file" saved
    sed "s/$version/0.0.9/" saved >"copy/$file"
    checks=$((checks + 1))
    ! copy/ci/release --check >refused.out 2>&1 || fail "another version in $file goes unnoticed"
    grep -q "$file" refused.out || fail "$file is not named: $(cat refused.out)"
    cp saved "copy/$file"
done

done_testing
