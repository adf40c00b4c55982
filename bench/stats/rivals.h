/* SPDX-License-Identifier: Apache-2.0
 * What is usually done instead of the gate, for the self-test to hold against it. Arithmetic only.
 */
#ifndef BENCH_RIVALS_H
#define BENCH_RIVALS_H

#include <stddef.h>

/* Each says whether `b` is called slower than `a`, both `count` times long. */

/* The mean is more than 10% above that of a stored baseline. */
int bench_rival_mean(const double *a, const double *b, size_t count);
/* Welch's test, two-sided at .05. */
int bench_rival_welch(const double *a, const double *b, size_t count);
/* Mann and Whitney's test, two-sided at .05, by the normal approximation with its correction for
 * continuity. */
int bench_rival_mann_whitney(const double *a, const double *b, size_t count);

/* P(T > t) for Student's T with this many degrees of freedom, t >= 0. */
double bench_student_above(double t, double freedom);

#endif
