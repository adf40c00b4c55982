/* SPDX-License-Identifier: Apache-2.0
 * The kernels, as each report has them. They write nothing where none were asked for. */
#ifndef BENCH_KERNELS_REPORT_H
#define BENCH_KERNELS_REPORT_H

#include "report.h"

#include <jansson.h>

void bench_kernels_text(const bench_report *report, FILE *out);
void bench_kernels_html(const bench_report *report, FILE *out);
void bench_kernels_csv(const bench_report *report, FILE *out); /* rows of report_table.c's table */
void bench_kernels_markdown(const bench_report *report, FILE *out);

json_t *bench_kernels_json(const bench_report *report); /* null where there are none */
/* These add to what there is; times are of 10^6 weights. */
void bench_kernels_google(const bench_report *report, json_t *benchmarks);
void bench_kernels_github(const bench_report *report, json_t *entries);
void bench_kernels_bencher(const bench_report *report, json_t *root);

#endif
