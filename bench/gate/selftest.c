/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "selftest.h"
#include "stats/binomial.h"
#include "stats/rivals.h"
#include "util.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_ROUNDS = 48, ALARM_RUNS = 5000, POWER_RUNS = 2000, MADE_ROUNDS = 4000, BLOCK = 10 };
static const double bound_alpha = .025;

const double bench_shift[BENCH_SHIFTS] = {0.03, 0.05, 0.10, 0.20};
const char *const bench_rival_name[BENCH_RIVALS] = {"mean over 1.10 x stored baseline",
                                                    "Welch, block A then block B",
                                                    "Mann-Whitney, block A then block B"};

double bench_most_alarms(void)
{
    return 0.01;
}

/* ---- one run of the gate ---- */

/* Rounds that followed each other, from anywhere in the trace on (its end is followed by its
 * beginning), old and new changing places or not: both are one build. Metrics that came from the
 * same processes stay together. */
static void draw(const bench_noise *trace, bench_rng *rng, const double *shift,
                 double d[][MOST_ROUNDS], double control[][MOST_ROUNDS])
{
    size_t rounds = bench_look_rounds(BENCH_LOOKS), start = 0;
    bench_arm old_arm = BENCH_OLD;
    for (int m = 0; m < BENCH_RULE_METRICS; m++) {
        const bench_noise_series *s = &trace->metric[m];
        if (m != 1 || s->rounds != trace->metric[0].rounds) {
            start = bench_rng_below(rng, (uint32_t)s->rounds);
            old_arm = bench_rng_below(rng, 2) ? BENCH_OLD : BENCH_NEW;
        }
        const double *a = s->time[old_arm], *b = s->time[BENCH_OLD + BENCH_NEW - old_arm];
        const double *c = s->time[BENCH_COPY_OF_OLD];
        for (size_t r = 0; r < rounds; r++) {
            size_t at = (start + r) % s->rounds;
            d[m][r] = log(b[at] / a[at]) + log1p(shift[m]);
            control[m][r] = log(c[at] / a[at]);
        }
    }
}

static bench_rule run_gate(const bench_noise *trace, bench_rng *rng, const double *shift)
{
    double d[BENCH_RULE_METRICS][MOST_ROUNDS], control[BENCH_RULE_METRICS][MOST_ROUNDS];
    const double *d_of[BENCH_RULE_METRICS], *control_of[BENCH_RULE_METRICS];
    bench_rule rule;
    draw(trace, rng, shift, d, control);
    for (int m = 0; m < BENCH_RULE_METRICS; m++) {
        d_of[m] = d[m];
        control_of[m] = control[m];
    }
    bench_rule_begin(&rule, BENCH_RULE_METRICS);
    while (rule.decision == BENCH_GO_ON)
        bench_rule_look(&rule, d_of, control_of);
    return rule;
}

/* ---- alarms ---- */

/* Blocks of runs of the old build: for the baseline from anywhere, for the tests the one right
 * before. */
static void run_rivals(const bench_noise *trace, bench_rng *rng, size_t runs, double *rate)
{
    static int (*const rival[BENCH_RIVALS])(const double *, const double *, size_t) = {
        bench_rival_mean, bench_rival_welch, bench_rival_mann_whitney};
    const bench_noise_series *s = &trace->metric[1];
    const double *time = s->time[BENCH_OLD];
    uint32_t starts = (uint32_t)(s->rounds - 2 * BLOCK + 1);
    memset(rate, 0, BENCH_RIVALS * sizeof *rate);
    for (size_t i = 0; i < runs; i++) {
        const double *a = time + bench_rng_below(rng, starts);
        const double *stored = time + bench_rng_below(rng, starts);
        for (int r = 0; r < BENCH_RIVALS; r++)
            rate[r] += rival[r](r == 0 ? stored : a, a + BLOCK, BLOCK);
    }
    for (int r = 0; r < BENCH_RIVALS; r++)
        rate[r] /= (double)runs;
}

static void count_alarms(const bench_noise *trace, int recorded, bench_rng *rng, bench_alarms *out)
{
    static const double none[BENCH_RULE_METRICS];
    *out = (bench_alarms){
        .recorded = recorded, .rounds = recorded ? trace->metric[0].rounds : 0, .runs = ALARM_RUNS};
    strcpy(out->trace, trace->name);
    for (size_t i = 0; i < out->runs; i++) {
        bench_rule rule = run_gate(trace, rng, none);
        out->alarms += rule.decision == BENCH_REGRESSION;
        out->invalid += rule.decision == BENCH_INVALID;
        out->inconclusive += rule.decision == BENCH_UNDECIDED;
        out->mean_rounds += (double)bench_look_rounds(rule.looks) / (double)out->runs;
    }
    out->above = bench_rate_below(out->alarms, out->runs, bound_alpha);
    out->ok = out->above < bench_most_alarms();
    run_rivals(trace, rng, out->runs, out->rival);
}

/* ---- power ---- */

static void count_caught(const bench_noise *trace, bench_rng *rng, size_t row, bench_power *out)
{
    static const char *const label[BENCH_POWER_ROWS] = {"CPU time, 1 thread", "Wall time, 1 thread",
                                                        "Wall time, many threads", "All of them"};
    *out = (bench_power){.metric = label[row], .runs = POWER_RUNS, .ok = 1};
    out->least[2] = 0.97;
    out->least[1] = row == 0 ? 0.90 : 0;
    for (int s = 0; s < BENCH_SHIFTS; s++) {
        double shift[BENCH_RULE_METRICS];
        for (size_t m = 0; m < BENCH_RULE_METRICS; m++)
            shift[m] = m == row || row == BENCH_RULE_METRICS ? bench_shift[s] : 0;
        for (size_t i = 0; i < out->runs; i++)
            out->caught[s] += run_gate(trace, rng, shift).decision == BENCH_REGRESSION;
        out->ok &= (double)out->caught[s] >= out->least[s] * (double)out->runs;
    }
}

/* ---- all of it ---- */

void bench_selftest_run(const bench_noise_set *traces, uint64_t seed, bench_selftest *test)
{
    bench_rng rng = {seed};
    double begin = bench_now();
    const bench_noise *quiet = NULL;
    *test = (bench_selftest){.traces = traces->count + BENCH_NOISE_KINDS, .seed = seed, .ok = 1};
    test->alarms = bench_alloc(test->traces, sizeof *test->alarms);
    for (size_t i = 0; i < traces->count; i++) {
        count_alarms(&traces->trace[i], 1, &rng, &test->alarms[i]);
        if (traces->trace[i].quiet && quiet == NULL)
            quiet = &traces->trace[i];
    }
    for (int kind = 0; kind < BENCH_NOISE_KINDS; kind++) {
        bench_noise made;
        bench_noise_make((bench_noise_kind)kind, MADE_ROUNDS, seed + 1, &made);
        count_alarms(&made, 0, &rng, &test->alarms[traces->count + (size_t)kind]);
        bench_noise_free(&made);
    }
    for (size_t i = 0; i < test->traces; i++)
        test->ok &= test->alarms[i].ok;
    for (size_t row = 0; row < BENCH_POWER_ROWS && quiet != NULL; row++) {
        count_caught(quiet, &rng, row, &test->power[row]);
        test->ok &= test->power[row].ok;
    }
    if (quiet != NULL)
        strcpy(test->power_trace, quiet->name);
    else
        test->ok = 0;
    test->seconds = bench_now() - begin;
}

void bench_selftest_free(bench_selftest *test)
{
    free(test->alarms);
    memset(test, 0, sizeof *test);
}
