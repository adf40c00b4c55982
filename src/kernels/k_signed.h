/* SPDX-License-Identifier: Apache-2.0
 * What the searches of the K types without a minimum begin with. */
#ifndef AQ_KERNELS_K_SIGNED_H
#define AQ_KERNELS_K_SIGNED_H

#include "k_batch.h"

typedef struct signed_state {
    vf extreme, xl, l2, scale, best, best_inverse;
    vf next; /* the next step's inverse */
    vm empty;
} signed_state;

/* The first weight of largest magnitude, where both signs have it. */
AQ_INLINE vf first_extreme(int n, const k_tile *tile)
{
    vf magnitude = v_set(0.0f), extreme = magnitude;
    for (int i = 0; i < n; i++) {
        vf x = tile->x[i], m = v_abs(x);
        vm larger = v_gt(m, magnitude);
        magnitude = v_select(larger, m, magnitude);
        extreme = v_select(larger, x, extreme);
    }
    return extreme;
}

/* Where w * x of weight i is: a sub-block of 16 leaves half of l unused; one of 32 needs its levels
 * kept nowhere. */
AQ_INLINE vf signed_wx(int n, int i, const k_tile *tile)
{
    return tile->l[MOST_SUB - n + i];
}

/* w, unless the tile has it already, and w * x of weight i. */
AQ_INLINE void signed_weight(int n, int i, int weighted, k_tile *tile)
{
    if (!weighted)
        tile->w[i] = v_mul(tile->x[i], tile->x[i]);
    tile->l[MOST_SUB - n + i] = v_mul(tile->w[i], tile->x[i]);
}

/* The first weight of largest magnitude, and, with `weigh`, what all of them count for. */
AQ_INLINE void signed_start(int n, int weigh, int weighted, k_tile *tile, signed_state *s)
{
    vf zero = v_set(0.0f), most = tile->most, least = tile->least;
    for (int i = 0; i < n && weigh; i++)
        signed_weight(n, i, weighted, tile);
    vf most_down = v_sub(zero, least);
    s->extreme = v_select(v_gt(most_down, most), least, most);
    unsigned tied = v_mask_bits(v_eq(most_down, most)) & ~v_mask_bits(v_eq(most, zero));
    if (__builtin_expect(tied != 0, 0))
        s->extreme = first_extreme(n, tile);
    s->empty = v_gt(v_set(K_LEAST_MAGNITUDE), v_abs(s->extreme));
    /* any scale will do for what is thrown away, but a harmless one is fast */
    s->extreme = v_select(s->empty, v_set(1.0f), s->extreme);
}

enum { FIRST_STEP = -9 };

/* Which ends of the levels a value of inverse * x may pass when rounded. */
enum { PASSES_NONE = 0, PASSES_HIGH = 1, PASSES_BOTH = 3 };

AQ_INLINE vf signed_level(vf v, int levels, int passes)
{
    return k_ordinary(v, passes == PASSES_BOTH ? -levels : INT_MIN,
                      passes != PASSES_NONE ? levels - 1 : INT_MAX);
}

/* Sums of all tiles, side by side. */
typedef struct signed_sum {
    vf xl[MOST_TILES], l2[MOST_TILES];
} signed_sum;

/* The levels of weight i. */
AQ_INLINE void signed_levels(k_rule rule, int tiles, int passes, const k_tile *tile,
                             const vf *inverse, int i, vf *level)
{
#pragma GCC unroll 4
    for (int t = 0; t < tiles; t++)
        level[t] = signed_level(v_mul(inverse[t], tile[t].x[i]), rule.levels, passes);
}

/* Adds what they make. */
AQ_INLINE void signed_add(k_rule rule, int tiles, int i, const vf *level, const k_tile *tile,
                          signed_sum *sum)
{
#pragma GCC unroll 4
    for (int t = 0; t < tiles; t++) {
        vf l = level[t], wx = signed_wx(rule.sub, i, &tile[t]);
        sum->xl[t] = v_add(sum->xl[t], v_mul(wx, l));
        sum->l2[t] = v_add(sum->l2[t], v_mul(v_mul(tile[t].w[i], l), l));
    }
}

