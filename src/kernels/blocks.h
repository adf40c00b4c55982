/* SPDX-License-Identifier: Apache-2.0
 * The GGUF block types in vectors: included by each ISA's file after its vec_*.h.
 *
 * A group is as many blocks as a vector has weights. Its extremes are found together: each block is
 * folded to one vector, then those are folded pairwise until lane i holds block i's. All scales of
 * the group are then computed at once, and each block is encoded from the cache.
 *
 * The extremes are integers. Float16, bfloat16 and float32 order like their bits within a sign, so
 * the 16-bit sources are searched before they are widened, twice as many to a vector, and a NaN
 * lies beyond infinity instead of getting lost in a comparison. */
#ifndef AQ_KERNELS_BLOCKS_H
#define AQ_KERNELS_BLOCKS_H

#include "list.h"

/* Weights are asked for so many bytes before they are needed. The folding reads in an order that no
 * hardware prefetcher follows: without this, kernels run at half the speed from memory. */
enum { AHEAD = 8192 };

enum { BLOCK = 32, MOST_GROUP = 2 * V_LANES };

AQ_INLINE size_t group_blocks(aq_dtype source)
{
    return source == AQ_DTYPE_F32 ? V_LANES : 2 * V_LANES;
}

AQ_INLINE size_t block_stride(aq_dtype source)
{
    return BLOCK * aq_source_bytes(source);
}

/* ---- folding ---- */

typedef vi v_pick(vi, vi);

/* One step each of reducing many vectors to one, lane i from vector i. */
AQ_INLINE vi v_pair_16(vi a, vi b, v_pick *pick)
{
    return pick(v_low_16(a, b), v_high_16(a, b));
}

AQ_INLINE vi v_pair_32(vi a, vi b, v_pick *pick)
{
    return pick(v_low_32(a, b), v_high_32(a, b));
}

AQ_INLINE vi v_pair_64(vi a, vi b, v_pick *pick)
{
    return pick(v_low_64(a, b), v_high_64(a, b));
}

#ifdef V_HAS_128_PAIRS
AQ_INLINE vi v_pair_128(vi a, vi b, v_pick *pick)
{
    return pick(v_even_128(a, b), v_odd_128(a, b));
}
#endif

typedef vi prepare_fn(vi);

AQ_INLINE vi as_is(vi v)
{
    return v;
}

AQ_INLINE vi magnitude_32(vi v)
{
    return v_and(v, v_set_bits(0x7fffffff));
}

AQ_INLINE vi magnitude_16(vi v)
{
    return v_and(v, v_set_bits(0x7fff7fff));
}

/* Integers that order as the floats do, -0 below +0: a negative float's magnitude is inverted.
 * Applied again it restores the bits. */
AQ_INLINE vi key_32(vi v)
{
    return v_xor(v, v_and(v_signs_32(v), v_set_bits(0x7fffffff)));
}

AQ_INLINE vi key_16(vi v)
{
    return v_xor(v, v_and(v_signs_16(v), v_set_bits(0x7fff7fff)));
}

AQ_INLINE vi fold_block(aq_dtype source, const uint8_t *block, prepare_fn *prepare, v_pick *pick)
{
    size_t vectors = block_stride(source) / sizeof(vi);
    vi v = prepare(v_load_bits(block));
#pragma GCC unroll 8
    for (size_t i = 1; i < vectors; i++)
        v = pick(v, prepare(v_load_bits(block + i * sizeof(vi))));
    return v;
}

/* Each fold_N holds the candidates of N words' worth of blocks: N of 32 bits or 2 N of 16. */
AQ_INLINE vi fold_1(aq_dtype source, const uint8_t *p, prepare_fn *prepare, v_pick *pick)
{
    if (source == AQ_DTYPE_F32)
        return fold_block(source, p, prepare, pick);
    return v_pair_16(fold_block(source, p, prepare, pick),
                     fold_block(source, p + block_stride(source), prepare, pick), pick);
}

/* A word's worth of blocks has the size of one float32 block, whatever the source. */
enum { WORD_STRIDE = BLOCK * 4 };

