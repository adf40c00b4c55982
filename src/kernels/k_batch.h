/* SPDX-License-Identifier: Apache-2.0
 * The K types in vectors: what their families share, from the weights to the blocks.
 *
 * The search of a sub-block is a chain of float sums whose order is part of the result, so each
 * lane does it for a sub-block of its own, exactly as the scalar twin does. A tile is one sub-block
 * per lane, transposed; a few tiles are searched side by side to hide the latency of the chains. */
#ifndef AQ_KERNELS_K_BATCH_H
#define AQ_KERNELS_K_BATCH_H

#include <math.h>

#include "k_tile.h"
#include "list.h"

/* ---- the levels in the end ---- */

/* The search's own levels of a sub-block, where the stored scale is 0. */
AQ_INLINE void own_levels(k_rule rule, aq_dtype source, int weighted, const uint8_t *src,
                          const k_found *found, int lane, uint8_t *levels)
{
    int low = k_low(rule), high = k_high(rule);
    float x[MOST_SUB];
    for (int i = 0; i < rule.sub; i++)
        x[i] = aq_widen(source, src, (size_t)i);
    if (rule.type == AQ_TYPE_Q3_K && !weighted) { /* which no one inverse gives */
        (void)aq_search_q3_k(x, levels);
        return;
    }
    for (int i = 0; i < rule.sub; i++) {
        /* k_nearest, as a level of weights that are not finite is no number */
        int l = k_clamp(k_nearest(found->inverse[lane] * (x[i] - found->base[lane])), low, high);
        levels[i] = found->inverse[lane] == 0.0f ? 0 : (uint8_t)(l - low);
    }
}

/* Whether all quotients of a super-block are far below 2^22, where k_literal is a conversion and a
 * clamp. The inverse that a sub-block's levels came from maps its largest weight to 33 at most. */
AQ_INLINE int is_ordinary(k_rule rule, const k_scales *scales, const k_found *found, int lane)
{
    unsigned all = (1u << V_LANES) - 1;
    if (!k_is_signed(rule))
        return 0;
    for (int j = 0; j < SUPER / rule.sub; j += V_LANES) {
        vf d = v_load_f32(scales->d + j), inverse = v_load_f32(found->inverse + lane + j);
        all &= v_mask_bits(v_gt(v_abs(v_mul(d, inverse)), v_set(0x1p-15f)));
    }
    return all == (1u << V_LANES) - 1;
}

/* Levels of a super-block of a signed type that is_ordinary. */
AQ_INLINE void ordinary_levels(k_rule rule, aq_dtype source, const uint8_t *src,
                               const k_scales *scales, uint8_t *levels)
{
    size_t size = aq_source_bytes(source);
    for (int first = 0; first < SUPER; first += 32) {
        v_block v;
#pragma GCC unroll 8
        for (int i = 0; i < 32 / V_LANES; i++) {
            int at = first + i * V_LANES;
            v.v[i] =
                v_div(v_load(source, src + (size_t)at * size), v_set(scales->d[at / rule.sub]));
        }
        v_store_packed(levels + first, 8, v_quantized(v, -rule.levels, 2 * rule.levels - 1));
    }
}

/* All levels of a super-block whose sub-blocks begin at `lane`, in order. */
AQ_INLINE void super_levels(k_rule rule, aq_dtype source, int weighted, const uint8_t *src,
                            const k_scales *scales, const k_found *found, int lane, uint8_t *levels)
{
    int low = k_low(rule), high = k_high(rule);
    size_t size = aq_source_bytes(source);
    if (__builtin_expect(is_ordinary(rule, scales, found, lane), 1)) {
        ordinary_levels(rule, source, src, scales, levels);
        return;
    }
    for (int first = 0; first < SUPER; first += 32) {
        v_block q;
#pragma GCC unroll 8
        for (int i = 0; i < 32 / V_LANES; i++) {
            int at = first + i * V_LANES, j = at / rule.sub;
            vf x = v_load(source, src + (size_t)at * size), d = v_set(scales->d[j]);
            vf v = v_div(k_is_signed(rule) ? x : v_add(x, v_set(scales->dm[j])), d);
            q.v[i] = v_from_bits(v_sub_s32(k_literal(v, low, high), v_set_bits((uint32_t)low)));
        }
        v_store_low_bytes(levels + first, q);
    }
    for (int j = 0; j < SUPER / rule.sub; j++)
        if (__builtin_expect(scales->d[j] == 0.0f, 0))
            own_levels(rule, source, weighted, src + (size_t)(j * rule.sub) * size, found, lane + j,
                       levels + j * rule.sub);
}

