#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# An input that is written to or cut off while it is read: refused, by an error and by no SIGBUS, and
# what was to be replaced is as it was.

# shellcheck source=tests/lib.sh
. "${top_srcdir:?run it with make check}/tests/lib.sh"

need python3
install_once
arrowquant synth -q --no-sync --params 60x1024x1024 good.safetensors
echo 'hours of work' >old

# The change is made once the run has begun to write, and so has read: the temporary tells.
cat >disturb.py <<'PYTHON'
"""disturb.py HOW INPUT COMMAND... : exit code of the command, negative for a signal."""
import os, subprocess, sys, time

how, path = sys.argv[1:3]
child = subprocess.Popen(sys.argv[3:], stderr=open("disturbed.err", "w"))
while child.poll() is None and not any(n.endswith(".tmp") for n in os.listdir("out")):
    time.sleep(0.0002)
child.send_signal(19)  # SIGSTOP: the change comes while it reads, however fast it is
with open(path, "r+b") as file:
    if how == "shrinks":
        file.truncate(os.path.getsize(path) // 64)
    elif how == "grows":
        file.seek(0, 2)
        file.write(b"more")
    else:
        file.seek(-4096, 2)
        file.write(bytes(64))
child.send_signal(18)
print(child.wait())
PYTHON

disturbed() { # HOW WORDS OPTIONS...
    how=$1 words=$2
    shift 2
    cp good.safetensors in.safetensors
    rm -rf out
    mkdir out
    cp old out/m.gguf
    equal "an input that $how, $*" 1 "$(python3 disturb.py "$how" in.safetensors arrowquant \
        quantize -q -j 2 --no-sync --force "$@" in.safetensors out/m.gguf)"
    grep -q "in.safetensors: .*$words.*run again when nothing writes to it" disturbed.err ||
        fail "an input that $how, $*: $(cat disturbed.err)"
    equal "an input that $how, $*: one line" 1 "$(wc -l <disturbed.err)"
    same "an input that $how, $*: the old output" old out/m.gguf
    holds_only "an input that $how, $*" out m.gguf
}

for way in '--io cached' '--io auto' '-m batch'; do
    # shellcheck disable=SC2086 # options
    {
        disturbed shrinks 'before the .* bytes that were there\|changed' $way
        disturbed grows 'the file changed while it was read' $way
        disturbed 'is written to' 'the file changed while it was read' $way
    }
done

done_testing
