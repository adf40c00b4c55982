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

/* A vector of a super-block's weights, less what is stored as their least where the type has that:
 * what is divided by d. */
AQ_INLINE vf above_min(k_rule rule, aq_dtype source, const uint8_t *src, const k_scales *scales,
                       int at)
{
    vf x = v_load(source, src + (size_t)at * aq_source_bytes(source));
    return k_is_signed(rule) ? x : v_add(x, v_set(scales->dm[at / rule.sub]));
}

/* Levels of a super-block from products with 1 / d. 0, and nothing is found, where some quotient is
 * not near the levels, or next to a half, which a product cannot tell.
 *
 * A sum s of 192.5 and x fl(1 / d), rounded together, has 0x4300 plus its whole part, less 128, in
 * its high word from 128 to 256, and 2^16 times the rest in its low one. For a quotient of q, from
 * -64.5 to 63.5 then, the product is less than 2^-17.9 beside it and the sum rounded by 2^-17 at
 * most: less than 2^-16 together. So the nearest to q is the whole part less 192, unless the low
 * word is 0. Where it is not, q is more than 2^-18.1 beside a half, and so it is rounded: from -64
 * to 64, half its last place is 2^-19 at most, and below that all is the least level. */
AQ_INLINE int near_levels(k_rule rule, aq_dtype source, const uint8_t *src, const k_scales *scales,
                          uint8_t *levels)
{
    float inverses[MOST_SUBS];
    vi least = v_set_bits(0xffffffff), most = v_set_bits(0);
    for (int j = 0; j < SUPER / rule.sub; j++)
        inverses[j] = 1.0f / scales->d[j];
    for (int first = 0; first < SUPER; first += 32) {
        v_block s;
#pragma GCC unroll 8
        for (int i = 0; i < 32 / V_LANES; i++) {
            int at = first + i * V_LANES;
            vf x = above_min(rule, source, src, scales, at);
            s.v[i] = v_fma(x, v_set(inverses[at / rule.sub]), v_set(192.5f));
            least = v_min_u16(least, v_bits(s.v[i]));
            most = v_max_u16(most, v_bits(s.v[i]));
        }
        v_store_packed(levels + first, 8,
                       v_high_levels(s, 0x4340 + k_low(rule), k_high(rule) - k_low(rule)));
    }
    unsigned high_enough = v_mask_bits(v_eq_bits(v_max_u16(least, v_set_bits(0x43000001)), least));
    unsigned low_enough = v_mask_bits(v_eq_bits(v_min_u16(most, v_set_bits(0x437fffff)), most));
    return (high_enough & low_enough) == (1u << V_LANES) - 1;
}

/* All levels of a super-block whose sub-blocks begin at `lane`, in order. */
AQ_INLINE void super_levels(k_rule rule, aq_dtype source, int weighted, const uint8_t *src,
                            const k_scales *scales, const k_found *found, int lane, uint8_t *levels)
{
    int low = k_low(rule), high = k_high(rule);
    size_t size = aq_source_bytes(source);
    if (near_levels(rule, source, src, scales, levels))
        return;
    for (int first = 0; first < SUPER; first += 32) {
        v_block q;
#pragma GCC unroll 8
        for (int i = 0; i < 32 / V_LANES; i++) {
            int at = first + i * V_LANES;
            vf x = above_min(rule, source, src, scales, at);
            vf v = v_div(x, v_set(scales->d[at / rule.sub]));
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

/* What is stored of the scales, which become what is read of them; 0 where that is the whole
 * super-block. */
AQ_INLINE int store_scales(k_rule rule, int weighted, const k_found *found, int lane,
                           k_scales *scales, uint8_t *out)
{
    size_t subs = (size_t)(SUPER / rule.sub);
    memcpy(scales->scale, found->scale + lane, sizeof(float) * subs);
    if (!k_is_signed(rule))
        memcpy(scales->min, found->min + lane, sizeof(float) * subs);
    int super = lane / (SUPER / rule.sub);
    if (weighted && rule.type == AQ_TYPE_Q3_K && !isnan(found->super_inverse[super])) {
        store_searched_scales(scales, found->super_scale[super], found->super_inverse[super], out);
        return 1;
    }
    if (weighted && rule.type != AQ_TYPE_Q6_K)
        return aq_weighted_scales(rule, scales, found->count + lane, out);
    return (k_is_signed(rule) && store_signed_scales(rule, scales, out)) ||
           k_store_scales(rule, scales, out);
}

/* All that have been searched. Scales are a chain of their own, so the next ones are stored before
 * these levels. */
AQ_INLINE void store_supers(k_rule rule, aq_dtype source, int weighted, int count,
                            const uint8_t *src, const k_found *found, uint8_t *out)
{
    k_scales scales[2];
    int subs = SUPER / rule.sub, has_levels[2];
    for (int next = 0; next <= count; next++) {
        if (next < count)
            has_levels[next & 1] = store_scales(rule, weighted, found, next * subs,
                                                &scales[next & 1], out + (size_t)next * rule.bytes);
        int b = next - 1;
        if (b < 0 || !has_levels[b & 1])
            continue;
        uint8_t levels[SUPER];
        super_levels(rule, source, weighted, src + (size_t)b * SUPER * aq_source_bytes(source),
                     &scales[b & 1], found, b * subs, levels);
        k_store_levels(rule, levels, out + (size_t)b * rule.bytes);
    }
}

/* ---- batches of super-blocks ---- */

typedef struct k_search {
    /* Finds scales, and what the levels come from, for all lanes of a group, of which the first is
     * the batch's lane `first`. */
    void (*find)(k_tile *tile, int first, k_found *found);
    /* NULL, or what is left to be found once all `lanes` of the batch, whose weights begin at src,
     * have been searched. */
    void (*finish)(aq_dtype source, const uint8_t *src, int lanes, k_found *found);
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
        for (int t = 0; t < tiles; t++) {
            load_tile(source, rule.sub, src + (size_t)(g * tiles + t) * tile_bytes, &tile[t]);
            magnitude = tile_magnitude(&tile[t], magnitude);
        }
        search.find(tile, g * tiles * V_LANES, &found);
    }
    if (search.finish != NULL)
        search.finish(source, src, groups * tiles * V_LANES, &found);
    store_supers(rule, source, 0, (int)k_group(rule) * groups, src, &found, dst);
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
