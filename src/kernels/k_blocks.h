/* SPDX-License-Identifier: Apache-2.0
 * The K types in vectors: included by each ISA's file after its vec_*.h.
 *
 * The search of a sub-block is a chain of float sums whose order is part of the result, so each
 * lane does it for a sub-block of its own, exactly as the scalar twin does. A tile is one sub-block
 * per lane, transposed; a few tiles are searched side by side to hide the latency of the chains. */
#ifndef AQ_KERNELS_K_BLOCKS_H
#define AQ_KERNELS_K_BLOCKS_H

#include "k_store.h"
#include "list.h"

enum { MOST_SUB = 32, MOST_TILES = 4 };
enum { MOST_LANES = MOST_TILES * V_LANES };

typedef struct k_tile {
    vf x[MOST_SUB], w[MOST_SUB]; /* weight i of every lane's sub-block, and what it counts for */
    vf l[MOST_SUB];              /* its level in the step at hand; in the end, of q3_K, the best */
} k_tile;

/* What the search leaves behind for each sub-block. Its best levels are not kept, but can be had
 * again: inverse * (x - base), rounded. inverse is 0 where all levels are 0. */
typedef struct k_found {
    float scale[MOST_LANES], min[MOST_LANES], inverse[MOST_LANES], base[MOST_LANES];
} k_found;

/* Tiles that are searched side by side; at least a super-block. Four where every level waits for
 * the one before it and for a division (q3_K), else two. */
AQ_INLINE int k_tiles(k_rule rule)
{
    int whole = SUPER / rule.sub / V_LANES, least = rule.type == AQ_TYPE_Q3_K ? 4 : 2;
    return whole > least ? whole : least;
}

AQ_INLINE size_t k_batch(k_rule rule)
{
    return (size_t)(k_tiles(rule) * V_LANES * rule.sub / SUPER);
}

/* ---- transposing ---- */

#ifdef V_HAS_128_PAIRS
/* Quarters (or halves) q of four (two) vectors at a time: column q of their transpose. */
AQ_INLINE void transpose_128(vi *v, int stride)
{
    if (V_LANES == 8) {
        vi a = v[0], b = v[stride];
        v[0] = v_even_128(a, b);
        v[stride] = v_odd_128(a, b);
        return;
    }
    vi even_01 = v_even_128(v[0], v[stride]), odd_01 = v_odd_128(v[0], v[stride]);
    vi even_23 = v_even_128(v[2 * stride], v[3 * stride]);
    vi odd_23 = v_odd_128(v[2 * stride], v[3 * stride]);
    v[0] = v_even_128(even_01, even_23);
    v[stride] = v_even_128(odd_01, odd_23);
    v[2 * stride] = v_odd_128(even_01, even_23);
    v[3 * stride] = v_odd_128(odd_01, odd_23);
}
#endif

AQ_INLINE void transpose(vi v[V_LANES])
{
    for (int g = 0; g < V_LANES; g += 4) {
        vi low_01 = v_low_32(v[g], v[g + 1]), high_01 = v_high_32(v[g], v[g + 1]);
        vi low_23 = v_low_32(v[g + 2], v[g + 3]), high_23 = v_high_32(v[g + 2], v[g + 3]);
        v[g] = v_low_64(low_01, low_23);
        v[g + 1] = v_high_64(low_01, low_23);
        v[g + 2] = v_low_64(high_01, high_23);
        v[g + 3] = v_high_64(high_01, high_23);
    }
#ifdef V_HAS_128_PAIRS
    for (int c = 0; c < 4; c++)
        transpose_128(v + c, 4);
#endif
}

AQ_INLINE vi load_tile(aq_dtype source, int sub, const uint8_t *src, k_tile *tile, vi magnitude)
{
    for (int first = 0; first < sub; first += V_LANES) {
        vi v[V_LANES];
        for (int lane = 0; lane < V_LANES; lane++) {
            size_t at = (size_t)(lane * sub + first) * aq_source_bytes(source);
            v[lane] = v_bits(v_load(source, src + at));
            magnitude = v_max_u32(magnitude, v_and(v[lane], v_set_bits(0x7fffffff)));
        }
        transpose(v);
        for (int i = 0; i < V_LANES; i++)
            tile->x[first + i] = v_from_bits(v[i]);
    }
    return magnitude;
}

/* ---- rounding ---- */

#define K_MAGIC 12582912.0f

