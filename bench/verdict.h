/* SPDX-License-Identifier: Apache-2.0
 * The targets, judged by intervals, and the exit code. */
#ifndef BENCH_VERDICT_H
#define BENCH_VERDICT_H

#include "figures.h"
#include "measure/env.h"

typedef enum bench_outcome {
    BENCH_MET,
    BENCH_MISSED,
    BENCH_INCONCLUSIVE,   /* the interval holds the limit, or the samples prove nothing */
    BENCH_NOT_APPLICABLE, /* this machine or this model cannot show it */
    BENCH_SKIPPED,        /* not run */
    BENCH_FAILED          /* the run that would show it failed */
} bench_outcome;

enum { BENCH_TARGETS = 6 };

typedef struct bench_target {
    const char *id;    /* in JSON */
    const char *label; /* "8-core speedup" */
    const char *unit;
    int at_least; /* the value is to be above the limit, not below */
    double limit;
    bench_outcome outcome;
    double value, low, high, confidence; /* NaN where not measured */
    char *note;                          /* why, or what else is to be said; may be NULL */
} bench_target;

typedef struct bench_verdict {
    bench_target target[BENCH_TARGETS];
    int exit_code;
} bench_verdict;

const char *bench_outcome_text(bench_outcome outcome);

/* By the interval; where there is none (a single sample) nothing is proved. */
bench_outcome bench_judge(const bench_summary *summary, double limit, int at_least);

/* Adds to env what was seen during the run that casts doubt on it. */
void bench_verdict_make(const bench_options *options, const bench_matrix *matrix,
                        const bench_run *run, const bench_figures *figures, bench_env *env,
                        bench_verdict *verdict);
void bench_verdict_free(bench_verdict *verdict);

/* 0, or what stands in the way of it first: 1 a failure; with strict, 6 a machine in doubt; with
 * check_targets, 4 a target missed; with strict, 5 a target inconclusive. */
/* Of two exit codes the one that matters more: 2, then 1, 6, 3, 4, 5, 0. */
int bench_worse_code(int a, int b);

int bench_exit_code(const bench_verdict *verdict, size_t failures, size_t doubts, int check_targets,
                    int strict);

#endif
