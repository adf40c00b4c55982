/* SPDX-License-Identifier: Apache-2.0
 * The comparison with a stored baseline, as each report has it. They write nothing where none was
 * asked for. */
#ifndef BENCH_BASELINE_REPORT_H
#define BENCH_BASELINE_REPORT_H

#include "report.h"

#include <jansson.h>

void bench_baseline_text(const bench_report *report, FILE *out);
void bench_baseline_html(const bench_report *report, FILE *out);
json_t *bench_baseline_json(const bench_report *report); /* null where there is none */

/* This run, as a baseline. Returns 0, or -1 where it could not be written whole. */
int bench_report_baseline(const bench_report *report, FILE *out);

#endif
