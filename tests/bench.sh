#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# arrowquant-bench from end to end, with a stand-in for arrowquant that does as it is told: what is
# reported when runs succeed, fail, lie, hang, or are interrupted.

# shellcheck disable=SC2086 # $small is a list of words
# shellcheck source=tests/bench_lib.sh
. "${top_srcdir:?run it with make check}/tests/bench_lib.sh"

# With the stand-in for arrowquant.
expect() { # CODE ARGUMENTS...
    want=$1
    shift
    rm -rf "$dir/o" "$dir/w"
    mkdir "$dir/w"
    run "$want" --binary "$fake" --output-dir "$dir/o" --work-dir "$dir/w" "$@"
}

small='--cores 1,2 --model-size 2x32x64 --rounds 2'

# ---- runs that succeed ----

# Long enough to be looked at while they run.
SOURCE_DATE_EPOCH=0 FAKE_SLEEP=0.05
export SOURCE_DATE_EPOCH FAKE_SLEEP
expect 0 --all --quick --group speedup_analysis --rounds 2 --seed 5 \
    --export "csv=$dir/e.csv" --export "markdown=$dir/e.md" --export "json=$dir/e.json" \
    --export "google-benchmark=$dir/e.google" --export "github=$dir/e.github" \
    --export "bencher=$dir/e.bencher" --export "html=$dir/e<&\".html"
unset SOURCE_DATE_EPOCH FAKE_SLEEP
follows results.schema.json o/parallel_benchmark_results.json --broken
for title in 'ArrowQuant Parallelization Benchmark Report' 'Parallel Scaling Results:' \
    'Speedup Analysis Results:' 'Model Size Results:' 'Streaming vs Batch Results:' 'Targets:' \
    'Verification:' 'Environment:' '^Threads    Time \(s\)     Memory \(MB\)     Speedup    Efficiency' \
    '^Seed +5$' '^Date +1970-01-01T00:00:00Z$' '7B\*'; do
    says out "$title"
done
says_not out "$(printf '\033')"
cmp -s "$dir/out" "$dir/o/parallel_benchmark_report.txt" || fail 'the report is not what was printed'
cmp -s "$dir/e.json" "$dir/o/parallel_benchmark_results.json" || fail 'the JSON export differs'
for key in reports all_results name model_size num_threads streaming quantization_time_s \
    peak_memory_mb baseline_memory_mb quantization_memory_mb speedup efficiency; do
    says o/parallel_benchmark_results.json "\"$key\":"
done
says_not o/parallel_benchmark_results.json 'NaN|[Ii]nf'
says o/parallel_benchmark_results.json '"name": "parallel_8_threads"'
says e.csv '^parallel_16_threads,100M,16,true,ok,2,0\.00'
says e.md '^\| parallel_16_threads \| 100M \| 16 \|'
[ "$(awk -F, '{ print NF }' "$dir/e.csv" | sort -u)" = 30 ] || fail 'CSV rows differ in length'
# Within a table all rows are as long as its head: lengths change only where a table ends.
awk -F'|' '!/^\|/ { cells = 0 } /^\|/ { gsub(/\\\|/, ""); if (cells && NF != cells) exit 1; cells = NF }' \
    "$dir/e.md" || fail "Markdown rows differ from their head: $(cat "$dir/e.md")"
if command -v python3 >/dev/null; then
    python3 - "$dir" <<'CHECK' || fail 'the exports do not hold what was measured'
import json, statistics, sys
def strict(name):
    def refuse(constant): raise ValueError(constant)
    return json.load(open(f"{sys.argv[1]}/e.{name}"), parse_constant=refuse)
results = {r["name"]: r for r in strict("json")["all_results"]}
google, github, bencher = strict("google"), strict("github"), strict("bencher")
assert set(bencher) == set(results) and len(results) == 12, set(bencher) ^ set(results)
runs = [b for b in google["benchmarks"] if b["run_type"] == "iteration"]
for name, result in results.items():
    own = [b["real_time"] for b in runs if b["name"] == name]
    assert len(own) == len(result["samples"]) == 2
    time = result["quantization_time_s"]
    assert abs(statistics.median(own) / 1e3 / time - 1) < 1e-9
    median = [b for b in google["benchmarks"] if b["name"] == name + "_median"]
    assert len(median) == 1 and abs(median[0]["real_time"] / 1e3 / time - 1) < 1e-9
    entry = [g for g in github if g["name"] == name + " time"]
    assert len(entry) == 1 and abs(entry[0]["value"] / 1e3 / time - 1) < 1e-9
    latency = bencher[name]["latency"]
    assert abs(latency["value"] / 1e9 / time - 1) < 1e-9
    assert latency["lower_value"] <= latency["value"] <= latency["upper_value"]
