/* SPDX-License-Identifier: Apache-2.0
 * The scales of a group of blocks, all computed at once from their extremes. */
#ifndef AQ_KERNELS_BLOCK_SCALES_H
#define AQ_KERNELS_BLOCK_SCALES_H

#include "block_fold.h"

typedef struct group_scales {
    float inverse[MOST_GROUP], min[MOST_GROUP];
    uint16_t d[MOST_GROUP], m[MOST_GROUP];
    float quick[MOST_GROUP]; /* see nudge_inverses and double_inverses */
    uint64_t literal;        /* blocks that must not take the quick way: a bit each */
} group_scales;

/* 1/d, 0 for 0. Where that overflows no level can be represented: `instead` makes it so on every
 * ISA, whatever its conversion does with an infinity. */
AQ_INLINE vf v_inverse(vf d, float instead)
{
    vf id = v_div(v_set(1.0f), d), zero = v_set(0.0f), infinity = v_set(__builtin_inff());
    vf magnitude = v_from_bits(magnitude_32(v_bits(id)));
    id = v_select(v_eq(magnitude, infinity), v_set(instead), id);
    return v_select(v_eq(d, zero), zero, id);
}

/* An inverse of 0 gives one level to all, either way: blocks of zeros stay with the quick one. */
AQ_INLINE void mark_literal(unsigned blocks, vf id, int part, group_scales *scales)
{
    blocks &= v_mask_bits(v_ne(id, v_set(0.0f)));
    scales->literal |= (uint64_t)blocks << part * V_LANES;
}

#ifdef V_HAS_TWO_BLOCKS
/* q8_0 from float16 or bfloat16 needs neither the rounded product nor a rounding of halves: with at
 * most 11 bits of significand, x * 127 / amax is either exactly between two levels or more than
 * 2^-19 of itself away from that, which is more than all roundings together. So one fused
 * multiply-add to a number whose unit is the last place gives the level, if the ties come out
 * right. They need amax's significand to be divisible by 127 (then d is short, and the block takes
 * the literal way) or |x| = amax / 2, where the product of the scalar twin either reaches 63.5 or
 * does not: nudging the inverse by 2^-21 towards what it does decides the tie and nothing else. */
AQ_INLINE void nudge_inverses(vf amax, vf d, vf id, int part, group_scales *scales)
{
    vf tie = v_mul(v_mul(amax, v_set(0.5f)), id);
    vf nudge = v_select(v_gt(v_set(63.5f), tie), v_set(1.0f - 0x1p-21f), v_set(1.0f + 0x1p-21f));
    vi tail = v_and(v_bits(d), v_set_bits(0x1ffff));
    v_store(scales->quick + part * V_LANES, v_mul(id, nudge));
    mark_literal(v_mask_bits(v_eq_bits(tail, v_set_bits(0))), id, part, scales);
}
#endif

#ifdef V_ROUNDS_HALF
/* q8_0 from float32 is rounded from twice the products, which are those with twice the inverse: but
 * for what rounds to 0 either way, and where twice the inverse overflows. */
AQ_INLINE void double_inverses(vf id, int part, group_scales *scales)
{
    vf twice = v_add(id, id);
    v_store(scales->quick + part * V_LANES, twice);
    mark_literal(v_mask_bits(v_eq(twice, v_set(__builtin_inff()))), id, part, scales);
}
#endif

AQ_INLINE vi scales_q8_0(aq_dtype source, const uint8_t *src, vi magnitude, group_scales *scales)
{
    end_picks pick_32 = {v_max_u32, v_max_u32, 0}, pick_16 = {v_max_u16, v_max_u16, 0};
    vi bits = source == AQ_DTYPE_F32 ? fold_group(source, src, magnitude_32, pick_32).high
                                     : fold_group(source, src, magnitude_16, pick_16).high;
#pragma GCC unroll 2
    for (int part = 0; part < group_vectors(source); part++) {
        vf amax = widen_part(source, bits, part);
        vf d = v_div(amax, v_set(127.0f)), id = v_inverse(d, 0.0f);
        v_store(scales->inverse + part * V_LANES, id);
#ifdef V_HAS_TWO_BLOCKS
        if (source != AQ_DTYPE_F32)
            nudge_inverses(amax, d, id, part, scales);
#endif
#ifdef V_ROUNDS_HALF
        if (source == AQ_DTYPE_F32)
            double_inverses(id, part, scales);
#endif
        v_store_f16(scales->d + part * V_LANES, d);
        magnitude = v_max_u32(magnitude, v_bits(amax));
    }
    return magnitude;
}

