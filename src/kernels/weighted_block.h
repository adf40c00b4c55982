/* SPDX-License-Identifier: Apache-2.0
 * With importances, a block of 32 weights is searched as a K type's sub-block is, and stored as it
 * is without them. */
#ifndef AQ_KERNELS_WEIGHTED_BLOCK_H
#define AQ_KERNELS_WEIGHTED_BLOCK_H

#include "k_store.h"
#include "scalar_levels.h"

#define AQ_K_RULE_Q4_0             \
    {                              \
        AQ_TYPE_Q4_0, BLOCK, 8, 18 \
    }
#define AQ_K_RULE_Q4_1              \
    {                               \
        AQ_TYPE_Q4_1, BLOCK, 15, 20 \
    }
#define AQ_K_RULE_Q5_0              \
    {                               \
        AQ_TYPE_Q5_0, BLOCK, 16, 22 \
    }
#define AQ_K_RULE_Q5_1              \
    {                               \
        AQ_TYPE_Q5_1, BLOCK, 31, 24 \
    }

/* min: the magnitude of the least weight, for the types that have one. */
static inline void store_weighted_block(k_rule rule, float scale, float min, const uint8_t *levels,
                                        uint8_t *out)
{
    int affine = !k_is_signed(rule);
    store_u16(out, aq_f32_to_f16(scale));
    if (affine)
        store_u16(out + 2, aq_f32_to_f16(-min));
    store_levels(levels, rule.levels >= 16, out + (affine ? 4 : 2));
}

#endif
