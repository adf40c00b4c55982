/* SPDX-License-Identifier: Apache-2.0
 * Comparisons of two files in the scratch directory, and the figures by their definitions. */
#ifndef AQ_TESTS_COMPARE_PAIR_H
#define AQ_TESTS_COMPARE_PAIR_H

#include <check.h>
#include <math.h>

#include "arrowquant.h"
#include "scratch.h"

#define COUNT_OF(list) ((int)(sizeof(list) / sizeof *(list)))

static aq_error err;
static aq_compare_result result = {.size = sizeof result};
static uint64_t state;

static inline uint64_t draw(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    return state ^= state << 17;
}

static inline float draw_float(void)
{
    return (float)((double)(draw() >> 11) * 0x1p-53 - 0.5);
}

static inline void start(void)
{
    state = 88172645463325252u;
    scratch_make();
}

static inline void stop(void)
{
    aq_compare_result_free(&result);
    scratch_remove();
}

static inline void *room(size_t count, size_t size)
{
    void *p = calloc(count + 1, size);
    ck_assert_ptr_nonnull(p);
    return p;
}

static inline float *random_floats(size_t n)
{
    float *values = room(n, sizeof *values);
    for (size_t i = 0; i < n; i++)
        values[i] = draw_float();
    return values;
}

static inline aq_status compare_with(unsigned threads, const char *a, const char *b)
{
    aq_compare_options options;
    aq_compare_options_init(&options, sizeof options);
    options.threads = threads;
    aq_compare_result_free(&result);
    err.message[0] = '\0';
    return aq_compare(scratch_path(a), scratch_path(b), &options, &result, &err);
}

static inline void compare(const char *a, const char *b)
{
    ck_assert_msg(compare_with(2, a, b) == AQ_OK, "%s", err.message);
}

/* ---- the figures, by their definitions ---- */

typedef struct figures {
    double mse, max_abs, snr_db, cosine;
} figures;

static inline figures figures_of(const float *a, const float *b, size_t n)
{
    long double square = 0, aa = 0, bb = 0, ab = 0, max_abs = 0;
    for (size_t i = 0; i < n; i++) {
        long double x = (long double)a[i], y = (long double)b[i];
        square += (x - y) * (x - y);
        aa += x * x;
        bb += y * y;
        ab += x * y;
        max_abs = fmaxl(max_abs, fabsl(x - y));
    }
    return (figures){(double)(square / (long double)n), (double)max_abs,
                     (double)(10 * log10l(aa / square)), (double)(ab / sqrtl(aa * bb))};
}

static inline void ck_near(const char *what, double got, double expected)
{
    ck_assert_msg(fabs(got - expected) <= 1e-12 * fabs(expected), "%s: %.17g, not %.17g", what, got,
                  expected);
}

static inline void ck_figures(const aq_compare_tensor *t, const float *a, const float *b, size_t n)
{
    figures f = figures_of(a, b, n);
    ck_assert_ptr_null(t->skipped);
    ck_assert_uint_eq(t->weights, n);
    ck_near("mse", t->mse, f.mse);
    ck_near("max_abs", t->max_abs, f.max_abs);
    ck_near("snr_db", t->snr_db, f.snr_db);
    ck_near("cosine", t->cosine, f.cosine);
}

#endif
