/* SPDX-License-Identifier: Apache-2.0
 * The vector vocabulary of the templates, in AVX2 and F16C. */
#ifndef AQ_KERNELS_VEC_AVX2_H
#define AQ_KERNELS_VEC_AVX2_H

#include "vec_x86.h"

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

AQ_INLINE float v_least(vf v)
{
    __m128 a = _mm_min_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    a = _mm_min_ps(a, _mm_movehl_ps(a, a));
    return _mm_cvtss_f32(_mm_min_ss(a, _mm_movehdup_ps(a)));
}

AQ_INLINE float v_greatest(vf v)
{
    __m128 a = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    a = _mm_max_ps(a, _mm_movehl_ps(a, a));
    return _mm_cvtss_f32(_mm_max_ss(a, _mm_movehdup_ps(a)));
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

/* ---- 32 values at a time ---- */

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
AQ_INLINE void v_store_high_levels(uint8_t *out, v_block x, int least, int steps)
{
    vi zero = _mm256_set1_epi16((short)least);
    vi first = _mm256_subs_epu16(v_joined_words(1, x.v[0], x.v[1]), zero);
    vi second = _mm256_subs_epu16(v_joined_words(1, x.v[2], x.v[3]), zero);
    vi bytes = _mm256_min_epu8(_mm256_packus_epi16(first, second), _mm256_set1_epi8((char)steps));
    _mm256_storeu_si256((__m256i *)(void *)out, v_bytes_in_order(bytes));
}

#endif
