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

/* The search's own levels of sub-block j, where the stored scale is 0. */
AQ_INLINE void own_levels(k_rule rule, aq_dtype source, const uint8_t *src, const k_tile *tile,
                          const k_found *found, int lane, int low, int high, uint8_t *levels)
{
    float x[V_LANES];
    for (int i = 0; i < rule.sub; i++) {
        int l;
        if (rule.type == AQ_TYPE_Q3_K) {
            v_store(x, tile[lane / V_LANES].l[i]);
            l = (int)x[lane % V_LANES];
        } else {
            float v = aq_widen(source, src, (size_t)i) - found->base[lane];
            l = k_clamp(k_nearest(found->inverse[lane] * v), low, high);
        }
        levels[i] = found->inverse[lane] == 0.0f ? 0 : (uint8_t)(l - low);
    }
}

/* All levels of a super-block whose sub-blocks begin at `lane`, in order. */
AQ_INLINE void super_levels(k_rule rule, aq_dtype source, const uint8_t *src,
                            const k_scales *scales, const k_tile *tile, const k_found *found,
                            int lane, uint8_t *levels)
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
            own_levels(rule, source, src + (size_t)(j * rule.sub) * size, tile, found, lane + j,
                       low, high, levels + j * rule.sub);
}

AQ_INLINE void store_super(k_rule rule, aq_dtype source, const uint8_t *src, const k_tile *tile,
                           const k_found *found, int lane, uint8_t *out)
{
    k_scales scales;
    uint8_t levels[SUPER];
    memcpy(scales.scale, found->scale + lane, sizeof(float) * (size_t)(SUPER / rule.sub));
    memcpy(scales.min, found->min + lane, sizeof(float) * (size_t)(SUPER / rule.sub));
    if (!k_store_scales(rule, &scales, out))
        return;
    super_levels(rule, source, src, &scales, tile, found, lane, levels);
    k_store_levels(rule, levels, out);
}

/* ---- batches of super-blocks ---- */

/* Finds scales, and what the levels come from, for all lanes of the tiles. */
typedef void k_search_fn(k_tile *tile, k_found *found);

AQ_INLINE vi quantize_batch(k_rule rule, aq_dtype source, k_search_fn *search, const uint8_t *src,
                            uint8_t *dst, vi magnitude)
{
    k_tile tile[MOST_TILES];
    k_found found;
    int tiles = k_tiles(rule);
    size_t size = aq_source_bytes(source);
    for (int t = 0; t < tiles; t++)
        magnitude = load_tile(source, rule.sub, src + (size_t)(t * V_LANES * rule.sub) * size,
                              &tile[t], magnitude);
    search(tile, &found);
    for (size_t b = 0; b < k_batch(rule); b++)
        store_super(rule, source, src + b * SUPER * size, tile, &found, (int)b * (SUPER / rule.sub),
                    dst + b * rule.bytes);
    return magnitude;
}

/* Fewer super-blocks than a batch are quantized in a copy that zeros fill up. */
AQ_INLINE vi quantize_last(k_rule rule, aq_dtype source, k_search_fn *search, const uint8_t *src,
                           size_t blocks, uint8_t *dst, vi magnitude)
{
    uint8_t in[MOST_LANES * MOST_SUB * 4] = {0}, out[MOST_LANES * MOST_SUB];
    memcpy(in, src, blocks * SUPER * aq_source_bytes(source));
    magnitude = quantize_batch(rule, source, search, in, out, magnitude);
    memcpy(dst, out, blocks * rule.bytes);
    return magnitude;
}

AQ_INLINE uint32_t quantize_k(k_rule rule, aq_dtype source, k_search_fn *search, const void *src,
                              size_t blocks, void *dst)
{
    const uint8_t *in = src;
    uint8_t *out = dst;
    size_t batch = k_batch(rule), stride = SUPER * aq_source_bytes(source), b = 0;
    vi magnitude = v_set_bits(0);
    for (; b + batch <= blocks; b += batch)
        magnitude =
            quantize_batch(rule, source, search, in + b * stride, out + b * rule.bytes, magnitude);
    if (b < blocks)
        magnitude = quantize_last(rule, source, search, in + b * stride, blocks - b,
                                  out + b * rule.bytes, magnitude);
    return v_greatest_u32(magnitude);
}

#define AQ_DEFINE_K(TYPE, type, SOURCE, source)                                                    \
    uint32_t V_NAME(aq_##type##_##source)(const void *src, size_t blocks, void *dst)               \
    {                                                                                              \
        return quantize_k((k_rule)AQ_K_RULE_##TYPE, AQ_DTYPE_##SOURCE, search_##type, src, blocks, \
                          dst);                                                                    \
    }

#endif