CHECK
fi

# The page: well formed, alone, and each plot drawn inside its frame and described in words.
if command -v python3 >/dev/null; then
    python3 - "$dir/e<&\".html" <<'CHECK' || fail 'the page is not as it should be'
import re, sys
import xml.etree.ElementTree as tree
text = open(sys.argv[1], encoding="utf-8").read()
page = tree.fromstring(text)
assert not re.search(r"https?:|<script|@import|url\(|nan|inf[^o]", text.split("</style>")[1]), "foreign"
ids = [e.get("id") for e in page.iter() if e.get("id")]
assert len(ids) == len(set(ids)), "an id stands twice"
plots = list(page.iter("svg"))
scaling = ["speedup", "efficiency", "losses"]
any_section = ["roof", "ratios", "samples", "order", "density"]
for section in ("parallel_quantization", "speedup_analysis", "model_sizes", "streaming_vs_batch"):
    more = scaling if section in ("parallel_quantization", "speedup_analysis") else []
    for what in more + any_section:
        assert f"{what}-{section}" in ids, f"no plot {what}-{section}"
    assert [i for i in ids if re.fullmatch(f"workers-\d+-{section}", i)], section
assert {"targets-plot", "sizes", "memory", "memory-time"} <= set(ids), sorted(ids)
for plot in plots:
    assert plot.get("role") == "img" and all(i in ids for i in plot.get("aria-labelledby").split())
    assert plot.find("title").text and plot.find("desc").text
    for shape in plot.iter():
        for key, most in (("x", 400), ("x1", 400), ("x2", 400), ("y", 280), ("y1", 280), ("y2", 280)):
            assert 0 <= float(shape.get(key, 0)) <= most, tree.tostring(shape)
assert len(list(page.iter("figcaption"))) == len(plots)
assert 'e<&"' in "".join(page.itertext()), "the command line was lost"
CHECK
fi

expect 0 $small --quiet --export csv=-
says out '^parallel_2_threads,2x32x64,2,'
says_not out 'Benchmark Report'
says_not err .

# ---- rounds: all configurations once in each, the warm-up first, only that one with a checksum ----

FAKE_LOG=$dir/log
export FAKE_LOG
expect 0 --cores 1,2,4 --model-size 2x32x64 --rounds 5 --seed 9
grep -v -e '--checksum' -e '^synth' "$dir/log" | sed 's/.*--threads \([0-9]*\).*/\1/' >"$dir/order"
[ "$(wc -l <"$dir/order")" -eq 15 ] || fail "15 samples were to be taken: $(cat "$dir/order")"
paste - - - <"$dir/order" | while read -r a b c; do
    printf '%s\n' "$a" "$b" "$c" | sort -n | tr '\n' ' '
    echo
done | sort -u >"$dir/rounds"
[ "$(cat "$dir/rounds")" = '1 2 4 ' ] || fail "a round is not complete: $(cat "$dir/rounds")"
[ "$(paste - - - <"$dir/order" | sort -u | wc -l)" -gt 1 ] || fail 'the order is always the same'
grep -q -- '--checksum.*--mode batch\|--mode batch.*--checksum' "$dir/log" ||
    fail 'batch mode was not verified'
rm "$dir/log"
mv "$dir/order" "$dir/first"
expect 0 --cores 1,2,4 --model-size 2x32x64 --rounds 5 --seed 9
grep -v -e '--checksum' -e '^synth' "$dir/log" | sed 's/.*--threads \([0-9]*\).*/\1/' >"$dir/order"
cmp -s "$dir/order" "$dir/first" || fail 'the same seed gave another order'
unset FAKE_LOG

# ---- runs that do not ----

FAKE_MODE=fail FAKE_WHEN='quantize *--threads 2 *'
export FAKE_MODE FAKE_WHEN
expect 1 $small
says err '^arrowquant-bench: parallel_2_threads: exit 3: arrowquant: .*is not what it says$'
says out '^2 +failed: exit 3'
says out '^1 +0\.0'
valid
FAKE_WHEN=''
for mode in fail garbage truncated nan status killed no-checksum synth-fail; do
    FAKE_MODE=$mode
    expect 1 $small
    says err '^arrowquant-bench: parallel_1_threads: .'
    says out '^1 +failed: '
    says out 'Failures:'
    valid
