/* SPDX-License-Identifier: Apache-2.0
 * Scalar twins of the GGUF block types: the definition that every other kernel must equal, and
 * that equals ggml byte for byte. The order of the operations is part of it. */
#include <config.h>

#include "list.h"
#include "scalar.h"
#include "scalar_levels.h"

#include <math.h>

/* Widens one block; returns its largest magnitude as bits. */
AQ_INLINE uint32_t load_block(aq_dtype source, const void *src, float x[BLOCK])
{
    uint32_t magnitude = 0;
    for (int i = 0; i < BLOCK; i++) {
        x[i] = aq_widen(source, src, (size_t)i);
        magnitude = aq_max_u32(magnitude, aq_magnitude(x[i]));
    }
    return magnitude;
}

static float inverse(float d)
{
    return d != 0.0f ? 1.0f / d : 0.0f;
}

static void encode_q8_0(const float x[BLOCK], float amax, uint8_t out[34])
{
    float d = amax / 127.0f;
    float id = inverse(d);
    store_u16(out, aq_f32_to_f16(d));
    for (int i = 0; i < BLOCK; i++)
        out[2 + i] = (uint8_t)aq_truncate(roundf(x[i] * id));
}

/* The level of v, which lies half a step or more above 0 where all is well: as an int8 first, so
 * that what truncation could not represent becomes 0, and no more than top. */
static unsigned level(float v, unsigned top)
{
    int8_t q = (int8_t)(uint8_t)aq_truncate(v);
    return q < (int)top ? (uint8_t)q : top;
}

/* q4_0, q5_0: the first value of largest magnitude goes to the lowest level, 0 to the middle. */
static void encode_signed(const float x[BLOCK], unsigned bits, uint8_t *out)
{
    float amax = 0.0f, m = 0.0f, middle = (float)(1 << (bits - 1));
    for (int i = 0; i < BLOCK; i++)
        if (amax < fabsf(x[i])) {
            amax = fabsf(x[i]);
            m = x[i];
        }
    float d = m / -middle;
    float id = inverse(d);
    uint8_t q[BLOCK];
    for (int i = 0; i < BLOCK; i++)
        q[i] = (uint8_t)level(x[i] * id + (middle + 0.5f), (1u << bits) - 1);
    store_u16(out, aq_f32_to_f16(d));
    store_levels(q, bits == 5, out + 2);
}

/* q4_1, q5_1: from the least value at level 0 to the greatest at the top one. */
static void encode_range(const float x[BLOCK], unsigned bits, uint8_t *out)
{
    unsigned top = (1u << bits) - 1;
    float min = x[0], max = x[0];
    for (int i = 1; i < BLOCK; i++) {
        min = x[i] < min ? x[i] : min; /* the first of equals: it decides the sign of a zero */
        max = x[i] > max ? x[i] : max;
    }
    float d = (max - min) / (float)top;
    float id = inverse(d);
    uint8_t q[BLOCK];
    for (int i = 0; i < BLOCK; i++)
        q[i] = (uint8_t)level((x[i] - min) * id + 0.5f, top);
    store_u16(out, aq_f32_to_f16(d));
    store_u16(out + 2, aq_f32_to_f16(min));
    store_levels(q, bits == 5, out + 4);
}

AQ_INLINE void encode(aq_type type, const float x[BLOCK], uint32_t magnitude, uint8_t *out)
{
    switch (type) {
    case AQ_TYPE_Q8_0:
        encode_q8_0(x, aq_f32_from_bits(magnitude), out);
        break;
    case AQ_TYPE_Q4_0:
    case AQ_TYPE_Q5_0:
        encode_signed(x, type == AQ_TYPE_Q4_0 ? 4 : 5, out);
        break;
    default:
        encode_range(x, type == AQ_TYPE_Q4_1 ? 4 : 5, out);
        break;
    }
}

AQ_INLINE uint32_t quantize(aq_type type, size_t bytes, aq_dtype source, const void *src,
                            size_t blocks, void *dst)
{
    const uint8_t *in = src;
    uint8_t *out = dst;
    uint32_t magnitude = 0;
    for (size_t b = 0; b < blocks; b++) {
        float x[BLOCK];
        uint32_t m = load_block(source, in + b * BLOCK * aq_source_bytes(source), x);
        encode(type, x, m, out + b * bytes);
        magnitude = aq_max_u32(magnitude, m);
    }
    return magnitude;
}

enum { Q8_0_BYTES = 34, Q4_0_BYTES = 18, Q4_1_BYTES = 20, Q5_0_BYTES = 22, Q5_1_BYTES = 24 };

#define DEFINE(TYPE, type, SOURCE, source)                                                  \
    uint32_t aq_##type##_##source##_scalar(const void *src, size_t blocks, void *dst)       \
    {                                                                                       \
        return quantize(AQ_TYPE_##TYPE, TYPE##_BYTES, AQ_DTYPE_##SOURCE, src, blocks, dst); \
    }
AQ_BLOCK_PAIRS(DEFINE)
