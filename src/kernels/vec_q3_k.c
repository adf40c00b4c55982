/* SPDX-License-Identifier: Apache-2.0
 * q3_K in vectors: compiled once for each ISA.
 *
 * Its search sets one level after the other to what suits the rest best, for five rounds or until a
 * round changes nothing. Of ordinary weights three levels in a hundred change, and in four
 * sub-blocks of five none. Which may change can be told for all levels of a sub-block at once, and
 * without a division, until one does. So tiles of sub-blocks are asked that. Where some level may
 * change, the first such is searched for as the scalar twin does, a vector of sub-blocks at a time,
 * and each of those is asked again. */
#include <config.h>

#include "k_signed.h"

/* ---- which levels may change ---- */

/* Level l of weight x becomes the nearest to x l2 / xl, of the sums without it, and x l2 - l xl is
 * what it is of those with it, L2 and XL, as x w l^2 cancels. So where w x l is p XL,
 * |x L2 / XL - l| < 0.4999 (1 - p) tells that the quotient rounds to l. A quotient above the top
 * level is taken to be nearer to it: the true one is above it, too, and clamped.
 *
 * All roundings, of the search and here, together are below 2^-17 (1 + |p|). The room left for them
 * is 2^-14, so a dominant weight, without which xl is next to nothing, may change; and where p is
 * below 0, another 0.0001 (1 + |p|). Where the sums are so small or large that what is made of them
 * may not be a normal float, every level may change: no comparison with a NaN holds. (L2 / XL
 * itself may still be next to 0, but x times its error is 2^-22 at most then.) */
typedef struct level_test {
    vf to_level, share; /* L2 / XL, and -0.4999 / XL or a NaN */
} level_test;

AQ_INLINE level_test test_of_sums(vf xl, vf l2)
{
    vf inverse = v_div(v_set(1.0f), xl), to_level = v_mul(l2, inverse);
    vf least = v_set(0x1p-120f), most = v_set(0x1p120f);
    vm fits =
        v_both(v_both(v_gt(xl, least), v_gt(most, xl)), v_both(v_gt(l2, least), v_gt(most, l2)));
    vf share = v_select(fits, v_mul(inverse, v_set(-0.4999f)), v_set(NAN));
    return (level_test){to_level, share};
}

/* wxl: w x l. */
AQ_INLINE vm stays(k_rule rule, level_test test, vf x, vf l, vf wxl)
{
    vf nearest = v_min(v_mul(x, test.to_level), v_set((float)rule.levels - 0.8f));
    return v_gt(v_fma(wxl, test.share, v_set(0.4999f - 0x1p-14f)), v_abs(v_sub(nearest, l)));
}

/* ---- the levels of the plain scale ---- */

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
        vf zero = v_set(0.0f);
        s[t].xl = xl[t];
        s[t].l2 = l2[t];
        s[t].scale = v_select(v_gt(l2[t], zero), v_div(xl[t], l2[t]), zero);
    }
}

/* Puts the lanes where some level may change behind the open ones.
 *
 * An inverse below 0 gives levels whose w x l are all negative or 0. No xl without a level is
 * positive then, sums of one sign being monotone even rounded, and the search passes over all. */
AQ_INLINE void put_open(k_rule rule, vi lane, const k_tile *tile, const signed_state *s, k_open *to)
{
    level_test test = test_of_sums(s->xl, s->l2);
    vm all = v_eq(s->xl, s->xl); /* every lane, but where that is a NaN */
#pragma GCC unroll 4
    for (int i = 0; i < rule.sub; i++) {
        vf wxl = signed_wx(rule.sub, i, tile);
        all = v_both(all, stays(rule, test, tile->x[i], tile->l[i], wxl));
    }
    unsigned none = v_mask_bits(v_gt(v_set(0.0f), s->best_inverse)) | v_mask_bits(s->empty);
    unsigned open = ~(v_mask_bits(all) | none) & ((1u << V_LANES) - 1);
    v_choice choice = v_choose(open);
    int at = to->count;
    v_store_chosen(to->lane + at, v_from_bits(lane), choice);
    v_store_chosen(to->xl + at, s->xl, choice);
    v_store_chosen(to->l2 + at, s->l2, choice);
    v_store_chosen(to->to_level + at, test.to_level, choice);
    v_store_chosen(to->share + at, test.share, choice);
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
            put_open(rule, lane, &tile[from + t], &s[t], found->open);
            lane = v_sub_s32(lane, v_set_bits((uint32_t)-V_LANES));
        }
        store_found(ABREAST, s, first, found);
    }
}

/* ---- one level of each open sub-block ---- */

/* Sets the levels at hand of open sub-blocks from..from + V_LANES to what is best for them given
 * the others. */
AQ_INLINE void improve_levels(k_rule rule, int from, k_open *open)
{
    vf zero = v_set(0.0f), x = v_load_f32(open->x + from), l = v_load_f32(open->level + from);
    vf all_xl = v_load_f32(open->xl + from), all_l2 = v_load_f32(open->l2 + from);
    vf w = v_mul(x, x), wx = v_mul(w, x);
    vf xl = v_sub(all_xl, v_mul(wx, l)), l2 = v_sub(all_l2, v_mul(v_mul(w, l), l));
    vf other = v_to_float(k_literal(v_div(v_mul(x, l2), xl), -rule.levels, rule.levels - 1));
    vm better = v_both(v_gt(xl, zero), v_ne(other, l));
    xl = v_add(xl, v_mul(wx, other));
    l2 = v_add(l2, v_mul(v_mul(w, other), other));
    better = v_both(better, v_gt(l2, zero));
    better = v_both(better, v_gt(v_mul(v_mul(xl, xl), all_l2), v_mul(v_mul(all_xl, all_xl), l2)));
    xl = v_select(better, xl, all_xl);
    l2 = v_select(better, l2, all_l2);
    level_test test = test_of_sums(xl, l2);
    v_store(open->level + from, v_select(better, other, l));
    v_store(open->xl + from, xl);
    v_store(open->l2 + from, l2);
    v_store(open->to_level + from, test.to_level);
    v_store(open->share + from, test.share);
    v_store(open->scale + from, v_select(v_gt(l2, zero), v_div(xl, l2), zero));
}

