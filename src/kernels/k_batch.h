/* SPDX-License-Identifier: Apache-2.0
 * The K types in vectors: what their families share, from the weights to the blocks.
 *
 * The search of a sub-block is a chain of float sums whose order is part of the result, so each
 * lane does it for a sub-block of its own, exactly as the scalar twin does. A tile is one sub-block
 * per lane, transposed; a few tiles are searched side by side to hide the latency of the chains. */
#ifndef AQ_KERNELS_K_BATCH_H
#define AQ_KERNELS_K_BATCH_H

#include "k_tile.h"
#include "list.h"

/* ---- the levels in the end ---- */

/* The search's own levels of a sub-block, where the stored scale is 0. */
AQ_INLINE void own_levels(k_rule rule, aq_dtype source, const uint8_t *src, const k_found *found,
                          int lane, int low, int high, uint8_t *levels)
{
    for (int i = 0; i < rule.sub; i++) {
        float v = aq_widen(source, src, (size_t)i) - found->base[lane];
        int l = rule.type == AQ_TYPE_Q3_K && found->searched[lane]
                    ? found->level[lane][i]
                    : k_clamp(k_nearest(found->inverse[lane] * v), low, high);
        levels[i] = found->inverse[lane] == 0.0f ? 0 : (uint8_t)(l - low);
    }
}

/* All levels of a super-block whose sub-blocks begin at `lane`, in order. */
AQ_INLINE void super_levels(k_rule rule, aq_dtype source, const uint8_t *src,
                            const k_scales *scales, const k_found *found, int lane, uint8_t *levels)
{
    int is_signed = rule.type == AQ_TYPE_Q3_K || rule.type == AQ_TYPE_Q6_K;
    int low = is_signed ? -rule.levels : 0, high = is_signed ? rule.levels - 1 : rule.levels;
    size_t size = aq_source_bytes(source);
    for (int first = 0; first < SUPER; first += 32) {
        v_block q;
#pragma GCC unroll 8
        for (int i = 0; i < 32 / V_LANES; i++) {
            int at = first + i * V_LANES, j = at / rule.sub;
            vf x = v_load(source, src + (size_t)at * size), d = v_set(scales->d[j]);
            vf v = v_div(is_signed ? x : v_add(x, v_set(scales->dm[j])), d);
            q.v[i] = v_from_bits(v_sub_s32(k_literal(v, low, high), v_set_bits((uint32_t)low)));
        }
        v_store_low_bytes(levels + first, q);
    }
    for (int j = 0; j < SUPER / rule.sub; j++)
        if (__builtin_expect(scales->d[j] == 0.0f, 0))
            own_levels(rule, source, src + (size_t)(j * rule.sub) * size, found, lane + j, low,
                       high, levels + j * rule.sub);
}

AQ_INLINE void store_super(k_rule rule, aq_dtype source, int weighted, const uint8_t *src,
                           const k_found *found, int lane, uint8_t *out)
{
    k_scales scales;
    uint8_t levels[SUPER];
    memcpy(scales.scale, found->scale + lane, sizeof(float) * (size_t)(SUPER / rule.sub));
    memcpy(scales.min, found->min + lane, sizeof(float) * (size_t)(SUPER / rule.sub));
    if (!(weighted ? aq_weighted_scales(rule, &scales, found->count + lane, out)
                   : k_store_scales(rule, &scales, out)))
        return;
    super_levels(rule, source, src, &scales, found, lane, levels);
    k_store_levels(rule, levels, out);
}

/* ---- batches of super-blocks ---- */

typedef struct k_search {
    /* Finds scales, and what the levels come from, for all lanes of a group, of which the first is
     * the batch's lane `first`. */
    void (*find)(k_tile *tile, int first, k_found *found);
    /* NULL, or one more round of `count` lanes, at most a group, whose weights and levels are in
     * rows of 16; those that may change yet are put behind the open lanes. */
    void (*improve)(const float *x, const float *l, const uint16_t *lane, int count, int round,
                    k_found *found);
} k_search;