/* Sums for the levels of inverse * x. */
AQ_INLINE void signed_sums(k_rule rule, int tiles, int passes, const k_tile *tile,
                           const vf *inverse, signed_state *s)
{
    vf id[MOST_TILES], level[LEVELS_AHEAD][MOST_TILES];
    signed_sum sum;
#pragma GCC unroll 4
    for (int t = 0; t < tiles; t++) {
        id[t] = inverse[t];
        sum.xl[t] = sum.l2[t] = v_set(0.0f);
    }
#pragma GCC unroll 4
    for (int k = 0; k < LEVELS_AHEAD; k++)
        signed_levels(rule, tiles, passes, tile, id, k, level[k]);
    for (int i = 0; i < rule.sub - LEVELS_AHEAD; i += LEVELS_AHEAD) {
#pragma GCC unroll 4
        for (int k = 0; k < LEVELS_AHEAD; k++) {
            signed_add(rule, tiles, i + k, level[k], tile, &sum);
            signed_levels(rule, tiles, passes, tile, id, i + LEVELS_AHEAD + k, level[k]);
        }
    }
#pragma GCC unroll 4
    for (int k = 0; k < LEVELS_AHEAD; k++)
        signed_add(rule, tiles, rule.sub - LEVELS_AHEAD + k, level[k], tile, &sum);
#pragma GCC unroll 4
    for (int t = 0; t < tiles; t++) {
        s[t].xl = sum.xl[t];
        s[t].l2 = sum.l2[t];
    }
}

AQ_INLINE void store_scale(const signed_state *s, float *scale, float *inverse)
{
    vf zero = v_set(0.0f);
    v_store(scale, v_select(s->empty, zero, s->scale));
    v_store(inverse, v_select(s->empty, zero, s->best_inverse));
}

AQ_INLINE void store_found(int tiles, const signed_state *s, int first, k_found *found)
{
    vf zero = v_set(0.0f);
    for (int t = 0, lane = first; t < tiles; t++, lane += V_LANES) {
        store_scale(&s[t], found->scale + lane, found->inverse + lane);
        v_store(found->min + lane, zero);
        v_store(found->base + lane, zero);
    }
}

/* The inverse that maps the largest magnitude to levels + step / 10. */
AQ_INLINE vf signed_inverse(k_rule rule, int step, const signed_state *s)
{
    return v_div(v_set(-((float)rule.levels + 0.1f * (float)step)), s->extreme);
}

/* The plain scale, which sets what others must beat. */
AQ_INLINE void signed_first(k_rule rule, int tiles, int weighted, k_tile *tile, signed_state *s)
{
    vf inverse[MOST_TILES], zero = v_set(0.0f);
#pragma GCC unroll 4
    for (int t = 0; t < tiles; t++) {
        signed_start(rule.sub, 1, weighted, &tile[t], &s[t]);
        inverse[t] = s[t].best_inverse = signed_inverse(rule, 0, &s[t]);
        s[t].next = signed_inverse(rule, FIRST_STEP, &s[t]);
    }
    signed_sums(rule, tiles, PASSES_HIGH, tile, inverse, s);
#pragma GCC unroll 4
    for (int t = 0; t < tiles; t++) {
        s[t].scale = v_select(v_eq(s[t].l2, zero), zero, v_div(s[t].xl, s[t].l2));
        s[t].best = v_mul(s[t].scale, s[t].xl);
    }
}

/* Meanwhile divides for step `after`, since the levels would wait for that. */
AQ_INLINE void signed_step(k_rule rule, int tiles, int passes, int after, const k_tile *tile,
                           signed_state *s)
{
    vf inverse[MOST_TILES];
#pragma GCC unroll 4
    for (int t = 0; t < tiles; t++) {
        inverse[t] = s[t].next;
        s[t].next = signed_inverse(rule, after, &s[t]);
    }
    signed_sums(rule, tiles, passes, tile, inverse, s);
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

/* Nineteen scales are tried. */
AQ_INLINE void search_scale(k_rule rule, int tiles, int weighted, k_tile *tile, signed_state *s)
{
    signed_first(rule, tiles, weighted, tile, s);
    /* The largest magnitude is mapped to levels + step / 10: up to levels - 0.6 rounds to a level
     * of either sign, up to levels + 0.4 to one that only the negative side has. */
    for (int step = FIRST_STEP; step <= -6; step++)
        signed_step(rule, tiles, PASSES_NONE, step + 1, tile, s);
    for (int step = -5; step <= 4; step++)
        if (step != 0) /* which was first */
            signed_step(rule, tiles, PASSES_HIGH, step == -1 ? 1 : step + 1, tile, s);
    for (int step = 5; step <= 9; step++)
        signed_step(rule, tiles, PASSES_BOTH, step + 1, tile, s);
}

#endif
