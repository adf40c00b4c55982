/* SPDX-License-Identifier: Apache-2.0
 * Weights of every type that is written here, and of plain floats, as float32. */
#ifndef AQ_DEQUANT_H
#define AQ_DEQUANT_H

#include <stdbool.h>
#include <stddef.h>

#include "arrowquant.h"

/* Whether aq_dequant knows dtype: F64, F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0. */
bool aq_dequant_knows(aq_dtype dtype);

/* `weights` (whole blocks) from `in`, of any alignment, with ggml's arithmetic. F64 is rounded to
 * float32. dtype must be known. */
void aq_dequant(aq_dtype dtype, const void *in, size_t weights, float *out);

/* One row in compressed-tensors' "pack-quantized" layout: weight i is the `bits` wide unsigned
 * number u at bit (i % per) * bits of word i / per, per = 32 / bits; its value is (u - z) * scale
 * with z the group's zero point, 2^(bits-1) where there are none. */
typedef struct aq_packed_row {
    unsigned bits; /* 1 to 8: 32 is divided, the rest of a word is unused */
    size_t cols, group;
    aq_dtype scale_dtype;    /* F32, F16, BF16 or F64 */
    const void *words;       /* little-endian, any alignment */
    const void *scales;      /* one per group */
    const void *zero_points; /* words: one per group, the row's at bit zero_shift; or NULL */
    unsigned zero_shift;
} aq_packed_row;

void aq_dequant_packed(const aq_packed_row *row, float *out);

#endif
