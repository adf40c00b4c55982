/* SPDX-License-Identifier: Apache-2.0
 * What the parts of measuring share. */
#ifndef BENCH_MEASURE_INTERNAL_H
#define BENCH_MEASURE_INTERNAL_H

#include "measure.h"
#include "stats/stats.h"

typedef struct bench_context {
    bench_store *store;
    const bench_options *options;
    const bench_matrix *matrix;
    bench_progress *progress;
    bench_run *run;
    bench_rng rng;
    unsigned cpus;
    double budget_left;
} bench_context;

/* Takes over `what`. */
void bench_fail_case(bench_context *ctx, size_t at, char *what);
int bench_runnable(const bench_context *ctx, size_t at);
void bench_show_progress(bench_context *ctx, unsigned group, double part, size_t at);

/* Rounds of all configurations of a group, until there are enough. */
void bench_sample_group(bench_context *ctx, unsigned group);

#endif