/* The first weight of the given magnitude. */
static __attribute__((noinline)) float first_of(aq_dtype source, const uint8_t *block,
                                                uint32_t magnitude)
{
    for (size_t i = 0; i < BLOCK; i++) {
        float x = aq_widen(source, block, i);
        if (aq_magnitude(x) == magnitude)
            return x;
    }
    return 0.0f;
}

/* Puts right those of the values (one per block) that the search could not tell the sign of. */
AQ_INLINE vf resolve_signs(aq_dtype source, const uint8_t *src, unsigned blocks, vf values)
{
    float value[V_LANES];
    v_store(value, values);
    for (; blocks != 0; blocks &= blocks - 1) {
        unsigned b = (unsigned)__builtin_ctz(blocks);
        value[b] = first_of(source, src + b * block_stride(source), aq_magnitude(value[b]));
    }
    return v_load_f32(value);
}

#ifdef V_HAS_TWO_BLOCKS
/* Where q4_0 from float16 or bfloat16 must not take trunc(fma(x, id, 128 + 8.5)) - 128 for
 * trunc(fl(fl(x * id) + 8.5)); id is (1 + e) / d, |e| <= 2^-24. Let p = x / d, so that |p| <= 8.
 *
 * p is a tie, some k + 1/2, or 2^-12 or more away from all of them: let X 2^i and M 2^j be the
 * magnitudes of x and m with 2^10 <= X, M < 2^11; then |p| = 8 X 2^(i-j) / M, and from k + 1/2 it
 * is |16 X 2^(i-j) - (2k+1) M| / 2M. With i-j >= -4 the numerator is whole, so a 2M-th or nothing.
 * With i-j = -5 |p| is below 1/2, by (M - X/2) / 2M, least for X = 2^11 - 1 and M = 2^10: 2^-12.
 * Beyond that |p| is below 1/4. All roundings together are less: 2^-19 in the twin; fused 2^-21
 * from id and 2^-17 from the sum, whose last place is 2^-16 from 128 to 256.
 *
 * At a tie the fused sum is k + 9, as |p e| is below half its last place. The twin's t = fl(p
 * (1+e)) is p or next to it. Above p the level is the same. Below p, t + 8.5 rounds to k + 9 again,
 * being no more than halfway and k + 9 ending in zeros, except where a place of t is one of the
 * sum, which begins at |p| > 4 with p < 0: the ties at -4.5, -5.5, -6.5 and -7.5, with e of at
 * least 2^-22 / 7.5. There |x| is 9, 11, 13 or 15 sixteenths of |m|, so that M without its trailing
 * zeros is below 2^11 / 9: it ends in three of them, of 11 bits or (bfloat16) 8.
 *
 * All this is for a d whose division by 8 and whose inverse lose nothing to underflow. */
AQ_INLINE unsigned literal_signed(aq_dtype source, vf d, vf id)
{
    vi tail = v_and(v_bits(d), v_set_bits(source == AQ_DTYPE_F16 ? 0xffff : 0x7ffff));
    vf error = v_fma(d, id, v_set(-1.0f));
    unsigned tied =
        v_mask_bits(v_eq_bits(tail, v_set_bits(0))) & v_mask_bits(v_gt(error, v_set(0x1p-25f)));
    if (source == AQ_DTYPE_F16)
        return tied;
    return tied | v_mask_bits(v_gt(v_set(0x1p-126f), v_from_bits(magnitude_32(v_bits(d)))));
}
#endif

