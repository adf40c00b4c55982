/* SPDX-License-Identifier: Apache-2.0
 * q6_K in vectors: compiled once for each ISA. */
#include <config.h>

#include "k_signed.h"

AQ_INLINE void signed_step(k_rule rule, int tiles, int passes, int step, k_tile *tile,
                           signed_state *s)
{
    float levels = -((float)rule.levels + 0.1f * (float)step);
    vf inverse[MOST_TILES];
#pragma GCC unroll 4
    for (int t = 0; t < tiles; t++)
        inverse[t] = v_div(v_set(levels), s[t].extreme);
    signed_sums(rule, tiles, passes, 0, tile, inverse, s);
#pragma GCC unroll 4
    for (int t = 0; t < tiles; t++) {
        vm better = v_both(v_gt(s[t].l2, v_set(0.0f)),
                           v_gt(v_mul(s[t].xl, s[t].xl), v_mul(s[t].best, s[t].l2)));
        vf scale = v_div(s[t].xl, s[t].l2);
        s[t].scale = v_select(better, scale, s[t].scale);
        s[t].best = v_select(better, v_mul(scale, s[t].xl), s[t].best);
        s[t].best_inverse = v_select(better, inverse[t], s[t].best_inverse);
    }
}

AQ_INLINE void search_scale(k_rule rule, int tiles, k_tile *tile, int first, k_found *found)
{
    signed_state s[MOST_TILES];
    signed_first(rule, tiles, 0, tile, s);
    /* The largest magnitude is mapped to 32 + step / 10: up to 31.4 rounds to a level of either
     * sign, up to 32.4 to one that only the negative side has. */
    for (int step = -9; step <= -6; step++)
        signed_step(rule, tiles, PASSES_NONE, step, tile, s);
    for (int step = -5; step <= 4; step++)
        if (step != 0)
            signed_step(rule, tiles, PASSES_HIGH, step, tile, s);
    for (int step = 5; step <= 9; step++)
        signed_step(rule, tiles, PASSES_BOTH, step, tile, s);
    store_found(tiles, s, first, found);
}

/* Not inlined, so that one serves all source dtypes. */
static __attribute__((noinline)) void find_q6_k(k_tile *tile, int first, k_found *found)
{
    k_rule rule = AQ_K_RULE_Q6_K;
    search_scale(rule, k_tiles(rule), tile, first, found);
}

static const k_search search_q6_k = {find_q6_k, NULL};

AQ_EACH_SOURCE(AQ_DEFINE_K, Q6_K, q6_k)
