/* SPDX-License-Identifier: Apache-2.0
 * This run against a stored one. Both are unpaired and a machine drifts between them, so a
 * difference is worth a warning and no more; --compare gives verdicts. A baseline that cannot be
 * compared with is refused. */
#ifndef BENCH_BASELINE_H
#define BENCH_BASELINE_H

#include "baseline_file.h"
#include "figures.h"
#include "measure/env.h"

/* Where the whole interval of a ratio new / old lies. */
typedef enum bench_change {
    BENCH_CHANGE_UNKNOWN, /* too few samples for an interval */
    BENCH_CHANGE_WITHIN,  /* 5% up or down */
    BENCH_CHANGE_OPEN,    /* across one of these limits */
    BENCH_CHANGE_BETTER,
    BENCH_CHANGE_WORSE
} bench_change;

extern const double bench_change_limit; /* 1.05 */

typedef struct bench_ratio {
    bench_estimate estimate; /* NaN where not known */
    bench_change change;
} bench_ratio;

typedef struct bench_baseline_row {
    size_t at;                    /* in the matrix */
    const bench_read_result *was; /* NULL where the baseline has no such run, or no figures of it */
    bench_ratio time, cpu, memory;
} bench_baseline_row;

typedef struct bench_baseline {
    const char *name;
    bench_results results;
    char **difference; /* "kernel: WAS, now IS": what else changed */
    size_t differences;
    bench_baseline_row *row;
    size_t rows;
    size_t worse; /* rows with a ratio that is */
} bench_baseline;

const char *bench_change_text(bench_change change);
bench_change bench_change_judge(const bench_estimate *ratio);

/* Read --baseline, and see whether this machine and this workload are its own. Returns 0, or the
 * exit code (1 unreadable, 2 another workload, 6 another machine) with *wrong saying why, for the
 * caller to free. */
int bench_baseline_open(bench_baseline *baseline, const bench_options *options,
                        const bench_matrix *matrix, const bench_env *env, char **wrong);

/* Fill in the rows. A run whose input or output is not what the baseline's was becomes a failure of
 * `run`. */
void bench_baseline_compare(bench_baseline *baseline, const bench_matrix *matrix, bench_run *run,
                            uint64_t seed);
void bench_baseline_free(bench_baseline *baseline);

#endif
