/* SPDX-License-Identifier: Apache-2.0
 * The comparison with another build, in the reports. */
#ifndef BENCH_REPORT_GATE_H
#define BENCH_REPORT_GATE_H

#include "text_parts.h"

#include <jansson.h>

/* What became of a metric, as all reports say it. */
const char *bench_judged_text(const bench_judged *judged);

void bench_report_gate_text(const bench_text_writer *w);

/* Nothing where gate is NULL. */
void bench_report_gate_html(const bench_gate *gate, FILE *out);

/* null where gate is NULL. */
json_t *bench_report_gate_json(const bench_gate *gate);

/* These add to what there is; nothing where gate is NULL or failed, but for Markdown, which says
 * why it failed. Ratios are new to old. */
void bench_gate_google(const bench_gate *gate, json_t *benchmarks);
void bench_gate_github(const bench_gate *gate, json_t *entries);
void bench_gate_bencher(const bench_gate *gate, json_t *root);
void bench_gate_csv(const bench_report *report, FILE *out); /* rows of report_table.c's table */
void bench_gate_markdown(const bench_gate *gate, FILE *out);

#endif
