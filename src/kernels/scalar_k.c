/* SPDX-License-Identifier: Apache-2.0
 * Scalar twins of the K types. Each sub-block's scale is searched for by weighted least squares;
 * the order of every sum and product is ggml's, and so are the bytes. */
#include <config.h>

#include "list.h"
#include "scalar_search.h"

/* What each weight counts for; without a matrix that tells, its own magnitude does. */
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

/* One scale, then up to five rounds of single levels. */
float aq_search_q3_k(const float *x, uint8_t *out)
{
    k_rule rule = AQ_K_RULE_Q3_K;
    int n = rule.sub, levels = rule.levels;
    int8_t l[16];
    float extreme = first_extreme(x, n);
    if (fabsf(extreme) < K_LEAST_MAGNITUDE) {
        memset(out, 0, (size_t)n);
        return 0.0f;
    }
    float w[16];
    for (int i = 0; i < n; i++)
        w[i] = x[i] * x[i];
    sums s = signed_sums(x, w, n, levels, -(float)levels / extreme, l);
    for (int round = 0; round < 5 && improve_levels(x, n, levels, l, &s) > 0; round++)
        ;
    for (int i = 0; i < n; i++)
        out[i] = (uint8_t)(l[i] + levels);
    return s.l2 > 0.0f ? s.xl / s.l2 : 0.0f;
}

/* ---- super-blocks ---- */

AQ_INLINE float search(k_rule rule, const float *x, uint8_t *levels, float *min)
{
    static const affine_search q2 = {16, 3, -0.5f, 0.1f, 16, 1}, q4 = {32, 15, -1.0f, 0.1f, 21, 0},
                               q5 = {32, 31, -0.5f, 0.1f, 16, 0};
    const affine_search *how = rule.type == AQ_TYPE_Q2_K   ? &q2
                               : rule.type == AQ_TYPE_Q4_K ? &q4
                                                           : &q5;
    float w[32];
    *min = 0.0f;
    switch (rule.type) {
    case AQ_TYPE_Q3_K:
        return aq_search_q3_k(x, levels);
    case AQ_TYPE_Q6_K:
        for (int i = 0; i < rule.sub; i++)
            w[i] = x[i] * x[i];
        return search_scale(x, w, rule.sub, rule.levels, levels);
    default:
        affine_weights(how, x, w);
        return search_affine(how, x, w, levels, min);
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
