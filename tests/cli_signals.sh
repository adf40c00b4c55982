#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A run that is asked to end: it ends by that signal, and leaves nothing behind.

# shellcheck source=tests/lib.sh
. "${top_srcdir:?run it with make check}/tests/lib.sh"

need python3
install_once
mkdir out
printf old >out/old.gguf

# Far more than can be quantized before the signal comes; room is taken only as it is written.
cat >interrupt.py <<'PYTHON'
"""interrupt.py SIGNAL DELAY COMMAND... : prints how the command ended."""
import os, signal, subprocess, sys, time

number, delay = getattr(signal, sys.argv[1]), float(sys.argv[2])
# A shell that runs us in the background has told us to ignore some of them.
for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(each, signal.SIG_DFL)
child = subprocess.Popen(sys.argv[3:], stderr=subprocess.PIPE)
if delay < 0:  # once it has begun to write
    deadline = time.monotonic() + 20
    while len(os.listdir("out")) < 2 and time.monotonic() < deadline and child.poll() is None:
        time.sleep(0.001)
else:
    time.sleep(delay)
child.send_signal(number)
try:
    child.wait(20)
except subprocess.TimeoutExpired:
    child.kill()
    print("had to be killed")
    sys.exit()
code = child.returncode
print("killed by " + signal.Signals(-code).name if code < 0 else "exit %d" % code)
PYTHON

for signal in SIGINT SIGTERM SIGHUP; do
    for mode in streaming batch; do
        case $mode in streaming) params=400x1024x4096 ;; batch) params=60x1024x4096 ;; esac
        equal "$signal in $mode mode" "killed by $signal" "$(python3 interrupt.py "$signal" -1 \
            arrowquant quantize -q -j 2 -m "$mode" -t q8_0 "synthetic:$params:f16:1" out/new.gguf)"
        holds_only "$signal in $mode mode" out old.gguf
    done
done
for delay in 0 0.01 0.05 0.2; do
    equal "SIGTERM after $delay s" 'killed by SIGTERM' "$(python3 interrupt.py SIGTERM "$delay" \
        arrowquant quantize -q -j 1 --force -t q4_0 synthetic:400x1024x4096:f16:1 out/old.gguf)"
    holds_only "SIGTERM after $delay s" out old.gguf
    equal 'what was to be replaced is intact' old "$(cat out/old.gguf)"
done
equal 'SIGINT with an output to null:' 'killed by SIGINT' "$(python3 interrupt.py SIGINT 0.1 \
    arrowquant quantize -q -t q8_0 synthetic:4000x1024x4096:f16:1 null:)"

# The file-size limit is a signal as well. ulimit counts in blocks of 512 bytes.
(
    ulimit -f 64
    code=0
    arrowquant quantize -q -t q8_0 synthetic:2x256x2048:f16:1 out/new.gguf 2>err || code=$?
    printf '%s\n' "$code" >limited
)
[ "$(cat limited)" -ne 0 ] || fail 'a file beyond ulimit -f'
holds_only 'beyond ulimit -f' out old.gguf

done_testing
