# SPDX-License-Identifier: Apache-2.0
"""Make the traces that arrowquant-bench --selftest judges the gate on.

Usage: gate_traces.py NAME quiet|loaded RESULTS.json... [-- NAME quiet|loaded RESULTS.json...]

Each RESULTS.json is what `arrowquant-bench --compare` wrote when it compared a build with itself.
Prints a file of traces. One line a round, times in microseconds:

  1 CPU-old CPU-new CPU-copy WALL-old WALL-new WALL-copy      with one thread
  n WALL-old WALL-new WALL-copy                               with many
"""
import json
import sys

ARMS = ("old", "new", "copy")


def microseconds(config, key, i):
    return " ".join(str(round(config["samples"][arm][key][i] * 1e6)) for arm in ARMS)


def lines(result):
    gate = result["comparison"]
    assert gate["identical"] and gate["failure"] is None, "not of a build compared with itself"
    for config in gate["configurations"]:
        for i in range(config["rounds"]):
            if config["threads"] == 1:
                yield f"1 {microseconds(config, 'cpu_s', i)} {microseconds(config, 'wall_s', i)}"
            else:
                yield f"n {microseconds(config, 'wall_s', i)}"


def trace(name, kind, paths):
    results = []
    for path in paths:
        with open(path, encoding="utf-8") as file:
            results.append(json.load(file))
    results.sort(key=lambda r: r["environment"]["date"])
    first, last = (results[i]["environment"] for i in (0, -1))
    print(f"# {len(results)} comparisons of a build with itself, {first['date']} to {last['date']}:")
    print(f"# {first['cpu_model']}, {first['usable_cpus']} usable CPUs, {first['kernel']},")
    print(f"# to {results[0]['type']} from {results[0]['dtype']}, {results[0]['comparison']['model']}")
    print(f"trace {name} {kind}")
    for result in results:
        for line in lines(result):
            print(line)


def main(words):
    print("# SPDX-" "License-Identifier: Apache-2.0")  # in two, lest it be taken for this file's
    print("# Times of builds that do not differ; tests/tools/gate_traces.py tells how to read them.")
    while words:
        end = words.index("--") if "--" in words else len(words)
        name, kind, *paths = words[:end]
        trace(name, kind, paths)
        words = words[end + 1:]


main(sys.argv[1:])