/* k_nearest and k_clamp of any value. */
AQ_INLINE vi k_literal(vf v, int low, int high)
{
    vi bits = v_and(v_bits(v_add(v, v_set(K_MAGIC))), v_set_bits(0x7fffff));
    vi level = v_sub_s32(bits, v_set_bits(0x400000));
    return v_min_s32(v_max_s32(level, v_set_bits((uint32_t)low)), v_set_bits((uint32_t)high));
}

/* The same, as floats, of values below 2^22: there the sum's bits are the level plus a constant. */
AQ_INLINE vf k_ordinary(vf v, int low, int high)
{
    uint32_t zero = 0x4b400000u;
    vi bits = v_bits(v_add(v, v_set(K_MAGIC)));
    bits = v_max_s32(bits, v_set_bits(zero + (uint32_t)low));
    bits = v_min_s32(bits, v_set_bits(zero + (uint32_t)high));
    return v_sub(v_from_bits(bits), v_set(K_MAGIC));
}

AQ_INLINE vf v_abs(vf v)
{
    return v_from_bits(v_and(v_bits(v), v_set_bits(0x7fffffff)));
}

/* ---- with a minimum: q2_K, q4_K, q5_K ---- */

typedef struct affine_rule {
    int n, top, steps, absolute;
    float first;
} affine_rule;

typedef struct affine_state {
    vf min, max, low; /* low: the least weight (or 0), while min moves */
    vf sum_w, sum_x, best, scale, inverse;
    vf best_inverse, best_base;
} affine_state;

AQ_INLINE affine_state affine_start(affine_rule how, k_tile *tile)
{
    vf squares = v_set(0.0f), zero = v_set(0.0f);
    for (int i = 0; i < how.n && !how.absolute; i++)
        squares = v_add(squares, v_mul(tile->x[i], tile->x[i]));
    vf base = v_sqrt(v_div(squares, v_set((float)how.n)));
    affine_state s = {.min = tile->x[0], .max = tile->x[0]};
    for (int i = 0; i < how.n; i++) {
        vf x = tile->x[i], w = how.absolute ? v_abs(x) : v_add(base, v_abs(x));
        tile->w[i] = w;
        s.min = v_min(x, s.min);
        s.max = v_max(x, s.max);
        s.sum_w = i == 0 ? w : v_add(s.sum_w, w);
        s.sum_x = i == 0 ? v_mul(w, x) : v_add(s.sum_x, v_mul(w, x));
    }
    s.min = v_select(v_gt(s.min, zero), zero, s.min);
    s.low = s.min;
    return s;
}

typedef struct affine_sums {
    vf l, l2, xl;
} affine_sums;

/* Levels of all tiles, side by side. */
AQ_INLINE void affine_levels(affine_rule how, int tiles, int literal, k_tile *tile,
                             const affine_state *s, affine_sums *sums)
{
    vf inverse[MOST_TILES], min[MOST_TILES];
    affine_sums sum[MOST_TILES];
#pragma GCC unroll 4
    for (int t = 0; t < tiles; t++) {
        inverse[t] = s[t].inverse;
        min[t] = s[t].min;
        sum[t] = (affine_sums){v_set(0.0f), v_set(0.0f), v_set(0.0f)};
    }
    for (int i = 0; i < how.n; i++) {
#pragma GCC unroll 4
        for (int t = 0; t < tiles; t++) {
            vf x = tile[t].x[i], v = v_mul(inverse[t], v_sub(x, min[t]));
            vf l = literal ? v_to_float(k_literal(v, 0, how.top)) : k_ordinary(v, 0, how.top);
            vf wl = v_mul(tile[t].w[i], l);
            tile[t].l[i] = l;
            sum[t].l = v_add(sum[t].l, wl);
            sum[t].l2 = v_add(sum[t].l2, v_mul(wl, l));
            sum[t].xl = v_add(sum[t].xl, v_mul(wl, x));
        }
    }
#pragma GCC unroll 4
    for (int t = 0; t < tiles; t++)
        sums[t] = sum[t];
}

/* Rounding is monotone: if the extremes stay near the levels, then so does every weight. */
AQ_INLINE int affine_is_ordinary(affine_rule how, int tiles, const affine_state *s)
{
    unsigned all = (1u << V_LANES) - 1;
#pragma GCC unroll 4
    for (int t = 0; t < tiles; t++) {
        vf least = v_mul(s[t].inverse, v_sub(s[t].low, s[t].min));
        vf greatest = v_mul(s[t].inverse, v_sub(s[t].max, s[t].min));
        all &= v_mask_bits(v_gt(least, v_set(-8.0f))) &
               v_mask_bits(v_gt(v_set((float)how.top + 8.0f), greatest));
    }
    return all == (1u << V_LANES) - 1;
}

