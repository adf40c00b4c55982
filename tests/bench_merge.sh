#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Results of several machines joined in one report, and those refused that are not what they say.

# shellcheck source=tests/bench_lib.sh
. "${top_srcdir:?run it with make check}/tests/bench_lib.sh"
cd "$dir" || exit 1

measure() { # FILE ARGUMENTS...
    to=$1
    shift
    mkdir -p w
    "$bench" --binary "$fake" --output-dir o --work-dir w -q \
        --model-size 2x32x64 "$@" 2>err || fail "$* failed: $(cat err)"
    mv o/parallel_benchmark_results.json "$to"
}

merge() { # CODE ARGUMENTS...
    want=$1
    shift
    run "$want" --merge --output-dir m "$@"
}

refused() { # CODE PATTERN ARGUMENTS...
    code=$1 pattern=$2
    shift 2
    rm -rf m
    merge "$code" "$@"
    says err "$pattern"
    [ "$(wc -l <err)" = 1 ] || fail "not one line: $(cat err)"
    [ ! -s out ] || fail "$*: printed $(cat out)"
    [ ! -e m/merged_benchmark_report.txt ] || fail "$*: made a report"
}

measure a.json --cores 1,2 --rounds 6 --seed 1
measure plain.json --cores 1,2,4 --rounds 6 --seed 2
sed 's/"cpu_model": "[^"]*"/"cpu_model": "Other <CPU>, | 64"/; s/"usable_cpus": [0-9]*/"usable_cpus": 64/' \
    plain.json >b.json
measure c.json --cores 1,2 --rounds 6 --seed 3 --type q4_0
measure d.json --cores 1,2 --rounds 6 --seed 4 --save-baseline kept

merge 0 a.json b.json c.json --export csv=e.csv --export markdown=e.md --export html=e.html --export json=e.json
says out '^ArrowQuant Benchmark Report of 3 Machines$'
says out '^2   Other <CPU>, \| 64 +64 '
says out '^parallel_1_threads: 2x32x64 \(2x32x64\), F16 to q8_0, 1 thread, streaming, output null$'
says out '^parallel_1_threads: 2x32x64 \(2x32x64\), F16 to q4_0, 1 thread, streaming, output null$'
says out '^Targets:$'
[ "$(grep -c '^[123]   0\.0[0-9]* ' out)" = 7 ] || fail "not a row for each run: $(cat out)"
[ "$(grep -c '^[123]   not run$' out)" = 8 ] || fail "not a row for what was not run: $(cat out)"
cmp -s out m/merged_benchmark_report.txt || fail 'the report is not what was printed'
cmp -s e.json m/merged_benchmark_results.json || fail 'the JSON differs'
follows merged.schema.json m/merged_benchmark_results.json --broken
[ ! -s err ] || fail "complained: $(cat err)"
merge 0 o/baselines/kept.json a.json b.json -q
[ ! -s out ] || fail '-q printed a report'
if command -v python3 >/dev/null; then
    python3 - <<'CHECK' || fail 'the joined results are not what was measured'
import csv, json, re
import xml.etree.ElementTree as tree
merged, a, b = (json.load(open(f)) for f in ("e.json", "a.json", "b.json"))
assert merged["exit_code"] == 0 and merged["failures"] == []
assert [m["file"] for m in merged["machines"]] == ["a.json", "b.json", "c.json"]
assert merged["machines"][1]["usable_cpus"] == 64
for of, at in ((a, 0), (b, 1)):
    for result in of["all_results"]:
        row = [c for c in merged["results"] if c["name"] == result["name"] and c["type"] == "q8_0"]
        assert len(row) == 1 and len(row[0]["machines"]) == 3
        cell = row[0]["machines"][at]
        assert cell["status"] == "ok" and cell["checksum"] == result["checksum"]
        assert abs(cell["time_s"]["median"] / result["quantization_time_s"] - 1) < 1e-9
        assert cell["time_s"]["low"] == result["intervals"]["time_s"]["low"]
rows = list(csv.DictReader(open("e.csv", newline="")))
assert len(rows) == 5 * 3, len(rows)
assert rows[1]["cpu_model"] == "Other <CPU>, | 64"
assert float(rows[0]["quantization_time_s"]) > 0 and rows[-3]["status"] in ("ok", "not run")
for line in open("e.md"):
    assert not line.startswith("| ") or len(re.findall(r"(?<!\\)\|", line)) == 9, line
text = open("e.html").read()
page = tree.fromstring(text)
assert not re.search(r"https?:|<script|url\(|nan", text.split("</style>")[1])
assert len(list(page.iter("svg"))) == 5
assert "Other <CPU>, | 64" in "".join(page.itertext())
CHECK
fi

# One model, one version, two outputs: one of the machines is wrong.
sed 's/0123456789abcdef/0123456789abcdee/' b.json >wrong.json
merge 1 a.json wrong.json
follows merged.schema.json m/merged_benchmark_results.json
says err 'wrong.json: model 2x32x64 has output 0123456789abcdee, and in a.json 0123456789abcdef'
says out '^Failures:'
# Another version may make other bytes.
sed 's/"arrowquant": "9.8.7"/"arrowquant": "9.8.8"/' wrong.json >newer.json
merge 0 a.json newer.json

# A machine's failures, targets and doubts are those of the whole.
FAKE_MODE=fail
export FAKE_MODE
mkdir -p w
"$bench" --binary "$fake" --output-dir o --work-dir w -q --cores 1 \
    --model-size 2x32x64 --rounds 2 2>/dev/null
mv o/parallel_benchmark_results.json failed.json
unset FAKE_MODE
merge 1 a.json failed.json
follows merged.schema.json m/merged_benchmark_results.json
says err '^arrowquant-bench: failed.json: parallel_1_threads: '
says out '^2   failed: '
sed 's/"outcome": "skipped"/"outcome": "missed"/' b.json >missed.json
merge 0 a.json missed.json
merge 4 a.json missed.json --check-targets
follows merged.schema.json m/merged_benchmark_results.json
sed 's/"doubts": \[\]/"doubts": ["it was hot"]/' b.json >hot.json
if ! cmp -s b.json hot.json; then
    merge 0 hot.json
    says out '^1   it was hot$'
    merge 6 hot.json --strict
fi

# What is refused.
: >empty.json
refused 1 'empty.json: is empty' a.json empty.json
head -c 3000 a.json >cut.json
refused 1 'cut.json: is not JSON' cut.json
sed 's/"schema_version": 1/"schema_version": 7/' a.json >foreign.json
refused 1 'foreign.json: schema_version: 7' a.json foreign.json
echo '{"benchmarks": []}' >google.json
refused 1 'google.json: schema_version: missing: not results' google.json
refused 1 'absent.json: No such file' absent.json
refused 1 'Is a directory' w
cp a.json again.json
refused 1 'again.json: is the same run as a.json' a.json b.json again.json
sed 's/"bytes":[0-9]*/"bytes":7/' o/baselines/kept.json >kept.json
refused 1 'kept.json: was changed' kept.json
refused 2 'name the results'
refused 2 '.-cores makes no sense with it' --cores 1 a.json
refused 2 'no place for several machines' a.json --export google-benchmark=x
code=0
"$bench" a.json >out 2>err || code=$?
[ "$code" = 2 ] || fail "a file without --merge gave $code"
says err 'unexpected argument "a.json"'
finish
