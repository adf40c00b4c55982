/* SPDX-License-Identifier: Apache-2.0
 * What is summed over pairs of weights, and the figures that come of it. Pure arithmetic. */
#ifndef AQ_COMPARE_SUMS_H
#define AQ_COMPARE_SUMS_H

#include <stddef.h>
#include <stdint.h>

#include "arrowquant.h"

typedef struct aq_sums {
    uint64_t weights;
    double aa, bb, ab; /* sums of products */
    double square;     /* of (a - b)^2 */
    double max_abs;    /* of |a - b|; NaN where any difference is */
} aq_sums;

/* The sums over n pairs, in an order that depends on n alone. A weight that is NaN on both sides,
 * or the same infinity, was kept as it was: it counts as equal and enters no sum of products. */
aq_sums aq_sums_of(const float *a, const float *b, size_t n);

void aq_sums_add(aq_sums *to, const aq_sums *more);

/* Fills in the figures of *out. */
void aq_sums_finish(const aq_sums *sums, aq_compare_tensor *out);

#endif