AQ_INLINE void affine_any_levels(affine_rule how, int tiles, k_tile *tile, const affine_state *s,
                                 affine_sums *sums)
{
    if (__builtin_expect(affine_is_ordinary(how, tiles, s), 1))
        affine_levels(how, tiles, 0, tile, s, sums);
    else
        affine_levels(how, tiles, 1, tile, s, sums);
}

AQ_INLINE void affine_errors(affine_rule how, int tiles, const k_tile *tile, const vf *scale,
                             const vf *min, vf *errors)
{
    vf error[MOST_TILES], a[MOST_TILES], b[MOST_TILES];
#pragma GCC unroll 4
    for (int t = 0; t < tiles; t++) {
        error[t] = v_set(0.0f);
        a[t] = scale[t];
        b[t] = min[t];
    }
    for (int i = 0; i < how.n; i++) {
#pragma GCC unroll 4
        for (int t = 0; t < tiles; t++) {
            vf diff = v_sub(v_add(v_mul(a[t], tile[t].l[i]), b[t]), tile[t].x[i]);
            vf distance = how.absolute ? v_abs(diff) : v_mul(diff, diff);
            error[t] = v_add(error[t], v_mul(tile[t].w[i], distance));
        }
    }
#pragma GCC unroll 4
    for (int t = 0; t < tiles; t++)
        errors[t] = error[t];
}

/* The scale and minimum (at most 0) that suit the levels best; the lanes where there are any. */
AQ_INLINE vm affine_fit(const affine_state *s, affine_sums sum, vf *scale, vf *min)
{
    vf zero = v_set(0.0f);
    vf determinant = v_sub(v_mul(s->sum_w, sum.l2), v_mul(sum.l, sum.l));
    *scale = v_div(v_sub(v_mul(s->sum_w, sum.xl), v_mul(s->sum_x, sum.l)), determinant);
    *min = v_div(v_sub(v_mul(sum.l2, s->sum_x), v_mul(sum.l, sum.xl)), determinant);
    vm positive = v_gt(*min, zero);
    *scale = v_select(positive, v_div(sum.xl, sum.l2), *scale);
    *min = v_select(positive, zero, *min);
    return v_gt(determinant, zero);
}

AQ_INLINE void affine_step(affine_rule how, int tiles, float levels, k_tile *tile, affine_state *s)
{
    affine_sums sums[MOST_TILES];
    vf scale[MOST_TILES], min[MOST_TILES], error[MOST_TILES];
    vm valid[MOST_TILES];
#pragma GCC unroll 4
    for (int t = 0; t < tiles; t++)
        s[t].inverse = v_div(v_set(levels), v_sub(s[t].max, s[t].min));
    affine_any_levels(how, tiles, tile, s, sums);
#pragma GCC unroll 4
    for (int t = 0; t < tiles; t++)
        valid[t] = affine_fit(&s[t], sums[t], &scale[t], &min[t]);
    affine_errors(how, tiles, tile, scale, min, error);
#pragma GCC unroll 4
    for (int t = 0; t < tiles; t++) {
        vm better = v_both(valid[t], v_gt(s[t].best, error[t]));
        s[t].best = v_select(better, error[t], s[t].best);
        s[t].scale = v_select(better, scale[t], s[t].scale);
        s[t].best_inverse = v_select(better, s[t].inverse, s[t].best_inverse);
        s[t].best_base = v_select(better, s[t].min, s[t].best_base);
        s[t].min = v_select(better, min[t], s[t].min);
    }
}

