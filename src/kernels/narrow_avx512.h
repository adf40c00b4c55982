/* SPDX-License-Identifier: Apache-2.0
 * 32 values at a time, rounded, clamped and packed, in AVX-512. */
#ifndef AQ_KERNELS_NARROW_AVX512_H
#define AQ_KERNELS_NARROW_AVX512_H

#include "narrow_x86.h"
#include "vec_avx512.h"

typedef struct v_block {
    vf v[32 / V_LANES];
} v_block;

/* The low word of each of 32 values. */
AQ_INLINE vi v_low_words(vi a, vi b)
{
    static const uint16_t low_words[32] = {0,  2,  4,  6,  8,  10, 12, 14, 16, 18, 20,
                                           22, 24, 26, 28, 30, 32, 34, 36, 38, 40, 42,
                                           44, 46, 48, 50, 52, 54, 56, 58, 60, 62};
    return _mm512_permutex2var_epi16(a, _mm512_loadu_si512(low_words), b);
}

/* The low byte of each. The words first: one permutation of both vectors is cheaper than two
 * narrowings to bytes. */
AQ_INLINE __m256i v_low_bytes(vi a, vi b)
{
    return _mm512_cvtepi16_epi8(v_low_words(a, b));
}

AQ_INLINE void v_store_low_bytes(uint8_t *out, v_block x)
{
    _mm256_storeu_si256((__m256i *)(void *)out, v_low_bytes(v_bits(x.v[0]), v_bits(x.v[1])));
}

/* roundf: the largest float below 1/2, added away from zero, carries exactly the halves over. */
AQ_INLINE vi v_round_away(vf v)
{
    vi half = _mm512_set1_epi32(0x3effffff), sign = _mm512_set1_epi32(INT32_MIN);
    vi away = _mm512_ternarylogic_epi32(v_bits(v), sign, half, 0xea); /* (v & sign) | half */
    return _mm512_cvttps_epi32(_mm512_add_ps(v, v_from_bits(away)));
}

AQ_INLINE void v_store_rounded(uint8_t *out, v_block x)
{
    _mm256_storeu_si256((__m256i *)(void *)out,
                        v_low_bytes(v_round_away(x.v[0]), v_round_away(x.v[1])));
}

/* roundf(x / 2): see V_ROUNDS_HALF. */
AQ_INLINE void v_store_rounded_half(uint8_t *out, v_block x)
{
    vi words = v_low_words(_mm512_cvttps_epi32(x.v[0]), _mm512_cvttps_epi32(x.v[1]));
    words = _mm512_avg_epu16(words, _mm512_srai_epi16(words, 15));
    _mm256_storeu_si256((__m256i *)(void *)out, _mm512_cvtepi16_epi8(words));
}

/* A word of each of v[0], low or high, and beside it that of v[1]. */
AQ_INLINE vi v_joined_words(int high, v_block x)
{
    vi first = v_bits(x.v[0]), second = v_bits(x.v[1]);
    if (high)
        first = _mm512_srli_epi32(first, 16);
    else
        second = _mm512_slli_epi32(second, 16);
    return _mm512_mask_blend_epi16(0xaaaaaaaa, first, second);
}

/* In each lane the low word plus 16 times the high one. */
AQ_INLINE vi v_nibbles(vi words)
{
    return _mm512_madd_epi16(words, _mm512_set1_epi32(0x00100001));
}

AQ_INLINE void v_store_pairs(uint8_t *out, vi words)
{
    _mm_storeu_si128((__m128i *)(void *)out, _mm512_cvtepi32_epi8(v_nibbles(words)));
}

/* Truncated and at most top; see store_levels of the scalar twins. Where truncation failed the low
 * word is 0. */
AQ_INLINE void v_store_levels(uint8_t *out, int five_bits, v_block x)
{
    for (int i = 0; i < 2; i++)
        x.v[i] = v_from_bits(_mm512_cvttps_epi32(x.v[i]));
    if (five_bits)
        v_store_halves(out, v_low_bytes(v_bits(x.v[0]), v_bits(x.v[1])));
    else
        v_store_pairs(out, _mm512_min_epi16(v_joined_words(0, x), _mm512_set1_epi16(15)));
}

/* Packing two vectors works within quarters, which this puts right. */
AQ_INLINE __m256i v_quarters_in_order(__m256i bytes)
{
    return _mm256_permutevar8x32_epi32(bytes, _mm256_setr_epi32(0, 2, 4, 6, 1, 3, 5, 7));
}

/* clamp(rint(v), least, least + steps) - least, one to a byte; packing saturates. */
AQ_INLINE __m256i v_quantized(v_block x, int least, int steps)
{
    vi words = _mm512_packs_epi32(_mm512_cvtps_epi32(x.v[0]), _mm512_cvtps_epi32(x.v[1]));
    return v_clamped_bytes(v_quarters_in_order(_mm512_cvtsepi16_epi8(words)), least, steps);
}

/* clamp(high word - least, 0, steps), one to a byte. */
AQ_INLINE __m256i v_high_levels(v_block x, int least, int steps)
{
    vi words = _mm512_packus_epi32(_mm512_srli_epi32(v_bits(x.v[0]), 16),
                                   _mm512_srli_epi32(v_bits(x.v[1]), 16));
    words = _mm512_subs_epu16(words, _mm512_set1_epi16((short)least));
    __m256i bytes = v_quarters_in_order(_mm512_cvtusepi16_epi8(words));
    return _mm256_min_epu8(bytes, _mm256_set1_epi8((char)steps));
}

#endif
