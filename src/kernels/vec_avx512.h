/* SPDX-License-Identifier: Apache-2.0
 * The vector vocabulary of the templates, in AVX-512 F, BW, DQ and VL. */
#ifndef AQ_KERNELS_VEC_AVX512_H
#define AQ_KERNELS_VEC_AVX512_H

#include "vec_x86.h"

#define V_NAME(name) name##_avx512
enum { V_LANES = 16 };
typedef __m512 vf;
typedef __m512i vi;
typedef __mmask16 vm;

/* ---- float ---- */

AQ_INLINE vf v_set(float f)
{
    return _mm512_set1_ps(f);
}

AQ_INLINE vf v_add(vf a, vf b)
{
    return _mm512_add_ps(a, b);
}

AQ_INLINE vf v_sub(vf a, vf b)
{
    return _mm512_sub_ps(a, b);
}

AQ_INLINE vf v_mul(vf a, vf b)
{
    return _mm512_mul_ps(a, b);
}

AQ_INLINE vf v_div(vf a, vf b)
{
    return _mm512_div_ps(a, b);
}

AQ_INLINE vf v_fma(vf a, vf b, vf c)
{
    return _mm512_fmadd_ps(a, b, c);
}

AQ_INLINE vf v_min(vf a, vf b)
{
    return _mm512_min_ps(a, b);
}

AQ_INLINE vf v_max(vf a, vf b)
{
    return _mm512_max_ps(a, b);
}

AQ_INLINE vf v_sqrt(vf v)
{
    return _mm512_sqrt_ps(v);
}

AQ_INLINE vm v_eq(vf a, vf b)
{
    return _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ);
}

AQ_INLINE vm v_ne(vf a, vf b)
{
    return _mm512_cmp_ps_mask(a, b, _CMP_NEQ_UQ);
}

AQ_INLINE vm v_gt(vf a, vf b)
{
    return _mm512_cmp_ps_mask(a, b, _CMP_GT_OQ);
}

AQ_INLINE vf v_select(vm m, vf yes, vf no)
{
    return _mm512_mask_blend_ps(m, no, yes);
}

AQ_INLINE float v_least(vf v)
{
    return _mm512_reduce_min_ps(v);
}

AQ_INLINE float v_greatest(vf v)
{
    return _mm512_reduce_max_ps(v);
}

/* ---- masks: bit i is lane i ---- */

AQ_INLINE vm v_both(vm a, vm b)
{
    return _kand_mask16(a, b);
}

AQ_INLINE unsigned v_mask_bits(vm m)
{
    unsigned bits = m;
    /* Through a general register: gcc 12 may spill a mask as 16 bits and read back 32. */
    __asm__("" : "+r"(bits));
    return bits;
}

AQ_INLINE vm v_eq_bits(vi a, vi b)
{
    return _mm512_cmpeq_epi32_mask(a, b);
}

/* ---- bits ---- */

AQ_INLINE vi v_bits(vf v)
{
    return _mm512_castps_si512(v);
}

AQ_INLINE vf v_from_bits(vi v)
{
    return _mm512_castsi512_ps(v);
}

AQ_INLINE vi v_load_bits(const void *p)
{
    return _mm512_loadu_si512(p);
}

AQ_INLINE vi v_set_bits(uint32_t bits)
{
    return _mm512_set1_epi32((int)bits);
}

AQ_INLINE vi v_and(vi a, vi b)
{
    return _mm512_and_si512(a, b);
}

AQ_INLINE vi v_xor(vi a, vi b)
{
    return _mm512_xor_si512(a, b);
}

AQ_INLINE vi v_sub_s32(vi a, vi b)
{
    return _mm512_sub_epi32(a, b);
}

AQ_INLINE vf v_to_float(vi v)
{
    return _mm512_cvtepi32_ps(v);
}

AQ_INLINE vi v_max_u32(vi a, vi b)
{
    return _mm512_max_epu32(a, b);
}

AQ_INLINE vi v_max_u16(vi a, vi b)
{
    return _mm512_max_epu16(a, b);
}

AQ_INLINE vi v_max_s32(vi a, vi b)
{
    return _mm512_max_epi32(a, b);
}

AQ_INLINE vi v_max_s16(vi a, vi b)
{
    return _mm512_max_epi16(a, b);
}

AQ_INLINE vi v_min_s32(vi a, vi b)
{
    return _mm512_min_epi32(a, b);
}

AQ_INLINE vi v_min_s16(vi a, vi b)
{
    return _mm512_min_epi16(a, b);
}

AQ_INLINE vi v_min_u16(vi a, vi b)
{
    return _mm512_min_epu16(a, b);
}

/* All ones where the sign is set. */
AQ_INLINE vi v_signs_32(vi a)
{
    return _mm512_srai_epi32(a, 31);
}

AQ_INLINE vi v_signs_16(vi a)
{
    return _mm512_srai_epi16(a, 15);
}

