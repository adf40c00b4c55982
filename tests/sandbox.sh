#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What the commands can no longer do once they read a stranger's file, tried from within; and that
# they can still do all that they are there for.

# shellcheck source=tests/lib.sh
. "${top_srcdir:?run it with make check}/tests/lib.sh"

need python3
[ -z "${AQ_SANITIZE:-}${AQ_COVERAGE:-}" ] || skip 'an instrumented program is not shut in'
probe=$top_builddir/tests/.libs/libprobe.so
[ -e "$probe" ] || skip 'no preloadable library in a static build'
version=$(python3 -c 'import ctypes
print(ctypes.CDLL(None, use_errno=True).syscall(444, None, 0, 1))')
[ "$version" -ge 1 ] || skip 'this kernel has no Landlock'
install_once

mkdir in out elsewhere
echo secret >elsewhere/secret
arrowquant synth -q --params 3x64x256 in/m.safetensors
arrowquant quantize -q -j 1 in/m.safetensors want.gguf

# The lines of the probe, from a command that runs with it.
probed() { # COMMAND...
    code=0
    LD_PRELOAD=$probe AQ_PROBE_READ=$scratch/elsewhere/secret AQ_PROBE_WRITE=$scratch/elsewhere/new \
        AQ_PROBE_INPUT=$scratch/in/m.safetensors "$@" >probed.out 2>probed.err || code=$?
    [ "$code" -eq 0 ] || fail "$*: ended with $code: $(cat probed.err)"
    grep '^probe:' probed.err | sort -u
}

denied() { # WHAT COMMAND...
    checks=$((checks + 1))
    what=$1
    shift
    probed "$@" >lines
    for right in 'read a stranger' 'write elsewhere' 'write the input' 'run a program'; do
        grep -q "^probe: $right: denied" lines || fail "$what: $right: $(cat lines)"
    done
    if [ "$version" -ge 4 ]; then
        grep -q '^probe: connect: denied' lines || fail "$what: connect: $(cat lines)"
    fi
    if [ "$version" -ge 6 ]; then
        grep -q '^probe: signal the parent: denied' lines || fail "$what: signal: $(cat lines)"
    fi
    absent "$what" elsewhere/new
}

denied quantize arrowquant quantize -q -j 2 in/m.safetensors out/m.gguf
same 'the output is what it is without' want.gguf out/m.gguf
denied compare arrowquant compare -j 2 in/m.safetensors out/m.gguf
# Not by `env`, which would load the probe itself, and may be another C library's.
export AQ_PROBE=exit
denied info arrowquant info in/m.safetensors
unset AQ_PROBE
denied synth arrowquant synth -q -j 2 --params 3x64x256 out/s.safetensors
equal 'it says so' "\"landlock $version\"" \
    "$(arrowquant quantize --json in/m.safetensors null: | grep -o '"landlock [0-9]*"')"

# The probe itself is no hindrance, and --no-sandbox is what it says.
probed arrowquant --no-sandbox quantize -q -j 2 in/m.safetensors out/n.gguf >lines
equal 'without' 'probe: read a stranger: allowed' "$(grep stranger lines)"
rm -f elsewhere/new
equal 'and says so' null "$(arrowquant --no-sandbox quantize --json in/m.safetensors null: >o.json &&
    json o.json sandbox)"

# Shards that are links into another directory, as download caches have them.
mkdir -p cache/blobs cache/snapshot
python3 "$tools/make_model.py" directory model
for file in model/*; do
    mv "$file" "cache/blobs/$(basename "$file").blob"
    ln -s "../blobs/$(basename "$file").blob" "cache/snapshot/$(basename "$file")"
done
ok 'linked shards' arrowquant quantize -q -j 2 -t int4 cache/snapshot linked
ok 'linked shards, by their index' arrowquant quantize -q -j 2 -t int4 \
    cache/snapshot/model.safetensors.index.json indexed/
ok 'they are the same' diff -r linked indexed
ok 'compare directories' arrowquant compare -q cache/snapshot linked
echo mine >linked/notes
ln -s notes linked/link
mkdir linked/sub
echo mine >linked/sub/notes
cp -a linked kept
before=$(stat -c %i linked)
ok 'into a directory that is there' arrowquant quantize -q --force -t int4 cache/snapshot linked/
ok 'with what it held' diff -r --no-dereference kept linked
[ "$(stat -c %i linked)" != "$before" ] || fail 'the directory was not exchanged'
ln -s in/m.safetensors link.safetensors
ok 'a linked file, a plain output name' arrowquant quantize -q link.safetensors plain.gguf
ok 'replaced' arrowquant quantize -q --force link.safetensors plain.gguf
ok 'as it was' arrowquant compare -q in/m.safetensors plain.gguf
refused 'an input that is missing' 1 'missing.safetensors No.such.file' \
    arrowquant quantize missing.safetensors out/x.gguf
refused 'a directory that is missing' 1 'nowhere No.such.file' \
    arrowquant quantize in/m.safetensors nowhere/x.gguf

done_testing
