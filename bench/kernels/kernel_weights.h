/* SPDX-License-Identifier: Apache-2.0
 * Weights made up for timing kernels. */
#ifndef BENCH_KERNEL_WEIGHTS_H
#define BENCH_KERNEL_WEIGHTS_H

#include "arrowquant.h"

#include <stdint.h>
#include <string.h>

/* From 64 uniform bits: a sum of four uniform variables, nearly normal, of standard deviation
 * 0.02. */
static inline float bench_kernel_weight(uint64_t z)
{
    float sum = (float)(z & 0xffff) + (float)(z >> 16 & 0xffff) + (float)(z >> 32 & 0xffff) +
                (float)(z >> 48);
    return (sum - 131070.0f) * (0.0346f / 65536.0f);
}

/* The float16 or bfloat16 below in magnitude, of a weight. */
static inline uint16_t bench_kernel_weight_cut(aq_dtype dtype, float x)
{
    uint32_t bits, magnitude, least = 0x38800000; /* float16's least normal number */
    memcpy(&bits, &x, sizeof bits);
    magnitude = bits & 0x7fffffff;
    if (dtype == AQ_DTYPE_BF16)
        return (uint16_t)(bits >> 16);
    return magnitude < least ? 0
                             : (uint16_t)((bits >> 16 & 0x8000) | (magnitude - 0x38000000) >> 13);
}

#endif
