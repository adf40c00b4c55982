# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# shellcheck disable=SC2034 # variables that the sourcing scripts use
# What the scripts in ci/ share. Source it from a script of ci/ with $0 being that script.

set -eu

aq_source=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
aq_jobs=$(nproc 2>/dev/null || echo 1)
export LC_ALL=C

# Progress goes to standard error, so that a script's results can be piped.
say() {
    printf '%s\n' "==> $*" >&2
}

warn() {
    printf '%s\n' "warning: $*" >&2
}

die() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

usage_error() {
    printf '%s: %s (see %s --help)\n' "${0##*/}" "$1" "$0" >&2
    exit 2
}

# ---- packages ----

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        die "installing packages needs root or sudo; as root: $* (or --no-install)"
    fi
}

package_is_installed() { # MANAGER NAME
    case $1 in
        apt) [ "$(dpkg-query -W -f '${db:Status-Status}' "$2" 2>/dev/null)" = installed ] ;;
        dnf) rpm -q --quiet --whatprovides "$2" ;;
    esac
}

missing_packages() { # MANAGER USE...
    manager=$1
    shift
    while read -r apt dnf use probe; do
        case $apt in '' | '#'*) continue ;; esac
        case " $* " in *" $use "*) ;; *) continue ;; esac
        if [ "$manager" = apt ]; then name=$apt; else name=$dnf; fi
        [ "$name" != - ] || continue
        if [ "$probe" != - ] && command -v "$probe" >/dev/null; then continue; fi
        package_is_installed "$manager" "$name" || printf ' %s' "$name"
    done <"$aq_source/ci/packages.list"
}

# A distribution may lack what only some tests need: Ubuntu has chromium as no package.
known_to_apt() { # NAME...
    for name; do
        if apt-cache policy "$name" | grep -q '^ *Candidate: [^(]'; then
            printf ' %s' "$name"
        else
            warn "apt knows no $name here: tests that need it skip"
        fi
    done
}

# Installs what is missing for the named uses; asks nothing and touches nothing that is there.
install_packages() { # USE...
    if command -v apt-get >/dev/null; then
        manager=apt
    elif command -v dnf >/dev/null; then
        manager=dnf
    else
        warn "neither apt-get nor dnf: ci/packages.list names what must be installed"
        return 0
    fi
    missing=$(missing_packages "$manager" "$@")
    [ -n "$missing" ] || return 0
    say "installing:$missing"
    # shellcheck disable=SC2086 # a list of names
    case $manager in
        apt)
            as_root apt-get -q update >&2
            missing=$(known_to_apt $missing)
            [ -n "$missing" ] || return 0
            as_root env DEBIAN_FRONTEND=noninteractive \
                apt-get -q -y --no-install-recommends install $missing </dev/null >&2
            ;;
        dnf) as_root dnf -q -y --setopt=install_weak_deps=False install $missing </dev/null >&2 ;;
    esac
}

# Where apt has Debian's packages from here, for what Debian has and this system does not. apt reads both
# formats of its sources; an index says itself that it is Debian's, which a host's name does not. What
# file: and cdrom: name is not there in a clean system.
debian_mirror() {
    # shellcheck disable=SC2016 # expanded by apt-get
    found=$(apt-get indextargets --format '$(LABEL)|$(COMPONENT)|$(REPO_URI)' 'Created-By: Packages' \
        2>/dev/null | sed -n 's!^Debian|main|\(https\{0,1\}://.*\)$!\1!p' | head -n 1)
    [ -n "$found" ] || return 1
    printf '%s\n' "${found%/}"
}

# Sets $mirror where no --mirror was given: only for what needs it, and after packages were installed,
# since apt knows whose an index is once it has it.
need_mirror() {
    [ -z "$mirror" ] || return 0
    mirror=$(debian_mirror) ||
        die "apt has no index of Debian's from the network here: give --mirror URL, or run apt-get update"
}

# ---- building ----

# Where a kind of build lives: outside the source tree, one directory per checkout and kind.
build_directory() { # KIND
    if [ -n "${AQ_BUILD_DIR:-}" ]; then
        printf '%s/%s\n' "$AQ_BUILD_DIR" "$1"
    else
        checkout=$(printf '%s' "$aq_source" | cksum | cut -d ' ' -f 1)
        printf '%s/arrowquant-build/%s/%s\n' \
            "${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}" "$checkout" "$1"
    fi
}

# A compiler that is not asked again for what it made of the same source with the same flags before.
remembering() { # COMPILER
    if command -v ccache >/dev/null; then printf 'ccache %s' "$1"; else printf '%s' "$1"; fi
}

bootstrap() {
    if [ ! -x "$aq_source/configure" ] || [ -n "$(find "$aq_source/configure.ac" \
        "$aq_source/Makefile.am" -newer "$aq_source/configure")" ]; then
        say "bootstrapping"
        "$aq_source/bootstrap" >&2
    fi
}

# Removes an earlier build of this kind. Only a directory that `configure` below marked is touched.
forget_build() { # DIRECTORY
    if [ -e "$1/.arrowquant-build" ]; then
        chmod -R u+w "$1"
        rm -rf "$1"
    fi
}

configure() { # DIRECTORY CONFIGURE-ARGUMENTS...
    directory=$1
    shift
    mkdir -p "$directory"
    : >"$directory/.arrowquant-build"
    say "configuring in $directory"
    if ! (cd "$directory" && "$aq_source/configure" -q "$@" >configure.out 2>&1); then
        cat "$directory/configure.out" >&2
        return 1
    fi
    grep -i '^configure: WARNING' "$directory/configure.out" >&2 || :
}

# AddressSanitizer and ThreadSanitizer place their shadow where more than 28 random bits may put
# the program.
run_unshuffled() { # COMMAND...
    bits=$(cat /proc/sys/vm/mmap_rnd_bits 2>/dev/null || echo 28)
    if [ "$bits" -gt 28 ] && setarch "$(uname -m)" -R true 2>/dev/null; then
        setarch "$(uname -m)" -R "$@"
    else
        "$@"
    fi
}

# ---- results ----

# The real totals, from automake's own log of the suite: sets aq_passed, aq_failed, aq_skipped.
read_totals() { # TEST-SUITE-LOG
    aq_passed=0 aq_failed=0 aq_skipped=0
    [ -r "$1" ] || return 0
    while read -r hash word count; do
        [ "$hash" = '#' ] || continue
        case $word in
            PASS:) aq_passed=$((aq_passed + count)) ;;
            SKIP:) aq_skipped=$((aq_skipped + count)) ;;
            FAIL: | XPASS: | ERROR:) aq_failed=$((aq_failed + count)) ;;
            XFAIL:) aq_passed=$((aq_passed + count)) ;;
        esac
    done <"$1"
}