AQ_INLINE void search_affine(affine_rule how, int tiles, k_tile *tile, k_found *found)
{
    affine_state s[MOST_TILES];
    affine_sums unused[MOST_TILES];
    vf scale[MOST_TILES], min[MOST_TILES], error[MOST_TILES], zero = v_set(0.0f);
    vm empty[MOST_TILES];
#pragma GCC unroll 4
    for (int t = 0; t < tiles; t++) {
        s[t] = affine_start(how, &tile[t]);
        empty[t] = v_eq(s[t].max, s[t].min);
        /* whatever comes of it, the other lanes must not be kept from the fast way */
        s[t].max = v_select(empty[t], v_set(1.0f), s[t].max);
        s[t].inverse = v_div(v_set((float)how.top), v_sub(s[t].max, s[t].min));
        s[t].best_inverse = s[t].inverse;
        s[t].best_base = min[t] = s[t].min;
        s[t].scale = scale[t] = v_div(v_set(1.0f), s[t].inverse);
    }
    affine_any_levels(how, tiles, tile, s, unused);
    affine_errors(how, tiles, tile, scale, min, error);
    for (int t = 0; t < tiles; t++)
        s[t].best = error[t];
    for (int step = 0; step < how.steps; step++)
        affine_step(how, tiles, how.first + 0.1f * (float)step + (float)how.top, tile, s);
    for (int t = 0; t < tiles; t++) {
        /* A constant sub-block: nothing was there to search, and `min` is still the start's. */
        vf least = v_select(empty[t], s[t].low, s[t].min);
        v_store(found->scale + t * V_LANES, v_select(empty[t], zero, s[t].scale));
        v_store(found->min + t * V_LANES,
                v_from_bits(v_xor(v_bits(least), v_set_bits(0x80000000))));
        v_store(found->inverse + t * V_LANES, v_select(empty[t], zero, s[t].best_inverse));
        v_store(found->base + t * V_LANES, s[t].best_base);
    }
}

/* ---- without: q3_K, q6_K ---- */

typedef struct signed_state {
    vf extreme, xl, l2, scale, best, best_inverse;
    vm empty;
} signed_state;

/* The first weight of largest magnitude; w and w * x of all of them. */
AQ_INLINE signed_state signed_start(int n, k_tile *tile)
{
    signed_state s = {.extreme = v_set(0.0f)};
    vf magnitude = v_set(0.0f);
    for (int i = 0; i < n; i++) {
        vf x = tile->x[i], m = v_abs(x);
        vm larger = v_gt(m, magnitude);
        magnitude = v_select(larger, m, magnitude);
        s.extreme = v_select(larger, x, s.extreme);
        tile->w[i] = v_mul(x, x);
        tile->l[i + n] = v_mul(tile->w[i], x); /* a sub-block of 16 leaves half of l unused */
    }
    s.empty = v_gt(v_set(K_LEAST_MAGNITUDE), magnitude);
    /* any scale will do for what is thrown away, but a harmless one is fast */
    s.extreme = v_select(s.empty, v_set(1.0f), s.extreme);
    return s;
}

/* Which ends of the levels a value of inverse * x may pass when rounded. */
enum { PASSES_NONE = 0, PASSES_HIGH = 1, PASSES_BOTH = 3 };

AQ_INLINE vf signed_level(vf v, int levels, int passes)
{
    uint32_t zero = 0x4b400000u;
    vi bits = v_bits(v_add(v, v_set(K_MAGIC)));
    if (passes == PASSES_BOTH)
        bits = v_max_s32(bits, v_set_bits(zero - (uint32_t)levels));
    if (passes != PASSES_NONE)
        bits = v_min_s32(bits, v_set_bits(zero + (uint32_t)levels - 1));
    return v_sub(v_from_bits(bits), v_set(K_MAGIC));
}

/* Sums for the levels of inverse * x. */
AQ_INLINE void signed_sums(k_rule rule, int tiles, int passes, int keep, k_tile *tile,
                           const vf *inverse, signed_state *s)
{
    vf id[MOST_TILES], xl[MOST_TILES], l2[MOST_TILES];
#pragma GCC unroll 4
    for (int t = 0; t < tiles; t++) {
        id[t] = inverse[t];
        xl[t] = l2[t] = v_set(0.0f);
    }
    for (int i = 0; i < rule.sub; i++) {
#pragma GCC unroll 4
        for (int t = 0; t < tiles; t++) {
            vf l = signed_level(v_mul(id[t], tile[t].x[i]), rule.levels, passes);
            xl[t] = v_add(xl[t], v_mul(tile[t].l[i + rule.sub], l));
            l2[t] = v_add(l2[t], v_mul(v_mul(tile[t].w[i], l), l));
            if (keep)
                tile[t].l[i] = l;
        }
    }
#pragma GCC unroll 4
    for (int t = 0; t < tiles; t++) {
        s[t].xl = xl[t];
        s[t].l2 = l2[t];
    }
}

