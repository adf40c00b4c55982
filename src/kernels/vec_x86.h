/* SPDX-License-Identifier: Apache-2.0
 * What AVX2 and AVX-512 share: the last steps of narrowing, on 32 bytes. */
#ifndef AQ_KERNELS_VEC_X86_H
#define AQ_KERNELS_VEC_X86_H

#include "scalar.h"

#include <immintrin.h>

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

#endif
