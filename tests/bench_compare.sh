#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# arrowquant-bench --compare from end to end, with stand-ins for both builds that are as slow as
# they are told to be; what is refused; and one short comparison of the real build with itself.

# shellcheck source=tests/bench_lib.sh
. "${top_srcdir:?run it with make check}/tests/bench_lib.sh"

# Compares two stand-ins.
expect() { # CODES ARGUMENTS...
    want=$1
    shift
    rm -rf "$dir/o" "$dir/w"
    mkdir "$dir/w"
    run "$want" --binary "$fake" --compare "$fake" --threads 2 --output-dir "$dir/o" \
        --work-dir "$dir/w" "$@"
    # With --strict, a machine that is not fit is not measured on.
    grep -q 'not fit for a verdict' "$dir/err" || valid
}

# ---- verdicts ----

FAKE_LOG=$dir/log
export FAKE_LOG
expect 0 --seed 3
says out '^CPU time, 1 thread +[-+]0.*  12 +pass$'
says out '^Wall time, many threads +[-+]0.*  12 +pass$'
says out '✅ No regression'
says out 'dependable only from \+10%'
says out '^12 rounds in .*: decided\.$'
python3 - "$dir" <<'CHECK' || fail 'the runs were not made as the gate promises'
import json, math, sys
gate = json.load(open(sys.argv[1] + "/o/parallel_benchmark_results.json"))["comparison"]
assert gate["verdict"] == "pass" and gate["rounds"] == 12 and gate["repeats"]
for config in gate["configurations"]:
    orders = config["orders"]
    assert all(abs(o.index("new") - o.index("old")) == 1 for o in orders), orders
    for one, two in zip(orders[::2], orders[1::2]): # ABBA or BAAB, the copy where it was
        assert one.index("copy") == two.index("copy") and one != two, orders
    assert len({tuple(o) for o in orders}) > 2, orders
    assert config["repeat"] > 1 and config["shortest_s"] >= 0.2, config
metrics = {m["id"]: m for m in gate["metrics"]}
assert list(metrics) == ["cpu_time_1_thread", "wall_time_1_thread", "wall_time_many_threads"]
for name, config, time in (("cpu_time_1_thread", 0, "cpu_s"), ("wall_time_many_threads", 1, "wall_s")):
    s = gate["configurations"][config]["samples"]
    for arm, key in (("new", "log_ratios"), ("copy", "control_log_ratios")):
        for a, b, d in zip(s[arm][time], s["old"][time], metrics[name][key]):
            assert abs(math.log(a / b) - d) < 1e-9
# One line per process: the loader and --help aside, 12 rounds of three arms of each number of
# threads, after verification, calibration and the discarded first ones.
runs = [l for l in open(sys.argv[1] + "/log") if "quantize --json" in l]
assert len(runs) == 2 + 6 + 4 + 6 + 12 * 6, len(runs)
assert sum("--checksum" in l for l in runs) == 6
assert all("--repeat" in l for l in runs if "--checksum" not in l)
CHECK
unset FAKE_LOG

FAKE_ARM=arm1 FAKE_TIME=1.08
export FAKE_ARM FAKE_TIME
expect 3 --export "csv=$dir/e.csv" --export "markdown=$dir/e.md" --export "github=$dir/e.github" \
    --export "google-benchmark=$dir/e.google" --export "bencher=$dir/e.bencher" \
    --export "html=$dir/e.html"
says out '^Wall time, 1 thread .*REGRESSION$'
says out '❌ Regression'
says e.md '^\*\*Comparison with another build: regression\*\*$'
says e.md '^\| Wall time, 1 thread \| \+[0-9.]+% \|.*\| 12 \| regression \|$'
says e.csv '^compare_wall_time_1_thread_new,[^,]*,1,true,ok,12,.*,regression'
[ "$(awk -F, '{ print NF }' "$dir/e.csv" | sort -u)" = 30 ] || fail 'CSV rows differ in length'
python3 - "$dir" <<'CHECK' || fail 'the exports do not hold what was compared'
import csv, json, math, re, statistics, sys
said = re.findall(r"^\| ([^|]*) \|.*\| ([^|]*) \|$", open(sys.argv[1] + "/e.md").read(), re.M)
page = re.findall(r'<tr><td>([^<]*)</td><td class="\w+">([^<]*)</td>', open(sys.argv[1] + "/e.html").read())
assert said[0] == ("metric", "verdict") and set(said[1:]) <= set(page), (said, page)
def load(name): return json.load(open(f"{sys.argv[1]}/{name}"))
gate = load("o/parallel_benchmark_results.json")["comparison"]
github = {e["name"]: e for e in load("e.github")}
bencher = load("e.bencher")
rows = {r["name"]: r for r in csv.DictReader(open(sys.argv[1] + "/e.csv", newline=""))}
for metric in gate["metrics"]:
    last, name = metric["looks"][-1], "compare_" + metric["id"]
    ratio = math.exp(last["median"])
    assert abs(github[name + " ratio"]["value"] - ratio) < 1e-9
    assert github[name + " ratio"]["extra"] == f"{metric['decision']}, {last['rounds']} rounds"
    measure = bencher[name]["ratio"]
    assert measure["lower_value"] <= measure["value"] <= measure["upper_value"]
    assert abs(measure["lower_value"] - math.exp(last["lower"])) < 1e-9
    assert abs(float(rows[name + "_new"]["time_ratio"]) - ratio) < 1e-9
    assert rows[name + "_old"]["time_ratio"] == ""
    samples = gate["configurations"][0 if metric["threads"] == 1 else 1]["samples"]
    key = "cpu_s" if metric["id"].startswith("cpu") else "wall_s"
    time = statistics.median(samples["new"][key][:last["rounds"]])
    assert abs(float(rows[name + "_new"]["quantization_time_s"]) / time - 1) < 1e-9
