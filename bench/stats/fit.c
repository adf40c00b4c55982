/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "fit.h"
#include "stats.h"
#include "util.h"

#include <math.h>
#include <stdlib.h>

enum { RESAMPLES = 1000, FEWEST_ROUNDS = 6 };
/* Medians of ratios are not taken to be known better than this, so that no point rules alone. */
static const double least_error = 0.003;

typedef struct problem {
    const bench_fit_point *point;
    size_t count, rounds;
    double weight[BENCH_FIT_MOST]; /* of N r(N) */
} problem;

typedef struct solution {
    double serial, sigma, kappa;
} solution;

double bench_usl_speedup(double sigma, double kappa, double threads)
{
    return threads / (1 + sigma * (threads - 1) + kappa * threads * (threads - 1));
}

double bench_karp_flatt(double speedup, double threads)
{
    return (1 / speedup - 1 / threads) / (1 - 1 / threads);
}

/* ---- least squares ---- */

/* Sums over the points of weight a a, a b, b b, a y, b y with a = N - 1, b = N (N - 1) and
 * y = N r - 1. */
typedef struct sums {
    double aa, ab, bb, ay, by;
} sums;

static sums add_up(const problem *p, const double *median)
{
    sums s = {0};
    for (size_t i = 0; i < p->count; i++) {
        double n = p->point[i].threads, a = n - 1, b = n * a, y = n * median[i] - 1;
        double w = p->weight[i];
        s.aa += w * a * a;
        s.ab += w * a * b;
        s.bb += w * b * b;
        s.ay += w * a * y;
        s.by += w * b * y;
    }
    return s;
}

/* What the squares sum to, but for a constant. */
static double squares(const sums *s, double sigma, double kappa)
{
    return sigma * sigma * s->aa + 2 * sigma * kappa * s->ab + kappa * kappa * s->bb -
           2 * sigma * s->ay - 2 * kappa * s->by;
}

/* sigma, kappa >= 0. Where the free minimum is outside, the least lies on one of the two edges. */
static void solve(const sums *s, int with_kappa, double *sigma, double *kappa)
{
    double edge_sigma = fmax(s->ay / s->aa, 0), edge_kappa = fmax(s->by / s->bb, 0);
    double determinant = s->aa * s->bb - s->ab * s->ab;
    *sigma = edge_sigma;
    *kappa = 0;
    if (!with_kappa)
        return;
    double free_sigma = (s->ay * s->bb - s->by * s->ab) / determinant;
    double free_kappa = (s->by * s->aa - s->ay * s->ab) / determinant;
    if (determinant > 0 && free_sigma >= 0 && free_kappa >= 0) {
        *sigma = free_sigma;
        *kappa = free_kappa;
    } else if (squares(s, 0, edge_kappa) < squares(s, edge_sigma, 0)) {
        *sigma = 0;
        *kappa = edge_kappa;
    }
}

/* y = N r - 1 = s (N - 1) is the Universal Scalability Law without kappa: Amdahl's s is a sigma
 * that cannot exceed one. */
static solution solve_all(const problem *p, const double *median, int with_kappa)
{
    sums s = add_up(p, median);
    solution out;
    double none;
    solve(&s, 0, &out.serial, &none);
    out.serial = fmin(out.serial, 1);
    solve(&s, with_kappa, &out.sigma, &out.kappa);
    return out;
}

/* ---- rounds ---- */

static void take_medians(const problem *p, const size_t *round, double *median)
{
    double *ratio = bench_alloc(p->rounds, sizeof *ratio);
    for (size_t i = 0; i < p->count; i++) {
        for (size_t j = 0; j < p->rounds; j++)
            ratio[j] = p->point[i].ratio[round[j]];
        median[i] = bench_median(ratio, p->rounds);
    }
    free(ratio);
}

static void set_weights(problem *p)
{
    for (size_t i = 0; i < p->count; i++) {
        bench_summary s = bench_summarize(p->point[i].ratio, p->rounds, 1);
        double error = 1.4826 * s.mad / sqrt((double)p->rounds);
        error = p->point[i].threads * fmax(error, least_error * s.median);
        p->weight[i] = 1 / (error * error);
    }
}

