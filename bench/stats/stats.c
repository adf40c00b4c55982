/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "stats.h"
#include "util.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* splitmix64: a Weyl sequence through a bijective mixer. Any seed is a good seed. */
uint64_t bench_rng_next(bench_rng *rng)
{
    uint64_t z = rng->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint32_t bench_rng_below(bench_rng *rng, uint32_t bound)
{
    /* The high half of a 32-bit draw times bound. Each result comes from 2^32 / bound draws,
     * rounded down or up; those few whose low half is under 2^32 mod bound are the excess. */
    uint64_t product = (bench_rng_next(rng) >> 32) * bound;
    if ((uint32_t)product < bound) {
        uint32_t excess = (0 - bound) % bound;
        while ((uint32_t)product < excess)
            product = (bench_rng_next(rng) >> 32) * bound;
    }
    return (uint32_t)(product >> 32);
}

double bench_rng_unit(bench_rng *rng)
{
    return ((double)(bench_rng_next(rng) >> 11) + 0.5) * 0x1p-53;
}

void bench_shuffle(bench_rng *rng, size_t *index, size_t count)
{
    for (size_t i = count; i > 1; i--) {
        size_t j = (size_t)bench_rng_below(rng, (uint32_t)i);
        size_t swap = index[i - 1];
        index[i - 1] = index[j];
        index[j] = swap;
    }
}

static int ascending(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

double *bench_sorted(const double *value, size_t count)
{
    double *copy = bench_alloc(count, sizeof *copy);
    if (count > 0)
        memcpy(copy, value, count * sizeof *copy);
    qsort(copy, count, sizeof *copy, ascending);
    return copy;
}

double bench_quantile(const double *sorted, size_t count, double p)
{
    if (count == 0)
        return NAN;
    double at = p * (double)(count - 1);
    size_t below = (size_t)at;
    if (below + 1 >= count)
        return sorted[count - 1];
    return sorted[below] + (at - (double)below) * (sorted[below + 1] - sorted[below]);
}

double bench_median(const double *value, size_t count)
{
    double *sorted = bench_sorted(value, count);
    double median = bench_quantile(sorted, count, 0.5);
    free(sorted);
    return median;
}

/* Median of a resample, given as how often each of the ascending values was drawn. */
static double resample_median(const double *sorted, const unsigned *drawn, size_t count)
{
    size_t low_rank = (count - 1) / 2, high_rank = count / 2, seen = 0, i = 0;
    while (seen + drawn[i] <= low_rank)
        seen += drawn[i++];
    double low = sorted[i];
    while (seen + drawn[i] <= high_rank)
        seen += drawn[i++];
    return low + 0.5 * (sorted[i] - low);
}

double bench_resample(const double *sorted, size_t count, unsigned *drawn, bench_rng *rng)
{
    memset(drawn, 0, count * sizeof *drawn);
    for (size_t i = 0; i < count; i++)
        drawn[bench_rng_below(rng, (uint32_t)count)]++;
    return resample_median(sorted, drawn, count);
}

static void bootstrap(const double *sorted, size_t count, uint64_t seed, bench_summary *out)
{
    bench_rng rng = {seed};
    unsigned *drawn = bench_alloc(count, sizeof *drawn);
    double *median = bench_alloc(BENCH_RESAMPLES, sizeof *median);
    for (size_t b = 0; b < BENCH_RESAMPLES; b++)
        median[b] = bench_resample(sorted, count, drawn, &rng);
    qsort(median, BENCH_RESAMPLES, sizeof *median, ascending);
    out->low = bench_quantile(median, BENCH_RESAMPLES, 0.025);
    out->high = bench_quantile(median, BENCH_RESAMPLES, 0.975);
    out->confidence = 0.95;
    free(median);
    free(drawn);
}

static void interval(const double *sorted, size_t count, uint64_t seed, bench_summary *out)
{
    out->low = out->high = NAN;
    out->confidence = 0;
    if (count >= BENCH_FEWEST_FOR_BOOTSTRAP) {
        bootstrap(sorted, count, seed, out);
    } else if (count >= 2) {
        /* The median lies outside the range only if all values fell on one side of it. */
        out->low = sorted[0];
        out->high = sorted[count - 1];
        out->confidence = 1 - exp2(1 - (double)count);
    }
}

static double median_deviation(const double *value, size_t count, double median)
{
    double *deviation = bench_alloc(count, sizeof *deviation);
    for (size_t i = 0; i < count; i++)
        deviation[i] = fabs(value[i] - median);
    double mad = bench_median(deviation, count);
    free(deviation);
    return mad;
}

bench_summary bench_summarize(const double *value, size_t count, uint64_t seed)
{
    bench_summary out = {.count = count};
    double *sorted = bench_sorted(value, count);
    out.median = bench_quantile(sorted, count, 0.5);
    out.quartile1 = bench_quantile(sorted, count, 0.25);
    out.quartile3 = bench_quantile(sorted, count, 0.75);
    out.minimum = bench_quantile(sorted, count, 0);
    out.maximum = bench_quantile(sorted, count, 1);
    out.mad = median_deviation(value, count, out.median);
    double reach = 1.5 * (out.quartile3 - out.quartile1);
    out.fence_low = out.quartile1 - reach;
    out.fence_high = out.quartile3 + reach;
    for (size_t i = 0; i < count; i++)
        out.outliers += sorted[i] < out.fence_low || sorted[i] > out.fence_high;
    interval(sorted, count, seed, &out);
    free(sorted);
    return out;
}

static int usable(double value)
{
    return isfinite(value) && value > 0;
}

bench_summary bench_summarize_ratios(const double *a, const double *b, size_t count, uint64_t seed)
{
    double *ratio = bench_alloc(count, sizeof *ratio);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (usable(a[i]) && usable(b[i]))
            ratio[kept++] = a[i] / b[i];
    bench_summary out = bench_summarize(ratio, kept, seed);
    free(ratio);
    return out;
}

/* ---- density ---- */

/* Silverman's rule; 0 where the samples do not spread. */
static double kernel_width(const double *value, size_t count)
{
    double *sorted = bench_sorted(value, count), mean = 0, squares = 0;
    for (size_t i = 0; i < count; i++)
        mean += value[i] / (double)count;
    for (size_t i = 0; i < count; i++)
        squares += (value[i] - mean) * (value[i] - mean);
    double deviation = count < 2 ? 0 : sqrt(squares / ((double)count - 1));
    double range = bench_quantile(sorted, count, 0.75) - bench_quantile(sorted, count, 0.25);
    free(sorted);
    if (range > 0)
        deviation = fmin(deviation, range / 1.34);
    return count < 2 ? 0 : 0.9 * deviation * pow((double)count, -0.2);
}

void bench_density(const double *value, size_t count, const double *point, size_t points,
                   double *density)
{
    static const double root_two_pi = 2.5066282746310002;
    double width = kernel_width(value, count);
    for (size_t i = 0; i < points; i++) {
        density[i] = 0;
        for (size_t j = 0; j < count && width > 0; j++) {
            double z = (point[i] - value[j]) / width;
            density[i] += exp(-0.5 * z * z) / (root_two_pi * width * (double)count);
        }
    }
}

/* ---- the ratio of two medians ---- */

static void ratio_interval(const double *a, size_t a_count, const double *b, size_t b_count,
                           uint64_t seed, bench_estimate *out)
{
    bench_rng rng = {seed};
    unsigned *drawn = bench_alloc(a_count > b_count ? a_count : b_count, sizeof *drawn);
    double *ratio = bench_alloc(BENCH_RESAMPLES, sizeof *ratio);
    for (size_t i = 0; i < BENCH_RESAMPLES; i++) {
        double top = bench_resample(a, a_count, drawn, &rng);
        ratio[i] = top / bench_resample(b, b_count, drawn, &rng);
    }
    double *sorted = bench_sorted(ratio, BENCH_RESAMPLES);
    out->low = bench_quantile(sorted, BENCH_RESAMPLES, 0.025);
    out->high = bench_quantile(sorted, BENCH_RESAMPLES, 0.975);
    free(sorted);
    free(ratio);
    free(drawn);
}

bench_estimate bench_median_ratio(const double *a, size_t a_count, const double *b, size_t b_count,
                                  uint64_t seed)
{
    bench_estimate out = {NAN, NAN, NAN};
    if (a_count == 0 || b_count == 0)
        return out;
    double *top = bench_sorted(a, a_count), *bottom = bench_sorted(b, b_count);
    out.value = bench_quantile(top, a_count, 0.5) / bench_quantile(bottom, b_count, 0.5);
    if (a_count >= BENCH_FEWEST_FOR_BOOTSTRAP && b_count >= BENCH_FEWEST_FOR_BOOTSTRAP)
        ratio_interval(top, a_count, bottom, b_count, seed, &out);
    free(top);
    free(bottom);
    return out;
}
