/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "noise.h"
#include "util.h"

#include <math.h>
#include <string.h>

static const double base_s = 0.25;
static const double noise = 0.02; /* of one observation, beside the disturbance */

static double normal(bench_rng *rng)
{
    return sqrt(-2 * log(bench_rng_unit(rng))) * cos(6.283185307179586 * bench_rng_unit(rng));
}

static double uniform(bench_rng *rng, double low, double high)
{
    return low + (high - low) * bench_rng_unit(rng);
}

/* What acts on one observation after another. */
typedef struct state {
    bench_rng rng;
    double level;             /* ln of the factor that holds now */
    double slope;             /* of a drift, per observation */
    unsigned left;            /* observations until that changes */
    double place[BENCH_ARMS]; /* order effects */
    double before;            /* what the observation before had too much */
} state;

static double drift(state *s)
{
    if (s->left-- == 0) {
        s->left = 20 + bench_rng_below(&s->rng, 200);
        s->slope = uniform(&s->rng, -0.005, 0.005);
    }
    s->level = fmax(fmin(s->level + s->slope, 0.5), -0.5);
    return s->level;
}

/* One observation in six is in a burst that makes it slower by up to 150%. */
static double burst(state *s)
{
    if (s->left-- == 0) {
        s->level = s->level > 0 ? 0 : uniform(&s->rng, 0.05, 0.9);
        s->left = s->level > 0 ? bench_rng_below(&s->rng, 12) : bench_rng_below(&s->rng, 60);
    }
    return s->level;
}

static double step(state *s)
{
    if (s->left-- == 0) {
        s->level = uniform(&s->rng, -0.5, 0.5);
        s->left = bench_rng_below(&s->rng, 40);
    }
    return s->level;
}

/* The place within a round costs up to 3% more or less, other places at other times; and a third of
 * what an observation had too much is passed on to the next. */
static double order(state *s, int place, double own)
{
    if (s->left-- == 0) {
        for (int i = 0; i < BENCH_ARMS; i++)
            s->place[i] = uniform(&s->rng, -0.03, 0.03);
        s->left = 300;
    }
    double passed = s->before / 3;
    s->before = passed + own;
    return s->place[place] + passed;
}

static double disturb(state *s, bench_noise_kind kind, int place, double own)
{
    switch (kind) {
    case BENCH_DRIFT:
        return drift(s);
    case BENCH_BURSTS:
        return burst(s);
    case BENCH_STEPS:
        return step(s);
    default:
        return order(s, place, own);
    }
}

static void make_series(bench_noise_kind kind, size_t rounds, state *s, bench_noise_series *series)
{
    unsigned order_now = 0;
    for (int arm = 0; arm < BENCH_ARMS; arm++)
        series->time[arm] = bench_alloc(rounds, sizeof *series->time[arm]);
    series->rounds = rounds;
    for (size_t r = 0; r < rounds; r++) {
        order_now = bench_next_order(&s->rng, r, order_now);
        for (int place = 0; place < BENCH_ARMS; place++) {
            bench_arm arm = bench_order[order_now][place];
            double own = noise * normal(&s->rng);
            series->time[arm][r] = base_s * exp(own + disturb(s, kind, place, own));
        }
    }
}

void bench_noise_make(bench_noise_kind kind, size_t rounds, uint64_t seed, bench_noise *trace)
{
    static const char *const name[BENCH_NOISE_KINDS] = {
        [BENCH_DRIFT] = "drift",
        [BENCH_BURSTS] = "bursts",
        [BENCH_STEPS] = "steps",
        [BENCH_ORDER] = "order effects",
    };
    memset(trace, 0, sizeof *trace);
    strcpy(trace->name, name[kind]);
    for (int m = 0; m < BENCH_RULE_METRICS; m++) {
        state s = {.rng = {seed * BENCH_RULE_METRICS + (uint64_t)m}};
        make_series(kind, rounds, &s, &trace->metric[m]);
    }
}
