# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# shellcheck disable=SC2154 # variables of ci/packages
# `ci/packages rpm`. Sourced by it.

# What Fedora's own macros say, said for rpmbuild elsewhere: who built it, where, and when, is not in
# the package, and the time is that of the changelog. --nodeps where rpm is not what installs packages.
# The compiler is told by the environment to forget where it builds: rpm writes its own flags, as the
# macro has them, into each package.
build_rpm() { # TARBALL DIRECTORY CHECK(yes|no)
    mkdir -p "$2/SOURCES"
    cp "$1" "$2/SOURCES"
    say "building RPM packages in $2"
    set -- "$1" "$2" "$3" -bb
    directory=$2 flags=''
    command -v dnf >/dev/null || {
        set -- "$@" --nodeps --define "__os_install_post $(after_install)"
        flags="$(rpm -E '%{optflags}') -ffile-prefix-map=$directory/BUILD=."
    }
    [ "$3" = yes ] || set -- "$@" --nocheck
    shift 3
    if ! env ${flags:+"CFLAGS=$flags"} rpmbuild "$@" --define "_topdir $directory" \
        --define "_smp_build_ncpus $aq_jobs" \
        --define 'source_date_epoch_from_changelog 1' --define '_buildhost reproducible' \
        --define 'use_source_date_epoch_as_buildtime 1' \
        --define 'clamp_mtime_to_source_date_epoch 1' \
        "$aq_source/rpm/arrowquant.spec" >"$directory/build.log" 2>&1 </dev/null; then
        tail -n 60 "$directory/build.log" >&2
        die "rpmbuild failed: $directory/build.log"
    fi
}

# What Fedora's rpmbuild does after %install, where Debian's does it in part: its script that compresses
# manual pages needs bash and does not say so, and what Fedora moves to debuginfo packages is stripped.
after_install() {
    scripts=$(rpm -E '%{_rpmconfigdir}')
    # shellcheck disable=SC2016 # expanded by rpmbuild's shell
    printf '%s && ' "bash $scripts/brp-compress /usr" \
        'find "$RPM_BUILD_ROOT" -type f -perm -100 -path "*/usr/bin/*" -exec strip {} +' \
        'find "$RPM_BUILD_ROOT" -type f -name "*.so.*" -exec strip {} +'
    printf '%s\n' "$scripts/brp-strip-static-archive strip"
}

build_rpm_again() { # TARBALL
    (
        export TZ=Etc/GMT-14 LC_ALL=C.UTF-8 LANG=de_DE.UTF-8
        umask 0002
        build_rpm "$1" "$work/second/another/directory" no
    )
    for package in $(list_rpms "$work/first"); do
        other=$(find "$work/second" -name "${package##*/}")
        cmp -- "$package" "$other" >&2 || die "${package##*/} is not reproducible"
    done
    say 'both builds gave the same bytes'
}

list_rpms() { # DIRECTORY
    find "$1" -name '*.rpm' | sort
}

judge_with_rpmlint() { # DIRECTORY
    # shellcheck disable=SC2046 # names without blanks
    rpmlint --strict --config "$aq_source/rpm/rpmlint.toml" "$aq_source/rpm/arrowquant.spec" \
        $(list_rpms "$1") >"$work/rpmlint.log" 2>&1 </dev/null || {
        cat "$work/rpmlint.log" >&2
        die 'rpmlint found faults'
    }
    tail -n 1 "$work/rpmlint.log" >&2
}

# ---- the install test ----

# The libraries that the packages require, but for their own.
required_libraries() { # PACKAGES...
    rpm -qp --requires "$@" 2>/dev/null | sort -u |
        sed 's/(.*//' | grep '\.so' | grep -v '^libarrowquant\.so' | sort -u
}

# Copies programs of this machine, and the libraries they load, to the same places below a root.
copy_programs() { # ROOT PROGRAM...
    destination=$1
    shift
    for program; do
        path=$(command -v "$program") || die "$program is not installed"
        { printf '%s\n' "$path" && ldd "$path" | grep -o '/[^ ]*'; } | copy_files "$destination"
    done
}

copy_files() { # ROOT <PATHS
    while read -r file; do
        mkdir -p "$1${file%/*}"
        [ -e "$1$file" ] || cp -L "$file" "$1$file"
    done
}

# A root with a shell, a few programs, and the libraries that the packages say they need; not one
# more, so that a requirement that is missing shows.
make_empty_root() { # ROOT PACKAGES...
    root=$1
    shift
    mkdir -p "$root/etc" "$root/tmp" "$root/usr/bin" "$root/usr/lib" "$root/usr/lib64"
    # Directories that Fedora's "filesystem" package owns, and ours therefore do not.
    for directory in doc licenses man/man1 man/man5 bash-completion/completions zsh/site-functions \
        fish/vendor_completions.d; do
        mkdir -p "$root/usr/share/$directory"
    done
    for directory in bin lib lib64; do ln -s "usr/$directory" "$root/$directory"; done
    copy_programs "$root" sh env mktemp rm cat cp cmp grep
    for library in $(required_libraries "$@"); do
        ldconfig -p | awk -v name="$library" '$1 == name && /x86-64|AArch64/ { print $NF; exit }' |
            copy_files "$root"
    done
    # As Fedora's loader has it by itself.
    printf '%s\n' /usr/lib64 >"$root/etc/ld.so.conf"
    ldconfig -r "$root"
    rpm --root "$root" --initdb
}

test_rpm() { # DIRECTORY OF THE PACKAGES
    need_root --install-test
    clean=$work/root
    # shellcheck disable=SC2046 # names without blanks
    set -- $(list_rpms "$1" | grep -E '/arrowquant(-libs)?-[0-9]')
    make_empty_root "$clean" "$@"
    cp "$aq_source/tests/installed.sh" "$clean/installed.sh"
    list_root "$clean" >"$work/before"
    say "installing into $clean"
    # Nothing there was installed as a package, thus --nodeps; what is required was put there.
    rpm --root "$clean" -i --nodeps "$@" || die 'rpm -i failed'
    ldconfig -r "$clean"
    MANPATH=$clean/usr/share/man "$aq_source/tests/installed.sh" manual >&2 ||
        die 'a manual page cannot be read'
    in_root "$clean" sh -ec '/installed.sh quantize benchmark
        cd /tmp && arrowquant-bench --quick --budget 10 --quiet' >&2 </dev/null ||
        die 'what was installed does not work'
    rpm --root "$clean" -e arrowquant arrowquant-libs || die 'rpm -e failed'
    list_root "$clean" >"$work/after"
    left=$(diff "$work/before" "$work/after") || die "rpm -e left or took something:
$left"
    say 'rpm -e left nothing behind'
    rm -rf "$clean"
}

make_rpm() {
    tarball=$(make_tarball "$work/tarball")
    build_rpm "$tarball" "$work/first" "$check"
    [ "$check" = no ] || grep -h '^# [A-Z]*: ' "$work/first/build.log" >&2 || :
    judge_with_rpmlint "$work/first"
    [ "$reproducible" = no ] || build_rpm_again "$tarball"
    list_rpms "$work/first" | while read -r package; do cp "$package" "$output"; done
}

package_rpm() {
    [ "$install" = no ] || install_packages build check rpm
    [ "$build" = no ] || make_rpm
    [ "$install_test" = no ] || test_rpm "$output"
    list_rpms "$output"
}