AQ_INLINE vi fold_2(aq_dtype source, const uint8_t *p, prepare_fn *prepare, v_pick *pick)
{
    return v_pair_32(fold_1(source, p, prepare, pick),
                     fold_1(source, p + WORD_STRIDE, prepare, pick), pick);
}

AQ_INLINE vi fold_4(aq_dtype source, const uint8_t *p, prepare_fn *prepare, v_pick *pick)
{
    return v_pair_64(fold_2(source, p, prepare, pick),
                     fold_2(source, p + 2 * WORD_STRIDE, prepare, pick), pick);
}

#ifdef V_HAS_128_PAIRS
AQ_INLINE vi fold_8(aq_dtype source, const uint8_t *p, prepare_fn *prepare, v_pick *pick)
{
    return v_pair_128(fold_4(source, p, prepare, pick),
                      fold_4(source, p + 4 * WORD_STRIDE, prepare, pick), pick);
}

AQ_INLINE vi fold_16(aq_dtype source, const uint8_t *p, prepare_fn *prepare, v_pick *pick)
{
    return v_pair_128(fold_8(source, p, prepare, pick),
                      fold_8(source, p + 8 * WORD_STRIDE, prepare, pick), pick);
}
#endif

/* Lane i: block i's. */
AQ_INLINE vi fold_group(aq_dtype source, const uint8_t *p, prepare_fn *prepare, v_pick *pick)
{
#ifdef V_HAS_128_PAIRS
    if (V_LANES == 16)
        return fold_16(source, p, prepare, pick);
    return fold_8(source, p, prepare, pick);
#else
    return fold_4(source, p, prepare, pick);
#endif
}

/* A group's bits as floats: one vector of them, or two from a 16-bit source. */
AQ_INLINE int group_vectors(aq_dtype source)
{
    return source == AQ_DTYPE_F32 ? 1 : 2;
}

AQ_INLINE vf widen_part(aq_dtype source, vi bits, int part)
{
    return source == AQ_DTYPE_F32 ? v_from_bits(bits) : v_widen_half(source, bits, part);
}

/* ---- scales ---- */

typedef struct group_scales {
    float inverse[MOST_GROUP], min[MOST_GROUP];
    uint16_t d[MOST_GROUP], m[MOST_GROUP];
    float nudged[MOST_GROUP]; /* see nudge_inverses */
    uint64_t literal;         /* blocks that must not use it: a bit each */
} group_scales;

/* 1/d, 0 for 0. Where that overflows no level can be represented: `instead` makes it so on every
 * ISA, whatever its conversion does with an infinity. */
AQ_INLINE vf v_inverse(vf d, float instead)
{
    vf id = v_div(v_set(1.0f), d), zero = v_set(0.0f), infinity = v_set(__builtin_inff());
    vf magnitude = v_from_bits(magnitude_32(v_bits(id)));
    id = v_select(v_eq(magnitude, infinity), v_set(instead), id);
    return v_select(v_eq(d, zero), zero, id);
}

#ifdef V_HAS_FMA
/* q8_0 from float16 or bfloat16 needs neither the rounded product nor a rounding of halves: with at
 * most 11 bits of significand, x * 127 / amax is either exactly between two levels or more than
 * 2^-19 of itself away from that, which is more than all roundings together. So one fused
 * multiply-add to a number whose unit is the last place gives the level, if the ties come out
 * right. They need amax's significand to be divisible by 127 (then d is short, and the block takes
 * the literal way) or |x| = amax / 2, where the product of the scalar twin either reaches 63.5 or
 * does not: nudging the inverse by 2^-21 towards what it does decides the tie and nothing else. */
AQ_INLINE void nudge_inverses(vf amax, vf d, vf id, int part, group_scales *scales)
{
    vf tie = v_mul(v_mul(amax, v_set(0.5f)), id);
    vf nudge = v_select(v_gt(v_set(63.5f), tie), v_set(1.0f - 0x1p-21f), v_set(1.0f + 0x1p-21f));
    vi tail = v_and(v_bits(d), v_set_bits(0x1ffff));
    v_store(scales->nudged + part * V_LANES, v_mul(id, nudge));
    scales->literal |= (uint64_t)v_mask_bits(v_eq_bits(tail, v_set_bits(0))) << part * V_LANES;
}
#endif

