#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Usage: kills.py COUNT SEED COMMAND

Runs arrowquant (COMMAND) COUNT times and kills it with SIGKILL at a random moment of its life, over
and over: a file that is replaced, one that is new, a directory of shards, new and over an old one, a
packed file, a synthetic model. After each, what stands at the output must be absent, the old one or the complete new one, and
nothing but temporaries may stand beside it. Prints how many of each there were.
"""

import filecmp
import os
import random
import shutil
import signal
import subprocess
import sys
import time

count, seed, command = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
rng = random.Random(seed)


def run(*arguments):
    subprocess.run([command, *arguments], check=True, stdout=subprocess.DEVNULL)


def same(a, b):
    if not os.path.isdir(b):
        return os.path.isfile(a) and filecmp.cmp(a, b, shallow=False)
    names = sorted(n for n in os.listdir(a) if not n.endswith(".tmp"))
    return names == sorted(os.listdir(b)) and all(same(a + "/" + n, b + "/" + n) for n in names)


def remove(path):
    if os.path.isdir(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.remove(path)


def copy(a, b):
    (shutil.copytree if os.path.isdir(a) else shutil.copyfile)(a, b)


class Case:
    """One command line, what it makes, and what stood there before (None: nothing)."""

    def __init__(self, name, output, old, *arguments):
        self.name, self.old, self.want = name, old, "want/" + output
        self.output = "out/" + output
        self.arguments = [a.replace("OUT", self.output) for a in arguments]
        if old:
            copy(old, self.want)  # what is carried over is a part of what is wanted
        run(*[a.replace("OUT", self.want) for a in arguments])
        self.seconds = min(self.clean_run() for _ in range(3))
        self.seen = {"absent": 0, "old": 0, "complete": 0}

    def prepare(self):
        remove("out")
        os.mkdir("out")
        if self.old:
            copy(self.old, self.output)

    def clean_run(self):
        self.prepare()
        begin = time.monotonic()
        run(*self.arguments)
        return time.monotonic() - begin

    def judge(self):
        for name in os.listdir("out"):
            if "out/" + name != self.output and not name.startswith(".arrowquant-"):
                return "left %s behind" % name
        if not os.path.lexists(self.output):
            return "absent" if not self.old else "lost the old one"
        if same(self.output, self.want):
            return "complete"
        if self.old and same(self.output, self.old):
            return "old"
        return "neither old nor new"

    def kill_once(self):
        self.prepare()
        child = subprocess.Popen([command, *self.arguments], stderr=subprocess.DEVNULL)
        # Some more moments near the end, where the names change.
        late = rng.random() < 0.5
        time.sleep(self.seconds * (rng.uniform(0.6, 1.3) if late else rng.random()))
        child.send_signal(signal.SIGKILL)
        child.wait()
        verdict = self.judge()
        if verdict not in self.seen:
            print("%s: %s" % (self.name, verdict))
            return False
        self.seen[verdict] += 1
        return True


def old_directory():
    run("quantize", "-q", "-tint8", "model", "old")
    os.mkdir("old/notes")
    for name in ("README.md", "notes/today"):
        with open("old/" + name, "w") as file:
            file.write("mine\n")


def cases():
    os.mkdir("want")
    with open("old.txt", "w") as file:
        file.write("hours of work\n")
    model = "3x256x2048"
    run("synth", "-q", "--no-sync", "--params", model, "in.safetensors")
    gguf = ["quantize", "-q", "-j2", "in.safetensors", "OUT"]
    yield Case("a new file", "new.gguf", None, *gguf)
    yield Case("a replaced file", "old.gguf", "old.txt", *gguf, "--force")
    yield Case("a packed file", "m.safetensors", None, "quantize", "-q", "-j2", "in.safetensors", "OUT")
    yield Case("a directory", "shards", None, "quantize", "-q", "-j2", "-tint4", "model", "OUT")
    old_directory()
    forced = ["quantize", "-q", "-j2", "-tint4", "--force", "model", "OUT"]
    yield Case("a replaced directory", "replaced", "old", *forced)
    yield Case("a synthetic model", "s.safetensors", None, "synth", "-q", "-j2", "--params", model, "OUT")


bad = 0
all_cases = list(cases())
for i in range(count):
    bad += not all_cases[i % len(all_cases)].kill_once()
for case in all_cases:
    print("%-20s %s" % (case.name, ", ".join("%s %d" % item for item in case.seen.items())))
print("%d kills, %d findings, seed %d" % (count, bad, seed))
sys.exit(bad > 0)
