#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every Nth allocation, open, read, write, sync, close, rename and thread fails, one at a time, until
# N is past the last one. Each ends in success or in one line on standard error; the old output is
# untouched or the new one complete; no temporary stays, and when main returns no block, mapping,
# descriptor or thread.
set -eu

[ -z "${AQ_SANITIZE:-}" ] || { echo "sanitizers bring their own allocator"; exit 77; }
build=${top_builddir:?}
bin=$build/.libs/arrowquant
[ -x "$bin" ] || bin=$build/arrowquant
faults=$build/tests/.libs/libfault.so
[ -e "$faults" ] || { echo "no preloadable library in a static build"; exit 77; }
LD_LIBRARY_PATH=$build/src/.libs${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export LD_LIBRARY_PATH

work=$(mktemp -d "${TMPDIR:-/tmp}/faults.XXXXXX")
trap 'cd / && rm -rf "$work"' EXIT
cd "$work"
bad=0
complain() { # FAULT TEXT
    echo "$1: $2"
    bad=1
}

# Runs the command with one fault and sees what it leaves; false once N is past the last call.
fault() { # FUNCTION N COMMAND...
    what=$1:$2
    shift 2
    : >"$work/hit"
    code=0 hit='' left=''
    LD_PRELOAD=$faults AQ_FAULT=$what AQ_FAULT_HIT=$work/hit "$@" >"$work/out" 2>"$work/err" || code=$?
    {
        read -r hit
        read -r left
    } <"$work/hit"
    [ "$hit" = hit ] || left=$hit
    [ "$left" = 'nothing left' ] || complain "$what" "not given back: ${left:-not said}"
    [ "$hit" = hit ]
}

# What is done after each of thousands of faults starts no process where the shell can do it.
check_ending() {
    [ "$code" -le 4 ] || complain "$what" "ended with $code"
    [ "$code" -eq 0 ] || is_one_line || complain "$what" "not one line on standard error: $(cat err)"
    for temporary in *.tmp .*.tmp */*.tmp */.*.tmp */*/*.tmp */*/.*.tmp; do
        [ -e "$temporary" ] || [ -L "$temporary" ] || continue
        complain "$what" "left behind: $temporary"
        rm -r "$temporary"
    done
}

is_one_line() {
    {
        read -r _ && ! read -r more && [ -z "$more" ]
    } <err
}

# The one failure after the point of no return says so.
said_complete() {
    read -r said <err
    case $said in *'the output is complete'*) ;; *) false ;; esac
}

replace_a_file() { # FUNCTION
    n=1
    cp old.gguf out.gguf
    while fault "$1" $n "$bin" quantize -q -j3 --force in.safetensors out.gguf; do
        check_ending
        n=$((n + 1))
        if [ "$code" -eq 0 ] || said_complete; then
            cmp -s out.gguf want.gguf || complain "$what" "wrong output"
        else
            cmp -s out.gguf old.gguf && continue
            complain "$what" "the old output has changed"
        fi
        cp old.gguf out.gguf
    done
    cmp -s out.gguf want.gguf || cmp -s out.gguf old.gguf || complain "$1" "wrong output without a fault"
    faulted=$((faulted + n - 1))
}

# Commands that write nothing, or to nowhere: they say what is wrong, or the same as ever.
only_say() { # FUNCTION NAME COMMAND...
    function=$1 name=$2
    shift 2
    n=1
    while fault "$function" $n "$@"; do
        check_ending
        if [ "$code" -eq 0 ] && [ -e "$name.want" ]; then
            cmp -s out "$name.want" || complain "$what" "$name: succeeded with other words"
        fi
        n=$((n + 1))
    done
    [ "$code" -eq 0 ] || complain "$function" "$name: fails without a fault"
    faulted=$((faulted + n - 1))
}

