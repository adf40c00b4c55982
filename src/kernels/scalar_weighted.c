/* SPDX-License-Identifier: Apache-2.0
 * Quantizing with an importance matrix: what a weight counts for is its column's importance times
 * its magnitude, smoothed by that of its surroundings. The order of every sum is ggml's. */
#include <config.h>

#include "list.h"
#include "scalar_search.h"
#include "weighted_block.h"

static const affine_search weighted_affine[] = {
    {16, 3, -0.9f, 0.05f, 37, 0}, {32, 15, -0.9f, 0.05f, 37, 0}, {32, 31, -0.9f, 0.05f, 37, 0}};

static const affine_search *affine_of(int top)
{
    return &weighted_affine[top == 3 ? 0 : top == 15 ? 1 : 2];
}

AQ_INLINE float squares(aq_dtype source, const void *src, size_t first, size_t n)
{
    float sum = 0.0f;
    for (size_t i = first; i < first + n; i++) {
        float x = aq_widen(source, src, i);
        sum += x * x;
    }
    return sum;
}

/* What n weights count for, where `around` is the mean square of their surroundings; their sum. */
static float count_for(const float *x, const float *importance, int n, float around, float *w)
{
    float sum = 0.0f;
    for (int i = 0; i < n; i++) {
        w[i] = importance[i] * sqrtf(around + x[i] * x[i]);
        sum += w[i];
    }
    return sum;
}

/* ---- scales of sub-blocks that are none of them negative, to levels of their own ---- */

static float weighted_error(const float *x, const float *w, int n, float inverse, int top)
{
    float scale = 1.0f / inverse, error = 0.0f;
    for (int i = 0; i < n; i++) {
        int l = k_nearest(inverse * x[i]);
        float diff = x[i] - scale * (float)(l < top ? l : top);
        error += w[i] * diff * diff;
    }
    return error;
}

/* The plain scale first, whose levels nothing holds below `top`, then eight others. */
static float best_inverse(const float *x, const float *w, int n, int top, float max)
{
    float inverse = (float)top / max, scale = 1.0f / inverse, best = 0.0f;
    for (int i = 0; i < n; i++) {
        float diff = x[i] - scale * (float)(uint8_t)k_nearest(inverse * x[i]);
        best += w[i] * diff * diff;
    }
    for (int step = -4; step <= 4; step++) {
        float tried = (0.1f * (float)step + (float)top) / max;
        float error = step == 0 ? best : weighted_error(x, w, n, tried, top);
        if (error < best) {
            best = error;
            inverse = tried;
        }
    }
    return inverse;
}

/* One pass over the levels, each set to what is best for it given the others; how many changed. */
static int improve_positive(const float *x, const float *w, int n, int top, uint8_t *l, sums *s)
{
    int changed = 0;
    for (int i = 0; i < n; i++) {
        float xl = s->xl - w[i] * x[i] * (float)l[i];
        float l2 = s->l2 - w[i] * (float)l[i] * (float)l[i];
        if (!(xl > 0.0f && l2 > 0.0f))
            continue;
        int better = k_nearest(x[i] * l2 / xl);
        better = better < top ? better : top;
        if (better == l[i])
            continue;
        xl += w[i] * x[i] * (float)better;
        l2 += w[i] * (float)better * (float)better;
        if (xl * xl * s->l2 > s->xl * s->xl * l2) {
            l[i] = (uint8_t)better;
            *s = (sums){xl, l2};
            changed++;
        }
    }
    return changed;
}

/* l has room for MOST_SUBS. */
static float search_positive(const float *x, const float *w, int n, int top, uint8_t *l)
{
    float max = k_greatest(x, n);
    memset(l, 0, MOST_SUBS);
    if (max < K_LEAST_MAGNITUDE)
        return 0.0f;
    float inverse = best_inverse(x, w, n, top, max);
    sums s = {0.0f, 0.0f};
    for (int i = 0; i < n; i++) {
        int level = k_nearest(inverse * x[i]);
        level = level < top ? level : top;
        l[i] = (uint8_t)level;
        s.xl += w[i] * x[i] * (float)level;
        s.l2 += w[i] * (float)level * (float)level;
    }
    for (int round = 0; round < 5 && improve_positive(x, w, n, top, l, &s) > 0; round++)
        ;
    return s.l2 > 0.0f ? s.xl / s.l2 : 0.0f;
}

/* ---- super-blocks ---- */

/* The sub-blocks' scales (and mins), and what each of them counts for. */
static void search_subs(k_rule rule, const float *x, const float *importance, uint8_t *levels,
                        k_scales *s, float *counts)
{
    float w[32], around = 0.0f;
    for (int i = 0; i < SUPER; i++)
        around += x[i] * x[i];
    around = (rule.type == AQ_TYPE_Q2_K ? around : 2.0f * around) / (float)SUPER;
    for (int j = 0; j < SUPER / rule.sub; j++) {
        int at = j * rule.sub;
        counts[j] = count_for(x + at, importance + at, rule.sub, around, w);
        s->min[j] = 0.0f;
        if (rule.type == AQ_TYPE_Q6_K)
            s->scale[j] = search_scale(x + at, importance + at, rule.sub, rule.levels, levels + at);
        else if (rule.type == AQ_TYPE_Q3_K)
            s->scale[j] = search_scale(x + at, w, rule.sub, rule.levels, levels + at);
        else
            s->scale[j] = search_affine(affine_of(rule.levels), x + at, w, levels + at, &s->min[j]);
    }
}

