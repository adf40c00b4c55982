/* SPDX-License-Identifier: Apache-2.0
 * What counting tells: the sign test, the order statistics that bound a median, and intervals for a
 * rate. Exact, without assuming a distribution of what is counted. */
#ifndef BENCH_BINOMIAL_H
#define BENCH_BINOMIAL_H

#include <stddef.h>

/* P(X <= k) for X ~ Binomial(n, p). k may be -1. */
double bench_binomial_below(long k, size_t n, double p);

/* The p-value of the sign test against "the median is not above 0": how likely that many values
 * above 0, or more, would be. A value of exactly 0 counts as not above it. */
double bench_sign_test(const double *value, size_t count);

/* The k for which the k-th smallest of n values is a lower bound of their median at error rate
 * alpha, the largest one: the bound fails only if fewer than k values lie below the median, and
 * P(X < k) <= alpha for X ~ Binomial(n, 1/2). By symmetry the k-th largest is the upper bound.
 * 0 where n values are too few. */
size_t bench_bound_rank(size_t n, double alpha);

/* The bounds themselves, of an ascending array; infinite where the values are too few. */
double bench_median_above(const double *sorted, size_t count, double alpha);
double bench_median_below(const double *sorted, size_t count, double alpha);

/* Clopper and Pearson's one-sided bounds, each at error rate alpha, of the rate behind `hits` of
 * `trials`. */
double bench_rate_above(size_t hits, size_t trials, double alpha);
double bench_rate_below(size_t hits, size_t trials, double alpha);

#endif
