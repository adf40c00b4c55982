/* SPDX-License-Identifier: Apache-2.0
 * The vector vocabulary of the templates, in AVX2 and F16C. */
#ifndef AQ_KERNELS_VEC_AVX2_H
#define AQ_KERNELS_VEC_AVX2_H

#include "scalar.h"

#include <immintrin.h>

#define V_NAME(name) name##_avx2
enum { V_LANES = 8 };
typedef __m256 vf;
typedef __m256i vi;
typedef __m256 vm;

/* ---- float ---- */

AQ_INLINE vf v_set(float f)
{
    return _mm256_set1_ps(f);
}

AQ_INLINE vf v_add(vf a, vf b)
{
    return _mm256_add_ps(a, b);
}

AQ_INLINE vf v_sub(vf a, vf b)
{
    return _mm256_sub_ps(a, b);
}

AQ_INLINE vf v_mul(vf a, vf b)
{
    return _mm256_mul_ps(a, b);
}

AQ_INLINE vf v_div(vf a, vf b)
{
    return _mm256_div_ps(a, b);
}

AQ_INLINE vf v_fma(vf a, vf b, vf c)
{
    return _mm256_fmadd_ps(a, b, c);
}

AQ_INLINE vf v_min(vf a, vf b)
{
    return _mm256_min_ps(a, b);
}

AQ_INLINE vf v_max(vf a, vf b)
{
    return _mm256_max_ps(a, b);
}

AQ_INLINE vf v_sqrt(vf v)
{
    return _mm256_sqrt_ps(v);
}

AQ_INLINE vm v_eq(vf a, vf b)
{
    return _mm256_cmp_ps(a, b, _CMP_EQ_OQ);
}

AQ_INLINE vm v_ne(vf a, vf b)
{
    return _mm256_cmp_ps(a, b, _CMP_NEQ_UQ);
}

AQ_INLINE vm v_gt(vf a, vf b)
{
    return _mm256_cmp_ps(a, b, _CMP_GT_OQ);
}

AQ_INLINE vf v_select(vm m, vf yes, vf no)
{
    return _mm256_blendv_ps(no, yes, m);
}

/* ---- masks: bit i is lane i ---- */

AQ_INLINE vm v_both(vm a, vm b)
{
    return _mm256_and_ps(a, b);
}

AQ_INLINE unsigned v_mask_bits(vm m)
{
    return (unsigned)_mm256_movemask_ps(m);
}

AQ_INLINE vm v_eq_bits(vi a, vi b)
{
    return _mm256_castsi256_ps(_mm256_cmpeq_epi32(a, b));
}

/* ---- bits ---- */

AQ_INLINE vi v_bits(vf v)
{
    return _mm256_castps_si256(v);
}

AQ_INLINE vf v_from_bits(vi v)
{
    return _mm256_castsi256_ps(v);
}

AQ_INLINE vi v_load_bits(const void *p)
{
    return _mm256_loadu_si256((const __m256i *)p);
}

AQ_INLINE vi v_set_bits(uint32_t bits)
{
    return _mm256_set1_epi32((int)bits);
}

AQ_INLINE vi v_and(vi a, vi b)
{
    return _mm256_and_si256(a, b);
}

AQ_INLINE vi v_xor(vi a, vi b)
{
    return _mm256_xor_si256(a, b);
}

AQ_INLINE vi v_sub_s32(vi a, vi b)
{
    return _mm256_sub_epi32(a, b);
}

AQ_INLINE vi v_times_4(vi v)
{
    return _mm256_slli_epi32(v, 2);
}

AQ_INLINE vf v_to_float(vi v)
{
    return _mm256_cvtepi32_ps(v);
}

AQ_INLINE vi v_max_u32(vi a, vi b)
{
    return _mm256_max_epu32(a, b);
}

AQ_INLINE vi v_max_u16(vi a, vi b)
{
    return _mm256_max_epu16(a, b);
}

AQ_INLINE vi v_max_s32(vi a, vi b)
{
    return _mm256_max_epi32(a, b);
}

AQ_INLINE vi v_max_s16(vi a, vi b)
{
    return _mm256_max_epi16(a, b);
}

AQ_INLINE vi v_min_s32(vi a, vi b)
{
    return _mm256_min_epi32(a, b);
}