int aq_weighted_scales(k_rule rule, k_scales *s, const float *counts, uint8_t *out)
{
    uint8_t scales[MOST_SUBS], mins[MOST_SUBS];
    int n = SUPER / rule.sub, top = rule.type == AQ_TYPE_Q2_K ? 15 : 63;
    if (rule.type == AQ_TYPE_Q6_K)
        return k_store_scales(rule, s, out);
    if (rule.type == AQ_TYPE_Q3_K) {
        float d = search_scale(s->scale, counts, n, 32, scales);
        k_pack_scales_signed_6(s, d, scales, out + 96);
        return 1;
    }
    float d = search_positive(s->scale, counts, n, top, scales);
    float dmin = search_positive(s->min, counts, n, top, mins);
    /* A level below 0 has become one above 63 by now; ggml bounds q5_K's, and not q4_K's. */
    for (int j = 0; j < n && rule.type == AQ_TYPE_Q5_K; j++) {
        scales[j] = scales[j] < 63 ? scales[j] : 63;
        mins[j] = mins[j] < 63 ? mins[j] : 63;
    }
    if (rule.type != AQ_TYPE_Q2_K) {
        k_pack_scales_6(s, d, dmin, scales, mins, out);
        return 1;
    }
    for (int j = 0; j < n; j++)
        out[j] = (uint8_t)(scales[j] | mins[j] << 4);
    k_use_scales_4(s, d, dmin, out, out + 80);
    return 1;
}

AQ_INLINE uint32_t weighted_k(k_rule rule, aq_dtype source, const void *src, size_t cols,
                              const float *importance, void *dst)
{
    uint8_t *out = dst;
    uint32_t magnitude = 0;
    for (size_t at = 0; at < cols; at += SUPER, out += rule.bytes) {
        float x[SUPER], counts[MOST_SUBS];
        uint8_t levels[SUPER];
        k_scales scales;
        for (size_t i = 0; i < SUPER; i++) {
            x[i] = aq_widen(source, src, at + i);
            magnitude = aq_max_u32(magnitude, aq_magnitude(x[i]));
        }
        search_subs(rule, x, importance + at, levels, &scales, counts);
        if (!aq_weighted_scales(rule, &scales, counts, out))
            continue;
        final_levels(rule, x, &scales, levels);
        k_store_levels(rule, levels, out);
    }
    return magnitude;
}

/* ---- blocks of 32 ---- */

static void weighted_block(k_rule rule, const float *x, const float *w, uint8_t *out)
{
    uint8_t levels[BLOCK];
    float min = 0.0f, scale;
    if (k_is_signed(rule))
        scale = search_scale(x, w, BLOCK, rule.levels, levels);
    else
        scale = search_affine(affine_of(rule.levels), x, w, levels, &min);
    store_weighted_block(rule, scale, min, levels, out);
}

AQ_INLINE uint32_t weighted_blocks(k_rule rule, aq_dtype source, const void *src, size_t cols,
                                   const float *importance, void *dst)
{
    uint8_t *out = dst;
    uint32_t magnitude = 0;
    float around = squares(source, src, 0, cols) / (float)cols;
    for (size_t at = 0; at < cols; at += BLOCK, out += rule.bytes) {
        float x[BLOCK], w[BLOCK];
        for (size_t i = 0; i < BLOCK; i++) {
            x[i] = aq_widen(source, src, at + i);
            magnitude = aq_max_u32(magnitude, aq_magnitude(x[i]));
        }
        (void)count_for(x, importance + at, BLOCK, around, w);
        weighted_block(rule, x, w, out);
    }
    return magnitude;
}

/* ---- one function for each type and source ---- */

#define DEFINE_BLOCKS(TYPE, type, SOURCE, source)                                                  \
    static uint32_t weighted_##type##_##source(const void *src, size_t cols,                       \
                                               const float *importance, void *dst)                 \
    {                                                                                              \
        return weighted_blocks((k_rule)AQ_K_RULE_##TYPE, AQ_DTYPE_##SOURCE, src, cols, importance, \
                               dst);                                                               \
    }
AQ_WEIGHTED_BLOCK_PAIRS(DEFINE_BLOCKS)

#define DEFINE_K(TYPE, type, SOURCE, source)                                                  \
    static uint32_t weighted_##type##_##source(const void *src, size_t cols,                  \
                                               const float *importance, void *dst)            \
    {                                                                                         \
        return weighted_k((k_rule)AQ_K_RULE_##TYPE, AQ_DTYPE_##SOURCE, src, cols, importance, \
                          dst);                                                               \
    }
AQ_K_PAIRS(DEFINE_K)

aq_weighted_fn *aq_weighted_scalar(aq_type type, aq_dtype src)
{
#define ROW(TYPE, type, SOURCE, source) \
    {AQ_TYPE_##TYPE, AQ_DTYPE_##SOURCE, weighted_##type##_##source},
    static const struct {
        aq_type type;
        aq_dtype src;
        aq_weighted_fn *row;
    } table[] = {AQ_WEIGHTED_PAIRS(ROW)};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (table[i].type == type && table[i].src == src)
            return table[i].row;
    return NULL;
}
