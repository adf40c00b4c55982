/* SPDX-License-Identifier: Apache-2.0
 * The gate judged on itself: how often it cries wolf over builds that do not differ, and how often
 * it finds a slowdown that was put in. */
#ifndef BENCH_SELFTEST_H
#define BENCH_SELFTEST_H

#include "noise.h"

enum { BENCH_SHIFTS = 4, BENCH_RIVALS = 3, BENCH_POWER_ROWS = BENCH_RULE_METRICS + 1 };

/* Of the gate on one trace, unchanged. */
typedef struct bench_alarms {
    char trace[32];
    int recorded;
    size_t rounds; /* of the trace, where it was recorded */
    size_t runs, alarms, invalid, inconclusive;
    double above;               /* upper bound of the rate of alarms, Clopper and Pearson, 97.5% */
    double mean_rounds;         /* until the gate had decided */
    double rival[BENCH_RIVALS]; /* rate of alarms of what is usually done */
    int ok;
} bench_alarms;

/* Of the gate on one trace, one metric being slower by each of the shifts. */
typedef struct bench_power {
    const char *metric; /* "all metrics" in the last row */
    size_t runs, caught[BENCH_SHIFTS];
    double least[BENCH_SHIFTS]; /* rate that must be reached; 0: none */
    int ok;
} bench_power;

typedef struct bench_selftest {
    bench_alarms *alarms;
    size_t traces;
    char power_trace[32];
    bench_power power[BENCH_POWER_ROWS];
    double seconds;
    uint64_t seed;
    int ok;
} bench_selftest;

extern const double bench_shift[BENCH_SHIFTS]; /* 0.03 ... */
extern const char *const bench_rival_name[BENCH_RIVALS];
double bench_most_alarms(void); /* 0.01 */

void bench_selftest_run(const bench_noise_set *traces, uint64_t seed, bench_selftest *test);
void bench_selftest_free(bench_selftest *test);

#endif
