#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Input that is not in the page cache: the same output whichever way it is read, in any mode, with
# any number of threads, within a memory limit; and a result that says which way that was.

# shellcheck source=tests/lib.sh
. "${top_srcdir:?run it with make check}/tests/lib.sh"

need python3 dd
install_once

ok 'make a model' arrowquant synth -q --params 5x700x2048 model.safetensors
ok 'the expected output' arrowquant quantize -q --no-sync model.safetensors want.gguf
ok 'the expected packed output' \
    arrowquant quantize -q --no-sync -t int4 --asymmetric model.safetensors want.safetensors

drop() {
    ok 'drop the cache' dd "if=$1" "of=$1" oflag=nocache conv=notrunc,fdatasync count=0 status=none
}

direct_bytes() {
    json result.json direct_bytes
}

quantize() { # WHAT OUTPUT ARGUMENTS...
    what=$1 output=$2
    shift 2
    rm -f "$output"
    checks=$((checks + 1))
    arrowquant quantize -q --no-sync --json "$@" model.safetensors "$output" >result.json ||
        fail "$what: ended with $?"
}

drop model.safetensors
quantize 'cold' out.gguf
same 'cold' want.gguf out.gguf
all=$(json result.json in_bytes)
if [ "$(direct_bytes)" -eq 0 ]; then
    # The same output is all that can be asked for here.
    printf 'this file system, or its cache, lets nothing be read past it\n'
    past=no
else
    equal 'all of it past the cache' "$all" "$(direct_bytes)"
    past=yes
fi

for threads in 1 2 7; do
    for mode in streaming batch; do
        drop model.safetensors
        quantize "$mode, $threads threads" out.gguf -j "$threads" -m "$mode"
        same "$mode, $threads threads" want.gguf out.gguf
        [ "$past" = no ] || equal "$mode, $threads threads: past the cache" "$all" "$(direct_bytes)"
    done
done
drop model.safetensors
quantize 'packed' out.safetensors -t int4 --asymmetric
same 'packed' want.safetensors out.safetensors

drop model.safetensors
quantize '--io cached' out.gguf --io cached
same '--io cached' want.gguf out.gguf
equal '--io cached: nothing past it' 0 "$(direct_bytes)"
quantize 'warm' out.gguf
equal 'warm: nothing past the cache' 0 "$(direct_bytes)"

# The first half is cached, the second is not.
drop model.safetensors
ok 'read half' dd if=model.safetensors of=/dev/null bs=1M count=7 status=none
quantize 'half of it cached' out.gguf
same 'half of it cached' want.gguf out.gguf

# What is needed without reading ahead is what may be held; so nothing is read ahead.
drop model.safetensors
quantize 'find the least memory' out.gguf -j 1 --io cached
least=$(json result.json accounted_bytes)
drop model.safetensors
quantize 'a memory limit' out.gguf -j 1 --memory-limit $((least + 65536))
same 'a memory limit' want.gguf out.gguf
equal 'a memory limit: nothing read ahead' 0 "$(direct_bytes)"
drop model.safetensors
quantize 'a larger limit' out.gguf -j 1 --memory-limit $((least + 6000000))
same 'a larger limit' want.gguf out.gguf
checks=$((checks + 1))
[ "$(json result.json accounted_bytes)" -le $((least + 6000000)) ] ||
    fail 'a larger limit: more was held'

refused '--io nonsense' 2 'io auto cached' arrowquant quantize --io nonsense model.safetensors null:

done_testing
