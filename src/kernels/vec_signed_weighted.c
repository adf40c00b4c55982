/* SPDX-License-Identifier: Apache-2.0
 * The types without a minimum, with importances, in vectors: compiled once for each ISA. All of
 * them try nineteen scales, and nothing else. */
#include <config.h>

#include "k_signed.h"
#include "k_weighted.h"

/* What all weights of a sub-block count for, added up in their order; only
 * q3_K searches its scales by that. */
AQ_INLINE vf counts(int n, const k_tile *tile)
{
    vf sum = tile->w[0];
    for (int i = 1; i < n; i++)
        sum = v_add(sum, tile->w[i]);
    return sum;
}

/* Two tiles abreast, as many as the registers hold. */
AQ_INLINE void find_signed(k_rule rule, k_tile *tile, int first, k_found *found)
{
    for (int t = 0; t < k_tiles(rule); t += 2) {
        int lane = first + t * V_LANES;
        search_scale(rule, 2, 1, tile + t, lane, found);
        for (int i = 0; i < 2 && rule.type == AQ_TYPE_Q3_K; i++)
            v_store(found->count + lane + i * V_LANES, counts(rule.sub, &tile[t + i]));
    }
}

/* Not inlined, so that one serves all source dtypes. */
#define DEFINE_FIND(TYPE, type)                                                         \
    static __attribute__((noinline)) void find_weighted_##type(k_tile *tile, int first, \
                                                               k_found *found)          \
    {                                                                                   \
        find_signed((k_rule)AQ_K_RULE_##TYPE, tile, first, found);                      \
    }
DEFINE_FIND(Q4_0, q4_0)
DEFINE_FIND(Q5_0, q5_0)
DEFINE_FIND(Q3_K, q3_k)
DEFINE_FIND(Q6_K, q6_k)

AQ_EACH_SOURCE(AQ_DEFINE_WEIGHTED, Q4_0, q4_0)
AQ_EACH_SOURCE(AQ_DEFINE_WEIGHTED, Q5_0, q5_0)
AQ_EACH_SOURCE(AQ_DEFINE_WEIGHTED, Q3_K, q3_k)
AQ_EACH_SOURCE(AQ_DEFINE_WEIGHTED, Q6_K, q6_k)
