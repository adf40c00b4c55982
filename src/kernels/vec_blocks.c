/* SPDX-License-Identifier: Apache-2.0
 * The GGUF types of 32 weights to a block, in vectors: compiled once for each ISA.
 *
 * A group is as many blocks as a vector has weights. Its extremes are found together, all its
 * scales are computed at once, and each block is encoded from the cache. */
#include <config.h>

#include "block_scales.h"
#include "list.h"

/* Weights are asked for so many bytes before they are needed. The folding reads in an order that no
 * hardware prefetcher follows: without this, kernels run at half the speed from memory. */
enum { AHEAD = 8192 };
typedef struct block_rule {
    aq_type type;
    size_t bytes;
    int range;     /* from the least to the greatest weight, not around 0 */
    int five_bits; /* or four */
} block_rule;

AQ_INLINE v_block load_scaled(aq_dtype source, const uint8_t *src, float inverse)
{
    v_block x;
    vf id = v_set(inverse);
#pragma GCC unroll 8
    for (size_t i = 0; i < BLOCK / V_LANES; i++)
        x.v[i] = v_mul(v_load(source, src + i * V_LANES * aq_source_bytes(source)), id);
    return x;
}

#ifdef V_HAS_FMA
AQ_INLINE int fusible(aq_dtype source, const group_scales *scales, size_t b)
{
    return source != AQ_DTYPE_F32 && __builtin_expect((scales->literal >> b & 1) == 0, 1);
}

AQ_INLINE v_block load_fused(aq_dtype source, const uint8_t *src, float inverse, float offset)
{
    v_block x;
    vf id = v_set(inverse), c = v_set(offset);
#pragma GCC unroll 8
    for (size_t i = 0; i < BLOCK / V_LANES; i++)
        x.v[i] = v_fma(v_load(source, src + i * V_LANES * aq_source_bytes(source)), id, c);
    return x;
}
#endif

AQ_INLINE void encode_q8_0(aq_dtype source, const uint8_t *src, const group_scales *scales,
                           size_t b, uint8_t *out)
{
    memcpy(out, &scales->d[b], 2);
#ifdef V_HAS_FMA
    if (fusible(source, scales, b)) {
        v_store_low_bytes(out + 2, load_fused(source, src, scales->nudged[b], 0x1.8p23f));
        return;
    }
#endif
    v_store_rounded(out + 2, load_scaled(source, src, scales->inverse[b]));
}

AQ_INLINE void encode_signed(aq_dtype source, block_rule rule, const uint8_t *src,
                             const group_scales *scales, size_t b, uint8_t *out)
{
    memcpy(out, &scales->d[b], 2);
#ifdef V_HAS_FMA
    if (!rule.five_bits && fusible(source, scales, b)) {
        v_store_biased_levels(out + 2, load_fused(source, src, scales->inverse[b], 128 + 8.5f));
        return;
    }
#endif
    v_block x = load_scaled(source, src, scales->inverse[b]);
    vf offset = v_set(rule.five_bits ? 16.5f : 8.5f);
#pragma GCC unroll 8
    for (size_t i = 0; i < BLOCK / V_LANES; i++)
        x.v[i] = v_add(x.v[i], offset);
    v_store_levels(out + 2, rule.five_bits, x);
}

AQ_INLINE void encode_range(aq_dtype source, block_rule rule, const uint8_t *src,
                            const group_scales *scales, size_t b, uint8_t *out)
{
    v_block x;
    vf id = v_set(scales->inverse[b]), min = v_set(scales->min[b]), half = v_set(0.5f);
#pragma GCC unroll 8
    for (size_t i = 0; i < BLOCK / V_LANES; i++) {
        vf v = v_load(source, src + i * V_LANES * aq_source_bytes(source));
        x.v[i] = v_add(v_mul(v_sub(v, min), id), half);
    }
    memcpy(out, &scales->d[b], 2);
    memcpy(out + 2, &scales->m[b], 2);
    v_store_levels(out + 4, rule.five_bits, x);
}

AQ_INLINE vi quantize_group(aq_dtype source, block_rule rule, const uint8_t *src, uint8_t *dst,
                            vi magnitude)
{
    group_scales scales;
    scales.literal = 0;
    if (rule.type == AQ_TYPE_Q8_0)
        magnitude = scales_q8_0(source, src, magnitude, &scales);
    else if (rule.range)
        magnitude = scales_range(source, rule.five_bits ? 31.0f : 15.0f, src, magnitude, &scales);
    else
        magnitude = scales_signed(source, rule.five_bits ? 16.0f : 8.0f, src, magnitude, &scales);
    for (size_t b = 0; b < group_blocks(source); b++) {
        const uint8_t *in = src + b * block_stride(source);
        uint8_t *out = dst + b * rule.bytes;
        for (size_t line = 0; line < block_stride(source); line += 64)
            __builtin_prefetch(in + AHEAD + line);
        if (rule.type == AQ_TYPE_Q8_0)
            encode_q8_0(source, in, &scales, b, out);
        else if (rule.range)
            encode_range(source, rule, in, &scales, b, out);
        else
            encode_signed(source, rule, in, &scales, b, out);
    }
    return magnitude;
}

/* Fewer blocks than a group are quantized in a copy that zeros fill up. */
AQ_INLINE vi quantize_rest(aq_dtype source, block_rule rule, const uint8_t *src, size_t blocks,
                           uint8_t *dst, vi magnitude)
{
    uint8_t in[MOST_GROUP * BLOCK * 2] = {0}, out[MOST_GROUP * 34];
    _Static_assert(sizeof in == V_LANES * BLOCK * 4, "a group has the same size from any source");
    memcpy(in, src, blocks * block_stride(source));
    magnitude = quantize_group(source, rule, in, out, magnitude);
    memcpy(dst, out, blocks * rule.bytes);
    return magnitude;
}

AQ_INLINE uint32_t quantize_blocks(aq_dtype source, block_rule rule, const void *src, size_t blocks,
                                   void *dst)
{
    const uint8_t *in = src;
    uint8_t *out = dst;
    size_t group = group_blocks(source), b = 0;
    vi magnitude = v_set_bits(0);
    for (; b + group <= blocks; b += group)
        magnitude = quantize_group(source, rule, in + b * block_stride(source),
                                   out + b * rule.bytes, magnitude);
    if (b < blocks)
        magnitude = quantize_rest(source, rule, in + b * block_stride(source), blocks - b,
                                  out + b * rule.bytes, magnitude);
    return v_greatest_u32(magnitude);
}

#define RULE_Q8_0              \
    {                          \
        AQ_TYPE_Q8_0, 34, 0, 0 \
    }
#define RULE_Q4_0              \
    {                          \
        AQ_TYPE_Q4_0, 18, 0, 0 \
    }
#define RULE_Q4_1              \
    {                          \
        AQ_TYPE_Q4_1, 20, 1, 0 \
    }
#define RULE_Q5_0              \
    {                          \
        AQ_TYPE_Q5_0, 22, 0, 1 \
    }
#define RULE_Q5_1              \
    {                          \
        AQ_TYPE_Q5_1, 24, 1, 1 \
    }

#define DEFINE(TYPE, type, SOURCE, source)                                                    \
    uint32_t V_NAME(aq_##type##_##source)(const void *src, size_t blocks, void *dst)          \
    {                                                                                         \
        return quantize_blocks(AQ_DTYPE_##SOURCE, (block_rule)RULE_##TYPE, src, blocks, dst); \
    }

AQ_BLOCK_PAIRS(DEFINE)
