/* SPDX-License-Identifier: Apache-2.0
 * Arithmetic on samples. Nothing here knows what was measured.
 *
 * Intervals are for the median. From six samples on they are 95% bootstrap percentile intervals
 * from a seeded generator, so that a report can be computed again. With two to five, no 95%
 * interval for a median exists without assuming a distribution: the range of the sample is given,
 * with the confidence it really has, 1 - 2^(1-n). */
#ifndef BENCH_STATS_H
#define BENCH_STATS_H

#include <stddef.h>
#include <stdint.h>

typedef struct bench_rng {
    uint64_t state;
} bench_rng;

uint64_t bench_rng_next(bench_rng *rng);
/* Uniform in [0, bound), without bias. bound > 0. */
uint32_t bench_rng_below(bench_rng *rng, uint32_t bound);
/* Uniform in (0, 1). */
double bench_rng_unit(bench_rng *rng);
void bench_shuffle(bench_rng *rng, size_t *index, size_t count);

typedef struct bench_summary {
    size_t count;
    /* All NaN where count is 0. */
    double median, mad, quartile1, quartile3, minimum, maximum;
    /* NaN, with confidence 0, where count is under 2. */
    double low, high, confidence;
    /* Tukey's fences, 1.5 interquartile ranges outside the quartiles, and how many lie beyond. */
    double fence_low, fence_high;
    size_t outliers;
} bench_summary;

bench_summary bench_summarize(const double *value, size_t count, uint64_t seed);

/* The same, of the ratios a[i] / b[i] of samples that were taken in the same round. A pair with a
 * value that is not finite and positive is left out. */
bench_summary bench_summarize_ratios(const double *a, const double *b, size_t count, uint64_t seed);

double bench_median(const double *value, size_t count);

/* With its 95% bootstrap percentile interval. */
typedef struct bench_estimate {
    double value, low, high;
} bench_estimate;

/* The ratio of the medians of a and of b, which are resampled each by itself. NaN where one is
 * empty; the ends are, too, where one has too few values for an interval. */
bench_estimate bench_median_ratio(const double *a, size_t a_count, const double *b, size_t b_count,
                                  uint64_t seed);

/* An ascending copy, for the caller to free. */
double *bench_sorted(const double *value, size_t count);

/* For bootstrap intervals: how many resamples they take, and the fewest values that have one. */
enum { BENCH_RESAMPLES = 2000, BENCH_FEWEST_FOR_BOOTSTRAP = 6 };
/* The median of one resample of count ascending values. drawn: [count], to work with. */
double bench_resample(const double *sorted, size_t count, unsigned *drawn, bench_rng *rng);

/* Density of the samples at each of the points: Gaussian kernels as wide as Silverman's rule has
 * it, by the lesser of standard deviation and interquartile range / 1.34. Zero throughout where all
 * samples are equal, or there are fewer than two. */
void bench_density(const double *value, size_t count, const double *point, size_t points,
                   double *density);

/* Quantile of an ascending array by linear interpolation (Hyndman and Fan's type 7). */
double bench_quantile(const double *sorted, size_t count, double p);

#endif
