/* SPDX-License-Identifier: Apache-2.0
 * The K types that have a minimum, in vectors: compiled once for each ISA. */
#include <config.h>

#include <limits.h>

#include "k_weighted.h"

/* absolute: a weight counts for its magnitude, and so does an error; weighted: for what the tile
 * has already. */
typedef struct affine_rule {
    int n, top, steps, absolute, weighted;
    float first, more;
} affine_rule;

typedef struct affine_state {
    vf min, max, low; /* low: the least weight (or 0), while min moves */
    vf sum_w, sum_x, best, scale, inverse;
    vf best_inverse, best_base;
} affine_state;

AQ_INLINE affine_state affine_start(affine_rule how, k_tile *tile)
{
    vf squares = v_set(0.0f), zero = v_set(0.0f);
    for (int i = 0; i < how.n && !how.absolute && !how.weighted; i++)
        squares = v_add(squares, v_mul(tile->x[i], tile->x[i]));
    vf base = v_sqrt(v_div(squares, v_set((float)how.n)));
    affine_state s = {.min = tile->x[0], .max = tile->x[0]};
    for (int i = 0; i < how.n; i++) {
        vf x = tile->x[i], w = how.weighted   ? tile->w[i]
                               : how.absolute ? v_abs(x)
                                              : v_add(base, v_abs(x));
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

/* Where quotients lie: anywhere; near the levels, so that k_ordinary holds; there, and once rounded
 * not above the last; or on numbers that the table has. */
typedef enum affine_reach { REACH_ANY, REACH_NEAR, REACH_BELOW, REACH_TABLE } affine_reach;

/* What maps the weights of all tiles to levels. */
typedef struct affine_map {
    vf inverse[MOST_TILES], min[MOST_TILES];
    const float *table;
} affine_map;

/* The levels of weight i of all tiles, side by side. */
AQ_INLINE void affine_level(affine_rule how, int tiles, affine_reach reach, const affine_map *map,
                            const k_tile *tile, int i, vf *level)
{
#pragma GCC unroll 4
    for (int t = 0; t < tiles; t++) {
        vf v = v_mul(map->inverse[t], v_sub(tile[t].x[i], map->min[t]));
        level[t] = reach == REACH_ANY     ? v_to_float(k_literal(v, 0, how.top))
                   : reach == REACH_TABLE ? v_look_up(map->table, v_bits(v_add(v, v_set(AQ_MAGIC))))
                   : reach == REACH_NEAR  ? k_ordinary(v, 0, how.top)
                                          : k_ordinary(v, 0, INT_MAX);
    }
}

/* Adds what they make. */
AQ_INLINE void affine_add(int tiles, int i, const vf *level, k_tile *tile, affine_sums *sum)
{
#pragma GCC unroll 4
    for (int t = 0; t < tiles; t++) {
        vf l = level[t], wl = v_mul(tile[t].w[i], l);
        tile[t].l[i] = l;
        sum[t].l = v_add(sum[t].l, wl);
        sum[t].l2 = v_add(sum[t].l2, v_mul(wl, l));
        sum[t].xl = v_add(sum[t].xl, v_mul(wl, tile[t].x[i]));
    }
}

AQ_INLINE void affine_levels(affine_rule how, int tiles, affine_reach reach, const float *table,
                             k_tile *tile, const affine_state *s, affine_sums *sums)
{
    affine_map map = {.table = table};
    affine_sums sum[MOST_TILES];
    vf level[LEVELS_AHEAD][MOST_TILES];
#pragma GCC unroll 4
    for (int t = 0; t < tiles; t++) {
        map.inverse[t] = s[t].inverse;
        map.min[t] = s[t].min;
        sum[t] = (affine_sums){v_set(0.0f), v_set(0.0f), v_set(0.0f)};
    }
#pragma GCC unroll 4
    for (int k = 0; k < LEVELS_AHEAD; k++)
        affine_level(how, tiles, reach, &map, tile, k, level[k]);
    for (int i = 0; i < how.n - LEVELS_AHEAD; i += LEVELS_AHEAD) {
#pragma GCC unroll 4
        for (int k = 0; k < LEVELS_AHEAD; k++) {
            affine_add(tiles, i + k, level[k], tile, sum);
            affine_level(how, tiles, reach, &map, tile, i + LEVELS_AHEAD + k, level[k]);
        }
    }
#pragma GCC unroll 4
    for (int k = 0; k < LEVELS_AHEAD; k++)
        affine_add(tiles, how.n - LEVELS_AHEAD + k, level[k], tile, sum);
#pragma GCC unroll 4
    for (int t = 0; t < tiles; t++)
        sums[t] = sum[t];
}

/* Whether all lanes lie above `low` and below `high`, as masks' bits. */
AQ_INLINE unsigned within(float low, vf least, vf greatest, float high)
{
    return v_mask_bits(v_gt(least, v_set(low))) & v_mask_bits(v_gt(v_set(high), greatest));
}

/* Rounding is monotone: no weight goes beyond where the ends of its sub-block do. A minimum above
 * all weights, which may be where next to none of them count, turns them around. An end is a NaN
 * only where that of the greatest weight is, which both v_min and v_max pass on. */
AQ_INLINE affine_reach affine_reach_of(affine_rule how, int tiles, const affine_state *s)
{
    int beyond = table_beyond(how.top);
    float top = (float)how.top, room = (float)beyond + 0.5f;
    unsigned all = (1u << V_LANES) - 1, near = all, below = all, table = beyond > 1 ? all : 0;
#pragma GCC unroll 4
    for (int t = 0; t < tiles; t++) {
        vf lowest = v_mul(s[t].inverse, v_sub(s[t].low, s[t].min));
        vf highest = v_mul(s[t].inverse, v_sub(s[t].max, s[t].min));
        vf least = v_min(lowest, highest), greatest = v_max(lowest, highest);
        near &= within(-8.0f, least, greatest, top + 8.0f);
        below &= within(-8.0f, least, greatest, top + 0.5f);
        table &= within(-room, least, greatest, top + room);
    }
    if (table == all)
        return REACH_TABLE;
    return below == all ? REACH_BELOW : near == all ? REACH_NEAR : REACH_ANY;
}

AQ_INLINE void affine_any_levels(affine_rule how, int tiles, const float *table, k_tile *tile,
                                 const affine_state *s, affine_sums *sums)
{
    affine_reach reach = affine_reach_of(how, tiles, s);
    if (reach == REACH_TABLE)
        affine_levels(how, tiles, REACH_TABLE, table, tile, s, sums);
    else if (reach == REACH_BELOW)
        affine_levels(how, tiles, REACH_BELOW, table, tile, s, sums);
    else if (reach == REACH_NEAR)
        affine_levels(how, tiles, REACH_NEAR, table, tile, s, sums);
    else
        affine_levels(how, tiles, REACH_ANY, table, tile, s, sums);
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
#pragma GCC unroll 4
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
    if (v_mask_bits(positive) != 0) {
        *scale = v_select(positive, v_div(sum.xl, sum.l2), *scale);
        *min = v_select(positive, zero, *min);
    }
    return v_gt(determinant, zero);
}

AQ_INLINE void affine_step(affine_rule how, int tiles, const float *table, float levels,
                           k_tile *tile, affine_state *s)
{
    affine_sums sums[MOST_TILES];
    vf scale[MOST_TILES], min[MOST_TILES], error[MOST_TILES];
    vm valid[MOST_TILES];
#pragma GCC unroll 4
    for (int t = 0; t < tiles; t++)
        s[t].inverse = v_div(v_set(levels), v_sub(s[t].max, s[t].min));
    affine_any_levels(how, tiles, table, tile, s, sums);
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

AQ_INLINE void search_affine(affine_rule how, int tiles, k_tile *tile, int first, k_found *found)
{
    affine_state s[MOST_TILES];
    affine_sums unused[MOST_TILES];
    vf scale[MOST_TILES], min[MOST_TILES], error[MOST_TILES], zero = v_set(0.0f);
    vm empty[MOST_TILES];
    float table[V_TABLE];
    fill_table(how.top, table);
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
    affine_any_levels(how, tiles, table, tile, s, unused);
    affine_errors(how, tiles, tile, scale, min, error);
    for (int t = 0; t < tiles; t++)
        s[t].best = error[t];
    for (int step = 0; step < how.steps; step++)
        affine_step(how, tiles, table, how.first + how.more * (float)step + (float)how.top, tile,
                    s);
    for (int t = 0, lane = first; t < tiles; t++, lane += V_LANES) {
        /* A constant sub-block: nothing was there to search, and `min` is still the start's. */
        vf least = v_select(empty[t], s[t].low, s[t].min);
        v_store(found->scale + lane, v_select(empty[t], zero, s[t].scale));
        v_store(found->min + lane, v_from_bits(v_xor(v_bits(least), v_set_bits(0x80000000))));
        v_store(found->inverse + lane, v_select(empty[t], zero, s[t].best_inverse));
        v_store(found->base + lane, s[t].best_base);
        if (how.weighted)
            v_store(found->count + lane, s[t].sum_w);
    }
}

/* Not inlined, so that one serves all source dtypes. */
#define DEFINE_FIND(name, TYPE, ...)                                                            \
    static __attribute__((noinline)) void name(k_tile *tile, int first, k_found *found)         \
    {                                                                                           \
        search_affine((affine_rule)__VA_ARGS__, k_tiles((k_rule)AQ_K_RULE_##TYPE), tile, first, \
                      found);                                                                   \
    }
DEFINE_FIND(find_q2_k, Q2_K, {16, 3, 16, 1, 0, -0.5f, 0.1f})
DEFINE_FIND(find_q4_k, Q4_K, {32, 15, 21, 0, 0, -1.0f, 0.1f})
DEFINE_FIND(find_q5_k, Q5_K, {32, 31, 16, 0, 0, -0.5f, 0.1f})
DEFINE_FIND(find_weighted_q2_k, Q2_K, {16, 3, 37, 0, 1, -0.9f, 0.05f})
DEFINE_FIND(find_weighted_q4_k, Q4_K, {32, 15, 37, 0, 1, -0.9f, 0.05f})
DEFINE_FIND(find_weighted_q5_k, Q5_K, {32, 31, 37, 0, 1, -0.9f, 0.05f})

static const k_search search_q2_k = {find_q2_k, NULL}, search_q4_k = {find_q4_k, NULL},
                      search_q5_k = {find_q5_k, NULL};
/* With importances, a sub-block of q4_K and a block of q4_1 are searched alike. */
static const k_search weighted_q2_k = {find_weighted_q2_k, NULL},
                      weighted_q4_k = {find_weighted_q4_k, NULL},
                      weighted_q5_k = {find_weighted_q5_k, NULL},
                      weighted_q4_1 = {find_weighted_q4_k, NULL},
                      weighted_q5_1 = {find_weighted_q5_k, NULL};

AQ_EACH_SOURCE(AQ_DEFINE_K, Q2_K, q2_k)
AQ_EACH_SOURCE(AQ_DEFINE_K, Q4_K, q4_k)
AQ_EACH_SOURCE(AQ_DEFINE_K, Q5_K, q5_k)

AQ_EACH_SOURCE(AQ_DEFINE_WEIGHTED, Q4_1, q4_1)
AQ_EACH_SOURCE(AQ_DEFINE_WEIGHTED, Q5_1, q5_1)
AQ_EACH_SOURCE(AQ_DEFINE_WEIGHTED, Q2_K, q2_k)
AQ_EACH_SOURCE(AQ_DEFINE_WEIGHTED, Q4_K, q4_k)
AQ_EACH_SOURCE(AQ_DEFINE_WEIGHTED, Q5_K, q5_k)
