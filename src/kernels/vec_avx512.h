/* SPDX-License-Identifier: Apache-2.0
 * The vector vocabulary of the templates, in AVX-512 F, BW, DQ and VL. */
#ifndef AQ_KERNELS_VEC_AVX512_H
#define AQ_KERNELS_VEC_AVX512_H

#include "scalar.h"

#include <immintrin.h>

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

AQ_INLINE vi v_times_4(vi v)
{
    return _mm512_slli_epi32(v, 2);
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

#endif
