/* SPDX-License-Identifier: Apache-2.0
 * The least and greatest weight, or 0, of as many groups of a packed type as a vector has lanes.
 *
 * They are found among integers, 16-bit sources before they are widened: as signed ones positive
 * floats are above all negative ones, as unsigned ones they are below them, and either kind is in
 * the order of its magnitudes. A NaN is beyond infinity instead of getting lost in a comparison. */
#ifndef AQ_KERNELS_ROW_BOUNDS_H
#define AQ_KERNELS_ROW_BOUNDS_H

#include "ends.h"

/* Lane j is group j's; 0 where there is no such group. low is -0 where it is 0, and high 0. */
typedef struct row_bounds {
    vf low, high;
    vi magnitude; /* the larger one's, as bits */
} row_bounds;

AQ_INLINE end_picks picks_of(aq_dtype source)
{
    return source == AQ_DTYPE_F32 ? (end_picks){v_max_u32, v_max_s32, 0}
                                  : (end_picks){v_max_u16, v_max_s16, 0};
}

AQ_INLINE ends no_weights(aq_dtype source)
{
    return (ends){.low = v_set_bits(source == AQ_DTYPE_F32 ? 0x80000000 : 0x80008000), /* -0 */
                  .high = v_set_bits(0)};
}

AQ_INLINE ends include(ends e, vi v, end_picks pick)
{
    return (ends){pick.low(e.low, v), pick.high(e.high, v)};
}

/* The candidates of one group. */
AQ_INLINE ends group_ends(aq_dtype source, const uint8_t *src, size_t count)
{
    size_t bytes = count * aq_source_bytes(source), i = 0;
    end_picks pick = picks_of(source);
    ends e = no_weights(source), other = e;
    for (; i + 2 * sizeof(vi) <= bytes; i += 2 * sizeof(vi)) {
        e = include(e, v_load_bits(src + i), pick);
        other = include(other, v_load_bits(src + i + sizeof(vi)), pick);
    }
    if (i + sizeof(vi) <= bytes) {
        e = include(e, v_load_bits(src + i), pick);
        i += sizeof(vi);
    }
    if (i < bytes) { /* filled up with zeros, which change nothing */
        uint8_t padded[sizeof(vi)] = {0};
        memcpy(padded, src + i, bytes - i);
        e = include(e, v_load_bits(padded), pick);
    }
    return (ends){pick.low(e.low, other.low), pick.high(e.high, other.high)};
}

/* Of n vectors half as many are left, and that is returned. */
#define DEFINE_JOIN(name, pair)                              \
    AQ_INLINE size_t name(ends *e, size_t n, end_picks pick) \
    {                                                        \
        for (size_t i = 0; i < n / 2; i++)                   \
            e[i] = pair(e[2 * i], e[2 * i + 1], pick);       \
        return n / 2;                                        \
    }

DEFINE_JOIN(join_16, v_pair_16)
DEFINE_JOIN(join_32, v_pair_32)
DEFINE_JOIN(join_64, v_pair_64)
#ifdef V_HAS_128_PAIRS
DEFINE_JOIN(join_128, v_pair_128)
#endif

/* V_LANES vectors of candidates become one, whose lane j has group j's. From a 16-bit source it has
 * them as words, in the first half. What e has is overwritten. */
AQ_INLINE ends join_ends(aq_dtype source, ends e[V_LANES])
{
    end_picks pick = picks_of(source);
    int words = source != AQ_DTYPE_F32;
    size_t n = words ? join_16(e, V_LANES, pick) : V_LANES;
    n = join_32(e, n, pick);
#ifdef V_HAS_128_PAIRS
    n = join_64(e, n, pick);
    while (n > 1)
        n = join_128(e, n, pick);
    return words ? v_pair_128(e[0], e[0], pick) : e[0];
#else
    if (words)
        return v_pair_64(e[0], e[0], pick);
    (void)join_64(e, n, pick);
    return e[0];
#endif
}

AQ_INLINE row_bounds bounds_of(aq_dtype source, ends e)
{
    vf low = v_from_bits(e.low), high = v_from_bits(e.high);
    if (source != AQ_DTYPE_F32) {
        low = v_widen_half(source, e.low, 0);
        high = v_widen_half(source, e.high, 0);
    }
    vi magnitude = v_max_u32(v_bits(high), v_and(v_bits(low), v_set_bits(0x7fffffff)));
    return (row_bounds){low, high, magnitude};
}

#endif
