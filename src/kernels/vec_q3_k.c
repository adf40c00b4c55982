/* SPDX-License-Identifier: Apache-2.0
 * q3_K in vectors: compiled once for each ISA.
 *
 * Its search sets one level after the other to what suits the rest best, for five rounds or until a
 * round changes nothing. Of ordinary weights, four sub-blocks in five change nothing at all, which
 * can be told without the chain: until something changes, every level is weighed against the same
 * sums. So the lanes of a batch are first asked that, and only those that may change are gathered
 * into tiles of their own and searched as the scalar twin does. */
#include <config.h>

#include "k_signed.h"

/* ---- which lanes may change ---- */

/* The lanes where level i stays what it is. xl and l2 are the search's, bit for bit; the quotient
 * x * l2 / xl rounds to the level where it is nearer to it than 0.498, with room for the roundings
 * of this test. A quotient above the top level is clamped to it. */
AQ_INLINE vm level_stays(k_rule rule, int i, const k_tile *tile, const signed_state *s)
{
    vf x = tile->x[i], w = tile->w[i], l = tile->l[i];
    vf xl = v_sub(s->xl, v_mul(signed_wx(rule.sub, i, tile), l));
    vf l2 = v_sub(s->l2, v_mul(v_mul(w, l), l));
    vf most = v_mul(xl, v_set((float)rule.levels - 0.8f));
    vf distance = v_abs(v_sub(v_min(v_mul(x, l2), most), v_mul(l, xl)));
    /* the search passes over levels without which xl is not positive */
    vf near = v_select(v_gt(xl, v_set(0.0f)), v_mul(xl, v_set(0.498f)), v_set(0x1p127f));
    return v_gt(near, distance);
}

/* The lanes, a bit each, where some level may change. */
AQ_INLINE unsigned may_change(k_rule rule, const k_tile *tile, const signed_state *s)
{
    vm stays = level_stays(rule, 0, tile, s);
#pragma GCC unroll 4
    for (int i = 1; i < rule.sub; i++)
        stays = v_both(stays, level_stays(rule, i, tile, s));
    return ~v_mask_bits(stays) & ((1u << V_LANES) - 1);
}

/* a * b + c with one rounding or two, for sums that have room for either. */
AQ_INLINE vf roughly(vf a, vf b, vf c)
{
#ifdef V_HAS_FMA
    return v_fma(a, b, c);
#else
    return v_add(v_mul(a, b), c);
#endif
}

/* may_change of the levels that the search begins with, for half the work. They are the nearest to
 * v = x / scale', 1 / scale' the inverse that they come from, so each w x l has that inverse's sign
 * or is 0.
 *
 * Where it is negative, no xl without a level is positive, sums of one sign being monotone even
 * rounded, and the search passes over all levels.
 *
 * Where it is positive: x l2 - l xl, of the sums without level i, is what it is of those with it,
 * as x w l^2 cancels. So |v (L2 scale') - l XL| < 0.498 xl tells that the quotient rounds to l. All
 * roundings, of the search and here, together are below 80 2^-24 XL, a term being at most XL, and
 * the room left for them is 2^-14 XL; a dominant weight, without which xl is next to nothing, may
 * change then. A v above the top level is taken to be nearer to it: the true quotient is larger
 * still, and clamped. Sums so small or large that products of theirs could leave the range of
 * normal floats are left to the search. */
