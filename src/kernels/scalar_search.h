/* SPDX-License-Identifier: Apache-2.0
 * The searches for a sub-block's scale, one at a time: by weighted least squares, the order of
 * every sum and product ggml's. */
#ifndef AQ_KERNELS_SCALAR_SEARCH_H
#define AQ_KERNELS_SCALAR_SEARCH_H

#include "k_store.h"

#include <math.h>

/* ---- with a minimum ---- */

typedef struct affine_search {
    int n, top;
    float first, more; /* the first step's scale is top + first, then so much more each */
    int steps;
    int absolute; /* the error is the weighted sum of distances, not of their squares */
} affine_search;

static inline void affine_levels(const affine_search *how, const float *x, float inverse, float min,
                                 uint8_t *levels)
{
    for (int i = 0; i < how->n; i++)
        levels[i] = (uint8_t)k_clamp(k_nearest(inverse * (x[i] - min)), 0, how->top);
}

static inline float affine_error(const affine_search *how, const float *x, const float *w,
                                 const uint8_t *levels, float scale, float min)
{
    float error = 0.0f;
    for (int i = 0; i < how->n; i++) {
        float diff = scale * (float)levels[i] + min - x[i];
        error += w[i] * (how->absolute ? fabsf(diff) : diff * diff);
    }
    return error;
}

typedef struct line {
    float scale, min;
    int valid;
} line;

/* The scale and minimum (at most 0) that suit the levels best. */
static inline line affine_fit(const affine_search *how, const float *x, const float *w, float sum_w,
                              float sum_x, const uint8_t *levels)
{
    float sum_l = 0.0f, sum_l2 = 0.0f, sum_xl = 0.0f;
    for (int i = 0; i < how->n; i++) {
        float l = (float)levels[i], wl = w[i] * l;
        sum_l += wl;
        sum_l2 += wl * l;
        sum_xl += wl * x[i];
    }
    float determinant = sum_w * sum_l2 - sum_l * sum_l;
    if (!(determinant > 0.0f))
        return (line){0.0f, 0.0f, 0};
    line fit = {(sum_w * sum_xl - sum_x * sum_l) / determinant,
                (sum_l2 * sum_x - sum_l * sum_xl) / determinant, 1};
    if (fit.min > 0.0f) {
        fit.min = 0.0f;
        fit.scale = sum_xl / sum_l2;
    }
    return fit;
}

/* Fills in levels and *min (its magnitude); returns the scale. w is what each weight counts for. */
static inline float search_affine(const affine_search *how, const float *x, const float *w,
                                  uint8_t *levels, float *min_out)
{
    float min = x[0], max = x[0];
    uint8_t tried[32];
    float sum_w = w[0], sum_x = w[0] * x[0];
    for (int i = 1; i < how->n; i++) {
        min = x[i] < min ? x[i] : min;
        max = x[i] > max ? x[i] : max;
        sum_w += w[i];
        sum_x += w[i] * x[i];
    }
    min = min > 0.0f ? 0.0f : min;
    if (max == min) {
        memset(levels, 0, (size_t)how->n);
        *min_out = -min;
        return 0.0f;
    }
    float inverse = (float)how->top / (max - min), scale = 1.0f / inverse;
    affine_levels(how, x, inverse, min, levels);
    float best = affine_error(how, x, w, levels, scale, min);
    for (int step = 0; step < how->steps; step++) {
        inverse = (how->first + how->more * (float)step + (float)how->top) / (max - min);
        affine_levels(how, x, inverse, min, tried);
        line fit = affine_fit(how, x, w, sum_w, sum_x, tried);
        if (!fit.valid)
            continue;
        float error = affine_error(how, x, w, tried, fit.scale, fit.min);
        if (error < best) {
            memcpy(levels, tried, (size_t)how->n);
            best = error;
            scale = fit.scale;
            min = fit.min;
        }
    }
    *min_out = -min;
    return scale;
}

/* ---- without ---- */

static inline float first_extreme(const float *x, int n)
{
    float magnitude = 0.0f, extreme = 0.0f;
    for (int i = 0; i < n; i++)
        if (fabsf(x[i]) > magnitude) {
            magnitude = fabsf(x[i]);
            extreme = x[i];
        }
    return extreme;
}

typedef struct sums {
    float xl, l2;
} sums;

static inline sums signed_sums(const float *x, const float *w, int n, int levels, float inverse,
                               int8_t *l)
{
    sums s = {0.0f, 0.0f};
    for (int i = 0; i < n; i++) {
        l[i] = (int8_t)k_clamp(k_nearest(inverse * x[i]), -levels, levels - 1);
        s.xl += w[i] * x[i] * (float)l[i];
        s.l2 += w[i] * (float)l[i] * (float)l[i];
    }
    return s;
}

/* Nineteen scales are tried. */
static inline float search_scale(const float *x, const float *w, int n, int levels, uint8_t *out)
{
    int8_t l[32];
    float extreme = first_extreme(x, n), scale = 0.0f, best = 0.0f;
    if (fabsf(extreme) < K_LEAST_MAGNITUDE) {
        memset(out, 0, (size_t)n);
        return 0.0f;
    }
    for (int step = -10; step <= 9; step++) {
        /* the plain scale goes first, and sets what the others must beat */
        float inverse = step == -10 ? -(float)levels / extreme
                                    : -((float)levels + 0.1f * (float)step) / extreme;
        if (step == 0)
            continue;
        sums s = signed_sums(x, w, n, levels, inverse, l);
        if (step != -10 && !(s.l2 > 0.0f && s.xl * s.xl > best * s.l2))
            continue;
        scale = s.l2 != 0.0f ? s.xl / s.l2 : 0.0f;
        best = scale * s.xl;
        for (int i = 0; i < n; i++)
            out[i] = (uint8_t)(l[i] + levels);
    }
    return scale;
}

/* ---- in the end ---- */

/* The levels that suit the scales as they are stored. */
AQ_INLINE void final_levels(k_rule rule, const float *x, const k_scales *s, uint8_t *levels)
{
    int is_signed = k_is_signed(rule);
    int low = k_low(rule), high = k_high(rule);
    for (int j = 0; j < SUPER / rule.sub; j++) {
        if (s->d[j] == 0.0f)
            continue;
        for (int i = j * rule.sub; i < (j + 1) * rule.sub; i++) {
            float v = is_signed ? x[i] / s->d[j] : (x[i] + s->dm[j]) / s->d[j];
            levels[i] = (uint8_t)(k_clamp(k_nearest(v), low, high) - low);
        }
    }
}

#endif
