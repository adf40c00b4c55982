/* SPDX-License-Identifier: Apache-2.0
 * 32 values at a time, rounded, clamped and packed, in AVX2. */
#ifndef AQ_KERNELS_NARROW_AVX2_H
#define AQ_KERNELS_NARROW_AVX2_H

#include "narrow_x86.h"
#include "vec_avx2.h"

typedef struct v_block {
    vf v[32 / V_LANES];
} v_block;

/* Packing works within halves, which this puts right. */
AQ_INLINE __m256i v_quarters_in_order(__m256i bytes)
{
    return _mm256_permutevar8x32_epi32(bytes, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
}

/* Four vectors of values that fit into a byte, signed. */
AQ_INLINE __m256i v_low_bytes(const vi q[4])
{
    return v_quarters_in_order(
        _mm256_packs_epi16(_mm256_packs_epi32(q[0], q[1]), _mm256_packs_epi32(q[2], q[3])));
}

/* Of two vectors a word of each lane, low or high, side by side. */
AQ_INLINE vi v_joined_words(int high, vf first, vf second)
{
    vi a = v_bits(first), b = v_bits(second);
    if (high)
        a = _mm256_srli_epi32(a, 16);
    else
        b = _mm256_slli_epi32(b, 16);
    return _mm256_blend_epi16(a, b, 0xaa);
}

/* Of sums whose low words are signed and fit into a byte: within halves, each byte beside that of
 * the next vector, 8 of the first two vectors and 8 of the others. */
AQ_INLINE vi v_joined_bytes(v_block x)
{
    return _mm256_packs_epi16(v_joined_words(0, x.v[0], x.v[1]), v_joined_words(0, x.v[2], x.v[3]));
}

/* Bytes packed from joined words. */
AQ_INLINE vi v_bytes_in_order(vi bytes)
{
    vi even_odd = _mm256_setr_epi8(0, 2, 4, 6, 1, 3, 5, 7, 8, 10, 12, 14, 9, 11, 13, 15, 0, 2, 4, 6,
                                   1, 3, 5, 7, 8, 10, 12, 14, 9, 11, 13, 15);
    return v_quarters_in_order(_mm256_shuffle_epi8(bytes, even_odd));
}

AQ_INLINE void v_store_low_bytes(uint8_t *out, v_block x)
{
    _mm256_storeu_si256((__m256i *)(void *)out, v_bytes_in_order(v_joined_bytes(x)));
}

/* roundf: the largest float below 1/2, added away from zero, carries exactly the halves over. */
AQ_INLINE vi v_round_away(vf v)
{
    vf sign = _mm256_set1_ps(-0.0f), half = _mm256_set1_ps(0x1.fffffep-2f);
    return _mm256_cvttps_epi32(_mm256_add_ps(v, _mm256_or_ps(_mm256_and_ps(v, sign), half)));
}

AQ_INLINE void v_store_rounded(uint8_t *out, v_block x)
{
    vi q[4];
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++)
        q[i] = v_round_away(x.v[i]);
    _mm256_storeu_si256((__m256i *)(void *)out, v_low_bytes(q));
}

/* roundf(x / 2): see V_ROUNDS_HALF. */
AQ_INLINE void v_store_rounded_half(uint8_t *out, v_block x)
{
    vi q[4], words[2];
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++)
        q[i] = _mm256_cvttps_epi32(x.v[i]);
#pragma GCC unroll 2
    for (int i = 0; i < 2; i++) {
        words[i] = _mm256_packs_epi32(q[2 * i], q[2 * i + 1]);
        words[i] = _mm256_avg_epu16(words[i], _mm256_srai_epi16(words[i], 15));
    }
    _mm256_storeu_si256((__m256i *)(void *)out,
                        v_quarters_in_order(_mm256_packs_epi16(words[0], words[1])));
}

/* 8 bytes of each half of a vector, four and four. */
AQ_INLINE void v_store_fours(uint8_t *out, vi bytes)
{
    __m128i low = _mm256_castsi256_si128(bytes), high = _mm256_extracti128_si256(bytes, 1);
    _mm_storeu_si128((__m128i *)(void *)out, _mm_unpacklo_epi32(low, high));
}

/* Truncated and at most top; see store_levels of the scalar twins. Where truncation failed a level
 * is INT_MIN, and so are all of the block, which saturates to 0. */
AQ_INLINE void v_store_levels(uint8_t *out, int five_bits, v_block x)
{
    vi q[4], top = _mm256_set1_epi16(15);
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++)
        q[i] = _mm256_cvttps_epi32(x.v[i]);
    vi low = _mm256_packs_epi32(q[0], q[1]), high = _mm256_packs_epi32(q[2], q[3]);
    if (five_bits) {
        v_store_halves(out, v_quarters_in_order(_mm256_packus_epi16(low, high)));
        return;
    }
    low = _mm256_min_epi16(low, top);
    high = _mm256_slli_epi16(_mm256_min_epi16(high, top), 4);
    vi both = _mm256_or_si256(low, high);
    v_store_fours(out, _mm256_packus_epi16(both, both));
}

/* clamp(rint(v), least, least + steps) - least, one to a byte; packing saturates. */
AQ_INLINE __m256i v_quantized(v_block x, int least, int steps)
{
    vi q[4];
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++)
        q[i] = _mm256_cvtps_epi32(x.v[i]);
    return v_clamped_bytes(v_low_bytes(q), least, steps);
}

/* clamp(high word - least, 0, steps), one to a byte. */
AQ_INLINE __m256i v_high_levels(v_block x, int least, int steps)
{
    vi zero = _mm256_set1_epi16((short)least);
    vi first = _mm256_subs_epu16(v_joined_words(1, x.v[0], x.v[1]), zero);
    vi second = _mm256_subs_epu16(v_joined_words(1, x.v[2], x.v[3]), zero);
    vi bytes = _mm256_min_epu8(_mm256_packus_epi16(first, second), _mm256_set1_epi8((char)steps));
    return v_bytes_in_order(bytes);
}

#endif