/* k_store_scales of a signed type whose scales are all finite and, the largest of them, no less
 * than what has a finite inverse; 0 where they are not, and nothing is stored. */
AQ_INLINE int store_signed_scales(k_rule rule, k_scales *s, uint8_t *out)
{
    int least = rule.type == AQ_TYPE_Q3_K ? -32 : -128;
    vi magnitude = v_set_bits(0);
    uint8_t stored[32];
    v_block v;
    for (int j = 0; j < MOST_SUBS; j += V_LANES)
        magnitude = v_max_u32(magnitude, v_bits(v_abs(v_load_f32(s->scale + j))));
    uint32_t most = v_greatest_u32(magnitude);
    if (most >= AQ_MAGNITUDE_INF || !(aq_f32_from_bits(most) >= K_LEAST_MAGNITUDE))
        return 0;
    unsigned extremes = 0;
    for (int j = 0; j < MOST_SUBS; j += V_LANES) {
        vi bits = v_bits(v_abs(v_load_f32(s->scale + j)));
        extremes |= v_mask_bits(v_eq_bits(bits, v_set_bits(most))) << j;
    }
    float inverse = (float)least / s->scale[__builtin_ctz(extremes)];
    for (int j = 0; j < 32; j += V_LANES)
        v.v[j / V_LANES] =
            j < MOST_SUBS ? v_mul(v_set(inverse), v_load_f32(s->scale + j)) : v_set(0.0f);
    v_store_packed(stored, 8, v_quantized(v, least, -2 * least - 1));
    if (rule.type == AQ_TYPE_Q3_K)
        k_pack_scales_signed_6(s, 1.0f / inverse, stored, out + 96);
    else
        k_pack_scales_8(s, 1.0f / inverse, stored, out + 192);
    return 1;
}

/* q3_K's scales with importances, whose own levels were searched for, too. */
AQ_INLINE void store_searched_scales(k_scales *s, float d, float inverse, uint8_t *out)
{
    uint8_t stored[32] = {0};
    v_block v;
    for (int j = 0; j < 32; j += V_LANES) {
        vf scale = j < MOST_SUBS ? v_load_f32(s->scale + j) : v_set(0.0f);
        vi level = k_literal(v_mul(v_set(inverse), scale), -32, 31);
        v.v[j / V_LANES] = v_from_bits(v_sub_s32(level, v_set_bits((uint32_t)-32)));
    }
    if (inverse != 0.0f)
        v_store_low_bytes(stored, v);
    k_pack_scales_signed_6(s, d, stored, out + 96);
}

AQ_INLINE void store_super(k_rule rule, aq_dtype source, int weighted, const uint8_t *src,
                           const k_found *found, int lane, uint8_t *out)
{
    k_scales scales;
    uint8_t levels[SUPER];
    memcpy(scales.scale, found->scale + lane, sizeof(float) * (size_t)(SUPER / rule.sub));
    memcpy(scales.min, found->min + lane, sizeof(float) * (size_t)(SUPER / rule.sub));
    int whole = 1, super = lane / (SUPER / rule.sub);
    if (weighted && rule.type == AQ_TYPE_Q3_K && !isnan(found->super_inverse[super]))
        store_searched_scales(&scales, found->super_scale[super], found->super_inverse[super], out);
    else if (weighted && rule.type != AQ_TYPE_Q6_K)
        whole = aq_weighted_scales(rule, &scales, found->count + lane, out);
    else if (!k_is_signed(rule) || !store_signed_scales(rule, &scales, out))
        whole = k_store_scales(rule, &scales, out);
    if (!whole)
        return;
    super_levels(rule, source, weighted, src, &scales, found, lane, levels);
    k_store_levels(rule, levels, out);
}

