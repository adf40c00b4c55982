# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# shellcheck disable=SC2154 # variables of ci/packages
# `ci/packages deb`. Sourced by it.

version_of_tarball() { # TARBALL
    name=${1##*/arrowquant-}
    printf '%s\n' "${name%.tar.xz}"
}

# Unpacks the tarball, with debian/ of this source tree, as Debian's tools want to find it.
unpack_deb_source() { # TARBALL DIRECTORY
    version=$(version_of_tarball "$1")
    mkdir -p "$2"
    cp "$1" "$2/arrowquant_$version.orig.tar.xz"
    tar -C "$2" -xf "$1"
    cp -R "$aq_source/debian" "$2/arrowquant-$version/debian"
    chmod -R u=rwX,go=rX "$2/arrowquant-$version/debian"
    deb_source=$2/arrowquant-$version
}

build_deb() { # TARBALL DIRECTORY OPTIONS
    unpack_deb_source "$1" "$2"
    say "building Debian's packages in $deb_source"
    if ! (cd "$deb_source" && DEB_BUILD_OPTIONS="parallel=$aq_jobs $3" \
        dpkg-buildpackage -us -uc) >"$2/build.log" 2>&1 </dev/null; then
        tail -n 60 "$2/build.log" >&2
        die "dpkg-buildpackage failed: $2/build.log"
    fi
}

# Same packages from another place, time, time zone, language and umask? The build's paths differ in
# length, too. Tests do not change what is packed.
build_deb_again() { # TARBALL
    (
        export TZ=Etc/GMT-14 LC_ALL=C.UTF-8 LANG=de_DE.UTF-8 HOME=/nonexistent
        umask 0002
        build_deb "$1" "$work/second/another/directory" nocheck
    )
    for package in "$work"/first/*.deb; do
        other=$work/second/another/directory/${package##*/}
        cmp -- "$package" "$other" >&2 || {
            ! command -v diffoscope >/dev/null || diffoscope "$package" "$other" >&2 || :
            die "${package##*/} is not reproducible"
        }
    done
    say 'both builds gave the same bytes'
}

judge_with_lintian() { # CHANGES
    lintian -EviI --pedantic --fail-on error,warning "$1" >"$work/lintian.log" 2>&1 </dev/null || {
        cat "$work/lintian.log" >&2
        die 'lintian found faults'
    }
    grep -v '^N: \(Using\|Starting\|Finished\|----\|Setting\|Unpacking\|Processing\)' \
        "$work/lintian.log" >&2 || :
}

# The packages where nothing of ours has ever been; then their own tests, which install compilers and
# need not clean up after themselves.
test_deb() { # DIRECTORY OF THE PACKAGES
    need_root --install-test
    make_root_archive "$root_archive"
    clean=$work/root
    say "unpacking a clean Debian 12 in $clean"
    unpack_root "$root_archive" "$clean"
    in_root "$clean" sh -ec 'apt-get -q update
        apt-get -q -y --no-install-recommends install man-db' >"$work/root.log" 2>&1 </dev/null ||
        { tail -n 30 "$work/root.log" >&2 && die 'the clean system cannot install man-db'; }
    mkdir -p "$clean/packages/source"
    cp "$1"/*.deb "$clean/packages"
    cp -R "$aq_source/debian" "$aq_source/tests" "$clean/packages/source"
    list_root "$clean" >"$work/before"
    run_inside install
    list_root "$clean" >"$work/after"
    left=$(diff "$work/before" "$work/after") || die "apt purge left or took something:
$left"
    say 'apt purge left nothing behind'
    run_inside autopkgtest
    grep -E '^[a-z-]+ +PASS$' "$work/autopkgtest.log" | sort -u >&2
    chmod -R u+w "$clean" && rm -rf "$clean"
}

run_inside() { # PART
    in_root "$clean" sh -c "$(cat "$aq_source/ci/packages-deb-inside.sh")" inside "$1" \
        >"$work/$1.log" 2>&1 </dev/null ||
        { tail -n 60 "$work/$1.log" >&2 && die "$1 failed: $work/$1.log"; }
    grep '^==> ' "$work/$1.log" >&2
}

make_deb() {
    tarball=$(make_tarball "$work/tarball")
    options=''
    [ "$check" = yes ] || options=nocheck
    build_deb "$tarball" "$work/first" "$options"
    [ "$check" = no ] || grep -h '^# [A-Z]*: ' "$work/first/build.log" >&2 || :
    judge_with_lintian "$(find "$work/first" -name '*.changes')"
    [ "$reproducible" = no ] || build_deb_again "$tarball"
    find "$work/first" -maxdepth 1 -type f ! -name build.log -exec cp '{}' "$output" ';'
}

package_deb() {
    [ -f "$aq_source/debian/control" ] ||
        die 'there is no debian/ here: it is in a checkout, not in a tarball'
    if [ "$build" = yes ]; then
        [ "$install" = no ] || install_packages build check deb
        make_deb
    fi
    if [ "$install_test" = yes ]; then
        [ "$install" = no ] || install_packages root
        test_deb "$output"
    fi
    find "$output" -maxdepth 1 -name '*.deb' | sort
}
