/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "run_internal.h"

/* CPU time of a weight, beside that of a byte which is read: between what AVX2 and AVX-512 were
 * measured at, which differ by less than two. */
typedef struct weight_cost {
    double plain, weighted; /* without importances and with them */
} weight_cost;

static weight_cost cost_of_weight(aq_type type)
{
    switch (type) {
    case AQ_TYPE_Q4_0:
    case AQ_TYPE_Q5_0:
        return (weight_cost){1, 25};
    case AQ_TYPE_Q4_1:
    case AQ_TYPE_Q5_1:
        return (weight_cost){1, 75};
    case AQ_TYPE_Q2_K:
        return (weight_cost){45, 100};
    case AQ_TYPE_Q3_K:
        return (weight_cost){13, 45};
    case AQ_TYPE_Q4_K:
        return (weight_cost){55, 85};
    case AQ_TYPE_Q5_K:
        return (weight_cost){45, 85};
    case AQ_TYPE_Q6_K:
        return (weight_cost){26, 25};
    default:
        return (weight_cost){1, 1};
    }
}

double aq_source_cost(const aq_item *item, uint64_t bytes)
{
    if (item->reason != NULL)
        return (double)bytes;
    weight_cost cost = cost_of_weight(item->type_id);
    double weights = (double)bytes / (double)aq_dtype_get(item->tensor->dtype)->bytes;
    return (double)bytes + weights * (item->importance != NULL ? cost.weighted : cost.plain);
}
