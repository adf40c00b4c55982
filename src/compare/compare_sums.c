/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "compare_sums.h"

#include <math.h>
#include <string.h>

/* Every sum runs in as many parts as a vector might have lanes, whether it has them or not. */
enum { LANES = 4 };

typedef struct lanes {
    double aa[LANES], bb[LANES], ab[LANES], square[LANES], max_abs[LANES];
} lanes;

static double sum_of(const double *lane)
{
    return (lane[0] + lane[1]) + (lane[2] + lane[3]);
}

/* Without a look at NaN or infinity: the sums tell afterwards whether there was one. */
static aq_sums finite_sums(const float *restrict a, const float *restrict b, size_t n)
{
    lanes l;
    memset(&l, 0, sizeof l);
    size_t whole = n / LANES * LANES;
    for (size_t i = 0; i < whole; i += LANES)
        for (int k = 0; k < LANES; k++) {
            double x = (double)a[i + k], y = (double)b[i + k], d = x - y;
            l.aa[k] += x * x;
            l.bb[k] += y * y;
            l.ab[k] += x * y;
            l.square[k] += d * d;
            double magnitude = fabs(d);
            l.max_abs[k] = magnitude > l.max_abs[k] ? magnitude : l.max_abs[k];
        }
    aq_sums sums = {.weights = n,
                    .aa = sum_of(l.aa),
                    .bb = sum_of(l.bb),
                    .ab = sum_of(l.ab),
                    .square = sum_of(l.square)};
    for (int k = 0; k < LANES; k++)
        sums.max_abs = fmax(sums.max_abs, l.max_abs[k]);
    for (size_t i = whole; i < n; i++) {
        double x = (double)a[i], y = (double)b[i], d = x - y;
        sums.aa += x * x;
        sums.bb += y * y;
        sums.ab += x * y;
        sums.square += d * d;
        sums.max_abs = fmax(sums.max_abs, fabs(d));
    }
    return sums;
}

/* The larger, or NaN where either is. */
static double max_or_nan(double a, double b)
{
    return isnan(a) || isnan(b) ? (double)NAN : fmax(a, b);
}

static aq_sums careful_sums(const float *a, const float *b, size_t n)
{
    aq_sums sums = {.weights = n};
    for (size_t i = 0; i < n; i++) {
        double x = (double)a[i], y = (double)b[i], d = x - y;
        if ((isnan(x) && isnan(y)) || (isinf(x) && x == y))
            continue;
        sums.aa += x * x;
        sums.bb += y * y;
        sums.ab += x * y;
        sums.square += d * d;
        sums.max_abs = max_or_nan(sums.max_abs, fabs(d));
    }
    return sums;
}

aq_sums aq_sums_of(const float *a, const float *b, size_t n)
{
    aq_sums sums = finite_sums(a, b, n);
    /* Squares of finite float32 cannot overflow a double, so only what is not finite gets here. */
    if (!isfinite(sums.aa) || !isfinite(sums.bb))
        sums = careful_sums(a, b, n);
    return sums;
}

void aq_sums_add(aq_sums *to, const aq_sums *more)
{
    to->weights += more->weights;
    to->aa += more->aa;
    to->bb += more->bb;
    to->ab += more->ab;
    to->square += more->square;
    to->max_abs = max_or_nan(to->max_abs, more->max_abs);
}

static double cosine_of(const aq_sums *sums)
{
    if (isnan(sums->ab))
        return sums->ab;
    if (sums->aa == 0 || sums->bb == 0)
        return sums->aa == sums->bb ? 1 : 0;
    /* Two roots: the product of the squares may leave the range of a double. */
    double cosine = sums->ab / sqrt(sums->aa) / sqrt(sums->bb);
    /* Rounding must not carry it beyond 1. NaN passes. */
    return cosine > 1 ? 1 : cosine < -1 ? -1 : cosine;
}

void aq_sums_finish(const aq_sums *sums, aq_compare_tensor *out)
{
    out->weights = sums->weights;
    out->mse = sums->weights == 0 ? 0 : sums->square / (double)sums->weights;
    out->max_abs = sums->max_abs;
    /* -infinity where the original is all zero and the copy is not. */
    out->snr_db = sums->square == 0 ? (double)INFINITY : 10 * log10(sums->aa / sums->square);
    out->cosine = cosine_of(sums);
}
