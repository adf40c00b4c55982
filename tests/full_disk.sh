#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A file system that is too small, at fifty sizes: either all fits and the output is right, or there
# is one line of error, no output, no temporary, and the old file is as it was.

# shellcheck source=tests/lib.sh
. "${top_srcdir:?run it with make check}/tests/lib.sh"

need python3 unshare mount
mkdir disk
unshare -rm mount -t tmpfs -o size=64k none disk 2>/dev/null ||
    skip 'no file system may be mounted here, not even in a user namespace'
install_once

arrowquant synth -q --no-sync --params 3x64x1024 in.safetensors
mkdir model want
cp in.safetensors model/model.safetensors
echo '{"model_type": "llama"}' >model/config.json
arrowquant quantize -q --no-sync in.safetensors want/m.gguf
arrowquant quantize -q --no-sync -t int4 model want/d
arrowquant synth -q --no-sync --params 3x64x1024 want/s.safetensors
echo 'hours of work' >old
mkdir old.d
echo '{"hours": "of work"}' >old.d/config.json

cat >each.sh <<'SHELL'
# each.sh KILOBYTES: on a disk of that size; prints "fits" or "full" for each of five outputs
mount -t tmpfs -o "size=$1k" none disk || exit 1
attempt() { # NAME OLD COMMAND...
    name=$1 old=$2
    shift 2
    rm -rf disk/*
    [ "$old" = none ] || cp -r "$old" "disk/$name"
    code=0
    "$@" >out.txt 2>err.txt </dev/null || code=$?
    if [ "$code" -eq 0 ]; then
        diff -r "disk/$name" "want/$name" >/dev/null || echo "$1k: $name: wrong output"
        echo fits
    else
        [ "$code" -eq 1 ] || echo "$name: exit $code"
        [ "$(wc -l <err.txt)" -eq 1 ] || echo "$name: not one line: $(cat err.txt)"
        grep -q "disk/$name" err.txt || echo "$name is not named: $(cat err.txt)"
        grep -q 'No space left' err.txt || echo "$name: no reason: $(cat err.txt)"
        if [ "$old" = none ]; then
            [ ! -e "disk/$name" ] || echo "$name: there all the same"
        else
            diff -r "$old" "disk/$name" >diff.txt || echo "$name: the old one is lost"
            rm -r "disk/${name:?}"
        fi
        [ -z "$(ls -A disk)" ] || echo "$name: left behind: $(ls -A disk)"
        echo full
    fi
}
attempt m.gguf old arrowquant quantize -q -j2 --force in.safetensors disk/m.gguf
attempt m.gguf none arrowquant quantize -q -j2 -m batch in.safetensors disk/m.gguf
attempt d none arrowquant quantize -q -j2 -t int4 model disk/d
attempt d old.d arrowquant quantize -q -j2 -t int4 --force model disk/d
attempt s.safetensors none arrowquant synth -q -j2 --params 3x64x1024 disk/s.safetensors
SHELL

size=8
while [ "$size" -le 449 ]; do
    unshare -rm sh each.sh "$size" >>log
    size=$((size + 9))
done
checks=$(grep -Ecx 'fits|full' log)
equal 'runs' 250 "$checks"
[ "$(grep -cx fits log)" -ge 10 ] || fail 'hardly anything fitted'
[ "$(grep -cx full log)" -ge 60 ] || fail 'hardly anything was too large'
if grep -Evx 'fits|full' log; then fail 'see above'; fi

done_testing
