/* SPDX-License-Identifier: Apache-2.0
 * The K types' super-blocks of 256 weights: what follows the search for the sub-blocks' scales.
 * Shared by the scalar twins and the vector kernels, which differ only in how they search.
 *
 * q2_K: 16 sub-blocks of 16, x = d * scale * level - dmin * min, scales and mins of 4 bits
 * q3_K: 16 of 16, x = d * scale * (level - 4), signed scales of 6 bits
 * q4_K, q5_K: 8 of 32, x = d * scale * level - dmin * min, scales and mins of 6 bits
 * q6_K: 16 of 16, x = d * scale * (level - 32), signed scales of 8 bits */
#ifndef AQ_KERNELS_K_STORE_H
#define AQ_KERNELS_K_STORE_H

#include "scalar.h"

#if defined AQ_VEC_AVX2 || defined AQ_VEC_AVX512
#include <immintrin.h>
#define K_HAS_F16C 1
#endif

enum { SUPER = 256, MOST_SUBS = 16 };

/* Sub-blocks weaker than this are nothing at all to q3_K and q6_K. */
#define K_LEAST_MAGNITUDE 1e-15f

/* To the nearest integer, ties to even, by the bits of a sum whose last place is 1. ggml's for any
 * argument, the absurd ones included, which a conversion would not be. */
AQ_INLINE int k_nearest(float v)
{
    return (int)(aq_f32_bits(v + AQ_MAGIC) & 0x7fffffu) - 0x400000;
}

AQ_INLINE int k_clamp(int v, int low, int high)
{
    return v < low ? low : v > high ? high : v;
}

/* What the search found, then what the stored scales make of it: a sub-block's weights are
 * x = d * level - dm. d == 0 leaves the search's own levels. */
typedef struct k_scales {
    float scale[MOST_SUBS], min[MOST_SUBS];
    float d[MOST_SUBS], dm[MOST_SUBS]; /* dm: of the types with mins only */
} k_scales;

AQ_INLINE float k_greatest(const float *v, int n)
{
    float greatest = 0.0f;
    for (int i = 0; i < n; i++)
        greatest = v[i] > greatest ? v[i] : greatest;
    return greatest;
}

/* The first of largest magnitude; NaN has none. Magnitudes order like their bits. */
AQ_INLINE float k_extreme(const float *v)
{
    uint32_t magnitude[MOST_SUBS], most = 0;
    for (int i = 0; i < MOST_SUBS; i++) {
        uint32_t m = aq_magnitude(v[i]);
        magnitude[i] = m > 0x7f800000u ? 0 : m;
    }
    for (int i = 0; i < MOST_SUBS; i++)
        most = aq_max_u32(most, magnitude[i]);
    float extreme = 0.0f;
    for (int i = MOST_SUBS - 1; i >= 0 && most > 0; i--)
        extreme = magnitude[i] == most ? v[i] : extreme;
    return extreme;
}

/* The byte b eight times. */
#define K_EACH(b) ((uint64_t)(b)*0x0101010101010101u)

