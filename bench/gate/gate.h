/* SPDX-License-Identifier: Apache-2.0
 * The gate: this build against an older one, in adjacent pairs on this machine. What it finds is
 * here for the reports to lay out. */
#ifndef BENCH_GATE_H
#define BENCH_GATE_H

#include "arms.h"
#include "measure/progress.h"
#include "options.h"
#include "stats/rule.h"

enum { BENCH_GATE_ROUNDS = 48, BENCH_GATE_CONFIGS = 2 };

/* One way to run both builds: a number of threads. */
typedef struct bench_gate_config {
    unsigned threads;
    unsigned repeat; /* quantizations that make one observation */
    size_t rounds;
    double cpu_s[BENCH_ARMS][BENCH_GATE_ROUNDS]; /* of one observation */
    double wall_s[BENCH_ARMS][BENCH_GATE_ROUNDS];
    unsigned order[BENCH_GATE_ROUNDS]; /* of the arms, an index of bench_order */
    size_t no_cores;                   /* observations whose CPU/wall was under 0.9 x threads */
    double shortest_s;                 /* observation */
} bench_gate_config;

typedef struct bench_gate_metric {
    const char *id;                    /* in JSON */
    const char *label;                 /* "CPU time, 1 thread" */
    size_t config;                     /* index: where its times come from */
    size_t rounds;                     /* until it was decided, or the end */
    const double *time[BENCH_ARMS];    /* [rounds], of its config */
    bench_summary summary[BENCH_ARMS]; /* of these times */
    double d[BENCH_GATE_ROUNDS];       /* ln(new / old) */
    double control[BENCH_GATE_ROUNDS]; /* ln(copy of old / old) */
    bench_judged look[BENCH_LOOKS];    /* at each look it was part of */
    bench_judged control_look[BENCH_LOOKS];
    unsigned looks;
} bench_gate_metric;

typedef enum bench_gate_stop {
    BENCH_GATE_DECIDED,
    BENCH_GATE_ALL_ROUNDS,
    BENCH_GATE_ROUNDS_ASKED, /* --rounds allows no further look */
    BENCH_GATE_BUDGET
} bench_gate_stop;

typedef struct bench_gate {
    char *failure; /* why there is no verdict; NULL where there is one */
    char *old_path, *new_path;
    char old_version[32], new_version[32];
    char checksum[17]; /* of the output, the same from all arms */
    int identical;     /* the two builds are the same bytes */
    int repeats;       /* both know quantize --repeat */
    char model[64];    /* "16x1024x4096", or the file's name */
    double model_bytes;
    bench_gate_config config[BENCH_GATE_CONFIGS];
    size_t configs;
    bench_gate_metric metric[BENCH_RULE_METRICS];
    size_t metrics;
    bench_rule rule; /* the last look of each metric, and the decision */
    size_t rounds;   /* of the metric that took most */
    bench_gate_stop stop;
    double spent_s;    /* sampling */
    double steal_part; /* of all CPU time meanwhile; NaN where unknown */
    double throttled_s;
} bench_gate;

/* Compares options->compare (the program `old_program`) with new_program. Models and programs are
 * staged in a private directory below work_parent, which is removed. Returns when it is decided, or
 * when interrupted (see bench_interrupted). */
void bench_gate_run(const bench_options *options, const char *work_parent,
                    const bench_program *old_program, const bench_program *new_program,
                    unsigned cpus, uint64_t seed, bench_progress *progress, bench_gate *gate);
void bench_gate_free(bench_gate *gate);

const char *bench_gate_stop_text(bench_gate_stop stop);
/* "pass", "regression", "inconclusive", "environment invalid", "failed" */
const char *bench_gate_verdict(const bench_gate *gate);

/* 0, 1 failed, 3 regression, 6 environment invalid, with strict 5 inconclusive. */
int bench_gate_exit_code(const bench_gate *gate, int strict);

#endif
