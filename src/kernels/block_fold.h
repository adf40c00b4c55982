/* SPDX-License-Identifier: Apache-2.0
 * Extremes of many blocks at once: each block is folded to one vector, then those are folded
 * pairwise until lane i holds block i's.
 *
 * The extremes are integers. Float16, bfloat16 and float32 order like their bits within a sign, so
 * the 16-bit sources are searched before they are widened, twice as many to a vector, and a NaN
 * lies beyond infinity instead of getting lost in a comparison. */
#ifndef AQ_KERNELS_BLOCK_FOLD_H
#define AQ_KERNELS_BLOCK_FOLD_H

#include "ends.h"

enum { BLOCK = 32, MOST_GROUP = 2 * V_LANES };

AQ_INLINE size_t group_blocks(aq_dtype source)
{
    return source == AQ_DTYPE_F32 ? V_LANES : 2 * V_LANES;
}

AQ_INLINE size_t block_stride(aq_dtype source)
{
    return BLOCK * aq_source_bytes(source);
}

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

AQ_INLINE ends fold_block(aq_dtype source, const uint8_t *block, prepare_fn *prepare,
                          end_picks pick)
{
    size_t vectors = block_stride(source) / sizeof(vi);
    vi v = prepare(v_load_bits(block));
    ends found = {v, v};
#pragma GCC unroll 8
    for (size_t i = 1; i < vectors; i++) {
        v = prepare(v_load_bits(block + i * sizeof(vi)));
        found.low = pick.low(found.low, v);
        found.high = pick.high(found.high, v);
    }
    return found;
}

/* A word's worth of blocks has the size of one float32 block, whatever the source. */
enum { WORD_STRIDE = BLOCK * 4 };

#define DEFINE_FOLD(name, half, stride, pair)                                                   \
    AQ_INLINE ends name(aq_dtype source, const uint8_t *p, prepare_fn *prepare, end_picks pick) \
    {                                                                                           \
        ends first, second;                                                                     \
        if (pick.backwards)                                                                     \
            second = half(source, p + (stride), prepare, pick);                                 \
        first = half(source, p, prepare, pick);                                                 \
        if (!pick.backwards)                                                                    \
            second = half(source, p + (stride), prepare, pick);                                 \
        return pair(first, second, pick);                                                       \
    }

DEFINE_FOLD(fold_halves, fold_block, block_stride(source), v_pair_16)

/* Each fold_N holds the candidates of N words' worth of blocks: N of 32 bits or 2 N of 16. */
AQ_INLINE ends fold_1(aq_dtype source, const uint8_t *p, prepare_fn *prepare, end_picks pick)
{
    return source == AQ_DTYPE_F32 ? fold_block(source, p, prepare, pick)
                                  : fold_halves(source, p, prepare, pick);
}

DEFINE_FOLD(fold_2, fold_1, WORD_STRIDE, v_pair_32)
DEFINE_FOLD(fold_4, fold_2, 2 * WORD_STRIDE, v_pair_64)
#ifdef V_HAS_128_PAIRS
DEFINE_FOLD(fold_8, fold_4, 4 * WORD_STRIDE, v_pair_128)
DEFINE_FOLD(fold_16, fold_8, 8 * WORD_STRIDE, v_pair_128)
#endif

/* Lane i: block i's. */
AQ_INLINE ends fold_group(aq_dtype source, const uint8_t *p, prepare_fn *prepare, end_picks pick)
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

#endif
