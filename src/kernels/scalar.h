/* SPDX-License-Identifier: Apache-2.0
 * What the scalar twins share: exact widening, and float to integer with every case defined. */
#ifndef AQ_KERNELS_SCALAR_H
#define AQ_KERNELS_SCALAR_H

#include "arrowquant.h"
#include "base/half.h"

/* The source dtype is a constant wherever these are inlined, so each kernel is compiled for its
 * own, while a debugger still sees one function. */
#define AQ_INLINE static inline __attribute__((always_inline))

AQ_INLINE size_t aq_source_bytes(aq_dtype source)
{
    return source == AQ_DTYPE_F32 ? 4 : 2;
}

/* Weight i of src, widened; any alignment. */
AQ_INLINE float aq_widen(aq_dtype source, const void *src, size_t i)
{
    const uint8_t *p = (const uint8_t *)src + i * aq_source_bytes(source);
    if (source == AQ_DTYPE_F32) {
        float f;
        memcpy(&f, p, sizeof f);
        return f;
    }
    uint16_t h;
    memcpy(&h, p, sizeof h);
    return source == AQ_DTYPE_F16 ? aq_f16_to_f32(h) : aq_bf16_to_f32(h);
}

AQ_INLINE uint32_t aq_magnitude(float f)
{
    return aq_f32_bits(f) & 0x7fffffffu;
}

AQ_INLINE uint32_t aq_max_u32(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

/* A sum of this and a float below 2^22 is rounded to a whole number, which its lowest bits have. */
#define AQ_MAGIC 12582912.0f

/* The places of a nibble's bits that are 1, lowest first, a byte each. */
static const uint32_t aq_places_of_bits[16] = {
    0,   0x0,   0x1,   0x100,   0x2,   0x200,   0x201,   0x20100,
    0x3, 0x300, 0x301, 0x30100, 0x302, 0x30200, 0x30201, 0x3020100,
};

/* Truncation as x86's cvttss2si has it, which ggml's bytes come from: NaN, infinity and whatever
 * does not fit give 0x80000000, so their low byte is 0. */
AQ_INLINE int32_t aq_truncate(float f)
{
    return f >= -0x1p31f && f < 0x1p31f ? (int32_t)f : INT32_MIN;
}

#endif