AQ_INLINE unsigned may_change_first(k_rule rule, const k_tile *tile, const signed_state *s)
{
    vf least = v_set(0x1p-90f), greatest = v_set(0x1p90f), zero = v_set(0.0f);
    vf inverse = s->best_inverse, ratio = v_div(s->l2, inverse), minus_xl = v_sub(zero, s->xl);
    vf room = v_mul(s->xl, v_set(-0x1p-14f)), top = v_set((float)rule.levels - 0.8f);
    vm stays = v_both(v_both(v_gt(s->xl, least), v_gt(greatest, s->xl)),
                      v_both(v_gt(s->l2, least), v_gt(greatest, s->l2)));
#pragma GCC unroll 4
    for (int i = 0; i < rule.sub; i++) {
        vf l = tile->l[i], v = v_min(v_mul(inverse, tile->x[i]), top);
        vf distance = roughly(v, ratio, v_mul(l, minus_xl));
        vf rest = roughly(signed_wx(rule.sub, i, tile), l, minus_xl);
        stays = v_both(stays, v_gt(roughly(rest, v_set(-0.498f), room), v_abs(distance)));
    }
    return ~(v_mask_bits(stays) | v_mask_bits(v_gt(zero, inverse))) & ((1u << V_LANES) - 1);
}

AQ_INLINE void finish_scales(int tiles, signed_state *s)
{
    vf zero = v_set(0.0f);
    for (int t = 0; t < tiles; t++)
        s[t].scale = v_select(v_gt(s[t].l2, zero), v_div(s[t].xl, s[t].l2), zero);
}

/* Tiles whose sums the registers hold side by side. */
enum { ABREAST = V_LANES == 8 ? 2 : 4 };

/* Not inlined, so that one serves all source dtypes. */
static __attribute__((noinline)) void find_q3_k(k_tile *tile, int first, k_found *found)
{
    k_rule rule = AQ_K_RULE_Q3_K;
    for (int from = 0; from < k_tiles(rule); from += ABREAST, first += ABREAST * V_LANES) {
        signed_state s[MOST_TILES];
        signed_first(rule, ABREAST, 0, 1, tile + from, s);
        for (int t = 0, lane = first; t < ABREAST; t++, lane += V_LANES) {
            unsigned open = may_change_first(rule, &tile[from + t], &s[t]);
            for (; open != 0; open &= open - 1)
                found->open[found->opens++] = (uint16_t)(lane + __builtin_ctz(open));
            v_store(found->xl + lane, s[t].xl);
            v_store(found->l2 + lane, s[t].l2);
        }
        finish_scales(ABREAST, s);
        store_found(ABREAST, s, first, found);
    }
}

/* ---- the search of those ---- */

