/* SPDX-License-Identifier: Apache-2.0
 * Laws of scaling fitted to measured speedups. Arithmetic only.
 *
 * With r(N) the time with N threads over that with one:
 *   Amdahl:                    r(N) = s + (1 - s) / N
 *   Universal Scalability Law: N r(N) = 1 + sigma (N - 1) + kappa N (N - 1)
 * Both are linear in what is sought, so that least squares has a closed form. sigma is the part
 * that waits (serial work, a shared bus), kappa the cost of every pair of threads (coherence),
 * which is what makes more threads slower in the end. */
#ifndef BENCH_FIT_H
#define BENCH_FIT_H

#include "stats.h"

enum { BENCH_FIT_FEWEST = 4, BENCH_FIT_MOST = 64, BENCH_PROJECTIONS = 4, BENCH_BAND = 49 };

/* ratio: r(threads) in each round, [rounds]; the rounds are the same for all points. */
typedef struct bench_fit_point {
    double threads;
    const double *ratio;
} bench_fit_point;

typedef struct bench_fit {
    size_t points; /* the one with one thread included */
    int fitted;    /* 0 with fewer than BENCH_FIT_FEWEST points or 6 rounds; the rest is NaN */
    bench_estimate serial; /* Amdahl's s */
    bench_estimate sigma, kappa;
    int kappa_dropped; /* its interval holds 0, so sigma was fitted without it */
    double peak; /* threads at which the law's speedup is greatest; NaN where it has no peak */
    double projected_threads[BENCH_PROJECTIONS];
    bench_estimate projected[BENCH_PROJECTIONS]; /* speedup; an extrapolation, not a measurement */
    double band_threads[BENCH_BAND];             /* from 1 to 64, evenly in the logarithm */
    bench_estimate band[BENCH_BAND];             /* speedup by the law, to be drawn */
} bench_fit;

/* The points are those with more than one thread, count of them. */
bench_fit bench_fit_scaling(const bench_fit_point *point, size_t count, size_t rounds,
                            uint64_t seed);

/* Speedup by the Universal Scalability Law. */
double bench_usl_speedup(double sigma, double kappa, double threads);

/* The part of the work that a speedup with so many threads shows to be serial (Karp and Flatt). */
double bench_karp_flatt(double speedup, double threads);

#endif
