/* SPDX-License-Identifier: Apache-2.0
 * The types that heed importances, in vectors: as k_batch.h, but what a weight counts for is its
 * column's importance (q6_K), or that times its magnitude, smoothed by its super-block's or, in
 * blocks of 32, by its row's. */
#ifndef AQ_KERNELS_K_WEIGHTED_H
#define AQ_KERNELS_K_WEIGHTED_H

#include "k_batch.h"
#include "weighted_block.h"

/* The sum of so many squares, a multiple of 32. Its order is part of the result, so it is one
 * chain; those of several super-blocks overlap. */
AQ_INLINE float squares(aq_dtype source, const uint8_t *src, size_t n)
{
    float sum = 0.0f;
    for (size_t at = 0; at < n; at += BLOCK) {
        float x[BLOCK];
        for (size_t i = 0; i < BLOCK; i += V_LANES)
            v_store(x + i, v_load(source, src + (at + i) * aq_source_bytes(source)));
        for (int i = 0; i < BLOCK; i++)
            sum += x[i] * x[i];
    }
    return sum;
}

/* What the scalar twin takes for the surroundings of a super-block's weights. */
AQ_INLINE float surroundings(k_rule rule, aq_dtype source, const uint8_t *src)
{
    float sum = squares(source, src, SUPER);
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
    load_tile(AQ_DTYPE_F32, rule.sub, (const uint8_t *)(importance + first * rule.sub), &given);
    for (int i = 0; i < rule.sub; i++) {
        vf x = tile->x[i];
        tile->w[i] = rule.type == AQ_TYPE_Q6_K
                         ? given.x[i]
                         : v_mul(given.x[i], v_sqrt(v_add(smooth, v_mul(x, x))));
    }
}

/* Weights that are stored together. */
AQ_INLINE size_t stored_weights(k_rule rule)
{
    return rule.type < AQ_TYPE_Q2_K ? BLOCK : SUPER;
}

/* The search's own levels, which for a block of 32 are those that it keeps. */
AQ_INLINE void store_block(k_rule rule, aq_dtype source, const uint8_t *src, const k_found *found,
                           int lane, uint8_t *out)
{
    int low = k_low(rule), high = k_high(rule);
    vf inverse = v_set(found->inverse[lane]), base = v_set(found->base[lane]);
    uint8_t levels[BLOCK];
    v_block q;
#pragma GCC unroll 8
    for (int i = 0; i < BLOCK / V_LANES; i++) {
        vf x = v_load(source, src + (size_t)(i * V_LANES) * aq_source_bytes(source));
        vi level = k_literal(v_mul(inverse, v_sub(x, base)), low, high);
        q.v[i] = v_from_bits(v_sub_s32(level, v_set_bits((uint32_t)low)));
    }
    v_store_low_bytes(levels, q);
    if (found->inverse[lane] == 0.0f)
        memset(levels, 0, sizeof levels);
    store_weighted_block(rule, found->scale[lane], found->min[lane], levels, out);
}

/* row: what a block of 32 has around it. */
AQ_INLINE vi find_group(k_rule rule, aq_dtype source, k_search search, const uint8_t *src,
                        const float *importance, float row, int first, k_found *found, vi magnitude)
{
    k_tile tile[MOST_TILES];
    float around[MOST_TILES * V_LANES];
    size_t size = aq_source_bytes(source);
    for (size_t b = 0; b < k_group(rule); b++)
        around[b] = rule.type == AQ_TYPE_Q6_K ? 0.0f
                    : stored_weights(rule) == BLOCK
                        ? row
                        : surroundings(rule, source, src + b * SUPER * size);
    for (int t = 0; t < k_tiles(rule); t++) {
        size_t at = (size_t)(t * V_LANES * rule.sub);
        load_tile(source, rule.sub, src + at * size, &tile[t]);
        magnitude = tile_magnitude(&tile[t], magnitude);
        weigh(rule, around, t * V_LANES, importance, &tile[t]);
    }
    search.find(tile, first, found);
    return magnitude;
}

AQ_INLINE vi weighted_batch(k_rule rule, aq_dtype source, k_search search, size_t groups,
                            const uint8_t *src, const float *importance, float row, uint8_t *dst,
                            vi magnitude)
{
    k_found found;
    size_t size = aq_source_bytes(source), unit = stored_weights(rule);
    size_t group = k_group(rule) * SUPER;
    for (size_t g = 0; g < groups; g++)
        magnitude = find_group(rule, source, search, src + g * group * size, importance + g * group,
                               row, (int)(g * group) / rule.sub, &found, magnitude);
    if (search.finish != NULL)
        search.finish(source, src, (int)(groups * group) / rule.sub, &found);
    if (unit == SUPER)
        store_supers(rule, source, 1, (int)(groups * group / unit), src, &found, dst);
    else
        for (size_t b = 0; b < groups * group / unit; b++)
            store_block(rule, source, src + b * unit * size, &found, (int)b, dst + b * rule.bytes);
    return magnitude;
}

/* As quantize_k, for one row. */
AQ_INLINE uint32_t weighted_row(k_rule rule, aq_dtype source, k_search search, const void *src,
                                size_t cols, const float *importance, void *dst)
{
    const uint8_t *in = src;
    uint8_t *out = dst;
    size_t unit = stored_weights(rule), group = k_group(rule) * SUPER;
    size_t size = aq_source_bytes(source), done;
    float row = unit == BLOCK ? squares(source, in, cols) / (float)cols : 0.0f;
    k_last last;
    float weight[sizeof last.out];
    vi magnitude = v_set_bits(0);
    for (size_t at = 0; at < cols; at += done, out += done / unit * rule.bytes) {
        size_t groups = (cols - at) / group, most = (size_t)k_groups(rule);
        int whole = groups > 0;
        groups = groups < most ? groups : most;
        done = whole ? groups * group : cols - at;
        if (!whole) {
            fill_last(&last, in + at * size, done * size, group * size);
            memcpy(weight, importance + at, done * sizeof *weight);
            memset(weight + done, 0, (group - done) * sizeof *weight);
        }
        magnitude = weighted_batch(
            rule, source, search, whole ? groups : 1, whole ? in + at * size : last.in,
            whole ? importance + at : weight, row, whole ? out : last.out, magnitude);
        if (!whole)
            memcpy(out, last.out, done / unit * rule.bytes);
    }
    return v_greatest_u32(magnitude);
}

#define AQ_DEFINE_WEIGHTED(TYPE, type, SOURCE, source)                                         \
    uint32_t V_NAME(aq_weighted_##type##_##source)(const void *src, size_t cols,               \
                                                   const float *importance, void *dst)         \
    {                                                                                          \
        return weighted_row((k_rule)AQ_K_RULE_##TYPE, AQ_DTYPE_##SOURCE, weighted_##type, src, \
                            cols, importance, dst);                                            \
    }

#endif