AQ_INLINE void store_found(int tiles, const signed_state *s, k_found *found)
{
    vf zero = v_set(0.0f);
    for (int t = 0; t < tiles; t++) {
        v_store(found->scale + t * V_LANES, v_select(s[t].empty, zero, s[t].scale));
        v_store(found->inverse + t * V_LANES, v_select(s[t].empty, zero, s[t].best_inverse));
        v_store(found->min + t * V_LANES, zero);
        v_store(found->base + t * V_LANES, zero);
    }
}

AQ_INLINE void signed_step(k_rule rule, int tiles, int passes, int step, k_tile *tile,
                           signed_state *s)
{
    float levels = -((float)rule.levels + 0.1f * (float)step);
    vf inverse[MOST_TILES];
#pragma GCC unroll 4
    for (int t = 0; t < tiles; t++)
        inverse[t] = v_div(v_set(levels), s[t].extreme);
    signed_sums(rule, tiles, passes, 0, tile, inverse, s);
#pragma GCC unroll 4
    for (int t = 0; t < tiles; t++) {
        vm better = v_both(v_gt(s[t].l2, v_set(0.0f)),
                           v_gt(v_mul(s[t].xl, s[t].xl), v_mul(s[t].best, s[t].l2)));
        vf scale = v_div(s[t].xl, s[t].l2);
        s[t].scale = v_select(better, scale, s[t].scale);
        s[t].best = v_select(better, v_mul(scale, s[t].xl), s[t].best);
        s[t].best_inverse = v_select(better, inverse[t], s[t].best_inverse);
    }
}

/* The plain scale, which sets what others must beat. */
AQ_INLINE void signed_first(k_rule rule, int tiles, int keep, k_tile *tile, signed_state *s)
{
    vf inverse[MOST_TILES], zero = v_set(0.0f);
#pragma GCC unroll 4
    for (int t = 0; t < tiles; t++) {
        s[t] = signed_start(rule.sub, &tile[t]);
        inverse[t] = s[t].best_inverse = v_div(v_set(-(float)rule.levels), s[t].extreme);
    }
    signed_sums(rule, tiles, PASSES_HIGH, keep, tile, inverse, s);
#pragma GCC unroll 4
    for (int t = 0; t < tiles; t++) {
        s[t].scale = v_select(v_eq(s[t].l2, zero), zero, v_div(s[t].xl, s[t].l2));
        s[t].best = v_mul(s[t].scale, s[t].xl);
    }
}

AQ_INLINE void search_scale(k_rule rule, int tiles, k_tile *tile, k_found *found)
{
    signed_state s[MOST_TILES];
    signed_first(rule, tiles, 0, tile, s);
    /* The largest magnitude is mapped to 32 + step / 10: up to 31.4 rounds to a level of either
     * sign, up to 32.4 to one that only the negative side has. */
    for (int step = -9; step <= -6; step++)
        signed_step(rule, tiles, PASSES_NONE, step, tile, s);
    for (int step = -5; step <= 4; step++)
        if (step != 0)
            signed_step(rule, tiles, PASSES_HIGH, step, tile, s);
    for (int step = 5; step <= 9; step++)
        signed_step(rule, tiles, PASSES_BOTH, step, tile, s);
    store_found(tiles, s, found);
}

/* Sets level i to what is best for it given the others; the lanes where that is another. */
AQ_INLINE vm improve_level(k_rule rule, int i, k_tile *tile, signed_state *s)
{
    vf zero = v_set(0.0f), x = tile->x[i], w = tile->w[i], wx = tile->l[i + rule.sub];
    vf l = tile->l[i];
    vf xl = v_sub(s->xl, v_mul(wx, l)), l2 = v_sub(s->l2, v_mul(v_mul(w, l), l));
    vf other = v_to_float(k_literal(v_div(v_mul(x, l2), xl), -rule.levels, rule.levels - 1));
    vm better = v_both(v_gt(xl, zero), v_ne(other, l));
    xl = v_add(xl, v_mul(wx, other));
    l2 = v_add(l2, v_mul(v_mul(w, other), other));
    better = v_both(better, v_gt(l2, zero));
    better = v_both(better, v_gt(v_mul(v_mul(xl, xl), s->l2), v_mul(v_mul(s->xl, s->xl), l2)));
    tile->l[i] = v_select(better, other, l);
    s->xl = v_select(better, xl, s->xl);
    s->l2 = v_select(better, l2, s->l2);
    return better;
}

