/* SPDX-License-Identifier: Apache-2.0
 * The rule of the gate: whether a build is slower than another, decided from paired log-ratios
 * d = ln(t_new / t_old). Arithmetic only; nothing here knows what was timed.
 *
 * It looks after 12, 24 and 48 rounds, and may end at each look. A metric is a regression where the
 * sign test holds its median to be above 0, at error rates .0025, .0025 and .005 that Holm's method
 * shares out among the metrics, and the median is at least ln 1.03. It passes where the one-sided
 * 95% upper bound of its median is below ln 1.05. One regression ends the run; a metric that has
 * passed is left alone; what has done neither after 48 rounds is inconclusive.
 *
 * The same is asked of a control, the old build against a copy of itself, in both directions: where
 * that rejects, the machine and not the build is at fault. */
#ifndef BENCH_RULE_H
#define BENCH_RULE_H

#include <stddef.h>

enum { BENCH_LOOKS = 3, BENCH_RULE_METRICS = 3 };

typedef enum bench_decision {
    BENCH_GO_ON,
    BENCH_PASS,
    BENCH_REGRESSION,
    BENCH_UNDECIDED, /* inconclusive after the last look */
    BENCH_INVALID    /* a regression, but the control rejects too */
} bench_decision;

/* One metric at its last look. Bounds are of the median of d. */
typedef struct bench_judged {
    unsigned look; /* 1 for the first; 0 before it */
    size_t rounds;
    double median;
    double lower;  /* at error rate `alpha`; above 0 is what a regression needs */
    double upper;  /* at .05; below ln 1.05 is what passing needs */
    double faster; /* upper bound at `alpha_faster`; below 0 is what an improvement needs */
    double p, p_faster;
    double alpha, alpha_faster; /* as Holm's method gave it to this metric */
    bench_decision decision;
    int improved; /* the rule turned round */
} bench_judged;

typedef struct bench_rule {
    size_t metrics;
    unsigned looks; /* taken so far */
    bench_judged judged[BENCH_RULE_METRICS];
    bench_judged control[BENCH_RULE_METRICS];
    bench_decision decision; /* of all metrics together */
    int disturbed;           /* the control rejected at some look */
} bench_rule;

/* "pass", "regression", "inconclusive" or "environment invalid"; before the first look "not
 * judged". */
const char *bench_decision_name(bench_decision decision);

/* Rounds at which look 1, 2 or 3 is taken, and its error rate. */
size_t bench_look_rounds(unsigned look);
double bench_look_alpha(unsigned look);
double bench_least_regression(void); /* ln 1.03 */
double bench_most_passing(void);     /* ln 1.05 */

void bench_rule_begin(bench_rule *rule, size_t metrics);

/* Whether rounds of this metric are still wanted. */
int bench_rule_wants(const bench_rule *rule, size_t metric);

/* The next look. d[i] and control[i] are those of metric i, bench_look_rounds() long; what is no
 * longer wanted is not read. */
void bench_rule_look(bench_rule *rule, const double *const d[], const double *const control[]);

/* For a run that must end between looks: what has not been decided is inconclusive. */
void bench_rule_end(bench_rule *rule);

#endif