done
FAKE_MODE=mismatch
expect 1 $small
says err 'parallel_2_threads: its output \(checksum fedcba9876543210'
says out '^1 +failed: outputs of this model differ'
says out '^2x32x64 +not verified'
valid
FAKE_MODE=isa-mismatch
if grep -q '"isa": "scalar"' "$dir/o/parallel_benchmark_results.json"; then
    echo 'only scalar kernels here: nothing to mismatch'
else
    expect 1 $small
    says err 'streaming_scalar: its output'
    says out '^2 +failed: outputs of this model differ'
fi
FAKE_MODE=slow
expect 1 --cores 1 --model-size 2x32x64 --rounds 1 --timeout 0.3
says err 'time limit of one run'
FAKE_MODE=no-cores
expect 0 --cores 1 --model-size 2x32x64 --rounds 2
says out '^parallel_1_threads .* c$'

# ---- a machine that is not fit ----

# Others that keep every CPU busy while this one listens; the report is marked, or there is none.
hogs=''
for _ in $(seq "$(nproc)"); do
    (while :; do :; done) &
    hogs="$hogs $!"
done
expect 0 --cores 1 --model-size 2x32x64 --rounds 1
says out '^Doubt +other processes used [0-9]+% of the CPU time'
expect 6 --cores 1 --model-size 2x32x64 --rounds 1 --strict
says err '^arrowquant-bench: not fit for a verdict: other processes used'
[ ! -e "$dir/o/parallel_benchmark_report.txt" ] || fail 'measured on a machine that is not fit'
# shellcheck disable=SC2086 # a list
kill $hogs

# ---- targets ----

FAKE_MODE=hungry
expect 0 --streaming-comparison --rounds 3
if grep -q 'skipped: needs' "$dir/out"; then
    echo 'too little disk or memory to pretend a streaming comparison'
else
    says out '^Streaming / batch memory .* missed'
    expect 4 --streaming-comparison --rounds 3 --check-targets
    expect 0 --streaming-comparison --rounds 1 --check-targets
    says out 'inconclusive: one sample has no interval'
fi
FAKE_MODE=ok

# ---- signals ----