static void resample(const problem *p, uint64_t seed, int with_kappa, solution *all)
{
    bench_rng rng = {seed};
    double median[BENCH_FIT_MOST];
    size_t *round = bench_alloc(p->rounds, sizeof *round);
    for (size_t b = 0; b < RESAMPLES; b++) {
        for (size_t j = 0; j < p->rounds; j++)
            round[j] = bench_rng_below(&rng, (uint32_t)p->rounds);
        take_medians(p, round, median);
        all[b] = solve_all(p, median, with_kappa);
    }
    free(round);
}

/* ---- intervals ---- */

static int ascending(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static bench_estimate estimate(double value, double *resampled)
{
    qsort(resampled, RESAMPLES, sizeof *resampled, ascending);
    return (bench_estimate){value, bench_quantile(resampled, RESAMPLES, 0.025),
                            bench_quantile(resampled, RESAMPLES, 0.975)};
}

static bench_estimate law_at(const bench_fit *fit, const solution *all, double threads,
                             double *value)
{
    for (size_t b = 0; b < RESAMPLES; b++)
        value[b] = bench_usl_speedup(all[b].sigma, all[b].kappa, threads);
    return estimate(bench_usl_speedup(fit->sigma.value, fit->kappa.value, threads), value);
}

static void project(bench_fit *fit, const solution *all, double *value)
{
    static const double threads[BENCH_PROJECTIONS] = {4, 8, 16, 32};
    for (int i = 0; i < BENCH_PROJECTIONS; i++) {
        fit->projected_threads[i] = threads[i];
        fit->projected[i] = law_at(fit, all, threads[i], value);
    }
    for (int i = 0; i < BENCH_BAND; i++) {
        fit->band_threads[i] = pow(64, (double)i / (BENCH_BAND - 1));
        fit->band[i] = law_at(fit, all, fit->band_threads[i], value);
    }
}

static void fill_fit(const problem *p, const solution *best, const solution *all, bench_fit *fit)
{
    double *value = bench_alloc(RESAMPLES, sizeof *value);
    for (size_t b = 0; b < RESAMPLES; b++)
        value[b] = all[b].serial;
    fit->serial = estimate(best->serial, value);
    for (size_t b = 0; b < RESAMPLES; b++)
        value[b] = all[b].sigma;
    fit->sigma = estimate(best->sigma, value);
    for (size_t b = 0; b < RESAMPLES; b++)
        value[b] = all[b].kappa;
    fit->kappa = estimate(best->kappa, value);
    project(fit, all, value);
    /* The derivative of N / (1 + sigma (N - 1) + kappa N (N - 1)) is zero there. */
    if (fit->kappa.value > 0 && fit->sigma.value < 1)
        fit->peak = sqrt((1 - fit->sigma.value) / fit->kappa.value);
    fit->points = p->count + 1;
    fit->fitted = 1;
    free(value);
}

static bench_fit no_fit(size_t points)
{
    bench_estimate none = {NAN, NAN, NAN};
    bench_fit fit = {.points = points, .serial = none, .sigma = none, .kappa = none, .peak = NAN};
    for (int i = 0; i < BENCH_PROJECTIONS; i++) {
        fit.projected_threads[i] = NAN;
        fit.projected[i] = none;
    }
    for (int i = 0; i < BENCH_BAND; i++) {
        fit.band_threads[i] = NAN;
        fit.band[i] = none;
    }
    return fit;
}

bench_fit bench_fit_scaling(const bench_fit_point *point, size_t count, size_t rounds,
                            uint64_t seed)
{
    bench_fit fit = no_fit(count + 1);
    if (count + 1 < BENCH_FIT_FEWEST || count > BENCH_FIT_MOST || rounds < FEWEST_ROUNDS)
        return fit;
    problem p = {.point = point, .count = count, .rounds = rounds};
    double median[BENCH_FIT_MOST];
    size_t *round = bench_alloc(rounds, sizeof *round);
    solution *all = bench_alloc(RESAMPLES, sizeof *all);
    for (size_t i = 0; i < rounds; i++)
        round[i] = i;
    set_weights(&p);
    take_medians(&p, round, median);
    solution best = solve_all(&p, median, 1);
    resample(&p, seed, 1, all);
    fill_fit(&p, &best, all, &fit);
    if (!(fit.kappa.low > 0)) {
        best = solve_all(&p, median, 0);
        resample(&p, seed, 0, all);
        fit.peak = NAN;
        fill_fit(&p, &best, all, &fit);
        fit.kappa_dropped = 1;
    }
    free(all);
    free(round);
    return fit;
}