/* Sets level i to what is best for it given the others; the lanes where that is another. */
AQ_INLINE vm improve_level(k_rule rule, int i, k_tile *tile, signed_state *s)
{
    vf zero = v_set(0.0f), x = tile->x[i], w = tile->w[i], wx = signed_wx(rule.sub, i, tile);
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

/* One round; the lanes that it changed, a bit each. */
AQ_INLINE void improve_levels(k_rule rule, int used, k_tile *tile, signed_state *s,
                              unsigned *changed)
{
    memset(changed, 0, MOST_TILES * sizeof *changed);
    for (int i = 0; i < rule.sub; i++) {
#pragma GCC unroll 4
        for (int t = 0; t < MOST_TILES; t++)
            if (t < used)
                changed[t] |= v_mask_bits(improve_level(rule, i, &tile[t], &s[t]));
    }
}

/* ---- the lanes that are gathered for a round ---- */

typedef struct gathered {
    int count; /* the lanes beyond are all zeros */
    uint16_t lane[MOST_TILES * V_LANES];
    float *level[MOST_TILES * V_LANES]; /* their rows of 16 */
} gathered;

AQ_INLINE gathered gather(const uint16_t *lane, int count, float *zeros, k_found *found)
{
    gathered g = {.count = count};
    for (int i = 0; i < MOST_TILES * V_LANES; i++) {
        g.lane[i] = i < count ? lane[i] : 0;
        g.level[i] = i < count ? found->level[lane[i]] : zeros;
    }
    return g;
}

AQ_INLINE vf gather_floats(const gathered *g, int tile, const float *from)
{
    float v[V_LANES];
    for (int i = 0; i < V_LANES; i++)
        v[i] = tile * V_LANES + i < g->count ? from[g->lane[tile * V_LANES + i]] : 0.0f;
    return v_load_f32(v);
}

/* Columns first..first + V_LANES of a tile's rows of levels, one row to a lane. */
AQ_INLINE void load_levels(const gathered *g, int t, int first, k_tile *tile)
{
    vi v[V_LANES];
#pragma GCC unroll 16
    for (int i = 0; i < V_LANES; i++)
        v[i] = v_load_bits(g->level[t * V_LANES + i] + first);
    transpose(v);
#pragma GCC unroll 16
    for (int i = 0; i < V_LANES; i++)
        tile->l[first + i] = v_from_bits(v[i]);
}

AQ_INLINE void store_levels(const gathered *g, int t, int first, const k_tile *tile)
{
    vi v[V_LANES];
#pragma GCC unroll 16
    for (int i = 0; i < V_LANES; i++)
        v[i] = v_bits(tile->l[first + i]);
    transpose(v);
    for (int i = 0; i < V_LANES && t * V_LANES + i < g->count; i++)
        v_store(g->level[t * V_LANES + i] + first, v_from_bits(v[i]));
}

/* A tile and its state as the search before this round has left them. */
AQ_INLINE void resume(k_rule rule, const gathered *g, int t, int round, const k_found *found,
                      k_tile *tile, signed_state *s)
{
    vf inverse = gather_floats(g, t, found->inverse);
    for (int i = 0; i < rule.sub; i++) {
        signed_weight(rule.sub, i, 0, tile);
        if (round == 0)
            tile->l[i] = signed_level(v_mul(inverse, tile->x[i]), rule.levels, PASSES_HIGH);
    }
    for (int first = 0; first < rule.sub && round > 0; first += V_LANES)
        load_levels(g, t, first, tile);
    s->xl = gather_floats(g, t, found->xl);
    s->l2 = gather_floats(g, t, found->l2);
}

/* What a round has made of a tile's lanes. */
AQ_INLINE void keep_round(k_rule rule, const gathered *g, int t, unsigned open, const k_tile *tile,
                          const signed_state *s, k_found *found)
{
    float scale[V_LANES], xl[V_LANES], l2[V_LANES];
    v_store(scale, s->scale);
    v_store(xl, s->xl);
    v_store(l2, s->l2);
    for (int first = 0; first < rule.sub; first += V_LANES)
        store_levels(g, t, first, tile);
    for (int i = 0; i < V_LANES && t * V_LANES + i < g->count; i++) {
        uint16_t lane = g->lane[t * V_LANES + i];
        found->scale[lane] = scale[i];
        found->xl[lane] = xl[i];
        found->l2[lane] = l2[i];
        found->searched[lane] = 1;
        if (open >> i & 1)
            found->open[found->opens++] = lane;
    }
}

/* A lane that changes nothing in a round changes nothing in the next ones either, and five rounds
 * are the most. */
static __attribute__((noinline)) void improve_q3_k(const float *x, const uint16_t *lane, int count,
                                                   int round, k_found *found)
{
    k_rule rule = AQ_K_RULE_Q3_K;
    k_tile tile[MOST_TILES];
    signed_state s[MOST_TILES];
    unsigned changed[MOST_TILES];
    float zeros[16] = {0};
    int used = (count + V_LANES - 1) / V_LANES;
    gathered g = gather(lane, count, zeros, found);
    for (int t = 0; t < used; t++) {
        (void)load_tile(AQ_DTYPE_F32, rule.sub, (const uint8_t *)(x + t * V_LANES * rule.sub),
                        &tile[t], v_set_bits(0));
        resume(rule, &g, t, round, found, &tile[t], &s[t]);
    }
    improve_levels(rule, used, tile, s, changed);
    finish_scales(used, s);
    for (int t = 0; t < used; t++) {
        unsigned open = round < 4 ? changed[t] & may_change(rule, &tile[t], &s[t]) : 0;
        keep_round(rule, &g, t, open, &tile[t], &s[t], found);
    }
}

static const k_search search_q3_k = {find_q3_k, improve_q3_k};

AQ_EACH_SOURCE(AQ_DEFINE_K, Q3_K, q3_k)
