#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# arrowquant-bench --selftest: the gate meets its bars on the traces that came with it, finds them
# wherever it is, fails on traces on which a gate must fail, and names what is wrong with a file.

# shellcheck source=tests/bench_lib.sh
. "${top_srcdir:?run it with make check}/tests/bench_lib.sh"

expect() { # CODE ARGUMENTS...
    want=$1
    shift
    run "$want" --output-dir "$dir/o" "$@"
}

# ---- the traces that are installed ----

expect 0 --selftest
cat "$dir/out"
says out '^Self-test passed\.$'
for trace in quiet drift bursts steps 'order effects'; do
    says out "^$trace .* met$"
done
says out '^CPU time, 1 thread .* met \(90% at \+5%, 97% at \+10%\)$'
says out '^Wall time, many threads .* met \(97% at \+10%\)$'
[ ! -e "$dir/o" ] || fail 'the self-test alone wrote reports'
mv "$dir/out" "$dir/first"
expect 0 --selftest --seed 1
sed '2d' "$dir/first" >"$dir/a"
sed '2d' "$dir/out" | cmp -s - "$dir/a" || fail 'the same seed gave other figures'
expect 0 --selftest --quiet
[ ! -s "$dir/out" ] || fail "--quiet printed: $(cat "$dir/out")"

# ---- traces on which it must fail ----

# 200 rounds; factors of the new and the copied build's times, and the size of the noise.
trace() { # NAME KIND NEW COPY NOISE
    awk -v name="$1" -v kind="$2" -v new="$3" -v copy="$4" -v noise="$5" '
        function time(factor) { return int(250000 * factor * exp(noise * (rand() - 0.5))) }
        BEGIN {
            srand(7); print "trace " name " " kind
            for (i = 0; i < 200; i++) {
                print "1", time(1), time(new), time(copy), time(1), time(new), time(copy)
                print "n", time(1), time(new), time(copy)
            }
        }'
}
trace calm quiet 1 1 0.02 >"$dir/calm"
expect 0 --traces "$dir/calm"
trace biased loaded 1.06 1 0.02 | cat "$dir/calm" - >"$dir/biased"
expect 1 --traces "$dir/biased"
says out '^biased .* MISSED$'
says out '^Self-test FAILED\.$'
trace disturbed loaded 1.06 1.06 0.02 | cat "$dir/calm" - >"$dir/disturbed"
expect 0 --traces "$dir/disturbed" # the copy is as slow: invalid where it is not taken for the old
says out '^disturbed +5000 +0\.00% .* [4-9][0-9]\.[0-9]+% .* met$'
trace noisy quiet 1 1 1 >"$dir/noisy"
expect 1 --traces "$dir/noisy"
says out '^noisy .* met$'
says out '^CPU time, 1 thread .* MISSED'
trace loaded loaded 1 1 0.02 >"$dir/loaded"
expect 1 --traces "$dir/loaded"
says out 'No trace of a quiet machine'

# ---- files that are none ----

broken() { # PATTERN, with the file on standard input
    cat >"$dir/broken"
    expect 1 --traces "$dir/broken"
    [ ! -s "$dir/out" ] || fail "a broken file was judged: $(cat "$dir/out")"
    [ "$(wc -l <"$dir/err")" = 1 ] || fail "a broken file said: $(cat "$dir/err")"
    says err "^arrowquant-bench: .*/broken: $1"
}
broken 'line 1 is not of a trace: "1 5 5 5 5 5 5"' <<'FILE'
1 5 5 5 5 5 5
FILE
broken 'trace x has 1 rounds of metric 1' <<'FILE'
trace x quiet
1 5 5 5 5 5 5
FILE
for line in '1 5 5 5 5 5' '1 5 5 5 5 5 5 5' 'n 5 5 0' 'n 5 5 -5' 'n 5 5 nan' 'n 5 5 5x' 'x 5' \
    'n 99999999999999999999999 5 5' 'trace y' 'trace z calm'; do
    printf 'trace x quiet\n%s\n' "$line" | broken "line 2 is not of a trace: \"$line\""
done
: >"$dir/broken"
expect 1 --traces "$dir/broken"
says err 'holds no trace'
head -c 3000 /dev/zero | tr '\0' 'n' | broken 'line 1 is too long'
expect 1 --traces "$dir/absent"
says err 'cannot read .*/absent: No such file'
expect 2 --traces ''
says err 'the path is empty'

finish
