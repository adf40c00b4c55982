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
    vf xl = v_sub(s->xl, v_mul(tile->l[i + rule.sub], l));
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

AQ_INLINE void finish_scales(int tiles, signed_state *s)
{
    vf zero = v_set(0.0f);
    for (int t = 0; t < tiles; t++)
        s[t].scale = v_select(v_gt(s[t].l2, zero), v_div(s[t].xl, s[t].l2), zero);
}

/* Not inlined, so that one serves all source dtypes. */
static __attribute__((noinline)) void find_q3_k(k_tile *tile, int first, k_found *found)
{
    k_rule rule = AQ_K_RULE_Q3_K;
    signed_state s[MOST_TILES];
    int tiles = k_tiles(rule);
    signed_first(rule, tiles, 1, tile, s);
    for (int t = 0; t < tiles; t++)
        for (unsigned open = may_change(rule, &tile[t], &s[t]); open != 0; open &= open - 1)
            found->open[found->opens++] = (uint16_t)(first + t * V_LANES + __builtin_ctz(open));
    finish_scales(tiles, s);
    store_found(tiles, s, first, found);
}

/* ---- the search of those ---- */

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

/* All levels of a tile, 16 bytes a lane, as signed numbers: the low byte of level + K_MAGIC. */
AQ_INLINE void store_levels(const k_tile *tile, uint8_t *out)
{
    enum { PARTS = 16 / V_LANES };
    vi v[PARTS][V_LANES];
#pragma GCC unroll 4
    for (int part = 0; part < PARTS; part++) {
#pragma GCC unroll 16
        for (int i = 0; i < V_LANES; i++)
            v[part][i] = v_bits(v_add(tile->l[part * V_LANES + i], v_set(K_MAGIC)));
        transpose(v[part]);
    }
#pragma GCC unroll 8
    for (int lane = 0; lane < V_LANES; lane += 2) {
        v_block two;
#pragma GCC unroll 8
        for (int i = 0; i < 2 * PARTS; i++)
            two.v[i] = v_from_bits(v[i % PARTS][lane + i / PARTS]);
        v_store_low_bytes(out + (size_t)lane * 16, two);
    }
}

/* The state of a search that a round before this one has left. */
AQ_INLINE void resume(k_rule rule, const float *l, const uint16_t *lane, int count, k_tile *tile,
                      signed_state *s, const k_found *found)
{
    float xl[V_LANES] = {0}, l2[V_LANES] = {0};
    vi v[V_LANES];
    *s = signed_start(rule.sub, tile);
    for (int first = 0; first < rule.sub; first += V_LANES) {
#pragma GCC unroll 16
        for (int i = 0; i < V_LANES; i++)
            v[i] = v_load_bits(l + i * rule.sub + first);
        transpose(v);
#pragma GCC unroll 16
        for (int i = 0; i < V_LANES; i++)
            tile->l[first + i] = v_from_bits(v[i]);
    }
    for (int i = 0; i < V_LANES && i < count; i++) {
        xl[i] = found->xl[lane[i]];
        l2[i] = found->l2[lane[i]];
    }
    s->xl = v_load_f32(xl);
    s->l2 = v_load_f32(l2);
}

/* What a round has made of a tile's lanes. */
AQ_INLINE void keep_round(const k_tile *tile, const signed_state *s, unsigned open,
                          const uint16_t *lane, int count, k_found *found)
{
    float scale[V_LANES], xl[V_LANES], l2[V_LANES];
    int8_t level[V_LANES][16];
    v_store(scale, s->scale);
    v_store(xl, s->xl);
    v_store(l2, s->l2);
    store_levels(tile, (uint8_t *)level[0]);
    for (int i = 0; i < V_LANES && i < count; i++) {
        found->scale[lane[i]] = scale[i];
        found->xl[lane[i]] = xl[i];
        found->l2[lane[i]] = l2[i];
        memcpy(found->level[lane[i]], level[i], sizeof level[i]);
        found->searched[lane[i]] = 1;
        if (open >> i & 1)
            found->open[found->opens++] = lane[i];
    }
}

/* A lane that changes nothing in a round changes nothing in the next ones either, and five rounds
 * are the most. */
static __attribute__((noinline)) void improve_q3_k(const float *x, const float *l,
                                                   const uint16_t *lane, int count, int round,
                                                   k_found *found)
{
    k_rule rule = AQ_K_RULE_Q3_K;
    k_tile tile[MOST_TILES];
    signed_state s[MOST_TILES];
    unsigned changed[MOST_TILES];
    int used = (count + V_LANES - 1) / V_LANES, of_tile = V_LANES * rule.sub;
    for (int t = 0; t < used; t++)
        (void)load_tile(AQ_DTYPE_F32, rule.sub, (const uint8_t *)(x + t * of_tile), &tile[t],
                        v_set_bits(0));
    if (round == 0)
        signed_first(rule, used, 1, tile, s);
    for (int t = 0; t < used && round > 0; t++)
        resume(rule, l + t * of_tile, lane + t * V_LANES, count - t * V_LANES, &tile[t], &s[t],
               found);
    improve_levels(rule, used, tile, s, changed);
    finish_scales(used, s);
    for (int t = 0; t < used; t++) {
        unsigned open = round < 4 ? changed[t] & may_change(rule, &tile[t], &s[t]) : 0;
        keep_round(&tile[t], &s[t], open, lane + t * V_LANES, count - t * V_LANES, found);
    }
}

static const k_search search_q3_k = {find_q3_k, improve_q3_k};

AQ_EACH_SOURCE(AQ_DEFINE_K, Q3_K, q3_k)
