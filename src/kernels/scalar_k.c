/* SPDX-License-Identifier: Apache-2.0
 * Scalar twins of the K types. Each sub-block's scale is searched for by weighted least squares;
 * the order of every sum and product is ggml's, and so are the bytes. */
#include <config.h>

#include "k_store.h"
#include "list.h"

#include <math.h>

/* ---- with a minimum: q2_K, q4_K, q5_K ---- */

typedef struct affine_search {
    int n, top;
    float first; /* the first step's scale is top + first, then 0.1 more each */
    int steps;
    int absolute; /* the error is the weighted sum of distances, not of their squares */
} affine_search;

static void affine_weights(const affine_search *how, const float *x, float *w)
{
    float base = 0.0f;
    if (!how->absolute) {
        float squares = 0.0f;
        for (int i = 0; i < how->n; i++)
            squares += x[i] * x[i];
        base = sqrtf(squares / (float)how->n);
    }
    for (int i = 0; i < how->n; i++)
        w[i] = how->absolute ? fabsf(x[i]) : base + fabsf(x[i]);
}

static void affine_levels(const affine_search *how, const float *x, float inverse, float min,
                          uint8_t *levels)
{
    for (int i = 0; i < how->n; i++)
        levels[i] = (uint8_t)k_clamp(k_nearest(inverse * (x[i] - min)), 0, how->top);
}