make_synthetic() { # FUNCTION
    n=1
    rm -f s.safetensors
    while fault "$1" $n "$bin" synth -q -j2 --params 2x64x256 s.safetensors; do
        check_ending
        n=$((n + 1))
        if [ "$code" -eq 0 ] || said_complete; then
            cmp -s s.safetensors want.safetensors || complain "$what" "wrong output"
        else
            [ -e s.safetensors ] || continue
            complain "$what" "left an output behind"
        fi
        rm -f s.safetensors
    done
    faulted=$((faulted + n - 1))
}

make_a_directory() { # FUNCTION
    n=1
    rm -rf new
    while fault "$1" $n "$bin" quantize -q -j2 -t int4 --asymmetric model new; do
        check_ending
        n=$((n + 1))
        if [ "$code" -eq 0 ] || said_complete; then
            diff -r new want >/dev/null || complain "$what" "wrong output"
        else
            [ -e new ] || continue
            complain "$what" "left a directory behind"
        fi
        rm -rf new
    done
    diff -r new want >/dev/null || complain "$1" "wrong output without a fault"
    faulted=$((faulted + n - 1))
}

# Over an old one, which has a file, a directory and a link of its own.
replace_a_directory() { # FUNCTION
    n=1
    cp -a old over
    while fault "$1" $n "$bin" quantize -q -j2 -t int4 --asymmetric --force model over; do
        check_ending
        n=$((n + 1))
        if [ "$code" -eq 0 ] || said_complete; then
            diff -r --no-dereference over replaced >/dev/null || complain "$what" "wrong output"
        else
            diff -r --no-dereference over old >/dev/null && continue
            complain "$what" "the old one has changed"
        fi
        rm -rf over
        cp -a old over
    done
    diff -r --no-dereference over replaced >/dev/null || complain "$1" "wrong output without a fault"
    rm -rf over
    faulted=$((faulted + n - 1))
}

# One that cannot be exchanged, since it is the current one: old, new, or none that would be loaded.
replace_in_place() { # FUNCTION
    n=1
    cp -a old over
    while cd over && fault "$1" $n "$bin" quantize -q -j2 -t int4 --asymmetric --force ../model .; do
        cd "$work"
        check_ending
        if [ "$code" -eq 0 ] || said_complete; then
            diff -r --no-dereference over replaced >/dev/null || complain "$what" "wrong output"
        elif ! diff -r --no-dereference over old >/dev/null; then
            [ ! -e over/config.json ] || complain "$what" "a mix that looks like a model"
            grep -q '; [.] is incomplete until this is run again' err ||
                complain "$what" "does not say that it is incomplete: $(cat err)"
            in_part=$((in_part + 1))
        fi
        rm -rf over
        cp -a old over
        n=$((n + 1))
    done
    cd "$work"
    rm -rf over
    faulted=$((faulted + n - 1))
}

# A part of a run, and parts made whole: what failed can be done again, and until then nothing that
# was there is lost.
make_a_part() { # FUNCTION
    n=1
    while fault "$1" $n "$bin" quantize -q -j2 -t int8 --shard 1/1 model part; do
        check_ending
        rm -rf again
        [ ! -d part ] || cp -a part again
        if [ "$code" -eq 0 ]; then
            diff -r part parted >/dev/null || complain "$what" "wrong output"
        elif ! "$bin" quantize -q -j2 -t int8 --shard 1/1 --force model again ||
            ! diff -r again parted >/dev/null; then
            complain "$what" "the part cannot be made again"
        fi
        rm -rf part
        n=$((n + 1))
    done
    diff -r part parted >/dev/null || complain "$1" "wrong part without a fault"
    rm -rf part again
    faulted=$((faulted + n - 1))
}

join_parts() { # FUNCTION
    n=1
    cp -a parted over
    while fault "$1" $n "$bin" index -q over; do
        check_ending
        if [ "$code" -ne 0 ] && ! said_complete; then
            [ -e over/arrowquant-part-1-of-1.json ] || complain "$what" "the record is gone"
            "$bin" index -q over || complain "$what" "cannot be joined again"
        fi
        rm -f over/arrowquant-part-1-of-1.json
        diff -r over int8 >/dev/null || complain "$what" "wrong output"
        rm -rf over
        cp -a parted over
        n=$((n + 1))
    done
    diff -r over int8 >/dev/null || complain "$1" "wrong output without a fault"
    rm -rf over
    faulted=$((faulted + n - 1))
}

