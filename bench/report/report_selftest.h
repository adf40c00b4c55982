/* SPDX-License-Identifier: Apache-2.0
 * The self-test of the gate, as text. */
#ifndef BENCH_REPORT_SELFTEST_H
#define BENCH_REPORT_SELFTEST_H

#include "gate/selftest.h"

#include <stdio.h>

/* Returns 0, or -1 where it could not be written whole. */
int bench_report_selftest(const bench_selftest *test, const char *path, FILE *out);

#endif
