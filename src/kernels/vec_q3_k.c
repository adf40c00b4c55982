/* SPDX-License-Identifier: Apache-2.0
 * q3_K in vectors: compiled once for each ISA.
 *
 * Its search sets one level after the other to what suits the rest best, for five rounds or until a
 * round changes nothing. Of ordinary weights, four sub-blocks in five change nothing at all, which
 * can be told without the chain: until something changes, every level is weighed against the same
 * sums. So the lanes of a batch are first asked that, and only those that may change are packed
 * into tiles of their own and searched as the scalar twin does. */
#include <config.h>

#include "k_signed.h"

/* ---- which lanes may change ---- */

/* a * b + c with one rounding or two, for sums that have room for either. */
AQ_INLINE vf roughly(vf a, vf b, vf c)
{
#ifdef V_HAS_FMA
    return v_fma(a, b, c);
#else
    return v_add(v_mul(a, b), c);
#endif
}

/* The lanes, a bit each, where some level may change; `products`: the tile has w x l, not w x.
 *
 * Level l of weight x becomes the nearest to x l2 / xl, of the sums without it, and x l2 - l xl is
 * what it is of those with it, L2 and XL, as x w l^2 cancels. So |x L2 - l XL| < 0.498 xl tells
 * that the quotient rounds to l. An x L2 above the top level is taken to be nearer to it: the true
 * quotient is larger still, and clamped.
 *
 * All roundings, of the search and here, together are below 80 2^-24 times the largest of XL and
 * |w x l|. The room left for them is 2^-14 XL, so a dominant weight, without which xl is next to
 * nothing, may change; and where w x l is negative, which makes xl the larger, XL stands for it.
 * Sums so small or large that products of theirs could leave the range of normal floats are left
 * to the search.
 *
 * An inverse below 0 gives levels whose w x l are all negative or 0. No xl without a level is
 * positive then, sums of one sign being monotone even rounded, and the search passes over all. */
AQ_INLINE unsigned may_change(k_rule rule, int products, const k_tile *tile, const signed_state *s)
{
    vf least = v_set(0x1p-90f), greatest = v_set(0x1p90f), zero = v_set(0.0f);
    vf minus_xl = v_sub(zero, s->xl), room = v_mul(s->xl, v_set(-0x1p-14f));
    vf top = v_mul(s->xl, v_set((float)rule.levels - 0.8f));
    vm stays = v_both(v_both(v_gt(s->xl, least), v_gt(greatest, s->xl)),
                      v_both(v_gt(s->l2, least), v_gt(greatest, s->l2)));
#pragma GCC unroll 4
    for (int i = 0; i < rule.sub; i++) {
        vf l = tile->l[i], nearest = v_min(v_mul(tile->x[i], s->l2), top);
        vf distance = v_abs(roughly(l, minus_xl, nearest));
        vf wx = signed_wx(rule.sub, i, tile);
        vf minus_rest = v_max(products ? v_add(wx, minus_xl) : roughly(wx, l, minus_xl), minus_xl);
        stays = v_both(stays, v_gt(roughly(minus_rest, v_set(-0.498f), room), distance));
    }
    vm none = v_gt(zero, s->best_inverse);
    return ~(v_mask_bits(stays) | v_mask_bits(none)) & ((1u << V_LANES) - 1);
}

AQ_INLINE void finish_scales(int tiles, signed_state *s)
{
    vf zero = v_set(0.0f);
    for (int t = 0; t < tiles; t++)
        s[t].scale = v_select(v_gt(s[t].l2, zero), v_div(s[t].xl, s[t].l2), zero);
}

/* Tiles whose sums the registers hold side by side. */
enum { ABREAST = V_LANES == 8 ? 2 : 4 };

/* Levels of the plain scale, and their sums. What the weights count for is used only once here, so
 * the products w x l are kept where w x is otherwise. */
AQ_INLINE void plain_levels(k_rule rule, k_tile *tile, signed_state *s)
{
    vf id[ABREAST], xl[ABREAST], l2[ABREAST];
#pragma GCC unroll 4
    for (int t = 0; t < ABREAST; t++) {
        signed_start(rule.sub, 0, 0, &tile[t], &s[t]);
        id[t] = s[t].best_inverse = v_div(v_set(-(float)rule.levels), s[t].extreme);
        xl[t] = l2[t] = v_set(0.0f);
    }
#pragma GCC unroll 4
    for (int i = 0; i < rule.sub; i++) {
#pragma GCC unroll 4
        for (int t = 0; t < ABREAST; t++) {
            vf x = tile[t].x[i], w = v_mul(x, x);
            vf l = signed_level(v_mul(id[t], x), rule.levels, PASSES_HIGH);
            vf product = v_mul(v_mul(w, x), l);
            tile[t].l[i] = l;
            tile[t].l[MOST_SUB - rule.sub + i] = product;
            xl[t] = v_add(xl[t], product);
            l2[t] = v_add(l2[t], v_mul(v_mul(w, l), l));
        }
    }
#pragma GCC unroll 4
    for (int t = 0; t < ABREAST; t++) {
        s[t].xl = xl[t];
        s[t].l2 = l2[t];
    }
}

