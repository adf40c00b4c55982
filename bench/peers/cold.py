#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Cold reads against the disk: arrowquant on a model that is not in the page cache, to null: and to a
file on the same disk, beside plain sequential O_DIRECT reads of the same file, which look at no byte,
or at one of each cache line, and beside such a read and a plain write of the output's size."""
import argparse
import ctypes
import json
import mmap
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time

BLOCK = 4 * 1024 * 1024
HUGE = 2 * 1024 * 1024


def drop(path):
    """Out of the page cache."""
    file = os.open(path, os.O_RDONLY)
    os.fsync(file)
    os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(file)


def huge_buffer():
    """A device gets one segment per page: with small pages, it is the pages that are measured."""
    room = mmap.mmap(-1, BLOCK + HUGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    room.madvise(mmap.MADV_HUGEPAGE)
    start = -ctypes.addressof(ctypes.c_char.from_buffer(room)) % HUGE
    buffer = memoryview(room)[start : start + BLOCK]
    buffer[:] = bytes(BLOCK)
    return buffer


def plain_read(path, look):
    drop(path)
    buffer = huge_buffer()
    begin = time.monotonic()
    file = os.open(path, os.O_RDONLY | os.O_DIRECT)
    offset = 0
    while (count := os.preadv(file, [buffer], offset)) > 0:
        offset += count
        if look:
            bytes(buffer[:count:64])
    os.close(file)
    return time.monotonic() - begin


def plain_write(path, size):
    buffer = memoryview(os.urandom(BLOCK))
    begin = time.monotonic()
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    for offset in range(0, size, BLOCK):
        os.pwrite(file, buffer[: min(BLOCK, size - offset)], offset)
    os.fsync(file)
    seconds = time.monotonic() - begin
    os.close(file)
    os.unlink(path)
    return seconds


class Ours:
    def __init__(self, options):
        self.options = options
        self.last = {}

    def run(self, output, *arguments):
        drop(self.options.model)
        command = [self.options.arrowquant, "quantize", "--json", "--force", "--pure"]
        command += ["-t", self.options.type, "-j", str(self.options.threads), *arguments]
        done = subprocess.run(command + [self.options.model, output], capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(done.stderr.strip())
        self.last[output] = json.loads(done.stdout)
        if output != "null:":
            os.unlink(output)
        return self.last[output]["time_s"]


def measure(options, scratch):
    ours = Ours(options)
    output = os.path.join(scratch, "out.gguf")
    ours.run("null:")  # a warm-up, which tells how large the output is
    size = ours.last["null:"]["out_bytes"]
    runs = {
        "read": lambda: plain_read(options.model, False),
        "read, looked at": lambda: plain_read(options.model, True),
        "to null:": lambda: ours.run("null:"),
        "to null:, --io cached": lambda: ours.run("null:", "--io", "cached"),
        "read + write": lambda: plain_read(options.model, False)
        + plain_write(os.path.join(scratch, "plain"), size),
        "to a file": lambda: ours.run(output),
    }
    times = {name: [] for name in runs}
    order = list(runs)
    for _ in range(options.rounds):
        random.shuffle(order)
        for name in order:
            times[name].append(runs[name]())
    return times, ours.last[output]


def report(times, options, result):
    size = os.path.getsize(options.model)
    print(f"{size / 1e9:.2f} GB to {options.type}, {options.threads} threads, not in the page cache;")
    print(f"{options.rounds} rounds, median (min-max); ratios are paired within rounds.")
    against = {"to a file": "read + write"}
    for name, list_ in times.items():
        base = against.get(name, "read")
        ratios = [a / b for a, b in zip(times[base], list_)]
        print(
            f"{name:22} {statistics.median(list_):7.3f} s ({min(list_):.3f}-{max(list_):.3f})"
            f" {size / statistics.median(list_) / 1e9:6.2f} GB/s"
            f"   {statistics.median(ratios):5.2f} ({min(ratios):.2f}-{max(ratios):.2f}) of {base}"
        )
    past = result["direct_bytes"] / result["in_bytes"]
    print(f"peak {result['rss_peak_bytes'] / 2**20:.1f} MiB, {past:.0%} read past the cache")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", required=True, help="the build directory")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--type", default="q8_0")
    parser.add_argument("--params", default="600M", help="of the synthetic model; default 600M")
    parser.add_argument("--scratch", help="where the model and outputs go: the disk that is measured")
    options = parser.parse_args()
    options.arrowquant = os.path.join(options.build, "arrowquant")
    with tempfile.TemporaryDirectory(dir=options.scratch) as scratch:
        options.model = os.path.join(scratch, "model.safetensors")
        made = [options.arrowquant, "synth", "-q", "--params", options.params, options.model]
        subprocess.run(made, check=True)
        times, result = measure(options, scratch)
        report(times, options, result)


if __name__ == "__main__":
    main()
