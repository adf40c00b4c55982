/* SPDX-License-Identifier: Apache-2.0
 * The K types in vectors with importances: as k_batch.h, but what a weight counts for is its
 * column's importance (q6_K), or that times its magnitude, smoothed by the super-block's. */
#ifndef AQ_KERNELS_K_WEIGHTED_H
#define AQ_KERNELS_K_WEIGHTED_H

#include "k_batch.h"

/* What the scalar twin takes for the surroundings of a super-block's weights. The order of the sum
 * is part of the result, so it is one chain; those of several super-blocks overlap. */
AQ_INLINE float surroundings(k_rule rule, aq_dtype source, const uint8_t *src)
{
    float x[SUPER], sum = 0.0f;
    for (size_t i = 0; i < SUPER; i += V_LANES)
        v_store(x + i, v_load(source, src + i * aq_source_bytes(source)));
    for (int i = 0; i < SUPER; i++)
        sum += x[i] * x[i];
    return (rule.type == AQ_TYPE_Q2_K ? sum : 2.0f * sum) / (float)SUPER;
}

/* The lanes of a tile begin with sub-block `first` of the group. */
AQ_INLINE void weigh(k_rule rule, const float *around, int first, const float *importance,
                     k_tile *tile)
{
    k_tile given;
    float own[V_LANES];
    for (int lane = 0; lane < V_LANES; lane++)
        own[lane] = around[(first + lane) * rule.sub / SUPER];
    vf smooth = v_load_f32(own);
    (void)load_tile(AQ_DTYPE_F32, rule.sub, (const uint8_t *)(importance + first * rule.sub),
                    &given, v_set_bits(0));
    for (int i = 0; i < rule.sub; i++) {
        vf x = tile->x[i];
        tile->w[i] = rule.type == AQ_TYPE_Q6_K
                         ? given.x[i]
                         : v_mul(given.x[i], v_sqrt(v_add(smooth, v_mul(x, x))));
    }
}

typedef void k_find(k_tile *tile, int first, k_found *found);

AQ_INLINE vi weighted_group(k_rule rule, aq_dtype source, k_find *find, const uint8_t *src,
                            const float *importance, uint8_t *dst, vi magnitude)
{
    k_found found;
    k_tile tile[MOST_TILES];
    float around[MOST_TILES * V_LANES];
    size_t stride = SUPER * aq_source_bytes(source);
    for (size_t b = 0; b < k_group(rule); b++)
        around[b] = rule.type == AQ_TYPE_Q6_K ? 0.0f : surroundings(rule, source, src + b * stride);
    for (int t = 0; t < k_tiles(rule); t++) {
        size_t at = (size_t)(t * V_LANES * rule.sub);
        magnitude =
            load_tile(source, rule.sub, src + at * aq_source_bytes(source), &tile[t], magnitude);
        weigh(rule, around, t * V_LANES, importance, &tile[t]);
    }
    memset(found.searched, 0, (size_t)(k_tiles(rule) * V_LANES));
    find(tile, 0, &found);
    for (size_t b = 0; b < k_group(rule); b++)
        store_super(rule, source, 1, src + b * stride, &found, (int)b * (SUPER / rule.sub),
                    dst + b * rule.bytes);
    return magnitude;
}

/* Fewer super-blocks than a group, as in k_batch.h. */
AQ_INLINE vi weighted_last(k_rule rule, aq_dtype source, k_find *find, const uint8_t *src,
                           const float *importance, size_t blocks, uint8_t *dst, vi magnitude)
{
    enum { MOST_WEIGHTS = MOST_TILES * V_LANES * MOST_SUB };
    uint8_t in[MOST_WEIGHTS * 4] = {0}, out[MOST_WEIGHTS];
    float given[MOST_WEIGHTS] = {0};
    memcpy(in, src, blocks * SUPER * aq_source_bytes(source));
    memcpy(given, importance, blocks * SUPER * sizeof *given);
    magnitude = weighted_group(rule, source, find, in, given, out, magnitude);
    memcpy(dst, out, blocks * rule.bytes);
    return magnitude;
}

AQ_INLINE uint32_t weighted_row(k_rule rule, aq_dtype source, k_find *find, const void *src,
                                size_t cols, const float *importance, void *dst)
{
    const uint8_t *in = src;
    uint8_t *out = dst;
    size_t blocks = cols / SUPER, group = k_group(rule), stride = SUPER * aq_source_bytes(source);
    size_t b = 0;
    vi magnitude = v_set_bits(0);
    for (; b + group <= blocks; b += group)
        magnitude = weighted_group(rule, source, find, in + b * stride, importance + b * SUPER,
                                   out + b * rule.bytes, magnitude);
    if (b < blocks)
        magnitude = weighted_last(rule, source, find, in + b * stride, importance + b * SUPER,
                                  blocks - b, out + b * rule.bytes, magnitude);
    return v_greatest_u32(magnitude);
}

#define AQ_DEFINE_WEIGHTED(TYPE, type, SOURCE, source)                                         \
    uint32_t V_NAME(aq_weighted_##type##_##source)(const void *src, size_t cols,               \
                                                   const float *importance, void *dst)         \
    {                                                                                          \
        return weighted_row((k_rule)AQ_K_RULE_##TYPE, AQ_DTYPE_##SOURCE, find_weighted_##type, \
                            src, cols, importance, dst);                                       \
    }

#endif
