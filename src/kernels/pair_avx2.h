/* SPDX-License-Identifier: Apache-2.0
 * Two blocks from a 16-bit source the quick way, in AVX2: here it is each by itself.
 *
 * bfloat16 is widened where it lies: of 16 weights the even ones are in one vector and the odd ones
 * in the next, and words that are joined are in order. Float16's are in order in the vectors. */
#ifndef AQ_KERNELS_PAIR_AVX2_H
#define AQ_KERNELS_PAIR_AVX2_H

#include "narrow_avx2.h"

#define V_HAS_TWO_BLOCKS 1

AQ_INLINE v_block v_load_apart(aq_dtype source, const uint8_t *p)
{
    v_block x;
#pragma GCC unroll 2
    for (int i = 0; i < 4; i += 2, p += 32) {
        vi w = v_load_bits(p), odd = v_set_bits(0xffff0000);
        x.v[i] = source == AQ_DTYPE_F16 ? v_load(source, p) : v_from_bits(_mm256_slli_epi32(w, 16));
        x.v[i + 1] = source == AQ_DTYPE_F16 ? v_load(source, p + 16) : v_from_bits(v_and(w, odd));
    }
    return x;
}

AQ_INLINE void store_bytes_of_one(aq_dtype source, uint8_t *out, v_block x)
{
    if (source == AQ_DTYPE_F16) {
        v_store_low_bytes(out, x);
        return;
    }
    vi bytes = _mm256_permute4x64_epi64(v_joined_bytes(x), 0xd8);
    _mm256_storeu_si256((__m256i *)(void *)out, bytes);
}

/* From sums whose low words are signed and fit into a byte. */
AQ_INLINE void v_store_two_bytes(aq_dtype source, v_block a, uint8_t *out_a, v_block b,
                                 uint8_t *out_b)
{
    store_bytes_of_one(source, out_a, a);
    store_bytes_of_one(source, out_b, b);
}

AQ_INLINE void store_levels_of_one(aq_dtype source, uint8_t *out, v_block x)
{
    vi words[2];
#pragma GCC unroll 2
    for (int i = 0; i < 2; i++)
        words[i] = _mm256_min_epu16(v_joined_words(1, x.v[2 * i], x.v[2 * i + 1]),
                                    _mm256_set1_epi16(0x430f));
    vi both = _mm256_or_si256(words[0], _mm256_slli_epi16(words[1], 4));
    if (source == AQ_DTYPE_F16) {
        vi low_bytes = _mm256_setr_epi8(0, 4, 8, 12, 2, 6, 10, 14, -1, -1, -1, -1, -1, -1, -1, -1,
                                        0, 4, 8, 12, 2, 6, 10, 14, -1, -1, -1, -1, -1, -1, -1, -1);
        v_store_fours(out, _mm256_shuffle_epi8(both, low_bytes));
        return;
    }
    vi bytes = _mm256_and_si256(both, _mm256_set1_epi16(0xff));
    bytes = _mm256_permute4x64_epi64(_mm256_packus_epi16(bytes, bytes), 0xd8);
    _mm_storeu_si128((__m128i *)(void *)out, _mm256_castsi256_si128(bytes));
}

/* Four bits each, from 128 plus the level and a fraction: then the high word is 0x4300 plus the
 * truncated level. */
AQ_INLINE void v_store_two_levels(aq_dtype source, v_block a, uint8_t *out_a, v_block b,
                                  uint8_t *out_b)
{
    store_levels_of_one(source, out_a, a);
    store_levels_of_one(source, out_b, b);
}

#endif
