#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# That the hardening which configure asked for is in the programs and in the library.

# shellcheck source=tests/lib.sh
. "${top_srcdir:?run it with make check}/tests/lib.sh"

need readelf
case " $AQ_HARDENING " in *' flags '*) ;; *) skip 'configured with --disable-hardening' ;; esac
[ -z "${AQ_SANITIZE:-}" ] || skip 'sanitizers bring their own checks'
install_once

holds() { # WHAT FILE PATTERN TEXT
    checks=$((checks + 1))
    printf '%s\n' "$4" | grep -Eq "$3" || fail "$2: $1"
}

check_common() { # FILE
    segments=$(readelf -lW "$1") dynamic=$(readelf -dW "$1")
    holds 'no RELRO' "$1" 'GNU_RELRO' "$segments"
    holds 'symbols are bound late, and stay writable' "$1" 'BIND_NOW|FLAGS.*NOW' "$dynamic"
    holds 'an executable stack' "$1" 'GNU_STACK.* RW +0x' "$segments"
    holds 'no segment is to be writable and executable' "$1" 'LOAD' "$segments"
    if printf '%s\n' "$segments" | grep -Eq 'LOAD.* RWE '; then
        fail "$1: a segment that is writable and executable"
    fi
    holds 'no position-independent code' "$1" 'DYN' "$(readelf -hW "$1")"
}

for program in arrowquant arrowquant-bench; do
    check_common "$bin/$program"
    symbols=$(readelf -sW --dyn-syms "$bin/$program")
    holds 'no stack protector' "$bin/$program" '__stack_chk_fail' "$symbols"
    case $AQ_HARDENING in
        *fortify*) holds 'no fortified calls' "$bin/$program" '__[a-z]*printf_chk' "$symbols" ;;
    esac
done
for library in "$lib"/libarrowquant.so.*.*; do
    [ -e "$library" ] || continue
    check_common "$library"
    holds 'no stack protector' "$library" '__stack_chk_fail' "$(readelf -sW --dyn-syms "$library")"
done

done_testing