runs = load("e.google")["benchmarks"]
for config in gate["configurations"]:
    for arm, times in config["samples"].items():
        name = f"compare_{config['threads']}_threads_{arm}"
        own = [b for b in runs if b["run_name"] == name]
        real = [b["real_time"] for b in own if b["run_type"] == "iteration"]
        assert len(real) == config["rounds"] == len(own) - 1
        assert abs(statistics.median(times["wall_s"]) * 1e3 / config["repeat"] / own[-1]["real_time"] - 1) < 1e-9
        assert own[-1]["iterations"] == config["repeat"]
CHECK
FAKE_TIME=0.85
expect 0
says out '^CPU time, 1 thread .*pass, faster$'
FAKE_TIME=1.08
expect 3 --cores 1 --model-size 2x32x64 --check-targets
says out '^Parallel Scaling Results:'
says out '^Comparison with Another Build:'
expect 0 --rounds 2
says out 'Inconclusive'
says out 'no further look within the rounds asked for'
expect '5 6' --rounds 2 --strict # 6 where there is something to be said against the machine
expect 0 --budget 0.000001
says out '^0 rounds in .*: time budget spent\.$'
# The copy of the old build is as slow as the new one: it is not the build's doing.
FAKE_ARM='arm[12]'
expect 6
says out '❔ Environment invalid'

# ---- what ends it ----

unset FAKE_TIME
FAKE_ARM=arm1
FAKE_MODE=other-output
export FAKE_MODE
expect 1
says err '^arrowquant-bench: --compare: the outputs differ, .* new build .*fedcba9876543210.*0123456789abcdef'
for mode in fail garbage nan no-checksum help-fail; do
    FAKE_MODE=$mode
    expect 1
    says err '^arrowquant-bench: --compare: the new build'
    [ "$(wc -l <"$dir/err")" = 1 ] || fail "$mode said: $(cat "$dir/err")"
done
# One that does not know --repeat: single runs of a larger model.
FAKE_MODE=no-repeat
expect 0
says out 'does not know quantize --repeat'
says out '^1 thread: 1 quantization an observation'
unset FAKE_MODE FAKE_ARM

# ---- what is refused ----

refuse() { # CODE PATTERN OLD
    code=0
    "$bench" --binary "$fake" --compare "$3" --output-dir "$dir/o" >"$dir/out" 2>"$dir/err" \
        </dev/null || code=$?
    [ "$code" = "$1" ] || fail "--compare $3 gave $code, not $1: $(cat "$dir/err")"
    [ ! -s "$dir/out" ] || fail "--compare $3 printed: $(cat "$dir/out")"
    [ "$(wc -l <"$dir/err")" = 1 ] || fail "--compare $3 said: $(cat "$dir/err")"
    says err "^arrowquant-bench: --compare: .*$2"
}
refuse 1 'No such file' "$dir/absent"
refuse 2 'is no file' "$dir"
cp "$dir/o/parallel_benchmark_results.json" "$dir/result.json" 2>/dev/null || echo '{}' >"$dir/result.json"
refuse 2 'is a stored result and no program' "$dir/result.json"
printf 'text\n' >"$dir/text"
chmod +x "$dir/text"
refuse 2 'is no program that this machine can run' "$dir/text"
: >"$dir/empty"
refuse 2 'is no program' "$dir/empty"
printf '#!/bin/sh\n' >"$dir/not-executable"
if [ ! -x "$dir/not-executable" ]; then
    refuse 2 'may not be executed' "$dir/not-executable"
fi
if command -v python3 >/dev/null; then
    # A program for the PDP-11, of the same width and byte order.
    python3 -c 'import sys
head = bytearray(open("/proc/self/exe", "rb").read(4096)); head[18:20] = bytes([65, 0])
open(sys.argv[1], "wb").write(head)' "$dir/foreign"
    chmod +x "$dir/foreign"
    refuse 2 'for another machine .*across machines is refused' "$dir/foreign"
    head -c 20 "$dir/foreign" >"$dir/short"
    chmod +x "$dir/short"
    refuse 2 'cut short' "$dir/short"
fi
printf '#!/bin/sh\nexit 127\n' >"$dir/arrowquant"
chmod +x "$dir/arrowquant"
code=0
"$bench" --compare "$dir/arrowquant" --output-dir "$dir/o" >"$dir/out" 2>"$dir/err" || code=$?
[ "$code" = 1 ] || fail "a program that is no arrowquant gave $code: $(cat "$dir/err")"
code=0
"$bench" --compare >"$dir/out" 2>"$dir/err" || code=$?
[ "$code" = 2 ] || fail "--compare without a value gave $code"
says err 'needs a value'

# ---- the real one: a build tree's wrapper, the benchmark's own neighbour, the program itself ----

real() { # OLD
    rm -rf "$dir/o"
    code=0
    "$bench" --compare "$1" --rounds 1 --quick --type q4_0 --output-dir "$dir/o" \
        --work-dir "$dir" >"$dir/out" 2>"$dir/err" </dev/null || code=$?
    [ "$code" = 0 ] || fail "--compare $1 gave $code: $(cat "$dir/err")"
    says out 'Both are the same program, byte for byte'
    says out ' to q4_0, streaming, output discarded; checksum [0-9a-f]{16} from both'
}
real "$top_builddir/arrowquant"
real "$top_builddir/arrowquant-bench"
[ ! -x "$top_builddir/.libs/arrowquant" ] || real "$top_builddir/.libs/arrowquant"

finish
