/* SPDX-License-Identifier: Apache-2.0
 * Scalar twins of the packed types: kernel.h has the rule. */
#include <config.h>

#include "list.h"
#include "row_scale.h"

typedef struct bounds {
    float low, high; /* of the group's weights and 0 */
} bounds;

AQ_INLINE bounds group_bounds(aq_dtype source, const uint8_t *src, size_t n, uint32_t *magnitude)
{
    bounds b = {0.0f, 0.0f};
    for (size_t i = 0; i < n; i++) {
        float x = aq_widen(source, src, i);
        b.low = x < b.low ? x : b.low;
        b.high = x > b.high ? x : b.high;
        *magnitude = aq_max_u32(*magnitude, aq_magnitude(x));
    }
    return b;
}

static void put_level(uint8_t *levels, unsigned bits, size_t i, unsigned u)
{
    size_t bit = i * bits;
    levels[bit / 8] = (uint8_t)(levels[bit / 8] | u << bit % 8);
}

AQ_INLINE uint32_t quantize(unsigned bits, aq_dtype source, const void *src, size_t n,
                            const aq_row_params *params, uint32_t *levels, void *scales,
                            uint8_t *zero_points)
{
    const uint8_t *in = src;
    uint8_t *out = (uint8_t *)levels;
    float steps = (float)((1 << bits) - 1), least = -(float)(1 << (bits - 1));
    unsigned offset = 1u << (bits - 1), mask = (1u << bits) - 1;
    uint32_t magnitude = 0;
    memset(out, 0, (n * bits + 31) / 32 * 4);
    for (size_t first = 0, g = 0, count; first < n; first += count, g++) {
        const uint8_t *x = in + first * aq_source_bytes(source);
        count = n - first < params->group ? n - first : params->group;
        bounds b = group_bounds(source, x, count, &magnitude);
        row_scale scale = store_row_scale(source, bits, b.low, b.high, params->asymmetric, scales,
                                          zero_points, g);
        for (size_t i = 0; i < count; i++) {
            float q = clamp(rintf(aq_widen(source, x, i) / scale.scale + scale.zero), least,
                            least + steps);
            put_level(out, bits, first + i, ((unsigned)aq_truncate(q) + offset) & mask);
        }
    }
    return magnitude;
}

enum { INT8_BITS = 8, INT4_BITS = 4, INT2_BITS = 2 };

#define DEFINE(TYPE, type, SOURCE, source)                                                         \
    uint32_t aq_##type##_##source##_scalar(const void *src, size_t n, const aq_row_params *params, \
                                           uint32_t *levels, void *scales, uint8_t *zero_points)   \
    {                                                                                              \
        return quantize(TYPE##_BITS, AQ_DTYPE_##SOURCE, src, n, params, levels, scales,            \
                        zero_points);                                                              \
    }
AQ_ROW_PAIRS(DEFINE)
