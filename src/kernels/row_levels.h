/* SPDX-License-Identifier: Apache-2.0
 * The levels of a group of a packed type, in vectors, once its scale is known. */
#ifndef AQ_KERNELS_ROW_LEVELS_H
#define AQ_KERNELS_ROW_LEVELS_H

#include "vec.h"

/* Weights that are packed together, and how many times that is told at once whether products were
 * enough. */
enum { CHUNK = 32, MOST_CHUNKS = 2 };

typedef struct row_map {
    float scale, zero;
    float inverse, offset; /* a sum is offset + x * inverse; inverse 0: there are only quotients */
    float low_weight, low_sum; /* the least weight or 0, and a sum that has its level */
} row_map;

/* ---- by quotients ---- */

AQ_INLINE v_block quotients(aq_dtype source, const uint8_t *src, const row_map *map)
{
    v_block x;
    vf s = v_set(map->scale), z = v_set(map->zero);
#pragma GCC unroll 8
    for (size_t i = 0; i < CHUNK / V_LANES; i++)
        x.v[i] = v_add(v_div(v_load(source, src + i * V_LANES * aq_source_bytes(source)), s), z);
    return x;
}

/* One chunk. */
AQ_INLINE void store_quotients(unsigned bits, aq_dtype source, const uint8_t *src,
                               const row_map *map, uint8_t *out)
{
    int least = -(1 << (bits - 1)), steps = (1 << bits) - 1;
    v_store_packed(out, bits, v_quantized(quotients(source, src, map), least, steps));
}

/* ---- by products ----
 *
 * With q = x / scale, z the zero point and n = 2^(bits-1), a level is rint(q + z) + n, clamped, of
 * a quotient and a sum that are rounded. The whole part of q + z + n + 1/2 is the same but where
 * that is next to a whole number. So s = 513 + 1/2 + z + n + x fl(1 / scale) is rounded once; from
 * 512 to 1024 four times its bits have 0x1000 plus its whole part, less 512, in the high word, and
 * 2^16 times the rest in the low one. Below, the high word is less than that, above, it is more,
 * and clamped to the first or the last level, as it should be; s is not negative, as |q| is below
 * 3/2 (2^bits - 1) even where a subnormal scale was rounded to two thirds of what it was.
 *
 * A level from 0 to 2^bits - 1 has |q| < 2^8. There the product is 2^-16 beside q at most, and s is
 * rounded by 2^-15 at most, together less than the last place of s, 2^-14. Where the low word is
 * not 0, q + z + n + 1/2 is therefore no whole number, but 2^-14 - 2^-15 - 2^-16 = 2^-16 or more
 * beside one; and rounding the quotient (by 2^-17 at most) and its sum with z (which is below 2^7
 * at all bounds of levels: by 2^-18) does not bring it there.
 *
 * The least weight of a symmetric group is on a bound by design, since its scale is that weight's
 * magnitude divided by n - 1/2, and the greatest as well: its own level is known for the former,
 * and whatever is above the last level has it. */

AQ_INLINE int has_ties(unsigned bits, aq_dtype source)
{
    return source == AQ_DTYPE_F32 || bits == 2;
}

/* 0 where some sum cannot tell. */
AQ_INLINE int store_products(unsigned bits, aq_dtype source, const uint8_t *src, size_t chunks,
                             const row_map *map, uint8_t *out)
{
    int steps = (1 << bits) - 1, ties = has_ties(bits, source);
    vf inverse = v_set(map->inverse), offset = v_set(map->offset);
    vf low_weight = v_set(map->low_weight), low_sum = v_set(map->low_sum);
    vf most = v_set(513.75f + (float)steps);
    size_t stride = CHUNK * aq_source_bytes(source);
    vi least = v_set_bits(0xffffffff);
    for (size_t c = 0; c < chunks; c++) {
        const uint8_t *in = src + c * stride;
        v_block s;
#pragma GCC unroll 8
        for (size_t i = 0; i < CHUNK / V_LANES; i++) {
            vf x = v_load(source, in + i * V_LANES * aq_source_bytes(source));
            vf sum = v_fma(x, inverse, offset);
            if (ties)
                sum = v_select(v_eq(x, low_weight), low_sum, v_min(sum, most));
            vi words = v_times_4(v_bits(sum));
            least = v_min_u16(least, words);
            s.v[i] = v_from_bits(words);
        }
        v_store_packed(out + c * CHUNK * bits / 8, bits, v_high_levels(s, 0x1001, steps));
    }
    vi enough = v_max_u16(least, v_set_bits(1));
    return v_mask_bits(v_eq_bits(enough, least)) == (1u << V_LANES) - 1;
}

AQ_INLINE void store_chunks(unsigned bits, aq_dtype source, const uint8_t *src, size_t chunks,
                            const row_map *map, uint8_t *out)
{
    int quotients_only = V_LANES < 16 && has_ties(bits, source);
    size_t stride = CHUNK * aq_source_bytes(source);
    if (!quotients_only && map->inverse != 0.0f &&
        store_products(bits, source, src, chunks, map, out))
        return;
    for (size_t c = 0; c < chunks; c++)
        store_quotients(bits, source, src + c * stride, map, out + c * CHUNK * bits / 8);
}

#endif
