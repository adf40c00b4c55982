/* SPDX-License-Identifier: Apache-2.0
 * Medians, intervals, fences and paired ratios against values worked out by hand, and the coverage
 * of the intervals in simulation. */
#include <config.h>

#include "bench/stats/stats.h"
#include "suite.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NEAR(a, b) ck_assert_double_eq_tol(a, b, 1e-12)

START_TEST(known_values)
{
    /* Sorted: 1 2 3 4 100; deviations from 3: 0 1 1 2 97. */
    const double x[] = {4, 1, 100, 3, 2};
    bench_summary s = bench_summarize(x, 5, 1);
    ck_assert_uint_eq(s.count, 5);
    NEAR(s.median, 3);
    NEAR(s.mad, 1);
    NEAR(s.quartile1, 2);
    NEAR(s.quartile3, 4);
    NEAR(s.minimum, 1);
    NEAR(s.maximum, 100);
    NEAR(s.fence_low, -1);
    NEAR(s.fence_high, 7);
    ck_assert_uint_eq(s.outliers, 1);
}
END_TEST

START_TEST(quantiles_interpolate)
{
    const double x[] = {10, 20, 30, 40};
    NEAR(bench_quantile(x, 4, 0), 10);
    NEAR(bench_quantile(x, 4, 1), 40);
    NEAR(bench_quantile(x, 4, 0.5), 25);
    NEAR(bench_quantile(x, 4, 0.25), 17.5);
    NEAR(bench_median(x, 4), 25);
    ck_assert(isnan(bench_quantile(x, 0, 0.5)));
}
END_TEST

START_TEST(nothing_and_one)
{
    bench_summary s = bench_summarize(NULL, 0, 1);
    ck_assert_uint_eq(s.count, 0);
    ck_assert(isnan(s.median) && isnan(s.low) && isnan(s.high) && isnan(s.mad));
    ck_assert_double_eq(s.confidence, 0);
    const double one[] = {5};
    s = bench_summarize(one, 1, 1);
    NEAR(s.median, 5);
    NEAR(s.mad, 0);
    ck_assert(isnan(s.low) && isnan(s.high));
    ck_assert_double_eq(s.confidence, 0);
}
END_TEST

START_TEST(few_samples_have_their_own_confidence)
{
    const double x[] = {3, 1, 2, 5, 4, 6};
    for (size_t n = 2; n <= 5; n++) {
        bench_summary s = bench_summarize(x, n, 1);
        NEAR(s.low, s.minimum);
        NEAR(s.high, s.maximum);
        NEAR(s.confidence, 1 - pow(0.5, (double)n - 1));
    }
    NEAR(bench_summarize(x, 6, 1).confidence, 0.95);
}
END_TEST

START_TEST(interval_holds_median_and_repeats)
{
    double x[30];
    bench_rng rng = {7};
    for (size_t i = 0; i < 30; i++)
        x[i] = bench_rng_unit(&rng);
    bench_summary a = bench_summarize(x, 30, 42), b = bench_summarize(x, 30, 42);
    ck_assert(a.low <= a.median && a.median <= a.high);
    ck_assert(a.low > a.minimum && a.high < a.maximum);
    ck_assert(a.low == b.low && a.high == b.high);
    double same[8] = {2, 2, 2, 2, 2, 2, 2, 2};
    a = bench_summarize(same, 8, 1);
    ck_assert(a.low == 2 && a.high == 2 && a.outliers == 0);
}
END_TEST

START_TEST(ratios_are_paired)
{
    /* Twice as much in each pair, though the medians' ratio would be 3. */
    const double a[] = {2, 6, 20}, b[] = {1, 3, 10};
    bench_summary s = bench_summarize_ratios(a, b, 3, 1);
    NEAR(s.median, 2);
    NEAR(s.low, 2);
    NEAR(s.high, 2);
    const double c[] = {2, NAN, 4, 8, INFINITY}, d[] = {1, 1, 0, 2, 1};
    s = bench_summarize_ratios(c, d, 5, 1);
    ck_assert_uint_eq(s.count, 2);
    NEAR(s.median, 3);
}
END_TEST

