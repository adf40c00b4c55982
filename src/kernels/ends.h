/* SPDX-License-Identifier: Apache-2.0
 * The ends of many ranges at once: vectors that hold candidates are reduced pairwise, until lane i
 * holds range i's. */
#ifndef AQ_KERNELS_ENDS_H
#define AQ_KERNELS_ENDS_H

#include "vec.h"

typedef vi v_pick(vi, vi);

/* Both ends of a range, which one reading of the weights finds, and what picks them of two. Where
 * only one is asked for, the compiler leaves out the other. */
typedef struct ends {
    vi low, high;
} ends;

typedef struct end_picks {
    v_pick *low, *high;
    int backwards; /* blocks: the last one first; which is faster from memory, was measured */
} end_picks;

/* One step each of reducing many vectors to one, lane i from vector i. */
#define DEFINE_PAIR(name, first, second)                                      \
    AQ_INLINE ends name(ends a, ends b, end_picks pick)                       \
    {                                                                         \
        return (ends){                                                        \
            .low = pick.low(first(a.low, b.low), second(a.low, b.low)),       \
            .high = pick.high(first(a.high, b.high), second(a.high, b.high)), \
        };                                                                    \
    }

DEFINE_PAIR(v_pair_16, v_low_16, v_high_16)
DEFINE_PAIR(v_pair_32, v_low_32, v_high_32)
DEFINE_PAIR(v_pair_64, v_low_64, v_high_64)
#ifdef V_HAS_128_PAIRS
DEFINE_PAIR(v_pair_128, v_even_128, v_odd_128)
#endif

#endif
