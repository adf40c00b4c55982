/* SPDX-License-Identifier: Apache-2.0
 * Weights to float16, round to nearest even: what becomes of rows that no block divides. */
#include <config.h>

#include "kernel.h"
#include "scalar.h"

AQ_INLINE uint32_t halve(aq_dtype source, const void *src, size_t weights, void *dst)
{
    uint8_t *out = dst;
    uint32_t magnitude = 0;
    for (size_t i = 0; i < weights; i++) {
        float x = aq_widen(source, src, i);
        uint16_t half = aq_f32_to_f16(x);
        memcpy(out + 2 * i, &half, sizeof half);
        magnitude = aq_max_u32(magnitude, aq_magnitude(x));
    }
    return magnitude;
}

static uint32_t halve_f32(const void *src, size_t weights, void *dst)
{
    return halve(AQ_DTYPE_F32, src, weights, dst);
}

static uint32_t halve_bf16(const void *src, size_t weights, void *dst)
{
    return halve(AQ_DTYPE_BF16, src, weights, dst);
}

/* float16 itself is copied, and needs no kernel. */
const aq_kernel *aq_kernel_half(aq_dtype src)
{
    static const aq_kernel f32 = {AQ_TYPE_COUNT,    AQ_DTYPE_F32, AQ_ISA_SCALAR,
                                  "f16_f32_scalar", halve_f32,    NULL},
                           bf16 = {AQ_TYPE_COUNT,     AQ_DTYPE_BF16, AQ_ISA_SCALAR,
                                   "f16_bf16_scalar", halve_bf16,    NULL};
    return src == AQ_DTYPE_F32 ? &f32 : &bf16;
}
