/* SPDX-License-Identifier: Apache-2.0
 * q6_K in vectors: compiled once for each ISA. */
#include <config.h>

#include "k_signed.h"

/* Not inlined, so that one serves all source dtypes. */
static __attribute__((noinline)) void find_q6_k(k_tile *tile, int first, k_found *found)
{
    k_rule rule = AQ_K_RULE_Q6_K;
    signed_state s[MOST_TILES];
    search_scale(rule, k_tiles(rule), 0, tile, s);
    store_found(k_tiles(rule), s, first, found);
}

static const k_search search_q6_k = {find_q6_k, NULL};

AQ_EACH_SOURCE(AQ_DEFINE_K, Q6_K, q6_k)
