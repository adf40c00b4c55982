/* SPDX-License-Identifier: Apache-2.0
 * Scales and zero points of as many groups of a packed type as a vector has lanes, each a chain of
 * divisions and roundings: kernel.h has the rule, row_scale.h does it for one. */
#ifndef AQ_KERNELS_ROW_SCALES_H
#define AQ_KERNELS_ROW_SCALES_H

#include <float.h>

#include "row_bounds.h"
#include "row_levels.h"
#include "row_scale.h"

/* Lane j is group j's. */
typedef struct row_scales {
    float scale[V_LANES], zero[V_LANES], inverse[V_LANES], low[V_LANES], low_sum[V_LANES];
} row_scales;

/* rintf below 2^22. */
AQ_INLINE vf v_rint(vf v)
{
    return v_sub(v_add(v, v_set(AQ_MAGIC)), v_set(AQ_MAGIC));
}

AQ_INLINE vf v_clamp(vf v, float low, float high)
{
    return v_min(v_max(v, v_set(low)), v_set(high));
}

/* As they will be read back; `stored` has them as they are stored. See store_rounded_scale. */
AQ_INLINE vf round_scales(aq_dtype source, vf exact, uint8_t stored[4 * V_LANES])
{
    uint16_t h[V_LANES];
    if (source == AQ_DTYPE_F32) {
        exact = v_select(v_eq(exact, v_set(0.0f)), v_set(instead_of_zero(source)), exact);
        memcpy(stored, &exact, sizeof exact);
        return exact;
    }
    if (source == AQ_DTYPE_F16) {
        v_store_f16(h, exact);
    } else {
        float f[V_LANES];
        v_store(f, exact);
        for (int j = 0; j < V_LANES; j++)
            h[j] = narrow_scale(source, f[j]);
    }
    uint16_t instead = narrow_scale(source, instead_of_zero(source));
    for (int j = 0; j < V_LANES; j++)
        h[j] = h[j] == 0 ? instead : h[j];
    memcpy(stored, h, sizeof h);
    return v_load(source, stored);
}

/* Stores those of the first `count` groups. zero_points may be NULL where the type is symmetric. */
AQ_INLINE void store_row_scales(unsigned bits, aq_dtype source, int asymmetric, size_t count,
                                row_bounds b, uint8_t *scales, uint8_t *zero_points, row_scales *r)
{
    float steps = (float)((1 << bits) - 1), least = -(float)(1 << (bits - 1));
    vf low = b.low, high = b.high, zero = v_set(0.0f);
    vf exact = asymmetric ? v_div(v_sub(high, low), v_set(steps))
                          : v_div(v_max(v_sub(zero, low), high), v_set(steps / 2.0f));
    uint8_t stored[4 * V_LANES];
    vf scale = round_scales(source, exact, stored);
    memcpy(scales, stored, count * aq_source_bytes(source));
    vf low_quotient = v_div(low, scale), inverse = v_div(v_set(1.0f), scale);
    if (asymmetric)
        zero = v_clamp(v_rint(v_sub(v_set(least), low_quotient)), least, least + steps);
    vf level = v_clamp(v_rint(v_add(low_quotient, zero)), least, least + steps);
    /* one that has fewer bits, or none, makes no products */
    vm normal = v_both(v_gt(inverse, v_set(FLT_MIN)), v_gt(v_set(FLT_MAX), inverse));
    v_store(r->low, low);
    v_store(r->scale, scale);
    v_store(r->zero, zero);
    v_store(r->inverse, v_select(normal, inverse, v_set(0.0f)));
    v_store(r->low_sum, v_add(level, v_set(513.5f - least)));
    for (size_t j = 0; j < count && asymmetric; j++)
        zero_points[j] = (uint8_t)((unsigned)aq_truncate(r->zero[j] - least) & ((1u << bits) - 1));
}

AQ_INLINE row_map map_of(unsigned bits, const row_scales *r, size_t j)
{
    return (row_map){.scale = r->scale[j],
                     .zero = r->zero[j],
                     .inverse = r->inverse[j],
                     .offset = 513.5f + (float)(1 << (bits - 1)) + r->zero[j],
                     .low_weight = r->low[j],
                     .low_sum = r->low_sum[j]};
}

#endif
