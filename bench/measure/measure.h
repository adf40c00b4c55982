/* SPDX-License-Identifier: Apache-2.0
 * Taking the samples: rounds of every configuration in random order, each in a fresh process. */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include "cases.h"
#include "counters.h"
#include "progress.h"
#include "sample.h"
#include "store.h"
#include "trace.h"

/* Of one configuration. Where failure or skip is set there is no figure, whatever was sampled. */
typedef struct bench_result {
    bench_sample *sample;
    size_t samples;
    char checksum[17]; /* of the warm-up run; empty where none was made */
    double out_bytes;
    char *failure;
    char *skip;         /* why it was not run */
    bench_trace *trace; /* of the memory of one more run; NULL where none was made */
} bench_result;

typedef enum bench_stop {
    BENCH_NOT_SAMPLED,
    BENCH_STOP_ROUNDS,  /* as many as were asked for, or the most that make sense */
    BENCH_STOP_PRECISE, /* every interval is narrow */
    BENCH_STOP_BUDGET,
    BENCH_STOP_FAILURE
} bench_stop;

typedef struct bench_group {
    unsigned rounds;
    double spent_s;
    bench_stop stop;
} bench_group;

typedef struct bench_run {
    bench_result *result; /* [matrix->count] */
    bench_group *group;   /* [matrix->groups] */
    size_t cases;
    char **failure; /* every failure, "NAME: what" */
    size_t failures;
    char version[32];       /* of the arrowquant that was measured; empty where no run succeeded */
    bench_disturbance seen; /* during the sampling */
    double
        *resident_before; /* [matrix->models], part in the page cache when first looked at; NaN */
    size_t models;
    char *roof_failure; /* why the bandwidth was not measured in some round; NULL: it was */
} bench_run;

const char *bench_stop_text(bench_stop stop);

/* Returns when all is sampled, or when interrupted (see bench_interrupted). */
void bench_measure(bench_store *store, uint64_t seed, unsigned cpus, bench_progress *progress,
                   bench_run *run);
/* Add "NAME: WHAT" to the failures. */
void bench_run_fail(bench_run *run, const char *name, const char *what);
void bench_run_free(bench_run *run);

#endif