AQ_INLINE vi scales_q8_0(aq_dtype source, const uint8_t *src, vi magnitude, group_scales *scales)
{
    vi bits = source == AQ_DTYPE_F32 ? fold_group(source, src, magnitude_32, v_max_u32)
                                     : fold_group(source, src, magnitude_16, v_max_u16);
#pragma GCC unroll 2
    for (int part = 0; part < group_vectors(source); part++) {
        vf amax = widen_part(source, bits, part);
        vf d = v_div(amax, v_set(127.0f)), id = v_inverse(d, 0.0f);
        v_store(scales->inverse + part * V_LANES, id);
#ifdef V_HAS_FMA
        if (source != AQ_DTYPE_F32)
            nudge_inverses(amax, d, id, part, scales);
#endif
        v_store_f16(scales->d + part * V_LANES, d);
        magnitude = v_max_u32(magnitude, v_bits(amax));
    }
    return magnitude;
}

/* The first weight of the given magnitude. */
static __attribute__((noinline)) float first_of(aq_dtype source, const uint8_t *block,
                                                uint32_t magnitude)
{
    for (size_t i = 0; i < BLOCK; i++) {
        float x = aq_widen(source, block, i);
        if (aq_magnitude(x) == magnitude)
            return x;
    }
    return 0.0f;
}

/* Puts right those of the values (one per block) that the search could not tell the sign of. */
AQ_INLINE vf resolve_signs(aq_dtype source, const uint8_t *src, unsigned blocks, vf values)
{
    float value[V_LANES];
    v_store(value, values);
    for (; blocks != 0; blocks &= blocks - 1) {
        unsigned b = (unsigned)__builtin_ctz(blocks);
        value[b] = first_of(source, src + b * block_stride(source), aq_magnitude(value[b]));
    }
    return v_load_f32(value);
}

/* The signed weight of largest magnitude. The largest bits are, as signed integers, those of the
 * largest positive weight, and as unsigned ones those of the largest negative. */
AQ_INLINE vi scales_signed(aq_dtype source, float middle, const uint8_t *src, vi magnitude,
                           group_scales *scales)
{
    vi positive, negative;
    if (source == AQ_DTYPE_F32) {
        vi sign = v_set_bits(0x80000000), zero = v_set_bits(0);
        positive = v_max_s32(fold_group(source, src, as_is, v_max_s32), zero);
        negative = v_max_s32(v_xor(fold_group(source, src, as_is, v_max_u32), sign), zero);
    } else {
        vi sign = v_set_bits(0x80008000), zero = v_set_bits(0);
        positive = v_max_s16(fold_group(source, src, as_is, v_max_s16), zero);
        negative = v_max_s16(v_xor(fold_group(source, src, as_is, v_max_u16), sign), zero);
    }
#pragma GCC unroll 2
    for (int part = 0; part < group_vectors(source); part++) {
        vf p = widen_part(source, positive, part), n = widen_part(source, negative, part);
        vf minus = v_from_bits(v_xor(v_bits(n), v_set_bits(0x80000000)));
        vf m = v_select(v_gt(n, p), minus, p);
        unsigned ties = v_mask_bits(v_eq(p, n)) & ~v_mask_bits(v_eq(p, v_set(0.0f)));
        if (__builtin_expect(ties != 0, 0))
            m = resolve_signs(source, src + (size_t)part * V_LANES * block_stride(source), ties, m);
        vf d = v_div(m, v_set(-middle));
        v_store(scales->inverse + part * V_LANES, v_inverse(d, __builtin_nanf("")));
        v_store_f16(scales->d + part * V_LANES, d);
        magnitude = v_max_u32(magnitude, v_max_u32(v_bits(p), v_bits(n)));
    }
    return magnitude;
}

