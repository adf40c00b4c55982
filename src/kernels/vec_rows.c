/* SPDX-License-Identifier: Apache-2.0
 * The packed types in vectors: compiled once for each ISA. */
#include <config.h>

#include "list.h"
#include "row_scale.h"
#include "vec.h"

enum { CHUNK = 32 };

typedef struct row_bounds {
    vf low, high;
    vi magnitude;
} row_bounds;

AQ_INLINE row_bounds include(row_bounds b, vf x)
{
    b.low = v_min(x, b.low);
    b.high = v_max(x, b.high);
    b.magnitude = v_max_u32(b.magnitude, v_and(v_bits(x), v_set_bits(0x7fffffff)));
    return b;
}

/* Fewer weights than a vector, filled up with zeros, which change neither bounds nor magnitude. */
AQ_INLINE vf load_rest(aq_dtype source, const uint8_t *src, size_t count)
{
    uint8_t padded[V_LANES * 4] = {0};
    memcpy(padded, src, count * aq_source_bytes(source));
    return v_load(source, padded);
}

AQ_INLINE row_bounds group_bounds(aq_dtype source, const uint8_t *src, size_t count, vi magnitude)
{
    size_t size = aq_source_bytes(source), i = 0;
    row_bounds b = {v_set(0.0f), v_set(0.0f), magnitude}, other = b;
    for (; i + 2 * V_LANES <= count; i += 2 * V_LANES) {
        b = include(b, v_load(source, src + i * size));
        other = include(other, v_load(source, src + (i + V_LANES) * size));
    }
    for (; i + V_LANES <= count; i += V_LANES)
        b = include(b, v_load(source, src + i * size));
    if (i < count)
        b = include(b, load_rest(source, src + i * size, count - i));
    b.low = v_min(b.low, other.low);
    b.high = v_max(b.high, other.high);
    b.magnitude = v_max_u32(b.magnitude, other.magnitude);
    return b;
}

AQ_INLINE v_block scaled_chunk(aq_dtype source, const uint8_t *src, row_scale scale)
{
    v_block x;
    vf s = v_set(scale.scale), z = v_set(scale.zero);
#pragma GCC unroll 8
    for (size_t i = 0; i < CHUNK / V_LANES; i++)
        x.v[i] = v_add(v_div(v_load(source, src + i * V_LANES * aq_source_bytes(source)), s), z);
    return x;
}

/* The levels of a group, whose first weight's begins a byte. */
AQ_INLINE void store_group(unsigned bits, aq_dtype source, const uint8_t *src, size_t count,
                           row_scale scale, uint8_t *out)
{
    int least = -(1 << (bits - 1)), steps = (1 << bits) - 1;
    size_t size = aq_source_bytes(source), i = 0;
    for (; i + CHUNK <= count; i += CHUNK, out += CHUNK * bits / 8)
        v_store_packed(out, bits,
                       v_quantized(scaled_chunk(source, src + i * size, scale), least, steps));
    if (i == count)
        return;
    /* The rest in a padded copy; its levels are cut to those that exist, so that the unused bits of
     * the last byte are 0. */
    uint8_t padded[CHUNK * 4] = {0}, packed[CHUNK];
    memcpy(padded, src + i * size, (count - i) * size);
    v_store_packed(packed, bits, v_quantized(scaled_chunk(source, padded, scale), least, steps));
    size_t used = (count - i) * bits, whole = used / 8;
    memcpy(out, packed, whole);
    if (used % 8 != 0)
        out[whole] = (uint8_t)(packed[whole] & ((1u << used % 8) - 1));
}

AQ_INLINE uint32_t quantize_row(unsigned bits, aq_dtype source, aq_row_fn *scalar, const void *src,
                                size_t n, const aq_row_params *params, uint32_t *levels,
                                void *scales, uint8_t *zero_points)
{
    /* Groups that do not begin on whole bytes are nobody's format. */
    if (params->group % 8 != 0 && params->group < n)
        return scalar(src, n, params, levels, scales, zero_points);
    const uint8_t *in = src;
    uint8_t *out = (uint8_t *)levels;
    size_t words = (n * bits + 31) / 32;
    vi magnitude = v_set_bits(0);
    if (words > 0)
        memset(out + (words - 1) * 4, 0, 4);
    for (size_t first = 0, g = 0, count; first < n; first += count, g++) {
        const uint8_t *x = in + first * aq_source_bytes(source);
        count = n - first < params->group ? n - first : params->group;
        row_bounds b = group_bounds(source, x, count, magnitude);
        magnitude = b.magnitude;
        row_scale scale = store_row_scale(source, bits, v_least(b.low), v_greatest(b.high),
                                          params->asymmetric, scales, zero_points, g);
        store_group(bits, source, x, count, scale, out + first * bits / 8);
    }
    return v_greatest_u32(magnitude);
}

enum { BITS_INT8 = 8, BITS_INT4 = 4, BITS_INT2 = 2 };

#define DEFINE(TYPE, type, SOURCE, source)                                                         \
    uint32_t V_NAME(aq_##type##_##source)(const void *src, size_t n, const aq_row_params *params,  \
                                          uint32_t *levels, void *scales, uint8_t *zero_points)    \
    {                                                                                              \
        return quantize_row(BITS_##TYPE, AQ_DTYPE_##SOURCE, aq_##type##_##source##_scalar, src, n, \
                            params, levels, scales, zero_points);                                  \
    }

AQ_ROW_PAIRS(DEFINE)
