# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# shellcheck disable=SC2154 # $mirror of ci/packages
# Clean systems below a directory, to install packages into. Sourced by the scripts in ci/.

need_root() {
    [ "$(id -u)" -eq 0 ] || die "$1 needs root: it mounts, and changes its root directory"
}

# A minimal Debian 12, kept as an archive, since making it takes half a minute and the network.
make_root_archive() { # ARCHIVE
    [ ! -s "$1" ] || return 0
    need_root 'making a clean system'
    need_mirror
    say "making a clean Debian 12 from $mirror"
    mkdir -p "$(dirname "$1")"
    fresh=$(mktemp -d "$(dirname "$1")/root.XXXXXX")
    if ! debootstrap --variant=minbase bookworm "$fresh/root" "$mirror" >"$fresh/log" 2>&1; then
        tail -n 20 "$fresh/log" >&2
        rm -rf "$fresh"
        die 'debootstrap failed'
    fi
    tar -C "$fresh/root" -cf "$fresh/tar" .
    mv "$fresh/tar" "$1"
    rm -rf "$fresh"
}

unpack_root() { # ARCHIVE DIRECTORY
    mkdir -p "$2"
    tar -C "$2" --numeric-owner -xf "$1"
    cp /etc/resolv.conf "$2/etc/resolv.conf"
}

# Runs a command below a directory, with /proc, /dev and /tmp in a mount and process namespace of
# its own: whatever happens, nothing stays mounted and no process stays behind.
in_root() { # DIRECTORY COMMAND...
    # shellcheck disable=SC2016 # expanded by the inner shell
    unshare --mount --pid --fork --kill-child sh -ec '
        root=$1
        shift
        mkdir -p "$root/proc" "$root/dev" "$root/tmp"
        mount -t proc proc "$root/proc"
        mount --rbind /dev "$root/dev"
        mount -t tmpfs tmpfs "$root/tmp"
        exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
            HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive TERM=dumb \
            chroot "$root" "$@"' in_root "$@"
}

# Every path below a directory, but what a package manager, the loader and logs keep for themselves.
list_root() { # DIRECTORY
    (cd "$1" && find . -path ./proc -prune -o -path ./dev -prune -o -path ./tmp -prune -o \
        -path ./var/cache -prune -o -path ./var/log -prune -o -path ./var/lib/apt -prune -o \
        -path ./var/lib/dpkg -prune -o -path ./var/lib/rpm -prune -o -print) | LC_ALL=C sort
}
