#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# `--force` into a directory: replaced as a whole, by one exchange, with what else it held carried
# over; or, where it cannot be exchanged, file by file, and then never a mix that anybody would load.

# shellcheck source=tests/lib.sh
. "${top_srcdir:?run it with make check}/tests/lib.sh"

need python3
install_once
python3 "$tools/make_model.py" directory model
quantize() { # OUTPUT OPTIONS...
    output=$1
    shift
    arrowquant quantize -q -j 2 --force -t int4 "$@" model "$output"
}
arrowquant quantize -q -t int4 model want
arrowquant quantize -q -t int8 model old

# A directory of another type, and what people put beside a model.
furnish() {
    rm -rf out
    cp -r old out
    mkdir -p out/.git/objects out/empty
    echo 'mine' >out/notes.txt
    echo 'object' >out/.git/objects/aa
    ln -s notes.txt out/link
    ln -s nowhere out/dangling
    : >out/.arrowquant-0123456789abcdef.tmp
    chmod 600 out/notes.txt
    chmod 711 out/.git
}

# The new model, what was furnished, and nothing else, in the directory or beside it.
expect_replaced() { # WHAT
    ok "$1: the model" diff -r -x notes.txt -x .git -x link -x dangling -x empty want out
    equal "$1: a file" 'mine 600' "$(cat out/notes.txt) $(stat -c %a out/notes.txt)"
    equal "$1: a directory" 'object 711' "$(cat out/.git/objects/aa) $(stat -c %a out/.git)"
    equal "$1: links" 'notes.txt nowhere' "$(readlink out/link out/dangling | xargs)"
    [ -d out/empty ] || fail "$1: an empty directory is lost"
    absent "$1" "$(find . -name '.arrowquant-*.tmp' | head -n 1)"
}
inode() {
    stat -c %i "$1"
}

# ---- by exchange ----

furnish
chmod 750 out
before=$(inode out) notes=$(inode out/notes.txt)
ok 'replaced' quantize out
expect_replaced 'exchanged'
[ "$(inode out)" != "$before" ] || fail 'exchanged: it is the same directory'
equal 'exchanged: carried over as it was, not copied' "$notes" "$(inode out/notes.txt)"
equal 'exchanged: the mode of the directory' 750 "$(stat -c %a out)"

furnish
ln -s out linked
ok 'replaced, by a link and with a slash' quantize linked/
expect_replaced 'by a link'
[ -L linked ] || fail 'by a link: the link itself was replaced'
furnish
ok 'replaced, by a longer way' quantize model/../out/.
expect_replaced 'by a longer way'

# An input that lies in what is carried over.
furnish
cp -r model out/source
ok 'replaced from within' arrowquant quantize -q --force -t int4 out/source out
ok 'its input is carried over' diff -r model out/source
rm -r out/source
expect_replaced 'from within'

# ---- file by file ----

furnish
before=$(inode out)
(cd out && arrowquant quantize -q --force -t int4 ../model .) || fail 'replaced from inside: failed'
rm -f out/.arrowquant-0123456789abcdef.tmp
expect_replaced 'from inside'
equal 'from inside: still the same directory' "$before" "$(inode out)"

# The parent may not be written to.
if [ "$(id -u)" -ne 0 ]; then
    furnish
    mkdir locked
    mv out locked/out
    chmod 555 locked
    ok 'replaced in a parent that may not be written to' quantize locked/out
    chmod 755 locked
    mv locked/out out
    rm -f out/.arrowquant-0123456789abcdef.tmp
    expect_replaced 'in a parent that may not be written to'
fi

# A file system of its own, and a part of this one mounted again: --bind.
mounted() { # MOUNT-OPTIONS...
    unshare -rm sh -c 'set -e; mount "$@" out; cp -r old/. out/; echo mine >out/notes.txt
        arrowquant quantize -q -j 2 --force -t int4 model out
        rm -rf result; cp -r out result' sh "$@"
}
if unshare -rm mount -t tmpfs none linked/. 2>/dev/null; then
    for mount in '-t tmpfs none' '--bind elsewhere'; do
        rm -rf out elsewhere
        mkdir out elsewhere
        # shellcheck disable=SC2086 # options
        ok "mounted, $mount" mounted $mount
        ok "mounted, $mount: the model" diff -r -x notes.txt want result
        equal "mounted, $mount: carried over" mine "$(cat result/notes.txt)"
        absent "mounted, $mount" "$(find . -name '.arrowquant-*.tmp' | head -n 1)"
    done
else
    printf 'nothing may be mounted here: mount points are not tried\n'
fi

done_testing
