/* SPDX-License-Identifier: Apache-2.0
 * Two blocks from a 16-bit source the quick way, in AVX-512: they share the last steps of
 * narrowing.
 *
 * bfloat16 is widened where it lies: v[0] has the even weights, v[1] the odd ones, and words that
 * are joined are in order. From float16 v[0] has the first 16 weights, v[1] the last. */
#ifndef AQ_KERNELS_PAIR_AVX512_H
#define AQ_KERNELS_PAIR_AVX512_H

#include "narrow_avx512.h"

#define V_HAS_TWO_BLOCKS 1

AQ_INLINE v_block v_load_apart(aq_dtype source, const uint8_t *p)
{
    if (source == AQ_DTYPE_F16)
        return (v_block){{v_load(source, p), v_load(source, p + 32)}};
    vi w = v_load_bits(p);
    return (v_block){
        {v_from_bits(_mm512_slli_epi32(w, 16)), v_from_bits(v_and(w, v_set_bits(0xffff0000)))}};
}

/* From sums whose low words are signed and fit into a byte. */
AQ_INLINE void v_store_two_bytes(aq_dtype source, v_block a, uint8_t *out_a, v_block b,
                                 uint8_t *out_b)
{
    vi bytes = _mm512_packs_epi16(v_joined_words(0, a), v_joined_words(0, b));
    if (source == AQ_DTYPE_BF16) {
        vi order = _mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7);
        bytes = _mm512_permutexvar_epi64(order, bytes);
    } else {
        vi apart = _mm512_set4_epi32(0x0f0d0b09, 0x0e0c0a08, 0x07050301, 0x06040200);
        vi order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
        bytes = _mm512_permutexvar_epi32(order, _mm512_shuffle_epi8(bytes, apart));
    }
    _mm256_storeu_si256((__m256i *)(void *)out_a, _mm512_castsi512_si256(bytes));
    _mm256_storeu_si256((__m256i *)(void *)out_b, _mm512_extracti64x4_epi64(bytes, 1));
}

/* Four bits each, from 128 plus the level and a fraction: then the high word is 0x4300 plus the
 * truncated level. */
AQ_INLINE void v_store_two_levels(aq_dtype source, v_block a, uint8_t *out_a, v_block b,
                                  uint8_t *out_b)
{
    vi most = _mm512_set1_epi16(0x430f);
    vi p = _mm512_min_epu16(v_joined_words(1, a), most);
    vi q = _mm512_min_epu16(v_joined_words(1, b), most);
    __m256i bytes;
    if (source == AQ_DTYPE_BF16) {
        vi low = _mm512_shuffle_i64x2(p, q, 0x44), high = _mm512_shuffle_i64x2(p, q, 0xee);
        bytes = _mm512_cvtepi16_epi8(_mm512_or_si512(low, _mm512_slli_epi16(high, 4)));
    } else {
        v_block both = {{v_from_bits(v_nibbles(p)), v_from_bits(v_nibbles(q))}};
        vi apart = _mm512_set4_epi32(0, 0, 0x0e0a0602, 0x0c080400);
        vi order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 0, 0, 0, 0, 0, 0, 0, 0);
        vi words = _mm512_shuffle_epi8(v_joined_words(0, both), apart);
        bytes = _mm512_castsi512_si256(_mm512_permutexvar_epi32(order, words));
    }
    _mm_storeu_si128((__m128i *)(void *)out_a, _mm256_castsi256_si128(bytes));
    _mm_storeu_si128((__m128i *)(void *)out_b, _mm256_extracti128_si256(bytes, 1));
}

#endif
