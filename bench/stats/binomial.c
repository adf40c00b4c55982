/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "binomial.h"

#include <math.h>

/* ln C(n, k) p^k (1-p)^(n-k) */
static double log_probability(size_t k, size_t n, double p)
{
    double a = (double)k, b = (double)(n - k);
    return lgamma(a + b + 1) - lgamma(a + 1) - lgamma(b + 1) + a * log(p) + b * log1p(-p);
}

/* Sums from its largest term downwards, so that terms too small to count end it. */
static double sum_below(size_t k, size_t n, double p)
{
    double term = exp(log_probability(k, n, p)), sum = term;
    for (size_t i = k; i > 0 && term > sum * 1e-18; i--) {
        term *= (double)i / (double)(n - i + 1) * ((1 - p) / p);
        sum += term;
    }
    return sum;
}

double bench_binomial_below(long k, size_t n, double p)
{
    if (k < 0)
        return 0;
    if ((size_t)k >= n || p <= 0)
        return 1;
    if (p >= 1)
        return 0;
    /* Terms fall from the mean on to both sides; on its far side the other tail is summed. */
    if ((double)k <= (double)n * p)
        return fmin(sum_below((size_t)k, n, p), 1);
    return 1 - fmin(sum_below(n - (size_t)k - 1, n, 1 - p), 1);
}

double bench_sign_test(const double *value, size_t count)
{
    size_t above = 0;
    for (size_t i = 0; i < count; i++)
        above += value[i] > 0;
    return bench_binomial_below((long)(count - above), count, 0.5);
}

size_t bench_bound_rank(size_t n, double alpha)
{
    size_t rank = 0;
    while (rank < n && bench_binomial_below((long)rank, n, 0.5) <= alpha)
        rank++;
    return rank;
}

double bench_median_above(const double *sorted, size_t count, double alpha)
{
    size_t rank = bench_bound_rank(count, alpha);
    return rank == 0 ? -INFINITY : sorted[rank - 1];
}

double bench_median_below(const double *sorted, size_t count, double alpha)
{
    size_t rank = bench_bound_rank(count, alpha);
    return rank == 0 ? INFINITY : sorted[count - rank];
}

/* The p at which P(X <= hits) has fallen to alpha: it falls as p grows. */
double bench_rate_below(size_t hits, size_t trials, double alpha)
{
    double low = 0, high = 1;
    if (hits >= trials)
        return 1;
    for (int i = 0; i < 100; i++) {
        double middle = 0.5 * (low + high);
        if (bench_binomial_below((long)hits, trials, middle) > alpha)
            low = middle;
        else
            high = middle;
    }
    return high;
}

double bench_rate_above(size_t hits, size_t trials, double alpha)
{
    return hits == 0 ? 0 : 1 - bench_rate_below(trials - hits, trials, alpha);
}