/* ---- batches of super-blocks ---- */

typedef struct k_search {
    /* Finds scales, and what the levels come from, for all lanes of a group, of which the first is
     * the batch's lane `first`. */
    void (*find)(k_tile *tile, int first, k_found *found);
    /* NULL, or what is left to be found once all `lanes` of the batch have been searched. */
    void (*finish)(int lanes, k_found *found);
} k_search;

AQ_INLINE vi quantize_batch(k_rule rule, aq_dtype source, k_search search, int groups,
                            const uint8_t *src, uint8_t *dst, vi magnitude)
{
    k_found found;
    k_open open; /* takes no room where it is not used */
    int tiles = k_tiles(rule);
    size_t size = aq_source_bytes(source), tile_bytes = (size_t)(V_LANES * rule.sub) * size;
    if (rule.type == AQ_TYPE_Q3_K) {
        open.count = 0;
        found.open = &open;
    }
    for (int g = 0; g < groups; g++) {
        k_tile tile[MOST_TILES];
        for (int t = 0; t < tiles; t++)
            magnitude = load_tile(source, rule.sub, src + (size_t)(g * tiles + t) * tile_bytes,
                                  &tile[t], magnitude);
        search.find(tile, g * tiles * V_LANES, &found);
    }
    if (search.finish != NULL)
        search.finish(groups * tiles * V_LANES, &found);
    for (size_t b = 0; b < k_group(rule) * (size_t)groups; b++)
        store_super(rule, source, 0, src + b * SUPER * size, &found, (int)b * (SUPER / rule.sub),
                    dst + b * rule.bytes);
    return magnitude;
}

/* A group of which only the beginning is asked for, filled up with zeros. */
typedef struct k_last {
    uint8_t in[MOST_TILES * V_LANES * MOST_SUB * 4], out[MOST_TILES * V_LANES * MOST_SUB];
} k_last;

AQ_INLINE void fill_last(k_last *last, const uint8_t *in, size_t bytes, size_t whole)
{
    memcpy(last->in, in, bytes);
    memset(last->in + bytes, 0, whole - bytes);
}

AQ_INLINE uint32_t quantize_k(k_rule rule, aq_dtype source, k_search search, const void *src,
                              size_t blocks, void *dst)
{
    const uint8_t *in = src;
    uint8_t *out = dst;
    size_t group = k_group(rule), stride = SUPER * aq_source_bytes(source), done;
    k_last last;
    vi magnitude = v_set_bits(0);
    for (; blocks > 0; blocks -= done, in += done * stride, out += done * rule.bytes) {
        size_t groups = blocks / group, most = (size_t)k_groups(rule);
        int whole = groups > 0;
        groups = groups < most ? groups : most;
        done = whole ? groups * group : blocks;
        if (!whole)
            fill_last(&last, in, done * stride, group * stride);
        magnitude = quantize_batch(rule, source, search, whole ? (int)groups : 1,
                                   whole ? in : last.in, whole ? out : last.out, magnitude);
        if (!whole)
            memcpy(out, last.out, done * rule.bytes);
    }
    return v_greatest_u32(magnitude);
}

#define AQ_DEFINE_K(TYPE, type, SOURCE, source)                                                    \
    uint32_t V_NAME(aq_##type##_##source)(const void *src, size_t blocks, void *dst)               \
    {                                                                                              \
        return quantize_k((k_rule)AQ_K_RULE_##TYPE, AQ_DTYPE_##SOURCE, search_##type, src, blocks, \
                          dst);                                                                    \
    }

#endif