interrupted() { # SIGNAL: it ends by it, with nothing left
    rm -rf "$dir/o" "$dir/w"
    mkdir "$dir/w"
    # A background job of a shell ignores SIGINT, and so would what it starts.
    env FAKE_MODE=slow FAKE_WHEN='quantize*' python3 -c '
import os, signal, subprocess, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)
child = subprocess.Popen(sys.argv[2:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
end = time.time() + 20
def running():
    path = f"/proc/{pid}/task/{pid}/children"
    return open(path).read().split()
pid = child.pid
sleeper = []
while time.time() < end and not sleeper:
    time.sleep(0.05)
    sleeper = [p for p in running() if b"sleep" in open(f"/proc/{p}/cmdline", "rb").read()]
child.send_signal(int(sys.argv[1]))
code = child.wait(20)
print("code", code, "left", [p for p in sleeper if os.path.exists(f"/proc/{p}")])
' "$1" "$bench" --binary "$fake" --output-dir "$dir/o" --work-dir "$dir/w" $small >"$dir/out"
    says out "^code -$1 left \[\]"
    [ -z "$(ls "$dir/w")" ] || fail "signal $1 left: $(ls "$dir/w")"
    [ ! -e "$dir/o/parallel_benchmark_report.txt" ] || fail "a report in spite of signal $1"
}
if command -v python3 >/dev/null && [ -e /proc/$$/task/$$/children ]; then
    interrupted 2
    interrupted 15
fi

# ---- kernels ----

expect 0 --kernels --type q4_0 --dtype bf16 --rounds 2 --threads 2 --export "csv=$dir/k.csv" \
    --export "html=$dir/k.html" --export "markdown=$dir/k.md" --export "google-benchmark=$dir/k.google" \
    --export "github=$dir/k.github" --export "bencher=$dir/k.bencher"
says out '^libarrowquant +[0-9]+\.[0-9]+'
says_not out '^arrowquant '
valid
says out '^q4_0  BF16  scalar  cache   1 '
says out '^q4_0  BF16  scalar  memory  2 .*x '
says out '^Read bandwidth with 2 threads: '
says_not out '^q8_0 |Parallel Scaling'
says k.csv '^kernel_q4_0_BF16_scalar_memory_2_threads,,2,true,ok,2,,'
says k.md '^\| q4_0 \| BF16 \| scalar \| cache \| 1 \|'
says k.html 'Kernels, in memory'
[ "$(awk -F, '{ print NF }' "$dir/k.csv" | sort -u | grep -c .)" = 1 ] || fail 'CSV rows of kernels differ in length'
if command -v python3 >/dev/null; then
    python3 - "$dir" <<'CHECK' || fail 'the kernels are not as they should be'
import json, sys
import xml.etree.ElementTree as tree
from statistics import median
kernels = json.load(open(f"{sys.argv[1]}/o/parallel_benchmark_results.json"))["kernels"]
results = {k["name"]: k for k in kernels["results"]}
def core_rate_best(kernel):
    same = [k for k in results.values() if all(k[f] == kernel[f] for f in ("type", "dtype", "isa", "where"))]
    return max(rate for k in same for rate in k["samples_core_rate"])
assert all(k["core_rate_best"] == core_rate_best(k) > 1e7 for k in results.values())
def full_cores(kernel):
    pairs = zip(kernel["samples_weights_per_s"], kernel["samples_core_rate"])
    return [rate for rate, core in pairs if core >= 0.9 * kernel["core_rate_best"]]
assert any(full_cores(k) for k in results.values())
assert len(results) == len(kernels["results"]) and len(results) % 4 == 0 and results
for name, kernel in results.items():
    read = next(r for r in kernels["read_bandwidth"] if r["num_threads"] == kernel["num_threads"])
    parts = [2 * w / r for w, r in zip(kernel["samples_weights_per_s"], read["samples_bytes_per_s"])]
    assert abs(sum(parts) / 2 / kernel["read_part"]["median"] - 1) < 1e-9, name
    single = results[name.replace("_2_threads", "_1_threads")]
    if kernel["num_threads"] == 2:
        pairs = zip(kernel["samples_weights_per_s"], single["samples_weights_per_s"])
        assert abs(sum(a / b for a, b in pairs) / 2 / kernel["speedup"]["median"] - 1) < 1e-9, name
    else:
        assert kernel["speedup"] is None
    full, alone = full_cores(kernel), full_cores(single)
    summary = kernel["full_cores_weights_per_s"]
    assert (summary is None) == (not full), name
    assert not full or abs(summary["median"] / median(full) - 1) < 1e-9, name
    ratio = kernel["full_cores_speedup"]["value"]
    if kernel["num_threads"] == 2 and full and alone:
        assert abs(median(full) / median(alone) / ratio - 1) < 1e-9, name
    else:
        assert ratio is None, name
google = json.load(open(f"{sys.argv[1]}/k.google"))["benchmarks"]
assert len(google) == 3 * len(results)
assert set(json.load(open(f"{sys.argv[1]}/k.bencher"))) == set(results)
assert len(json.load(open(f"{sys.argv[1]}/k.github"))) == len(results)
tree.parse(f"{sys.argv[1]}/k.html")
CHECK
fi
expect 0 $small --kernels --type q8_0 --dtype f16
says out 'Parallel Scaling'
says out '^q8_0  F16   scalar  cache   1 '
"$bench" --list --kernels --type q8_0 >"$dir/out" || fail '--list --kernels failed'
says out '^  kernel_q8_0_F32_scalar_cache_1_threads$'

# ---- usage and surroundings ----

code=0
"$bench" --cores 0 >"$dir/out" 2>"$dir/err" || code=$?
[ "$code" = 2 ] || fail "a usage error gave $code"
[ "$(wc -l <"$dir/err")" = 1 ] || fail "a usage error said: $(cat "$dir/err")"
"$bench" --list >"$dir/out" || fail '--list failed'
for group in parallel_quantization speedup_analysis model_sizes streaming_vs_batch; do
    says out "^$group\$"
done
code=0
"$bench" --binary "$dir/absent" --output-dir "$dir/o" $small >"$dir/out" 2>"$dir/err" || code=$?
[ "$code" = 1 ] || fail "an absent binary gave $code"
says err 'cannot find an executable'
: >"$dir/file"
code=0
"$bench" --binary "$fake" --output-dir "$dir/file/x" $small >"$dir/out" 2>"$dir/err" || code=$?
[ "$code" = 1 ] || fail "an impossible output directory gave $code"
says err 'cannot make the directory'
expect 1 $small --export "csv=$dir/absent/x.csv"
says err 'cannot write .*/absent/x.csv'
code=0
"$bench" --binary "$fake" --model "$dir/absent.gguf" --output-dir "$dir/o" --cores 1 \
    >"$dir/out" 2>"$dir/err" || code=$?
[ "$code" = 1 ] || fail "an absent model gave $code"
says err 'absent.gguf'

finish