AQ_INLINE uint32_t v_greatest_u32(vi v)
{
    return _mm512_reduce_max_epu32(v);
}

/* ---- interleaving, within quarters of 128 bits ---- */

AQ_INLINE vi v_low_16(vi a, vi b)
{
    return _mm512_unpacklo_epi16(a, b);
}

AQ_INLINE vi v_high_16(vi a, vi b)
{
    return _mm512_unpackhi_epi16(a, b);
}

AQ_INLINE vi v_low_32(vi a, vi b)
{
    return _mm512_unpacklo_epi32(a, b);
}

AQ_INLINE vi v_high_32(vi a, vi b)
{
    return _mm512_unpackhi_epi32(a, b);
}

AQ_INLINE vi v_low_64(vi a, vi b)
{
    return _mm512_unpacklo_epi64(a, b);
}

AQ_INLINE vi v_high_64(vi a, vi b)
{
    return _mm512_unpackhi_epi64(a, b);
}

#define V_HAS_128_PAIRS 1

/* The even quarters of both, and the odd ones. */
AQ_INLINE vi v_even_128(vi a, vi b)
{
    return _mm512_shuffle_i32x4(a, b, 0x88);
}

AQ_INLINE vi v_odd_128(vi a, vi b)
{
    return _mm512_shuffle_i32x4(a, b, 0xdd);
}

/* ---- floats of a table, by the lowest bits of each lane ---- */

enum { V_TABLE = 32 };

AQ_INLINE vf v_look_up(const float table[V_TABLE], vi at)
{
    return _mm512_permutex2var_ps(_mm512_loadu_ps(table), at, _mm512_loadu_ps(table + 16));
}

/* ---- weights ---- */

AQ_INLINE vf v_widen_f16(__m256i h)
{
    return _mm512_cvtph_ps(h);
}

AQ_INLINE vf v_widen_bf16(__m256i h)
{
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(h), 16));
}

AQ_INLINE vf v_widen(aq_dtype source, __m256i h)
{
    return source == AQ_DTYPE_F16 ? v_widen_f16(h) : v_widen_bf16(h);
}

AQ_INLINE vf v_load(aq_dtype source, const uint8_t *p)
{
    return source == AQ_DTYPE_F32
               ? _mm512_loadu_ps(p)
               : v_widen(source, _mm256_loadu_si256((const __m256i *)(const void *)p));
}

/* Half `half` of a vector of 16-bit weights. */
AQ_INLINE vf v_widen_half(aq_dtype source, vi h, int half)
{
    return v_widen(source, half ? _mm512_extracti64x4_epi64(h, 1) : _mm512_castsi512_si256(h));
}

AQ_INLINE void v_store(float *p, vf v)
{
    _mm512_storeu_ps(p, v);
}

AQ_INLINE vf v_load_f32(const float *p)
{
    return _mm512_loadu_ps(p);
}

/* Lanes, a bit each, to be stored one behind the other. */
typedef __mmask16 v_choice;

AQ_INLINE v_choice v_choose(unsigned bits)
{
    return (v_choice)bits;
}

/* Of as many bytes as a vector has, those behind the chosen lanes are anything. */
AQ_INLINE void v_store_chosen(void *p, vf v, v_choice choice)
{
    _mm512_storeu_ps(p, _mm512_maskz_compress_ps(choice, v));
}

AQ_INLINE void v_store_f16(uint16_t *p, vf v)
{
    _mm256_storeu_si256((__m256i *)(void *)p,
                        _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}

/* ---- 32 values at a time ---- */

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

/* clamp(rint(v), least, least + steps) - least, one to a byte; packing saturates. */
AQ_INLINE __m256i v_quantized(v_block x, int least, int steps)
{
    vi words = _mm512_packs_epi32(_mm512_cvtps_epi32(x.v[0]), _mm512_cvtps_epi32(x.v[1]));
    __m256i bytes = _mm256_permutevar8x32_epi32(_mm512_cvtsepi16_epi8(words),
                                                _mm256_setr_epi32(0, 2, 4, 6, 1, 3, 5, 7));
    return v_clamped_bytes(bytes, least, steps);
}

/* clamp(high word - least, 0, steps), one to a byte. */
AQ_INLINE void v_store_high_levels(uint8_t *out, v_block x, int least, int steps)
{
    vi words = _mm512_packus_epi32(_mm512_srli_epi32(v_bits(x.v[0]), 16),
                                   _mm512_srli_epi32(v_bits(x.v[1]), 16));
    words = _mm512_subs_epu16(words, _mm512_set1_epi16((short)least));
    __m256i bytes = _mm256_permutevar8x32_epi32(_mm512_cvtepi16_epi8(words),
                                                _mm256_setr_epi32(0, 2, 4, 6, 1, 3, 5, 7));
    _mm256_storeu_si256((__m256i *)(void *)out,
                        _mm256_min_epu8(bytes, _mm256_set1_epi8((char)steps)));
}

#endif