/* A lane that changes nothing in a round changes nothing in the next ones either; a tile of such
 * lanes is left alone. */
AQ_INLINE void search_levels(k_rule rule, int tiles, k_tile *tile, k_found *found)
{
    signed_state s[MOST_TILES];
    vf zero = v_set(0.0f);
    signed_first(rule, tiles, 1, tile, s);
    unsigned changed[MOST_TILES] = {1, 1, 1, 1}, any = 1;
    for (int round = 0; round < 5 && any != 0; round++) {
        unsigned active[MOST_TILES];
        memcpy(active, changed, sizeof active);
        memset(changed, 0, sizeof changed);
        for (int i = 0; i < rule.sub; i++) {
#pragma GCC unroll 4
            for (int t = 0; t < tiles; t++)
                if (active[t] != 0)
                    changed[t] |= v_mask_bits(improve_level(rule, i, &tile[t], &s[t]));
        }
        any = 0;
        for (int t = 0; t < tiles; t++)
            any |= changed[t];
    }
    for (int t = 0; t < tiles; t++)
        s[t].scale = v_select(v_gt(s[t].l2, zero), v_div(s[t].xl, s[t].l2), zero);
    store_found(tiles, s, found);
}

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

AQ_INLINE vi quantize_batch(k_rule rule, aq_dtype source, const uint8_t *src, uint8_t *dst,
                            vi magnitude)
{
    k_tile tile[MOST_TILES];
    k_found found;
    int tiles = k_tiles(rule);
    size_t size = aq_source_bytes(source);
    for (int t = 0; t < tiles; t++)
        magnitude = load_tile(source, rule.sub, src + (size_t)(t * V_LANES * rule.sub) * size,
                              &tile[t], magnitude);
    if (rule.type == AQ_TYPE_Q2_K)
        search_affine((affine_rule){16, 3, 16, 1, -0.5f}, tiles, tile, &found);
    else if (rule.type == AQ_TYPE_Q4_K)
        search_affine((affine_rule){32, 15, 21, 0, -1.0f}, tiles, tile, &found);
    else if (rule.type == AQ_TYPE_Q5_K)
        search_affine((affine_rule){32, 31, 16, 0, -0.5f}, tiles, tile, &found);
    else if (rule.type == AQ_TYPE_Q6_K)
        search_scale(rule, tiles, tile, &found);
    else
        search_levels(rule, tiles, tile, &found);
    for (size_t b = 0; b < k_batch(rule); b++)
        store_super(rule, source, src + b * SUPER * size, tile, &found, (int)b * (SUPER / rule.sub),
                    dst + b * rule.bytes);
    return magnitude;
}

/* Fewer super-blocks than a batch are quantized in a copy that zeros fill up. */
AQ_INLINE vi quantize_last(k_rule rule, aq_dtype source, const uint8_t *src, size_t blocks,
                           uint8_t *dst, vi magnitude)
{
    uint8_t in[MOST_LANES * MOST_SUB * 4] = {0}, out[MOST_LANES * MOST_SUB];
    memcpy(in, src, blocks * SUPER * aq_source_bytes(source));
    magnitude = quantize_batch(rule, source, in, out, magnitude);
    memcpy(dst, out, blocks * rule.bytes);
    return magnitude;
}

AQ_INLINE uint32_t quantize_k(k_rule rule, aq_dtype source, const void *src, size_t blocks,
                              void *dst)
{
    const uint8_t *in = src;
    uint8_t *out = dst;
    size_t batch = k_batch(rule), stride = SUPER * aq_source_bytes(source), b = 0;
    vi magnitude = v_set_bits(0);
    for (; b + batch <= blocks; b += batch)
        magnitude = quantize_batch(rule, source, in + b * stride, out + b * rule.bytes, magnitude);
    if (b < blocks)
        magnitude = quantize_last(rule, source, in + b * stride, blocks - b, out + b * rule.bytes,
                                  magnitude);
    return v_greatest_u32(magnitude);
}

#define AQ_DEFINE_K(TYPE, type, SOURCE, source)                                           \
    uint32_t V_NAME(aq_##type##_##source)(const void *src, size_t blocks, void *dst)      \
    {                                                                                     \
        return quantize_k((k_rule)AQ_K_RULE_##TYPE, AQ_DTYPE_##SOURCE, src, blocks, dst); \
    }

#endif
