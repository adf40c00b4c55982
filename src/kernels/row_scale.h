/* SPDX-License-Identifier: Apache-2.0
 * Scale and zero point of one group of a packed type, from its bounds: kernel.h has the rule. */
#ifndef AQ_KERNELS_ROW_SCALE_H
#define AQ_KERNELS_ROW_SCALE_H

#include "scalar.h"

#include <math.h>

typedef struct row_scale {
    float scale, zero; /* as they will be read back; 0 where the type is symmetric */
} row_scale;

/* What is stored instead of a scale of 0. */
AQ_INLINE float instead_of_zero(aq_dtype source)
{
    return source == AQ_DTYPE_F32 ? 0x1p-23f : source == AQ_DTYPE_F16 ? 0x1p-10f : 0x1p-7f;
}

AQ_INLINE uint16_t narrow_scale(aq_dtype source, float f)
{
    return source == AQ_DTYPE_F16 ? aq_f32_to_f16(f) : aq_f32_to_bf16(f);
}

/* Stores the scale of group g and returns it as it will be read back. */
AQ_INLINE float store_rounded_scale(aq_dtype source, float exact, uint8_t *scales, size_t g)
{
    if (source == AQ_DTYPE_F32) {
        float s = exact != 0.0f ? exact : instead_of_zero(source);
        memcpy(scales + 4 * g, &s, sizeof s);
        return s;
    }
    uint16_t h = narrow_scale(source, exact);
    if (h == 0)
        h = narrow_scale(source, instead_of_zero(source));
    memcpy(scales + 2 * g, &h, sizeof h);
    return aq_widen(source, &h, 0);
}

AQ_INLINE float clamp(float v, float low, float high)
{
    return v < low ? low : v > high ? high : v;
}

/* low <= 0 <= high. */
AQ_INLINE row_scale store_row_scale(aq_dtype source, unsigned bits, float low, float high,
                                    int asymmetric, void *scales, uint8_t *zero_points, size_t g)
{
    float steps = (float)((1 << bits) - 1), least = -(float)(1 << (bits - 1));
    /* >=, since of 0 and -0 the scale must be the positive one */
    float exact = asymmetric ? (high - low) / steps : (high >= -low ? high : -low) / (steps / 2.0f);
    row_scale s = {store_rounded_scale(source, exact, scales, g), 0.0f};
    if (asymmetric) {
        s.zero = clamp(rintf(least - low / s.scale), least, least + steps);
        zero_points[g] = (uint8_t)((unsigned)aq_truncate(s.zero - least) & ((1u << bits) - 1));
    }
    return s;
}

#endif