START_TEST(random_numbers)
{
    /* The published first outputs of splitmix64 for seed 1234567. */
    bench_rng rng = {1234567};
    ck_assert(bench_rng_next(&rng) == UINT64_C(6457827717110365317));
    ck_assert(bench_rng_next(&rng) == UINT64_C(3203168211198807973));
    size_t seen[6] = {0};
    for (int i = 0; i < 60000; i++)
        seen[bench_rng_below(&rng, 6)]++;
    for (int i = 0; i < 6; i++)
        ck_assert(seen[i] > 9500 && seen[i] < 10500);
    ck_assert_uint_eq(bench_rng_below(&rng, 1), 0);
}
END_TEST

START_TEST(shuffles_are_uniform_permutations)
{
    bench_rng rng = {3};
    size_t at_first[4] = {0};
    for (int i = 0; i < 40000; i++) {
        size_t index[4] = {0, 1, 2, 3};
        bench_shuffle(&rng, index, 4);
        ck_assert_uint_eq(1u << index[0] | 1u << index[1] | 1u << index[2] | 1u << index[3], 15);
        at_first[index[0]]++;
    }
    for (int i = 0; i < 4; i++)
        ck_assert(at_first[i] > 9500 && at_first[i] < 10500);
}
END_TEST

/* ---- coverage ---- */

static double gauss(bench_rng *rng)
{
    return sqrt(-2 * log(bench_rng_unit(rng))) * cos(6.283185307179586 * bench_rng_unit(rng));
}

enum { NORMAL, LOG_NORMAL, BIMODAL };

static double draw(bench_rng *rng, int kind)
{
    double z = gauss(rng);
    if (kind == NORMAL)
        return 10 + z;
    if (kind == LOG_NORMAL)
        return exp(0.5 * z);
    /* A fast and a slow state, as of a machine whose neighbours come and go. */
    return bench_rng_unit(rng) < 0.7 ? 10 + 0.5 * z : 12 + 0.5 * z;
}

static double true_median(int kind)
{
    bench_rng rng = {99};
    enum { MANY = 200001 };
    if (kind == NORMAL)
        return 10;
    if (kind == LOG_NORMAL)
        return 1;
    double *x = malloc(MANY * sizeof *x);
    ck_assert_ptr_nonnull(x);
    for (int i = 0; i < MANY; i++)
        x[i] = draw(&rng, kind);
    double median = bench_median(x, MANY);
    free(x);
    return median;
}

static double coverage(int kind, size_t count, int trials)
{
    double x[64], median = true_median(kind);
    bench_rng rng = {20240229u + (unsigned)kind};
    int held = 0;
    for (int i = 0; i < trials; i++) {
        for (size_t j = 0; j < count; j++)
            x[j] = draw(&rng, kind);
        bench_summary s = bench_summarize(x, count, (uint64_t)i + 1);
        held += s.low <= median && median <= s.high;
    }
    return (double)held / trials;
}

START_TEST(intervals_hold_what_they_promise)
{
    static const size_t counts[] = {10, 20, 40};
    for (int kind = NORMAL; kind <= BIMODAL; kind++)
        for (size_t i = 0; i < 3; i++) {
            double part = coverage(kind, counts[i], 1500);
            printf("coverage, kind %d, %zu samples: %.3f\n", kind, counts[i], part);
            /* 1,500 trials scatter by 0.0057. */
            ck_assert_double_ge(part, 0.93);
            ck_assert_double_le(part, 0.97);
        }
}
END_TEST

int main(void)
{
    TCase *pure = tcase_create("pure"), *simulated = tcase_create("simulated");
    tcase_add_test(pure, known_values);
    tcase_add_test(pure, quantiles_interpolate);
    tcase_add_test(pure, nothing_and_one);
    tcase_add_test(pure, few_samples_have_their_own_confidence);
    tcase_add_test(pure, interval_holds_median_and_repeats);
    tcase_add_test(pure, ratios_are_paired);
    tcase_add_test(pure, random_numbers);
    tcase_add_test(pure, shuffles_are_uniform_permutations);
    tcase_add_test(simulated, intervals_hold_what_they_promise);
    tcase_set_timeout(simulated, 300);
    return RUN_SUITE("bench_stats", pure, simulated);
}