/* Rounds of all open lanes of the batch, gathered anew for each, until there are none. */
AQ_INLINE void improve_open(k_rule rule, aq_dtype source, k_search search, const uint8_t *src,
                            k_found *found)
{
    int most = k_tiles(rule) * V_LANES;
    size_t size = aq_source_bytes(source);
    for (int round = 0, opens; (opens = found->opens) > 0; round++) {
        found->opens = 0;
        for (int at = 0, count; at < opens; at += count) {
            float x[MOST_TILES * V_LANES][16], l[MOST_TILES * V_LANES][16];
            count = opens - at < most ? opens - at : most;
            for (int i = 0; i < count; i++) {
                int lane = found->open[at + i];
                const uint8_t *row = src + (size_t)lane * 16 * size;
                for (size_t j = 0; j < 16; j += V_LANES)
                    v_store(x[i] + j, v_load(source, row + j * size));
                for (int j = 0; j < 16 && round > 0; j++)
                    l[i][j] = found->level[lane][j];
            }
            memset(x[count], 0, sizeof x[0] * (size_t)(most - count));
            memset(l[count], 0, sizeof l[0] * (size_t)(most - count));
            search.improve(x[0], l[0], found->open + at, count, round, found);
        }
    }
}

AQ_INLINE vi quantize_batch(k_rule rule, aq_dtype source, k_search search, int groups,
                            const uint8_t *src, uint8_t *dst, vi magnitude)
{
    k_found found;
    int tiles = k_tiles(rule);
    size_t size = aq_source_bytes(source), tile_bytes = (size_t)(V_LANES * rule.sub) * size;
    found.opens = 0;
    if (search.improve != NULL)
        memset(found.searched, 0, sizeof found.searched);
    for (int g = 0; g < groups; g++) {
        k_tile tile[MOST_TILES];
        for (int t = 0; t < tiles; t++)
            magnitude = load_tile(source, rule.sub, src + (size_t)(g * tiles + t) * tile_bytes,
                                  &tile[t], magnitude);
        search.find(tile, g * tiles * V_LANES, &found);
    }
    if (search.improve != NULL)
        improve_open(rule, source, search, src, &found);
    for (size_t b = 0; b < k_group(rule) * (size_t)groups; b++)
        store_super(rule, source, 0, src + b * SUPER * size, &found, (int)b * (SUPER / rule.sub),
                    dst + b * rule.bytes);
    return magnitude;
}

/* Fewer super-blocks than a group are quantized in a copy that zeros fill up. */
AQ_INLINE vi quantize_last(k_rule rule, aq_dtype source, k_search search, const uint8_t *src,
                           size_t blocks, uint8_t *dst, vi magnitude)
{
    enum { MOST_WEIGHTS = MOST_TILES * V_LANES * MOST_SUB };
    uint8_t in[MOST_WEIGHTS * 4], out[MOST_WEIGHTS];
    size_t stride = SUPER * aq_source_bytes(source);
    memcpy(in, src, blocks * stride);
    memset(in + blocks * stride, 0, (k_group(rule) - blocks) * stride);
    magnitude = quantize_batch(rule, source, search, 1, in, out, magnitude);
    memcpy(dst, out, blocks * rule.bytes);
    return magnitude;
}

AQ_INLINE uint32_t quantize_k(k_rule rule, aq_dtype source, k_search search, const void *src,
                              size_t blocks, void *dst)
{
    const uint8_t *in = src;
    uint8_t *out = dst;
    size_t group = k_group(rule), stride = SUPER * aq_source_bytes(source), done;
    vi magnitude = v_set_bits(0);
    for (; blocks >= group; blocks -= done, in += done * stride, out += done * rule.bytes) {
        size_t groups = blocks / group, most = (size_t)k_groups(rule);
        groups = groups < most ? groups : most;
        done = groups * group;
        magnitude = quantize_batch(rule, source, search, (int)groups, in, out, magnitude);
    }
    if (blocks > 0)
        magnitude = quantize_last(rule, source, search, in, blocks, out, magnitude);
    return v_greatest_u32(magnitude);
}

#define AQ_DEFINE_K(TYPE, type, SOURCE, source)                                                    \
    uint32_t V_NAME(aq_##type##_##source)(const void *src, size_t blocks, void *dst)               \
    {                                                                                              \
        return quantize_k((k_rule)AQ_K_RULE_##TYPE, AQ_DTYPE_##SOURCE, search_##type, src, blocks, \
                          dst);                                                                    \
    }

#endif
