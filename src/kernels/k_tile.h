/* SPDX-License-Identifier: Apache-2.0
 * Tiles of sub-blocks, one to a lane, for the searches of the K types; k_batch.h has the idea. */
#ifndef AQ_KERNELS_K_TILE_H
#define AQ_KERNELS_K_TILE_H

#include <limits.h>

#include "k_store.h"
#include "vec.h"

enum { MOST_SUB = 32, MOST_TILES = 4, MOST_LANES = 512 };

/* A level takes up to six operations, each of which waits for the one before. While one pair of
 * weights is added, the levels of the next pair are under way, so that neither waits. */
enum { LEVELS_AHEAD = 2 };

/* The gaps keep loads and stores of different arrays and tiles from having the same low 12 bits of
 * address, which is all that a core compares before it lets a load pass a store. */
typedef struct k_tile {
    vf x[MOST_SUB], gap_x[3]; /* weight i of every lane's sub-block */
    vf w[MOST_SUB], gap_w[3]; /* what it counts for */
    vf l[MOST_SUB], gap_l[3]; /* its level in the step at hand */
    vf most, least;           /* the greatest of its weights and +0, the least of them and -0 */
} k_tile;

/* q3_K: a sub-block of which some level may change yet. */
typedef struct k_row {
    float x[16], wx[16], level[16]; /* wx: a weight times what it counts for */
} k_row;

/* The turns of its search: 16 times the round, of at most five, and the number of the level. */
enum { MOST_ROUNDS = 5, NEVER = 255 };

/* Those of a batch, and of each that is still open the level at hand. Stores of whole vectors may
 * reach beyond the last; no two columns begin at the same place of a page. */
enum { OPEN_COLUMN = MOST_LANES + 32 };

typedef struct k_open {
    k_row rows[MOST_LANES] __attribute__((aligned(64)));
    uint32_t lane[OPEN_COLUMN]; /* of each row: where it is in the batch */
    int count;                  /* still open, one behind the other in what follows */
    uint32_t row[OPEN_COLUMN];
    float xl[OPEN_COLUMN], l2[OPEN_COLUMN]; /* sums with all levels; what follows from them: */
    float to_level[OPEN_COLUMN], share[OPEN_COLUMN], scale[OPEN_COLUMN];
    float x[OPEN_COLUMN], level[OPEN_COLUMN];     /* at hand: the weight, and its level */
    uint8_t turn[OPEN_COLUMN], last[OPEN_COLUMN]; /* the turn; the last one that changed a level */
} k_open;

/* What the search leaves behind for each sub-block of a batch. Its best levels are not kept, but
 * can be had again: inverse * (x - base), rounded. inverse is 0 where all levels are 0. */
typedef struct k_found {
    float scale[MOST_LANES], min[MOST_LANES], inverse[MOST_LANES], base[MOST_LANES];
    float count[MOST_LANES]; /* with importances: what all its weights count for */
    /* q3_K with importances: the scales of super-blocks' scales, and what their levels come from: a
     * NaN where some scale is not finite. */
    float super_scale[MOST_LANES / 16], super_inverse[MOST_LANES / 16];
    k_open *open; /* q3_K without importances only */
} k_found;

/* Tiles that are searched side by side, a group: at least a super-block. Four where every level
 * waits for the one before it and for a division (q3_K), else two. */
AQ_INLINE int k_tiles(k_rule rule)
{
    int whole = SUPER / rule.sub / V_LANES, least = rule.type == AQ_TYPE_Q3_K ? 4 : 2;
    return whole > least ? whole : least;
}

/* Super-blocks of a group. */
AQ_INLINE size_t k_group(k_rule rule)
{
    return (size_t)(k_tiles(rule) * V_LANES * rule.sub / SUPER);
}