/* Puts them where they belong. */
AQ_INLINE void put_levels(k_open *open, k_found *found)
{
    for (int k = 0; k < open->count; k++) {
        unsigned turn = open->turn[k], row = open->row[k];
        float *level = &open->rows[row].level[turn % 16];
        open->last[k] = *level == open->level[k] ? open->last[k] : (uint8_t)turn;
        *level = open->level[k];
        found->scale[open->lane[row]] = open->scale[k];
    }
}

/* ---- which is next ---- */

/* The levels that may change, a bit each. */
AQ_INLINE unsigned may_change(k_rule rule, const k_row *row, float to_level, float share)
{
    level_test test = {v_set(to_level), v_set(share)};
    unsigned staying = 0;
#pragma GCC unroll 4
    for (int i = 0; i < rule.sub; i += V_LANES) {
        vf x = v_load_f32(row->x + i), l = v_load_f32(row->level + i);
        vf wxl = v_mul(v_load_f32(row->wx + i), l);
        staying |= v_mask_bits(stays(rule, test, x, l, wxl)) << i;
    }
    return staying ^ 0xffff;
}

/* Moves an open sub-block from one place to another, which is not behind it, with the first of the
 * levels `ahead` as the one at hand; bits from 16 on are the next round's. Returns the place for
 * the next sub-block: the same one where nothing is ahead, since this one is no longer open. */
AQ_INLINE int go_on(unsigned ahead, unsigned turn, unsigned row, int from, int to, k_open *open)
{
    unsigned next = (unsigned)__builtin_ctz(ahead | 1u << 31);
    open->row[to] = row;
    open->xl[to] = open->xl[from];
    open->l2[to] = open->l2[from];
    open->x[to] = open->rows[row].x[next % 16];
    open->level[to] = open->rows[row].level[next % 16];
    open->turn[to] = (uint8_t)(turn / 16 * 16 + next);
    open->last[to] = open->last[from];
    return to + (ahead != 0);
}

/* The first level at hand of each. */
AQ_INLINE void begin(k_rule rule, aq_dtype source, const uint8_t *src, const k_found *found,
                     k_open *open)
{
    size_t size = aq_source_bytes(source);
    int count = open->count, to = 0;
    for (int k = 0; k < count; k++) {
        k_row *row = &open->rows[k];
        const uint8_t *in = src + open->lane[k] * (size_t)rule.sub * size;
        vf inverse = v_set(found->inverse[open->lane[k]]);
#pragma GCC unroll 4
        for (int i = 0; i < rule.sub; i += V_LANES) {
            vf x = v_load(source, in + (size_t)i * size);
            v_store(row->x + i, x);
            v_store(row->wx + i, v_mul(v_mul(x, x), x));
            v_store(row->level + i, signed_level(v_mul(inverse, x), rule.levels, PASSES_HIGH));
        }
        open->last[k] = NEVER;
        unsigned ahead = may_change(rule, row, open->to_level[k], open->share[k]);
        to = go_on(ahead, 0, (unsigned)k, k, to, open);
    }
    open->count = to;
}

/* The next one of each: in this round, or, if this one has changed anything, in the next. */
AQ_INLINE void look_on(k_rule rule, k_open *open)
{
    static const uint16_t after[16] = {0xfffe, 0xfffc, 0xfff8, 0xfff0, 0xffe0, 0xffc0,
                                       0xff80, 0xff00, 0xfe00, 0xfc00, 0xf800, 0xf000,
                                       0xe000, 0xc000, 0x8000, 0};
    int count = open->count, to = 0;
    for (int k = 0; k < count; k++) {
        unsigned turn = open->turn[k], row = open->row[k];
        unsigned may = may_change(rule, &open->rows[row], open->to_level[k], open->share[k]);
        int again = open->last[k] / 16 == turn / 16 && turn / 16 < MOST_ROUNDS - 1;
        unsigned ahead = (may & after[turn % 16]) | (again ? may << 16 : 0);
        to = go_on(ahead, turn, row, k, to, open);
    }
    open->count = to;
}

/* Searches the open sub-blocks of a batch until none is left. */
static __attribute__((noinline)) void finish_q3_k(aq_dtype source, const uint8_t *src, int lanes,
                                                  k_found *found)
{
    (void)lanes;
    k_rule rule = AQ_K_RULE_Q3_K;
    k_open *open = found->open;
    if (source == AQ_DTYPE_F32) /* asked once instead of for every vector: 1% of all time */
        begin(rule, AQ_DTYPE_F32, src, found, open);
    else if (source == AQ_DTYPE_F16)
        begin(rule, AQ_DTYPE_F16, src, found, open);
    else
        begin(rule, AQ_DTYPE_BF16, src, found, open);
    while (open->count > 0) {
        for (int from = 0; from < open->count; from += V_LANES)
            improve_levels(rule, from, open);
        put_levels(open, found);
        look_on(rule, open);
    }
}

static const k_search search_q3_k = {find_q3_k, finish_q3_k};

AQ_EACH_SOURCE(AQ_DEFINE_K, Q3_K, q3_k)