/* Puts the lanes of `open`, a bit each, behind the open ones; they may stand in those that the tile
 * was loaded from. */
AQ_INLINE void put_open(unsigned open, vi lane, const k_tile *tile, const signed_state *s,
                        int with_levels, k_open *to)
{
    int at = to->count;
    v_choice choice = v_choose(open);
    v_store_chosen(to->lane + at, v_from_bits(lane), choice);
    v_store_chosen(to->inverse + at, s->best_inverse, choice);
    v_store_chosen(to->xl + at, s->xl, choice);
    v_store_chosen(to->l2 + at, s->l2, choice);
#pragma GCC unroll 16
    for (int i = 0; i < 16; i++) {
        v_store_chosen(to->x[i] + at, tile->x[i], choice);
        if (with_levels)
            v_store_chosen(to->level[i] + at, tile->l[i], choice);
    }
    to->count += __builtin_popcount(open);
}

/* Not inlined, so that one serves all source dtypes. */
static __attribute__((noinline)) void find_q3_k(k_tile *tile, int first, k_found *found)
{
    k_rule rule = AQ_K_RULE_Q3_K;
    uint32_t number[V_LANES];
    for (int i = 0; i < V_LANES; i++)
        number[i] = (uint32_t)(first + i);
    vi lane = v_load_bits(number);
    for (int from = 0; from < k_tiles(rule); from += ABREAST, first += ABREAST * V_LANES) {
        signed_state s[MOST_TILES];
        plain_levels(rule, tile + from, s);
        for (int t = 0; t < ABREAST; t++) {
            unsigned open = may_change(rule, 1, &tile[from + t], &s[t]) & ~v_mask_bits(s[t].empty);
            put_open(open, lane, &tile[from + t], &s[t], 0, found->open);
            lane = v_sub_s32(lane, v_set_bits((uint32_t)-V_LANES));
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

/* ---- rounds ---- */

/* A tile of open lanes, and its state as the search before this round has left it. */
AQ_INLINE void resume(k_rule rule, const k_open *open, int at, int round, k_tile *tile,
                      signed_state *s)
{
    s->best_inverse = v_load_f32(open->inverse + at);
    s->xl = v_load_f32(open->xl + at);
    s->l2 = v_load_f32(open->l2 + at);
    for (int i = 0; i < rule.sub; i++) {
        tile->x[i] = v_load_f32(open->x[i] + at);
        signed_weight(rule.sub, i, 0, tile);
        tile->l[i] =
            round > 0 ? v_load_f32(open->level[i] + at)
                      : signed_level(v_mul(s->best_inverse, tile->x[i]), rule.levels, PASSES_HIGH);
    }
}

/* One round of the open lanes from..from + count, at most a group. */
AQ_INLINE void improve_group(int from, int count, int round, k_found *found)
{
    k_rule rule = AQ_K_RULE_Q3_K;
    k_tile tile[MOST_TILES];
    signed_state s[MOST_TILES];
    unsigned changed[MOST_TILES];
    int used = (count + V_LANES - 1) / V_LANES;
    for (int t = 0; t < used; t++)
        resume(rule, found->open, from + t * V_LANES, round, &tile[t], &s[t]);
    improve_levels(rule, used, tile, s, changed);
    finish_scales(used, s);
    for (int t = 0; t < used; t++) {
        int at = from + t * V_LANES, lanes = count - t * V_LANES;
        const uint32_t *lane = found->open->lane + at;
        float scale[V_LANES];
        v_store(scale, s[t].scale);
        for (int i = 0; i < V_LANES && i < lanes; i++)
            found->scale[lane[i]] = scale[i];
        if (round < 4)
            put_open(changed[t] & may_change(rule, 0, &tile[t], &s[t]), v_load_bits(lane), &tile[t],
                     &s[t], 1, found->open);
    }
}

/* Behind the last of `count` open lanes, as many that nothing changes as fill its tile. */
AQ_INLINE void fill_up(int count, k_open *open)
{
    vf zero = v_set(0.0f);
    v_store(open->inverse + count, zero);
    v_store(open->xl + count, zero);
    v_store(open->l2 + count, zero);
    for (int i = 0; i < 16; i++) {
        v_store(open->x[i] + count, zero);
        v_store(open->level[i] + count, zero);
    }
}

/* Rounds of all open lanes of a batch until there are none. One that changes nothing in a round
 * changes nothing in the next ones either, and five rounds are the most. */
static __attribute__((noinline)) void finish_q3_k(int lanes, k_found *found)
{
    (void)lanes;
    int most = k_tiles((k_rule)AQ_K_RULE_Q3_K) * V_LANES;
    for (int round = 0, count; (count = found->open->count) > 0; round++) {
        fill_up(count, found->open);
        found->open->count = 0;
        for (int from = 0; from < count; from += most)
            improve_group(from, count - from < most ? count - from : most, round, found);
    }
}

static const k_search search_q3_k = {find_q3_k, finish_q3_k};

AQ_EACH_SOURCE(AQ_DEFINE_K, Q3_K, q3_k)