# The same where the input is read past the page cache: whatever fails there, the worker reads.
drop_cold() {
    dd if=cold.safetensors of=cold.safetensors oflag=nocache conv=notrunc,fdatasync count=0 \
        status=none
}

read_cold() { # FUNCTION
    n=1
    drop_cold
    while fault "$1" $n "$bin" quantize -q -j2 --no-sync cold.safetensors out.cold.gguf; do
        check_ending
        if [ "$code" -eq 0 ]; then
            cmp -s out.cold.gguf want.cold.gguf || complain "$what" "wrong output"
        elif [ -e out.cold.gguf ]; then
            complain "$what" "left an output behind"
        fi
        rm -f out.cold.gguf
        drop_cold
        n=$((n + 1))
    done
    cmp -s out.cold.gguf want.cold.gguf || complain "$1" "wrong output without a fault"
    rm -f out.cold.gguf
    faulted=$((faulted + n - 1))
}

mkdir model
"$bin" quantize -q --no-sync -t int8 --keep '*' synthetic:3x64x1024:f16 in.safetensors
cp in.safetensors model/model.safetensors
echo '{"model_type": "llama"}' >model/config.json
echo '{}' >model/tokenizer.json
"$bin" quantize -q --no-sync in.safetensors want.gguf
"$bin" quantize -q -t int8 --keep '*' synthetic:2x1024x1024:f16 cold.safetensors
"$bin" quantize -q --no-sync cold.safetensors want.cold.gguf
"$bin" quantize -q --no-sync -t int4 --asymmetric model want
echo old >old.gguf
"$bin" quantize -q --no-sync -t int8 model old
cp -R old int8
"$bin" quantize -q --no-sync -t int8 --shard 1/1 model parted
mkdir old/sub
echo mine >old/sub/notes
echo mine >old/notes
ln -s notes old/link
cp -a old replaced
cp -r want/. replaced/

"$bin" synth -q --no-sync -j2 --params 2x64x256 want.safetensors
"$bin" info want.safetensors >info.want
"$bin" compare -q in.safetensors want.gguf >compare.want
"$bin" info --json want.safetensors >info-json.want
"$bin" compare --json in.safetensors want.gguf >compare-json.want

total=0 in_part=0
for function in malloc mmap open pread pwrite fallocate fsync close rename renameat2 mkdir \
    link stat fstat readdir getrandom pthread_create; do
    faulted=0
    replace_a_file "$function"
    make_a_directory "$function"
    replace_a_directory "$function"
    case $function in rename | open | pwrite | fsync | close) replace_in_place "$function" ;; esac
    make_synthetic "$function"
    only_say "$function" info "$bin" info want.safetensors
    only_say "$function" compare "$bin" compare -q -j2 in.safetensors want.gguf
    only_say "$function" batch "$bin" quantize --json -j2 -m batch want.safetensors null:
    [ "$function" != malloc ] || only_say malloc info-json "$bin" info --json want.safetensors
    [ "$function" != malloc ] || only_say malloc compare-json "$bin" compare --json -j2 in.safetensors want.gguf
    make_a_part "$function"
    join_parts "$function"
    case $function in malloc | mmap | open | pread | close | pthread_create) read_cold "$function" ;; esac
    echo "$function: $faulted faults"
    total=$((total + faulted))
done

