/* SPDX-License-Identifier: Apache-2.0
 * The types without a minimum, with importances, in vectors: compiled once for each ISA. All of
 * them try nineteen scales, and nothing else. */
#include <config.h>

#include <math.h>

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
        signed_state s[MOST_TILES];
        search_scale(rule, 2, 1, tile + t, s);
        store_found(2, s, lane, found);
        for (int i = 0; i < 2 && rule.type == AQ_TYPE_Q3_K; i++)
            v_store(found->count + lane + i * V_LANES, counts(rule.sub, &tile[t + i]));
    }
}

/* Whether all of a lane's are finite: 0 times anything else is a NaN. */
AQ_INLINE vm all_finite(int n, const k_tile *tile)
{
    vf zero = v_set(0.0f), zeros = zero;
    for (int i = 0; i < n; i++)
        zeros = v_add(zeros, v_mul(tile->x[i], zero));
    return v_eq(zeros, zero);
}

/* Scales as weights, and what they count for: lane i has those of super-block `super` + i. */
AQ_INLINE void load_scales(const k_found *found, int super, k_tile *tile)
{
    k_tile counts;
    size_t at = (size_t)super * 16;
    load_tile(AQ_DTYPE_F32, 16, (const uint8_t *)(found->scale + at), tile);
    load_tile(AQ_DTYPE_F32, 16, (const uint8_t *)(found->count + at), &counts);
    memcpy(tile->w, counts.x, sizeof(vf) * 16);
}

/* The scales of q3_K's sub-blocks become levels as q6_K's weights do. */
static __attribute__((noinline)) void find_super_scales(aq_dtype source, const uint8_t *src,
                                                        int lanes, k_found *found)
{
    (void)source;
    (void)src;
    enum { ABREAST = 2 };
    k_tile tile[ABREAST];
    signed_state s[MOST_TILES];
    int supers = lanes / 16, step = ABREAST * V_LANES;
    size_t unused = sizeof(float) * (size_t)((step - supers % step) % step * 16);
    memset(found->scale + lanes, 0, unused);
    memset(found->count + lanes, 0, unused);
    for (int super = 0; super < supers; super += step) {
        for (int t = 0; t < ABREAST; t++)
            load_scales(found, super + t * V_LANES, &tile[t]);
        search_scale((k_rule)AQ_K_RULE_Q6_K, ABREAST, 1, tile, s);
        for (int t = 0, at = super; t < ABREAST; t++, at += V_LANES) {
            s[t].best_inverse = v_select(all_finite(16, &tile[t]), s[t].best_inverse, v_set(NAN));
            store_scale(&s[t], found->super_scale + at, found->super_inverse + at);
        }
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

static const k_search weighted_q4_0 = {find_weighted_q4_0, NULL};
static const k_search weighted_q5_0 = {find_weighted_q5_0, NULL};
static const k_search weighted_q3_k = {find_weighted_q3_k, find_super_scales};
static const k_search weighted_q6_k = {find_weighted_q6_k, NULL};

AQ_EACH_SOURCE(AQ_DEFINE_WEIGHTED, Q4_0, q4_0)
AQ_EACH_SOURCE(AQ_DEFINE_WEIGHTED, Q5_0, q5_0)
AQ_EACH_SOURCE(AQ_DEFINE_WEIGHTED, Q3_K, q3_k)
AQ_EACH_SOURCE(AQ_DEFINE_WEIGHTED, Q6_K, q6_k)