/* The signed weight of largest magnitude. The largest bits are, as signed integers, those of the
 * largest positive weight, and as unsigned ones those of the largest negative. */
AQ_INLINE vi scales_signed(aq_dtype source, float middle, const uint8_t *src, vi magnitude,
                           group_scales *scales)
{
    vi positive, negative;
    if (source == AQ_DTYPE_F32) {
        vi sign = v_set_bits(0x80000000), zero = v_set_bits(0);
        ends found = fold_group(source, src, as_is, (end_picks){v_max_u32, v_max_s32, 1});
        positive = v_max_s32(found.high, zero);
        negative = v_max_s32(v_xor(found.low, sign), zero);
    } else {
        vi sign = v_set_bits(0x80008000), zero = v_set_bits(0);
        ends found = fold_group(source, src, as_is, (end_picks){v_max_u16, v_max_s16, 1});
        positive = v_max_s16(found.high, zero);
        negative = v_max_s16(v_xor(found.low, sign), zero);
    }
#pragma GCC unroll 2
    for (int part = 0; part < group_vectors(source); part++) {
        vf p = widen_part(source, positive, part), n = widen_part(source, negative, part);
        vf minus = v_from_bits(v_xor(v_bits(n), v_set_bits(0x80000000)));
        vf m = v_select(v_gt(n, p), minus, p);
        unsigned ties = v_mask_bits(v_eq(p, n)) & ~v_mask_bits(v_eq(p, v_set(0.0f)));
        if (__builtin_expect(ties != 0, 0))
            m = resolve_signs(source, src + (size_t)part * V_LANES * block_stride(source), ties, m);
        vf d = v_div(m, v_set(-middle));
        vf id = v_inverse(d, __builtin_nanf(""));
        v_store(scales->inverse + part * V_LANES, id);
        v_store_f16(scales->d + part * V_LANES, d);
#ifdef V_HAS_TWO_BLOCKS
        if (source != AQ_DTYPE_F32 && middle == 8.0f)
            mark_literal(literal_signed(source, d, id), id, part, scales);
#endif
        magnitude = v_max_u32(magnitude, v_max_u32(v_bits(p), v_bits(n)));
    }
    return magnitude;
}

/* Least and greatest weight. A least weight of 0 has the sign of the first zero: only where there
 * is a -0 among them can that be in doubt. */
AQ_INLINE vi scales_range(aq_dtype source, float top, const uint8_t *src, vi magnitude,
                          group_scales *scales)
{
    vi least, greatest;
    if (source == AQ_DTYPE_F32) {
        ends found = fold_group(source, src, key_32, (end_picks){v_min_s32, v_max_s32, 1});
        least = key_32(found.low);
        greatest = key_32(found.high);
    } else {
        ends found = fold_group(source, src, key_16, (end_picks){v_min_s16, v_max_s16, 1});
        least = key_16(found.low);
        greatest = key_16(found.high);
    }
#pragma GCC unroll 2
    for (int part = 0; part < group_vectors(source); part++) {
        vf min = widen_part(source, least, part), max = widen_part(source, greatest, part);
        vf zero = v_set(0.0f), d = v_div(v_sub(max, min), v_set(top));
        vi both = v_max_u32(magnitude_32(v_bits(min)), magnitude_32(v_bits(max)));
        unsigned zeros = v_mask_bits(v_eq(min, zero));
        if (__builtin_expect(zeros != 0, 0))
            min = resolve_signs(source, src + (size_t)part * V_LANES * block_stride(source), zeros,
                                min);
        v_store(scales->inverse + part * V_LANES, v_inverse(d, __builtin_nanf("")));
        v_store(scales->min + part * V_LANES, min);
        v_store_f16(scales->d + part * V_LANES, d);
        v_store_f16(scales->m + part * V_LANES, min);
        magnitude = v_max_u32(magnitude, both);
    }
    return magnitude;
}

#endif