# What a signal interrupts is begun again, and what came short is gone on with: all ends as ever.
undisturbed() { # COMMAND...
    what="disturbed: $*" code=0
    rm -f "$work/hit"
    AQ_DISTURB=1 LD_PRELOAD=$faults AQ_FAULT=${also:-none:1} AQ_FAULT_HIT=$work/hit "$@" >"$work/out" \
        2>"$work/err" || code=$?
    [ "$code" -eq 0 ] || complain "$what" "ended with $code: $(cat err)"
    grep -q 'nothing left' "$work/hit" || complain "$what" "$(cat "$work/hit")"
    check_ending
}
same_bytes() { # FILE FILE
    cmp -s "$1" "$2" || complain "$what" "wrong output"
}
rm -rf new s.safetensors
cp old.gguf out.gguf
undisturbed "$bin" quantize -q -j3 --force in.safetensors out.gguf
same_bytes out.gguf want.gguf
undisturbed "$bin" quantize -q -j2 -t int4 --asymmetric model new
diff -r new want >/dev/null || complain "$what" "wrong output"
cp -a old over
undisturbed "$bin" quantize -q -j2 -t int4 --asymmetric --force model over
diff -r --no-dereference over replaced >/dev/null || complain "$what" "wrong output"
rm -rf over new
# Where a link cannot be made, what the old directory holds besides is copied, symbolic links too.
for nth in 1 2 3 4 5 6; do
    rm -rf over
    cp -a old over
    also=link:$nth
    undisturbed "$bin" quantize -q -j2 -t int4 --asymmetric --force model over
    also=''
    diff -r --no-dereference over replaced >/dev/null || complain "$what" "wrong output, link $nth"
done
rm -rf over
undisturbed "$bin" synth -q -j2 --params 2x64x256 s.safetensors
same_bytes s.safetensors want.safetensors
undisturbed "$bin" info want.safetensors
same_bytes out info.want
undisturbed "$bin" compare -q -j2 in.safetensors want.gguf
same_bytes out compare.want
drop_cold
undisturbed "$bin" quantize -q -j2 --no-sync cold.safetensors out.cold.gguf
same_bytes out.cold.gguf want.cold.gguf
undisturbed "$bin" quantize -q -j2 -t int8 --shard 1/1 model parts
undisturbed "$bin" index -q parts
diff -r parts int8 >/dev/null || complain "$what" "wrong output"
rm -rf parts out.cold.gguf

# Fewer threads do the same work, and say so: with -j and without, in text and in JSON.
for asked in 3 "$(nproc)"; do
    [ "$asked" -gt 1 ] || continue
    threads=-j$asked
    [ "$asked" = 3 ] || threads=''
    # shellcheck disable=SC2086 # an option or nothing
    fault pthread_create 1 "$bin" quantize -q --json --force $threads in.safetensors out.gguf ||
        complain "$what" "no thread was asked for"
    [ "$code" -eq 0 ] || complain "$what" "ended with $code"
    grep -q "warning: only 1 of $asked threads" err || complain "$what" "no warning: $(cat err)"
    grep -q "\"threads_requested\": $asked," out || complain "$what" "JSON does not say what was asked"
    grep -q '"threads": 1,' out || complain "$what" "JSON does not say what ran"
    cmp -s out.gguf want.gguf || complain "$what" "wrong output"
done
rm -f s.safetensors
fault pthread_create 1 "$bin" synth -q -j3 --params 2x64x256 s.safetensors ||
    complain "$what" "no thread was asked for"
cmp -s s.safetensors want.safetensors || complain "$what" "synth: wrong output"
grep -q 'warning: only 1 of 3 threads' err || complain "$what" "synth: no warning: $(cat err)"
fault pthread_create 2 "$bin" compare -q -j3 in.safetensors want.gguf ||
    complain "$what" "no thread was asked for"
cmp -s out compare.want || complain "$what" "compare: other words"
grep -q 'warning: only 2 of 3 threads' err || complain "$what" "compare: no warning: $(cat err)"
[ "$in_part" -gt 0 ] || complain "all" "no directory was replaced in part"
[ "$total" -gt 100 ] || complain "all" "only $total faults were met: is the preload in place?"
exit $bad
