/* SPDX-License-Identifier: Apache-2.0
 * The reports. They lay out what was computed elsewhere, and compute nothing. */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include "figures.h"
#include "gate/gate.h"
#include "kernels/kernels.h"
#include "measure/env.h"
#include "results/baseline.h"
#include "verdict.h"

typedef struct bench_report {
    const bench_options *options;
    const bench_matrix *matrix;
    const bench_run *run;
    const bench_figures *figures;
    const bench_env *env;
    const bench_verdict *verdict;
    const bench_fit *fit;           /* of the thread scaling */
    const bench_baseline *baseline; /* NULL: none was asked for */
    const bench_kernels *kernels;   /* NULL: none were asked for */
    const char *binary;             /* the arrowquant that was measured */
    const char *command;            /* the command line that made this report */
    uint64_t seed;
    const bench_gate *gate; /* NULL: no comparison with another build was asked for */
} bench_report;

/* Each returns 0, or -1 where it could not be written whole.
 * color: with ANSI colours, for a terminal. bench/results.schema.json describes the JSON. */
int bench_report_text(const bench_report *report, int color, FILE *out);
int bench_report_json(const bench_report *report, FILE *out);
int bench_report_html(const bench_report *report, FILE *out);
int bench_report_csv(const bench_report *report, FILE *out);
int bench_report_markdown(const bench_report *report, FILE *out);
int bench_report_google(const bench_report *report, FILE *out);  /* Google Benchmark's JSON */
int bench_report_github(const bench_report *report, FILE *out);  /* github-action-benchmark */
int bench_report_bencher(const bench_report *report, FILE *out); /* Bencher Metric Format */

/* Writes the two reports into the output directory and every export ("-": standard output).
 * Returns NULL, or what went wrong, which the caller frees. */
char *bench_report_files(const bench_report *report);

/* "ok", "skipped" or "failed"; *note is the reason, or NULL. */
const char *bench_report_status(const bench_report *report, size_t at, const char **note);

#endif
