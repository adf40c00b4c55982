/* SPDX-License-Identifier: Apache-2.0
 * Times of builds that did not differ, as the gate takes them: recorded, or made up to be worse
 * than what is recorded. */
#ifndef BENCH_NOISE_H
#define BENCH_NOISE_H

#include "arms.h"
#include "stats/rule.h"
#include "stats/stats.h"

/* Times of one metric, in the order in which they were taken. */
typedef struct bench_noise_series {
    double *time[BENCH_ARMS]; /* [rounds] */
    size_t rounds;
} bench_noise_series;

typedef struct bench_noise {
    char name[32];
    int quiet; /* the machine had nothing else to do: the gate's power is judged on it */
    bench_noise_series metric[BENCH_RULE_METRICS]; /* in the order of the gate's */
} bench_noise;

typedef struct bench_noise_set {
    bench_noise *trace;
    size_t count;
} bench_noise_set;

/* Reads a file of traces; tests/tools/gate_traces.py writes it and says what is in it. Returns
 * NULL, or what is wrong with it, naming file and line, in words that the caller frees. Free
 * *traces either way. */
char *bench_noise_read(const char *path, bench_noise_set *traces);
void bench_noise_set_free(bench_noise_set *traces);

/* The file that is installed with this program, or lies in its build tree; for the caller to free,
 * or NULL where there is none. */
char *bench_noise_find(void);

/* What disturbs a machine, without noise that is its own. */
typedef enum bench_noise_kind {
    BENCH_DRIFT,
    BENCH_BURSTS,
    BENCH_STEPS,
    BENCH_ORDER, /* the place within a round matters, and so does what ran before */
    BENCH_NOISE_KINDS
} bench_noise_kind;

/* A trace of `rounds` rounds. */
void bench_noise_make(bench_noise_kind kind, size_t rounds, uint64_t seed, bench_noise *trace);
void bench_noise_free(bench_noise *trace);

#endif
