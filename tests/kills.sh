#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Killed at a random moment, with no chance to clean up: the output is absent, old or complete.
# AQ_KILLS sets how often (`ci/kills` does it a thousand times), AQ_KILLS_SEED the moments.

# shellcheck source=tests/lib.sh
. "${top_srcdir:?run it with make check}/tests/lib.sh"

need python3
[ -z "${AQ_SANITIZE:-}" ] || skip 'too slow to be killed at any moment that matters'
install_once
python3 "$tools/make_model.py" directory model
checks=1
python3 "$tools/kills.py" "${AQ_KILLS:-60}" "${AQ_KILLS_SEED:-1}" arrowquant || fail 'see above'

done_testing
