/* SPDX-License-Identifier: Apache-2.0
 * Entries of Google Benchmark's JSON, in which a repetition and an aggregate look alike. */
#ifndef BENCH_GOOGLE_H
#define BENCH_GOOGLE_H

#include <jansson.h>
#include <stddef.h>

/* What was run, and how often. */
typedef struct bench_google_run {
    const char *name;
    size_t repetitions;
    unsigned threads;
    unsigned iterations; /* of one repetition; times are of one iteration */
} bench_google_run;

/* One repetition. Seconds; the caller frees. */
json_t *bench_google_repetition(const bench_google_run *run, size_t index, double real_s,
                                double cpu_s);

/* The median of all repetitions. */
json_t *bench_google_median(const bench_google_run *run, double real_s, double cpu_s);

#endif
