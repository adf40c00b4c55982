/* SPDX-License-Identifier: Apache-2.0
 * The K types without a minimum, in vectors: compiled once for each ISA. */
#include <config.h>

#include "k_batch.h"

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

/* Not inlined, so that one serves all source dtypes. */
static __attribute__((noinline)) void search_q3_k(k_tile *tile, k_found *found)
{
    k_rule rule = AQ_K_RULE_Q3_K;
    search_levels(rule, k_tiles(rule), tile, found);
}

static __attribute__((noinline)) void search_q6_k(k_tile *tile, k_found *found)
{
    k_rule rule = AQ_K_RULE_Q6_K;
    search_scale(rule, k_tiles(rule), tile, found);
}

AQ_K_SIGNED_PAIRS(AQ_DEFINE_K)
