#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Usage: files.py --build DIRECTORY [--quick] [--rounds N] [--threads N] [--json FILE] [--scratch DIR]
Whole files: arrowquant beside llama_model_quantize, numpy and cp, on one model, cached, in rounds that
run each of them once in a random order. Every output is compared with ours first. DIRECTORY is a build
of ArrowQuant; AQ_ORACLE_DIR names where ci/oracle puts llama's library."""

import argparse
import datetime
import filecmp
import json
import os
import platform
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import llama_model

HERE = os.path.dirname(os.path.abspath(__file__))
FTYPES = {"q8_0": (7, 0), "q4_0": (2, 1), "q4_k_m": (15, 0)}  # ftype, pure
# (of, against, at most): medians of the ratios within the rounds.
BARS = {
    ("arrowquant q8_0", "cp"): 0.65, ("arrowquant q4_0", "cp"): 0.65,
    ("arrowquant q8_0, fsync", "cp, sync"): 0.65, ("arrowquant q4_0, fsync", "cp, sync"): 0.65,
    ("arrowquant q8_0", "llama q8_0"): 1 / 14, ("arrowquant q4_0", "llama q4_0"): 1 / 10,
    ("arrowquant q4_k_m", "llama q4_k_m"): 1 / 10, ("arrowquant q8_0", "numpy q8_0"): None,
}
PEAK_BAR = 16 << 20


def run(arguments):
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit("files.py: %s: %s" % (" ".join(arguments), done.stderr.strip()))
    return done.stdout