AQ_INLINE vi v_min_s16(vi a, vi b)
{
    return _mm256_min_epi16(a, b);
}

AQ_INLINE vi v_min_u16(vi a, vi b)
{
    return _mm256_min_epu16(a, b);
}

/* All ones where the sign is set. */
AQ_INLINE vi v_signs_32(vi a)
{
    return _mm256_srai_epi32(a, 31);
}

AQ_INLINE vi v_signs_16(vi a)
{
    return _mm256_srai_epi16(a, 15);
}

AQ_INLINE uint32_t v_greatest_u32(vi v)
{
    __m128i a = _mm_max_epu32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    a = _mm_max_epu32(a, _mm_unpackhi_epi64(a, a));
    return (uint32_t)_mm_cvtsi128_si32(_mm_max_epu32(a, _mm_shuffle_epi32(a, 1)));
}

/* ---- interleaving, within quarters of 128 bits ---- */

AQ_INLINE vi v_low_16(vi a, vi b)
{
    return _mm256_unpacklo_epi16(a, b);
}

AQ_INLINE vi v_high_16(vi a, vi b)
{
    return _mm256_unpackhi_epi16(a, b);
}

AQ_INLINE vi v_low_32(vi a, vi b)
{
    return _mm256_unpacklo_epi32(a, b);
}

AQ_INLINE vi v_high_32(vi a, vi b)
{
    return _mm256_unpackhi_epi32(a, b);
}

AQ_INLINE vi v_low_64(vi a, vi b)
{
    return _mm256_unpacklo_epi64(a, b);
}

AQ_INLINE vi v_high_64(vi a, vi b)
{
    return _mm256_unpackhi_epi64(a, b);
}

#define V_HAS_128_PAIRS 1

/* The even quarters of both, and the odd ones. */
AQ_INLINE vi v_even_128(vi a, vi b)
{
    return _mm256_permute2x128_si256(a, b, 0x20);
}

AQ_INLINE vi v_odd_128(vi a, vi b)
{
    return _mm256_permute2x128_si256(a, b, 0x31);
}

/* ---- floats of a table, by the lowest bits of each lane ---- */

enum { V_TABLE = 8 };

AQ_INLINE vf v_look_up(const float table[V_TABLE], vi at)
{
    return _mm256_permutevar8x32_ps(_mm256_loadu_ps(table), at);
}

/* ---- weights ---- */

AQ_INLINE vf v_widen(aq_dtype source, __m128i h)
{
    if (source == AQ_DTYPE_F16)
        return _mm256_cvtph_ps(h);
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(h), 16));
}

AQ_INLINE vf v_load(aq_dtype source, const uint8_t *p)
{
    return source == AQ_DTYPE_F32
               ? _mm256_loadu_ps((const float *)(const void *)p)
               : v_widen(source, _mm_loadu_si128((const __m128i *)(const void *)p));
}

/* Half `half` of a vector of 16-bit weights. */
AQ_INLINE vf v_widen_half(aq_dtype source, vi h, int half)
{
    return v_widen(source, half ? _mm256_extracti128_si256(h, 1) : _mm256_castsi256_si128(h));
}

AQ_INLINE void v_store(float *p, vf v)
{
    _mm256_storeu_ps(p, v);
}

AQ_INLINE vf v_load_f32(const float *p)
{
    return _mm256_loadu_ps(p);
}

/* Lanes, a bit each, to be stored one behind the other. */
typedef __m256i v_choice;

AQ_INLINE v_choice v_choose(unsigned bits)
{
    uint64_t low = aq_places_of_bits[bits & 15], high = aq_places_of_bits[bits >> 4];
    high = (high + 0x04040404) << 8 * __builtin_popcount(bits & 15);
    return _mm256_cvtepu8_epi32(_mm_cvtsi64_si128((int64_t)(low | high)));
}

/* Of as many bytes as a vector has, those behind the chosen lanes are anything. */
AQ_INLINE void v_store_chosen(void *p, vf v, v_choice choice)
{
    _mm256_storeu_ps(p, _mm256_permutevar8x32_ps(v, choice));
}

AQ_INLINE void v_store_f16(uint16_t *p, vf v)
{
    _mm_storeu_si128((__m128i *)(void *)p,
                     _mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}

#endif