/* Groups of a batch: as many as give q3_K's open lanes many tiles of their own. */
AQ_INLINE int k_groups(k_rule rule)
{
    return rule.type == AQ_TYPE_Q3_K ? MOST_LANES / (k_tiles(rule) * V_LANES) : 1;
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
#pragma GCC unroll 4
    for (int g = 0; g < V_LANES; g += 4) {
        vi low_01 = v_low_32(v[g], v[g + 1]), high_01 = v_high_32(v[g], v[g + 1]);
        vi low_23 = v_low_32(v[g + 2], v[g + 3]), high_23 = v_high_32(v[g + 2], v[g + 3]);
        v[g] = v_low_64(low_01, low_23);
        v[g + 1] = v_high_64(low_01, low_23);
        v[g + 2] = v_low_64(high_01, high_23);
        v[g + 3] = v_high_64(high_01, high_23);
    }
#ifdef V_HAS_128_PAIRS
#pragma GCC unroll 4
    for (int c = 0; c < 4; c++)
        transpose_128(v + c, 4);
#endif
}

/* Both ends are found among integers: as signed ones positive floats are above all negative ones,
 * as unsigned ones they are below them, and either kind is in the order of its magnitudes. A NaN is
 * beyond infinity instead of getting lost in a comparison. */
AQ_INLINE void load_tile(aq_dtype source, int sub, const uint8_t *src, k_tile *tile)
{
    vi most = v_set_bits(0), least = v_set_bits(0x80000000);
    for (int first = 0; first < sub; first += V_LANES) {
        vi v[V_LANES];
#pragma GCC unroll 16
        for (int lane = 0; lane < V_LANES; lane++) {
            size_t at = (size_t)(lane * sub + first) * aq_source_bytes(source);
            v[lane] = v_bits(v_load(source, src + at));
        }
        transpose(v);
#pragma GCC unroll 16
        for (int i = 0; i < V_LANES; i++) {
            most = v_max_s32(most, v[i]);
            least = v_max_u32(least, v[i]);
            tile->x[first + i] = v_from_bits(v[i]);
        }
    }
    tile->most = v_from_bits(most);
    tile->least = v_from_bits(least);
}

/* The larger of `magnitude` and a lane's largest, as bits. */
AQ_INLINE vi tile_magnitude(const k_tile *tile, vi magnitude)
{
    magnitude = v_max_u32(magnitude, v_bits(tile->most));
    return v_max_u32(magnitude, v_and(v_bits(tile->least), v_set_bits(0x7fffffff)));
}

/* ---- rounding ---- */

/* k_nearest and k_clamp of any value. */
AQ_INLINE vi k_literal(vf v, int low, int high)
{
    vi bits = v_and(v_bits(v_add(v, v_set(AQ_MAGIC))), v_set_bits(0x7fffff));
    vi level = v_sub_s32(bits, v_set_bits(0x400000));
    return v_min_s32(v_max_s32(level, v_set_bits((uint32_t)low)), v_set_bits((uint32_t)high));
}

/* The same, as floats, of values below 2^22: there the sum's bits are the level plus a constant.
 * INT_MIN and INT_MAX are no bounds. */
AQ_INLINE vf k_ordinary(vf v, int low, int high)
{
    uint32_t zero = 0x4b400000u;
    vi bits = v_bits(v_add(v, v_set(AQ_MAGIC)));
    if (low != INT_MIN)
        bits = v_max_s32(bits, v_set_bits(zero + (uint32_t)low));
    if (high != INT_MAX)
        bits = v_min_s32(bits, v_set_bits(zero + (uint32_t)high));
    return v_sub(v_from_bits(bits), v_set(AQ_MAGIC));
}

/* One permutation takes the place of clamp and subtraction where there are few levels: a table has
 * them and, clamped, `table_beyond` numbers more on either side; number l is at l modulo V_TABLE,
 * as the lowest bits of the sum with AQ_MAGIC have it. Below 0, there is no table for so many
 * levels. */
AQ_INLINE int table_beyond(int top)
{
    return V_TABLE < top + 1 ? -1 : (V_TABLE - top - 1) / 2;
}

AQ_INLINE void fill_table(int top, float table[V_TABLE])
{
    for (int l = -table_beyond(top), i = 0; i < V_TABLE; l++, i++)
        table[l & (V_TABLE - 1)] = (float)k_clamp(l, 0, top);
}

AQ_INLINE vf v_abs(vf v)
{
    return v_from_bits(v_and(v_bits(v), v_set_bits(0x7fffffff)));
}

#endif