static float affine_error(const affine_search *how, const float *x, const float *w,
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
static line affine_fit(const affine_search *how, const float *x, const float *w, float sum_w,
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

/* Fills in levels and *min (its magnitude); returns the scale. */
static float search_affine(const affine_search *how, const float *x, uint8_t *levels,
                           float *min_out)
{
    float w[32] = {0.0f}, min = x[0], max = x[0];
    uint8_t tried[32];
    affine_weights(how, x, w);
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
        inverse = (how->first + 0.1f * (float)step + (float)how->top) / (max - min);
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

/* ---- without: q3_K, q6_K ---- */

static float first_extreme(const float *x, int n)
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

static sums signed_sums(const float *x, int n, int levels, float inverse, int8_t *l)
{
    sums s = {0.0f, 0.0f};
    for (int i = 0; i < n; i++) {
        l[i] = (int8_t)k_clamp(k_nearest(inverse * x[i]), -levels, levels - 1);
        float w = x[i] * x[i];
        s.xl += w * x[i] * (float)l[i];
        s.l2 += w * (float)l[i] * (float)l[i];
    }
    return s;
}

/* q6_K: nineteen scales are tried. */
static float search_scale(const float *x, int n, int levels, uint8_t *out)
{
    int8_t l[16];
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
        sums s = signed_sums(x, n, levels, inverse, l);
        if (step != -10 && !(s.l2 > 0.0f && s.xl * s.xl > best * s.l2))
            continue;
        scale = s.l2 != 0.0f ? s.xl / s.l2 : 0.0f;
        best = scale * s.xl;
        for (int i = 0; i < n; i++)
            out[i] = (uint8_t)(l[i] + levels);
    }
    return scale;
}

/* One pass over the levels, each set to what is best for it given the others; how many changed. */
static int improve_levels(const float *x, int n, int levels, int8_t *l, sums *s)
{
    int changed = 0;
    for (int i = 0; i < n; i++) {
        float w = x[i] * x[i], xl = s->xl - w * x[i] * (float)l[i];
        if (!(xl > 0.0f))
            continue;
        float l2 = s->l2 - w * (float)l[i] * (float)l[i];
        int better = k_clamp(k_nearest(x[i] * l2 / xl), -levels, levels - 1);
        if (better == l[i])
            continue;
        xl += w * x[i] * (float)better;
        l2 += w * (float)better * (float)better;
        if (l2 > 0.0f && xl * xl * s->l2 > s->xl * s->xl * l2) {
            l[i] = (int8_t)better;
            *s = (sums){xl, l2};
            changed++;
        }
    }
    return changed;
}

/* q3_K: one scale, then up to five rounds of single levels. */
static float search_levels(const float *x, int n, int levels, uint8_t *out)
{
    int8_t l[16];
    float extreme = first_extreme(x, n);
    if (fabsf(extreme) < K_LEAST_MAGNITUDE) {
        memset(out, 0, (size_t)n);
        return 0.0f;
    }
    sums s = signed_sums(x, n, levels, -(float)levels / extreme, l);
    for (int round = 0; round < 5 && improve_levels(x, n, levels, l, &s) > 0; round++)
        ;
    for (int i = 0; i < n; i++)
        out[i] = (uint8_t)(l[i] + levels);
    return s.l2 > 0.0f ? s.xl / s.l2 : 0.0f;
}

/* ---- super-blocks ---- */

AQ_INLINE float search(k_rule rule, const float *x, uint8_t *levels, float *min)
{
    static const affine_search q2 = {16, 3, -0.5f, 16, 1}, q4 = {32, 15, -1.0f, 21, 0},
                               q5 = {32, 31, -0.5f, 16, 0};
    *min = 0.0f;
    switch (rule.type) {
    case AQ_TYPE_Q3_K:
        return search_levels(x, rule.sub, rule.levels, levels);
    case AQ_TYPE_Q6_K:
        return search_scale(x, rule.sub, rule.levels, levels);
    default:
        return search_affine(rule.type == AQ_TYPE_Q2_K   ? &q2
                             : rule.type == AQ_TYPE_Q4_K ? &q4
                                                         : &q5,
                             x, levels, min);
    }
}

/* The levels that suit the scales as they are stored. */
AQ_INLINE void final_levels(k_rule rule, const float *x, const k_scales *s, uint8_t *levels)
{
    int is_signed = rule.type == AQ_TYPE_Q3_K || rule.type == AQ_TYPE_Q6_K;
    int low = is_signed ? -rule.levels : 0, high = is_signed ? rule.levels - 1 : rule.levels;
    for (int j = 0; j < SUPER / rule.sub; j++) {
        if (s->d[j] == 0.0f)
            continue;
        for (int i = j * rule.sub; i < (j + 1) * rule.sub; i++) {
            float v = is_signed ? x[i] / s->d[j] : (x[i] + s->dm[j]) / s->d[j];
            levels[i] = (uint8_t)(k_clamp(k_nearest(v), low, high) - low);
        }
    }
}

AQ_INLINE uint32_t quantize(k_rule rule, aq_dtype source, const void *src, size_t blocks, void *dst)
{
    const uint8_t *in = src;
    uint8_t *out = dst;
    uint32_t magnitude = 0;
    for (size_t b = 0; b < blocks; b++, in += SUPER * aq_source_bytes(source), out += rule.bytes) {
        float x[SUPER];
        uint8_t levels[SUPER];
        k_scales scales;
        for (size_t i = 0; i < SUPER; i++) {
            x[i] = aq_widen(source, in, i);
            magnitude = aq_max_u32(magnitude, aq_magnitude(x[i]));
        }
        for (int j = 0; j < SUPER / rule.sub; j++)
            scales.scale[j] = search(rule, x + j * rule.sub, levels + j * rule.sub, &scales.min[j]);
        if (!k_store_scales(rule, &scales, out))
            continue;
        final_levels(rule, x, &scales, levels);
        k_store_levels(rule, levels, out);
    }
    return magnitude;
}

#define DEFINE(TYPE, type, SOURCE, source)                                              \
    uint32_t aq_##type##_##source##_scalar(const void *src, size_t blocks, void *dst)   \
    {                                                                                   \
        return quantize((k_rule)AQ_K_RULE_##TYPE, AQ_DTYPE_##SOURCE, src, blocks, dst); \
    }
AQ_K_PAIRS(DEFINE)