/* Least and greatest weight. A least weight of 0 has the sign of the first zero: only where there
 * is a -0 among them can that be in doubt. */
AQ_INLINE vi scales_range(aq_dtype source, float top, const uint8_t *src, vi magnitude,
                          group_scales *scales)
{
    vi least, greatest;
    if (source == AQ_DTYPE_F32) {
        least = key_32(fold_group(source, src, key_32, v_min_s32));
        greatest = key_32(fold_group(source, src, key_32, v_max_s32));
    } else {
        least = key_16(fold_group(source, src, key_16, v_min_s16));
        greatest = key_16(fold_group(source, src, key_16, v_max_s16));
    }
#pragma GCC unroll 2
    for (int part = 0; part < group_vectors(source); part++) {
        vf min = widen_part(source, least, part), max = widen_part(source, greatest, part);
        vf zero = v_set(0.0f), d = v_div(v_sub(max, min), v_set(top));
        vi both = v_max_u32(magnitude_32(v_bits(min)), magnitude_32(v_bits(max)));
        unsigned zeros = v_mask_bits(v_eq(min, zero));
        if (__builtin_expect(zeros != 0, 0))
            min = resolve_signs(source, src + (size_t)part * V_LANES * block_stride(source), zeros,
                                min);
        v_store(scales->inverse + part * V_LANES, v_inverse(d, __builtin_nanf("")));
        v_store(scales->min + part * V_LANES, min);
        v_store_f16(scales->d + part * V_LANES, d);
        v_store_f16(scales->m + part * V_LANES, min);
        magnitude = v_max_u32(magnitude, both);
    }
    return magnitude;
}

/* ---- encoding ---- */

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
                           size_t b, uint8_t *out)
{
    memcpy(out, &scales->d[b], 2);
#ifdef V_HAS_FMA
    if (source != AQ_DTYPE_F32 && __builtin_expect((scales->literal >> b & 1) == 0, 1)) {
        v_block x;
        vf id = v_set(scales->nudged[b]), magic = v_set(0x1.8p23f);
#pragma GCC unroll 8
        for (size_t i = 0; i < BLOCK / V_LANES; i++)
            x.v[i] = v_fma(v_load(source, src + i * V_LANES * aq_source_bytes(source)), id, magic);
        v_store_low_bytes(out + 2, x);
        return;
    }
#endif
    v_store_rounded(out + 2, load_scaled(source, src, scales->inverse[b]));
}

AQ_INLINE void encode_signed(aq_dtype source, block_rule rule, const uint8_t *src,
                             const group_scales *scales, size_t b, uint8_t *out)
{
    v_block x = load_scaled(source, src, scales->inverse[b]);
    vf offset = v_set(rule.five_bits ? 16.5f : 8.5f);
#pragma GCC unroll 8
    for (size_t i = 0; i < BLOCK / V_LANES; i++)
        x.v[i] = v_add(x.v[i], offset);
    memcpy(out, &scales->d[b], 2);
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

#define AQ_RULE_Q8_0           \
    {                          \
        AQ_TYPE_Q8_0, 34, 0, 0 \
    }
#define AQ_RULE_Q4_0           \
    {                          \
        AQ_TYPE_Q4_0, 18, 0, 0 \
    }
#define AQ_RULE_Q4_1           \
    {                          \
        AQ_TYPE_Q4_1, 20, 1, 0 \
    }
#define AQ_RULE_Q5_0           \
    {                          \
        AQ_TYPE_Q5_0, 22, 0, 1 \
    }
#define AQ_RULE_Q5_1           \
    {                          \
        AQ_TYPE_Q5_1, 24, 1, 1 \
    }

#define AQ_DEFINE_BLOCKS(TYPE, type, SOURCE, source)                                             \
    uint32_t V_NAME(aq_##type##_##source)(const void *src, size_t blocks, void *dst)             \
    {                                                                                            \
        return quantize_blocks(AQ_DTYPE_##SOURCE, (block_rule)AQ_RULE_##TYPE, src, blocks, dst); \
    }

#endif
