/* SPDX-License-Identifier: Apache-2.0
 * The GGUF types of 32 weights to a block, in vectors: compiled once for each ISA.
 *
 * A group is as many blocks as a vector has weights. Its extremes are found together, all its
 * scales are computed at once, and each block is encoded from the cache. */
#include <config.h>

#include "ahead.h"
#include "block_scales.h"
#include "list.h"

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

AQ_INLINE void encode_q8_0(aq_dtype source, const uint8_t *src, const group_scales *scales,
                           int quick, size_t b, uint8_t *out)
{
    (void)quick;
    memcpy(out, &scales->d[b], 2);
#ifdef V_ROUNDS_HALF
    if (quick && source == AQ_DTYPE_F32) {
        v_store_rounded_half(out + 2, load_scaled(source, src, scales->quick[b]));
        return;
    }
#endif
    v_store_rounded(out + 2, load_scaled(source, src, scales->inverse[b]));
}

AQ_INLINE void encode_signed(aq_dtype source, block_rule rule, const uint8_t *src,
                             const group_scales *scales, size_t b, uint8_t *out)
{
    memcpy(out, &scales->d[b], 2);
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

AQ_INLINE vi find_scales(aq_dtype source, block_rule rule, const uint8_t *src, vi magnitude,
                         group_scales *scales)
{
    scales->literal = 0;
    if (rule.type == AQ_TYPE_Q8_0)
        return scales_q8_0(source, src, magnitude, scales);
    if (rule.range)
        return scales_range(source, rule.five_bits ? 31.0f : 15.0f, src, magnitude, scales);
    return scales_signed(source, rule.five_bits ? 16.0f : 8.0f, src, magnitude, scales);
}

AQ_INLINE void encode_block(aq_dtype source, block_rule rule, const uint8_t *src,
                            const group_scales *scales, int quick, size_t b, uint8_t *dst)
{
    const uint8_t *in = src + b * block_stride(source);
    uint8_t *out = dst + b * rule.bytes;
    if (rule.type == AQ_TYPE_Q8_0)
        encode_q8_0(source, in, scales, quick, b, out);
    else if (rule.range)
        encode_range(source, rule, in, scales, b, out);
    else
        encode_signed(source, rule, in, scales, b, out);
}

AQ_INLINE int has_quick_way(aq_dtype source, block_rule rule)
{
    return rule.type == AQ_TYPE_Q8_0 || (rule.type == AQ_TYPE_Q4_0 && source != AQ_DTYPE_F32);
}

/* How many blocks are encoded together. */
AQ_INLINE size_t blocks_at_once(aq_dtype source, block_rule rule)
{
#ifdef V_HAS_TWO_BLOCKS
    if (source != AQ_DTYPE_F32 && has_quick_way(source, rule))
        return 2;
#endif
    (void)source, (void)rule;
    return 1;
}

#ifdef V_HAS_TWO_BLOCKS
/* Two blocks the quick way, from a 16-bit source. */
AQ_INLINE void encode_two(aq_dtype source, block_rule rule, const uint8_t *src,
                          const group_scales *scales, size_t b, uint8_t *dst)
{
    int bytes = rule.type == AQ_TYPE_Q8_0;
    const float *inverse = bytes ? scales->quick : scales->inverse;
    vf offset = v_set(bytes ? 0x1.8p23f : 128 + 8.5f);
    uint8_t *out = dst + b * rule.bytes;
    v_block x[2];
#pragma GCC unroll 2
    for (size_t i = 0; i < 2; i++) {
        vf id = v_set(inverse[b + i]);
        x[i] = v_load_apart(source, src + (b + i) * block_stride(source));
#pragma GCC unroll 4
        for (size_t j = 0; j < BLOCK / V_LANES; j++)
            x[i].v[j] = v_fma(x[i].v[j], id, offset);
        memcpy(out + i * rule.bytes, &scales->d[b + i], 2);
    }
    if (bytes)
        v_store_two_bytes(source, x[0], out + 2, x[1], out + 2 + rule.bytes);
    else
        v_store_two_levels(source, x[0], out + 2, x[1], out + 2 + rule.bytes);
}
#endif

/* Blocks that must not take the quick way are few: they are encoded once more, and no other asks
 * which kind it is. */
AQ_INLINE void encode_group(aq_dtype source, block_rule rule, const uint8_t *src,
                            const group_scales *scales, uint8_t *dst)
{
    int quick = has_quick_way(source, rule);
    size_t stride = block_stride(source), at_once = blocks_at_once(source, rule);
    for (size_t b = 0; b < group_blocks(source); b += at_once) {
        ask_before(src + b * stride, at_once * stride);
#ifdef V_HAS_TWO_BLOCKS
        if (at_once == 2)
            encode_two(source, rule, src, scales, b, dst);
        else
#endif
            encode_block(source, rule, src, scales, quick, b, dst);
        ask_after(src + b * stride, at_once * stride);
    }
    if (!quick)
        return;
    for (uint64_t literal = scales->literal; literal != 0; literal &= literal - 1)
        encode_block(source, rule, src, scales, 0, (size_t)__builtin_ctzll(literal), dst);
}

/* A group's scales end in a chain of divisions: they are found while the group before is encoded,
 * which does not need them. Fewer blocks than a group are quantized in a copy filled up with
 * zeros. */
AQ_INLINE uint32_t quantize_blocks(aq_dtype source, block_rule rule, const void *src, size_t blocks,
                                   void *dst)
{
    uint8_t last[MOST_GROUP * BLOCK * 2], packed[MOST_GROUP * 34];
    _Static_assert(sizeof last == V_LANES * BLOCK * 4, "a group has the same size from any source");
    size_t group = group_blocks(source), whole = blocks / group, rest = blocks % group;
    size_t groups = whole + (rest != 0);
    const uint8_t *in = src, *before = src;
    uint8_t *out = dst;
    if (rest != 0) {
        memset(last, 0, sizeof last);
        memcpy(last, in + whole * sizeof last, rest * block_stride(source));
    }
    group_scales scales[2], *found = &scales[0], *ready = &scales[1];
    vi magnitude = v_set_bits(0);
    for (size_t g = 0; g <= groups; g++) {
        if (g == whole)
            in = last;
        if (g < groups)
            magnitude = find_scales(source, rule, in, magnitude, found);
        if (g > 0) {
            encode_group(source, rule, before, ready, g <= whole ? out : packed);
            out += g <= whole ? group * rule.bytes : 0;
        }
        before = in;
        in += sizeof last;
        group_scales *spare = ready;
        ready = found;
        found = spare;
    }
    memcpy(out, packed, rest * rule.bytes);
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
