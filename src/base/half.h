/* SPDX-License-Identifier: Apache-2.0
 * float16 and bfloat16 to float32 (exact) and back (round to nearest, ties to even; overflow gives
 * infinity, a NaN stays one). Integer arithmetic only, so no rounding mode and no instruction set
 * can change a bit. */
#ifndef AQ_HALF_H
#define AQ_HALF_H

#include <stdint.h>
#include <string.h>

static inline float aq_f32_from_bits(uint32_t bits)
{
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

static inline uint32_t aq_f32_bits(float f)
{
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    return bits;
}

static inline float aq_f16_to_f32(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000u) << 16;
    uint32_t magnitude = h & 0x7fffu;
    if (magnitude >= 0x7c00u) /* infinity, NaN: all ones in the wider exponent too */
        return aq_f32_from_bits(sign | 0x7f800000u | (magnitude & 0x3ffu) << 13);
    if (magnitude >= 0x400u) /* normal: move the fields, rebias the exponent by 127 - 15 */
        return aq_f32_from_bits(sign | ((magnitude << 13) + (112u << 23)));
    if (magnitude == 0)
        return aq_f32_from_bits(sign);
    /* Subnormal, magnitude * 2^-24: shift the leading one up to the implicit bit's place. */
    unsigned shift = (unsigned)__builtin_clz(magnitude) - 21u;
    uint32_t fraction = (magnitude << shift & 0x3ffu) << 13;
    return aq_f32_from_bits(sign | (113u - shift) << 23 | fraction);
}

static inline uint16_t aq_f32_to_f16(float f)
{
    uint32_t bits = aq_f32_bits(f);
    uint32_t sign = bits >> 16 & 0x8000u;
    uint32_t magnitude = bits & 0x7fffffffu;
    if (magnitude > 0x7f800000u)
        return (uint16_t)(sign | 0x7e00u);
    /* From 65520, half a step above the largest float16, everything rounds to infinity. */
    if (magnitude >= 0x477ff000u)
        return (uint16_t)(sign | 0x7c00u);
    if (magnitude >= 0x38800000u) {
        /* Normal. A carry out of the fraction moves into the exponent, which is what it should do.
         */
        uint32_t odd = magnitude >> 13 & 1u;
        return (uint16_t)(sign | (magnitude - (112u << 23) + 0xfffu + odd) >> 13);
    }
    /* At most 2^-25, half the least subnormal: to even, which is 0. */
    if (magnitude <= 0x33000000u)
        return (uint16_t)sign;
    /* Subnormal: in units of 2^-24 the value is significand / 2^shift. */
    uint32_t significand = (magnitude & 0x7fffffu) | 0x800000u;
    unsigned shift = 126u - (magnitude >> 23);
    uint32_t odd = significand >> shift & 1u;
    return (uint16_t)(sign | (significand + (1u << (shift - 1)) - 1u + odd) >> shift);
}

static inline float aq_bf16_to_f32(uint16_t h)
{
    return aq_f32_from_bits((uint32_t)h << 16);
}

static inline uint16_t aq_f32_to_bf16(float f)
{
    uint32_t bits = aq_f32_bits(f);
    if ((bits & 0x7fffffffu) > 0x7f800000u)
        return (uint16_t)(bits >> 16 | 0x40u); /* quiet, so that cutting cannot make an infinity */
    return (uint16_t)((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}

#endif