class Contest:
    def __init__(self, options, scratch):
        self.options, self.scratch = options, scratch
        self.layers = llama_model.LAYERS_QUICK if options.quick else llama_model.LAYERS
        self.model = os.path.join(scratch, "model.gguf")
        self.out = os.path.join(scratch, "out.gguf")
        self.build = options.build

    def ours(self, preset, sync):
        arguments = [os.path.join(self.build, "arrowquant"), "quantize", "--json", "-t", preset]
        arguments += ["-j", str(self.options.threads)] + ["--pure"] * FTYPES[preset][1]
        arguments += [] if sync else ["--no-sync"]
        return json.loads(run(arguments + [self.model, self.out]))["rss_peak_bytes"]

    def llama(self, preset):
        ftype, pure = FTYPES[preset]
        arguments = [os.path.join(self.build, "bench/peers/llama_file"), str(ftype), str(pure)]
        said = json.loads(run(arguments + [str(self.options.threads), self.model, self.out]))
        return said["peak_bytes"], said["time_s"]

    def numpy(self):
        arguments = [sys.executable, os.path.join(HERE, "numpy_q8_0.py"), self.model]
        said = json.loads(run(arguments + [str(self.layers), self.out]))
        return said["peak_bytes"], said["time_s"]

    def cp(self, sync):
        run(["cp", self.model, self.out])
        if sync:
            run(["sync", self.out])

    def contestants(self):
        yield "cp", lambda: self.cp(False)
        yield "cp, sync", lambda: self.cp(True)
        for preset in FTYPES:
            yield "arrowquant " + preset, lambda preset=preset: self.ours(preset, False)
        for preset in ("q8_0", "q4_0"):
            yield "arrowquant %s, fsync" % preset, lambda preset=preset: self.ours(preset, True)
        for preset in FTYPES:
            yield "llama " + preset, lambda preset=preset: self.llama(preset)
        yield "numpy q8_0", self.numpy

    def sample(self, action):
        """(seconds, peak bytes or None): of the whole process, unless it timed itself."""
        if os.path.exists(self.out):
            os.unlink(self.out)
        begin = time.monotonic()
        said = action()
        wall = time.monotonic() - begin
        return (said[1], said[0]) if isinstance(said, tuple) else (wall, said)

    def verify(self):
        """Equal files of ours and llama's, and numpy's blocks in ours: else no time counts."""
        kept = os.path.join(self.scratch, "kept.gguf")
        for preset in FTYPES:
            self.sample(lambda preset=preset: self.ours(preset, False))
            os.rename(self.out, kept)
            self.sample(lambda preset=preset: self.llama(preset))
            if not filecmp.cmp(kept, self.out, shallow=False):
                sys.exit("files.py: %s of arrowquant and of llama differ" % preset)
            if preset == "q8_0":
                self.sample(self.numpy)
                self.find_blocks(kept)
        os.unlink(kept)

    def find_blocks(self, kept):
        with open(self.out, "rb") as blocks, open(kept, "rb") as file:
            size = llama_model.size_of(llama_model.F16, (llama_model.VOCABULARY, llama_model.EMBEDDING))
            first = blocks.read(size // 64 * 34)
            if first not in file.read():
                sys.exit("files.py: the blocks of numpy are not in our q8_0")


def quartiles(values):
    return statistics.quantiles(values, n=4)[::2] if len(values) > 1 else [values[0]] * 2


def summary(samples):
    rows = {}
    for name, runs in samples.items():
        times = [t for t, _ in runs]
        low, high = quartiles(times)
        peaks = [p for _, p in runs if p is not None]
        rows[name] = {"times_s": times, "median_s": statistics.median(times), "quartile_low_s": low,
                      "quartile_high_s": high, "peak_bytes": max(peaks) if peaks else None}
    return rows


def ratios(rows):
    found = []
    for (of, against), bar in BARS.items():
        pairs = [a / b for a, b in zip(rows[of]["times_s"], rows[against]["times_s"])]
        low, high = quartiles(pairs)
        middle = statistics.median(pairs)
        found.append({"of": of, "against": against, "median": middle, "quartile_low": low,
                      "quartile_high": high, "at_most": bar, "met": bar and middle <= bar})
    return found


def machine():
    name = platform.processor() or platform.machine()
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        names = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    return "%d CPUs of %s, %s" % (os.cpu_count(), names[0] if names else name, platform.release())


def print_tables(report):
    print("%s, %s; %.2f GB of float16, cached, %d threads, %d rounds, medians (quartiles)" % (
        report["machine"], report["date"], report["model_bytes"] / 1e9, report["threads"],
        report["rounds"]))
    print("%-24s %8s %19s %9s" % ("", "seconds", "quartiles", "peak MiB"))
    for name, row in report["results"].items():
        peak = "-" if row["peak_bytes"] is None else "%.1f" % (row["peak_bytes"] / (1 << 20))
        print("%-24s %8.3f %19s %9s" % (name, row["median_s"], "%.3f-%.3f" % (
            row["quartile_low_s"], row["quartile_high_s"]), peak))
    print("%-24s %-14s %8s %14s %8s" % ("", "against", "ratio", "quartiles", "times"))
    for r in report["ratios"]:
        verdict = "" if r["at_most"] is None else " at most %.3f: %s" % (
            r["at_most"], "met" if r["met"] else "missed")
        print("%-24s %-14s %8.3f %14s %7.1fx%s" % (r["of"], r["against"], r["median"], "%.3f-%.3f" % (
            r["quartile_low"], r["quartile_high"]), 1 / r["median"], verdict))
    print("peak of arrowquant: %.1f MiB, at most %d: %s" % (
        report["peak_bytes"] / (1 << 20), PEAK_BAR >> 20, "met" if report["peak_met"] else "missed"))


def measure(options, scratch):
    contest = Contest(options, scratch)
    llama_model.write(contest.model, contest.layers)
    contest.verify()
    contestants = dict(contest.contestants())
    samples = {name: [] for name in contestants}
    for done in range(options.rounds):
        names = list(contestants)
        random.shuffle(names)
        for name in names:
            samples[name].append(contest.sample(contestants[name]))
        print("round %d of %d" % (done + 1, options.rounds), file=sys.stderr)
    rows = summary(samples)
    peak = max(row["peak_bytes"] for name, row in rows.items() if name.startswith("arrowquant"))
    return {
        "schema_version": 1, "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%MZ"),
        "machine": machine(), "threads": options.threads, "rounds": options.rounds,
        "model_bytes": os.path.getsize(contest.model), "results": rows, "ratios": ratios(rows),
        "peak_bytes": peak, "peak_met": peak <= PEAK_BAR,
    }


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n", maxsplit=1)[0][7:])
    parser.add_argument("--build", required=True)
    parser.add_argument("--quick", action="store_true", help="a small model, 3 rounds")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json")
    parser.add_argument("--scratch")
    options = parser.parse_args()
    options.rounds = options.rounds or (3 if options.quick else 7)
    scratch = tempfile.mkdtemp(prefix="arrowquant-peers.", dir=options.scratch)
    try:
        report = measure(options, scratch)
    finally:
        shutil.rmtree(scratch)
    print_tables(report)
    if options.json:
        with open(options.json, "w", encoding="ascii") as file:
            json.dump(report, file, indent=1)
            file.write("\n")


if __name__ == "__main__":
    main()
