#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Baselines as a user meets them: saved, compared with, and refused where they prove nothing.

# shellcheck source=tests/bench_lib.sh
. "${top_srcdir:?run it with make check}/tests/bench_lib.sh"
stored=$dir/o/baselines/main.json
mkdir "$dir/w"

expect() { # CODE ARGUMENTS...
    want=$1
    shift
    run "$want" --binary "$fake" --output-dir "$dir/o" --work-dir "$dir/w" --model-size 2x32x64 "$@"
}

refused() { # CODE PATTERN ARGUMENTS...: one line, and nothing measured
    want=$1 pattern=$2
    shift 2
    rm -f "$dir/log"
    FAKE_LOG=$dir/log
    export FAKE_LOG
    expect "$want" --baseline main "$@"
    unset FAKE_LOG
    says err "$pattern"
    [ "$(wc -l <"$dir/err")" = 1 ] || fail "not one line: $(cat "$dir/err")"
    [ ! -e "$dir/log" ] || fail "$* measured with a baseline that it refused"
}

expect 0 --cores 1,2 --rounds 8 --save-baseline main
[ -s "$stored" ] || fail 'no baseline was saved'
expect 0 --cores 1,2 --rounds 8 --baseline main --export "html=$dir/e.html"
says out '^Against baseline main of [0-9]{4}-'
says out '^parallel_1_threads +[01]\.[0-9]+ \([01]\.[0-9]+-[01]\.[0-9]+\) .* (within 5%|open)$'
says e.html '<h2 id="baseline">Against baseline main'
says e.html 'id="baseline-plot'
says o/parallel_benchmark_results.json '"worse": 0'
[ ! -s "$dir/err" ] || fail "complained without reason: $(cat "$dir/err")"
valid

# Twice the CPU time, and four times the memory: a warning, and no more.
FAKE_MODE=hungry
export FAKE_MODE
expect 0 --cores 1,2 --rounds 8 --baseline main
says err '^arrowquant-bench: warning: worse than baseline main: 2 of 2 runs$'
says out '^Warning: 2 runs are worse'
# Another output is other work.
FAKE_MODE=mismatch
expect 1 --cores 2 --rounds 2 --baseline main
FAKE_MODE=ok

# Too few samples say nothing; a run that the baseline does not have is not compared.
expect 0 --cores 1,4 --rounds 3 --baseline main
says out '^parallel_1_threads .* too few samples$'
says out '^parallel_4_threads +not compared$'

# A run with a failure is not kept.
FAKE_MODE=fail
expect 1 --cores 1 --rounds 2 --save-baseline broken
says err 'baseline broken was not saved: a run failed'
[ ! -e "$dir/o/baselines/broken.json" ] || fail 'a failed run was saved'
unset FAKE_MODE

# Other work, another machine.
refused 2 'of --type q8_0, this run is of q4_0' --cores 1 --type q4_0
refused 2 'of --dtype F16, this run is of F32' --cores 1 --dtype f32
refused 2 'its model was 2x32x64, this one is 3x32x64' --cores 1 --model-size 3x32x64
refused 2 'in the other mode' --cores 1 --mode batch
refused 2 'its output was null, this one' --cores 1 --sink file
refused 2 'none of the runs asked for' --cores 3
cp "$stored" "$dir/kept"

# Changes a file as a script does, with a checksum that fits: what it says must be judged.
forge() { # SED-SCRIPT
    tail -n +2 "$dir/kept" | sed "$1" >"$dir/body"
    python3 - "$dir/body" "$stored" <<'FORGE'
import sys
body = open(sys.argv[1], "rb").read()
sum = 0xcbf29ce484222325
for byte in body:
    sum = (sum ^ byte) * 0x100000001b3 % 2**64
with open(sys.argv[2], "wb") as out:
    out.write(b'{"arrowquant_baseline":1,"bytes":%d,"checksum":"%016x"}\n' % (len(body), sum) + body)
FORGE
}
if command -v python3 >/dev/null; then
    forge ''
    cmp -s "$stored" "$dir/kept" || fail 'the test does not know the checksum'
    forge 's/"cpu_model": "[^"]*"/"cpu_model": "Other CPU"/'
    refused 6 'it is of another CPU, Other CPU; this is ' --cores 1
    forge 's/"usable_cpus": [0-9]*/"usable_cpus": 99/'
    refused 6 'of 99 usable CPUs; here' --cores 1
    forge 's/"schema_version": 1/"schema_version": 99/'
    refused 1 'schema_version: 99, and this program reads' --cores 1
    forge 's/"time_s": 0\.[0-9]*/"time_s": NaN/'
    refused 1 'is not JSON: line' --cores 1
    forge 's/"wall_s": 0\.[0-9]*/"wall_s": -1/'
    refused 1 'wall_s: -1 is not above zero' --cores 1
    forge 's/"all_results": \[/"all_results": [], "other": [/'
    refused 1 'all_results: has 0 elements' --cores 1
fi

# Damage.
sed 's/"voluntary_switches": 3/"voluntary_switches": 4/' "$dir/kept" >"$stored"
refused 1 "baselines/main.json: was changed after it was saved" --cores 1
head -c 2000 "$dir/kept" >"$stored"
refused 1 'is cut short: [0-9]+ of [0-9]+ bytes' --cores 1
tail -n +2 "$dir/kept" >"$stored"
refused 1 'is not a baseline' --cores 1
: >"$stored"
refused 1 'is empty' --cores 1
rm "$stored"
refused 1 'main.json: No such file' --cores 1
mkdir "$stored"
refused 1 'main.json: Is a directory' --cores 1
expect 2 --cores 1 --baseline ../main
says err 'is not a plain name'
expect 2 --cores 1 --save-baseline .x
finish
