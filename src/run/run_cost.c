/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "run_internal.h"

/* CPU time of a weight, beside that of a byte which is read: between what AVX2 and AVX-512 were
 * measured at, which differ by less than two. */
typedef struct weight_cost {
    double plain, weighted; /* without importances and with them */
} weight_cost;

/* The last one is aq_half_type's. */
static const weight_cost cost_of_weight[AQ_TYPE_COUNT + 1] = {
    [AQ_TYPE_Q8_0] = {1, 1},   [AQ_TYPE_Q4_0] = {1, 25},  [AQ_TYPE_Q4_1] = {1, 75},
    [AQ_TYPE_Q5_0] = {1, 25},  [AQ_TYPE_Q5_1] = {1, 75},  [AQ_TYPE_Q2_K] = {45, 100},
    [AQ_TYPE_Q3_K] = {10, 45}, [AQ_TYPE_Q4_K] = {55, 85}, [AQ_TYPE_Q5_K] = {45, 85},
    [AQ_TYPE_Q6_K] = {26, 25}, [AQ_TYPE_INT8] = {1, 1},   [AQ_TYPE_INT4] = {1, 1},
    [AQ_TYPE_INT2] = {1, 1},   [AQ_TYPE_COUNT] = {1, 1},
};

double aq_source_cost(const aq_item *item, uint64_t bytes)
{
    if (item->reason != NULL)
        return (double)bytes;
    weight_cost cost = cost_of_weight[item->type_id];
    double weights = (double)bytes / (double)aq_dtype_get(item->tensor->dtype)->bytes;
    return (double)bytes + weights * (item->importance != NULL ? cost.weighted : cost.plain);
}