/* The scalar twin stays with integers, the chain of a super-block's scales gets shorter without. */
AQ_INLINE float k_store_f16(uint8_t *p, float f)
{
#ifdef K_HAS_F16C
    __m128i half = _mm_cvtps_ph(_mm_set_ss(f), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    uint16_t h = (uint16_t)_mm_cvtsi128_si32(half);
    memcpy(p, &h, sizeof h);
    return _mm_cvtss_f32(_mm_cvtph_ps(half));
#else
    uint16_t h = aq_f32_to_f16(f);
    memcpy(p, &h, sizeof h);
    return aq_f16_to_f32(h);
#endif
}

/* ---- scales ---- */

/* q4_K, q5_K: d, dmin, then 12 bytes of 6-bit scales and mins. A level above 63, which q4_K's
 * search with importances may leave, is stored with all its bits; what can be read back is what
 * counts. */
AQ_INLINE void k_pack_scales_6(k_scales *s, float d, float dmin, const uint8_t *scales,
                               const uint8_t *mins, uint8_t *out)
{
    d = k_store_f16(out, d);
    dmin = k_store_f16(out + 2, dmin);
    uint8_t *packed = out + 4;
    for (int j = 0; j < 8; j++) {
        unsigned scale = scales[j], min = mins[j];
        if (j < 4) {
            packed[j] = (uint8_t)scale;
            packed[j + 4] = (uint8_t)min;
        } else {
            packed[j + 4] = (uint8_t)((scale & 15u) | (min & 15u) << 4);
            packed[j - 4] = (uint8_t)(packed[j - 4] | scale >> 4 << 6);
            packed[j] = (uint8_t)(packed[j] | min >> 4 << 6);
        }
    }
    for (int j = 0; j < 4; j++) {
        s->d[j] = d * (float)(packed[j] & 63u);
        s->dm[j] = dmin * (float)(packed[j + 4] & 63u);
        s->d[j + 4] = d * (float)((packed[j + 8] & 15u) | packed[j] >> 6 << 4);
        s->dm[j + 4] = dmin * (float)((packed[j + 8] >> 4) | packed[j + 4] >> 6 << 4);
    }
}

AQ_INLINE void k_store_scales_6(k_scales *s, uint8_t *out)
{
    float max_scale = k_greatest(s->scale, 8), max_min = k_greatest(s->min, 8);
    float to_scale = max_scale > 0.0f ? 63.0f / max_scale : 0.0f;
    float to_min = max_min > 0.0f ? 63.0f / max_min : 0.0f;
    uint8_t scales[8], mins[8];
    for (int j = 0; j < 8; j++) {
        unsigned scale = (uint8_t)k_nearest(to_scale * s->scale[j]);
        unsigned min = (uint8_t)k_nearest(to_min * s->min[j]);
        scales[j] = (uint8_t)(scale > 63 ? 63 : scale);
        mins[j] = (uint8_t)(min > 63 ? 63 : min);
    }
    k_pack_scales_6(s, max_scale / 63.0f, max_min / 63.0f, scales, mins, out);
}

/* q2_K: what follows once the 16 bytes stand. */
AQ_INLINE void k_use_scales_4(k_scales *s, float d, float dmin, const uint8_t *packed,
                              uint8_t *tail)
{
    d = k_store_f16(tail, d);
    dmin = k_store_f16(tail + 2, dmin);
    for (int j = 0; j < 16; j++) {
        s->d[j] = d * (float)(packed[j] & 15u);
        s->dm[j] = dmin * (float)(packed[j] >> 4);
    }
}

/* q2_K: 16 bytes of scale and min, 4 bits each; d and dmin are at `tail`. */
AQ_INLINE void k_store_scales_4(k_scales *s, uint8_t *out, uint8_t *tail)
{
    float max_scale = k_greatest(s->scale, 16), max_min = k_greatest(s->min, 16);
    float to_scale = max_scale > 0.0f ? 15.0f / max_scale : 0.0f;
    float to_min = max_min > 0.0f ? 15.0f / max_min : 0.0f;
    for (int j = 0; j < 16; j++) {
        unsigned scale = max_scale > 0.0f ? (uint8_t)k_nearest(to_scale * s->scale[j]) : 0;
        unsigned min = max_min > 0.0f ? (uint8_t)k_nearest(to_min * s->min[j]) : 0;
        out[j] = (uint8_t)(scale | min << 4);
    }
    k_use_scales_4(s, max_scale > 0.0f ? max_scale / 15.0f : 0.0f,
                   max_min > 0.0f ? max_min / 15.0f : 0.0f, out, tail);
}

/* q3_K: 12 bytes of 6-bit scales, low halves first, then d; bits are 32 more than the scales. */
AQ_INLINE void k_pack_scales_signed_6(k_scales *s, float d, const uint8_t *bits, uint8_t *out)
{
    uint64_t half[2], low;
    uint32_t quarter[4], high = 0;
    d = k_store_f16(out + 12, d);
    for (int j = 0; j < 16; j++)
        s->d[j] = d * (float)((int)bits[j] - 32);
    memcpy(half, bits, sizeof half);
    memcpy(quarter, bits, sizeof quarter);
    low = (half[0] & K_EACH(15)) | (half[1] & K_EACH(15)) << 4;
    for (int k = 0; k < 4; k++)
        high |= (quarter[k] & (uint32_t)K_EACH(0x30)) >> 4 << 2 * k;
    memcpy(out, &low, sizeof low);
    memcpy(out + 8, &high, sizeof high);
}

AQ_INLINE void k_store_scales_signed_6(k_scales *s, uint8_t *out)
{
    float extreme = k_extreme(s->scale);
    float inverse = extreme != 0.0f ? -32.0f / extreme : 0.0f;
    uint8_t bits[16];
    for (int j = 0; j < 16; j++) {
        int scale =
            extreme != 0.0f ? k_clamp((int8_t)k_nearest(inverse * s->scale[j]), -32, 31) : -32;
        bits[j] = (uint8_t)(scale + 32);
    }
    k_pack_scales_signed_6(s, extreme != 0.0f ? 1.0f / inverse : 0.0f, bits, out);
}

/* q6_K: 16 signed bytes, then d; `stored` is 128 more than the scales. */
AQ_INLINE void k_pack_scales_8(k_scales *s, float d, const uint8_t *stored, uint8_t *out)
{
    d = k_store_f16(out + 16, d);
    for (int j = 0; j < 16; j++) {
        int8_t scale = (int8_t)(stored[j] ^ 128u);
        out[j] = (uint8_t)scale;
        s->d[j] = d * (float)scale;
    }
}

/* q6_K from the search's own scales. False where all weights are as good as 0: so is the whole
 * block.
 */
AQ_INLINE int k_store_scales_8(k_scales *s, uint8_t *out)
{
    float extreme = k_extreme(s->scale);
    if (aq_f32_from_bits(aq_magnitude(extreme)) < K_LEAST_MAGNITUDE)
        return 0;
    float inverse = -128.0f / extreme;
    uint8_t stored[16];
    for (int j = 0; j < 16; j++) {
        int scale = k_nearest(inverse * s->scale[j]);
        stored[j] = (uint8_t)((scale < 127 ? scale : 127) + 128);
    }
    k_pack_scales_8(s, 1.0f / inverse, stored, out);
    return 1;
}

/* ---- levels: 32 bytes at a time, since none has bits to spare for its neighbour ---- */

typedef uint64_t k_bytes __attribute__((vector_size(32)));

/* Bits `mask` of 32 levels from `shift` on, put `to` bits up in the bytes of `into`. */
AQ_INLINE void k_add_bits(const uint8_t *levels, int shift, unsigned mask, int to, k_bytes *into)
{
    k_bytes v;
    memcpy(&v, levels, sizeof v);
    *into |= (v >> shift & K_EACH(mask)) << to;
}

/* Four bits each: 32 levels low, and the 32 that lie `apart` high. */
AQ_INLINE void k_store_nibbles(const uint8_t *levels, int apart, uint8_t *out)
{
    for (int j = 0; j < SUPER; j += 2 * apart)
        for (int i = 0; i < apart; i += 32) {
            k_bytes both = {0};
            k_add_bits(levels + j + i, 0, 15, 0, &both);
            k_add_bits(levels + j + i + apart, 0, 15, 4, &both);
            memcpy(out + j / 2 + i, &both, sizeof both);
        }
}

/* The bit worth 1 << bit of every level: bit k of byte i is that of level 32 k + i. */
AQ_INLINE void k_store_bit_plane(const uint8_t *levels, int bit, uint8_t *out)
{
    k_bytes plane = {0};
    for (int k = 0; k < 8; k++)
        k_add_bits(levels + 32 * k, bit, 1, k, &plane);
    memcpy(out, &plane, sizeof plane);
}

/* Two bits of every level, from `shift` on: four runs of 32 to a byte, twice. */
AQ_INLINE void k_store_pairs(const uint8_t *levels, int shift, uint8_t *out)
{
    for (int j = 0; j < SUPER; j += 128) {
        k_bytes four = {0};
        for (int k = 0; k < 4; k++)
            k_add_bits(levels + j + 32 * k, shift, 3, 2 * k, &four);
        memcpy(out + j / 4, &four, sizeof four);
    }
}

/* ---- whole super-blocks ---- */

typedef struct k_rule {
    aq_type type;
    int sub;    /* weights per sub-block */
    int levels; /* the greatest level, or as many on either side of 0 */
    size_t bytes;
} k_rule;

/* Levels of both signs, and no minimum. */
AQ_INLINE int k_is_signed(k_rule rule)
{
    return rule.type == AQ_TYPE_Q3_K || rule.type == AQ_TYPE_Q6_K || rule.type == AQ_TYPE_Q4_0 ||
           rule.type == AQ_TYPE_Q5_0;
}

/* The least level and the greatest. */
AQ_INLINE int k_low(k_rule rule)
{
    return k_is_signed(rule) ? -rule.levels : 0;
}

AQ_INLINE int k_high(k_rule rule)
{
    return k_is_signed(rule) ? rule.levels - 1 : rule.levels;
}

/* As k_store_scales, with importances: the scales' own levels are searched for, too, each of them
 * counting for what its sub-block's weights count for together. */
int aq_weighted_scales(k_rule rule, k_scales *s, const float *counts, uint8_t *out);

/* q3_K's search without importances, of 16 weights; returns the scale. */
float aq_search_q3_k(const float *x, uint8_t *levels);

#define AQ_K_RULE_Q2_K          \
    {                           \
        AQ_TYPE_Q2_K, 16, 3, 84 \
    }
#define AQ_K_RULE_Q3_K           \
    {                            \
        AQ_TYPE_Q3_K, 16, 4, 110 \
    }
#define AQ_K_RULE_Q4_K            \
    {                             \
        AQ_TYPE_Q4_K, 32, 15, 144 \
    }
#define AQ_K_RULE_Q5_K            \
    {                             \
        AQ_TYPE_Q5_K, 32, 31, 176 \
    }
#define AQ_K_RULE_Q6_K            \
    {                             \
        AQ_TYPE_Q6_K, 16, 32, 210 \
    }

/* Scales and mins become their stored selves. False where the block is complete: all zeros. */
AQ_INLINE int k_store_scales(k_rule rule, k_scales *s, uint8_t *out)
{
    switch (rule.type) {
    case AQ_TYPE_Q2_K:
        k_store_scales_4(s, out, out + 80);
        return 1;
    case AQ_TYPE_Q3_K:
        k_store_scales_signed_6(s, out + 96);
        return 1;
    case AQ_TYPE_Q6_K:
        if (k_store_scales_8(s, out + 192))
            return 1;
        memset(out, 0, rule.bytes);
        return 0;
    default:
        k_store_scales_6(s, out);
        return 1;
    }
}

AQ_INLINE void k_store_levels(k_rule rule, const uint8_t *levels, uint8_t *out)
{
    switch (rule.type) {
    case AQ_TYPE_Q2_K:
        k_store_pairs(levels, 0, out + 16);
        break;
    case AQ_TYPE_Q3_K:
        k_store_bit_plane(levels, 2, out);
        k_store_pairs(levels, 0, out + 32);
        break;
    case AQ_TYPE_Q4_K:
        k_store_nibbles(levels, 32, out + 16);
        break;
    case AQ_TYPE_Q5_K:
        k_store_bit_plane(levels, 4, out + 16);
        k_store_nibbles(levels, 32, out + 48);
        break;
    default:
        k_store_nibbles(levels, 64, out);
        k_store_pairs(levels, 4, out + 128);
        break;
    }
}

#endif
