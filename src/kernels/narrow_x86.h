/* SPDX-License-Identifier: Apache-2.0
 * What AVX2 and AVX-512 share: the last steps of narrowing, on 32 bytes. */
#ifndef AQ_KERNELS_NARROW_X86_H
#define AQ_KERNELS_NARROW_X86_H

#include "scalar.h"

#include <immintrin.h>

/* What ARM has an instruction for, roundf, takes four operations here. Half as many do from twice
 * the number: with t = trunc(2y) roundf(y) is (t + 1) >> 1 where t >= 0 and t >> 1 where it is
 * below, which is the unsigned average of the words t and t >> 15, rounded up. */
#define V_ROUNDS_HALF 1

/* Of 32 signed bytes, clamp(v, least, least + steps) - least. */
AQ_INLINE __m256i v_clamped_bytes(__m256i v, int least, int steps)
{
    __m256i low = _mm256_set1_epi8((char)least), high = _mm256_set1_epi8((char)(least + steps));
    return _mm256_sub_epi8(_mm256_min_epi8(_mm256_max_epi8(v, low), high), low);
}

/* 32 levels, one to a byte, as 32, 16 or 8 bytes of 8, 4 or 2 bits; the first level lowest. Pairs
 * are joined by a multiply-add: even + odd * 2^bits. */
AQ_INLINE void v_store_packed(uint8_t *out, unsigned bits, __m256i levels)
{
    if (bits == 8) {
        _mm256_storeu_si256((__m256i *)(void *)out, levels);
        return;
    }
    __m256i pairs = _mm256_maddubs_epi16(levels, _mm256_set1_epi16(bits == 4 ? 0x1001 : 0x0401));
    if (bits == 2)
        pairs = _mm256_packus_epi32(_mm256_madd_epi16(pairs, _mm256_set1_epi32(0x00100001)), pairs);
    __m256i bytes = _mm256_packus_epi16(pairs, pairs);
    __m128i low = _mm256_castsi256_si128(bytes), high = _mm256_extracti128_si256(bytes, 1);
    if (bits == 4)
        _mm_storeu_si128((__m128i *)(void *)out, _mm_unpacklo_epi64(low, high));
    else
        _mm_storel_epi64((__m128i *)(void *)out, _mm_unpacklo_epi32(low, high));
}

/* 32 levels of five bits, one to a byte and not yet clamped, as the block types have them: the
 * fifth bits, then level i and level i + 16 in a byte. */
AQ_INLINE void v_store_halves(uint8_t *out, __m256i levels)
{
    levels = _mm256_min_epu8(levels, _mm256_set1_epi8(31));
    int fifth = _mm256_movemask_epi8(_mm256_slli_epi16(levels, 3));
    memcpy(out, &fifth, sizeof fifth);
    levels = _mm256_and_si256(levels, _mm256_set1_epi8(15));
    __m128i low = _mm256_castsi256_si128(levels), high = _mm256_extracti128_si256(levels, 1);
    _mm_storeu_si128((__m128i *)(void *)(out + 4), _mm_or_si128(low, _mm_slli_epi16(high, 4)));
}

#endif
