/* SPDX-License-Identifier: Apache-2.0
 * Weights of every type that is written here, and of plain floats, as float32. */
#ifndef AQ_DEQUANT_H
#define AQ_DEQUANT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arrowquant.h"

/* Whether aq_dequant knows dtype: F64, F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0. */
bool aq_dequant_knows(aq_dtype dtype);

/* `weights` (whole blocks) from `in`, of any alignment, with ggml's arithmetic. F64 is rounded to
 * float32. dtype must be known. */
void aq_dequant(aq_dtype dtype, const void *in, size_t weights, float *out);

/* Weights [first, first + cols) of a row in compressed-tensors' "pack-quantized" layout: weight i
 * is the `bits` wide unsigned number u at bit (i % per) * bits of word i / per, per = 32 / bits;
 * its value is (u - z) * scale in float32, z being the zero point of its group, 2^(bits-1) where
 * there are none. */
typedef struct aq_packed_row {
    unsigned bits; /* 1, 2, 4 or 8 */
    size_t first;  /* a multiple of 32 */
    size_t cols, group;
    aq_dtype scale_dtype; /* F32, F16, BF16 or F64 */
    const void *words;    /* from the one that holds `first`; little-endian, any alignment */
    const void *scales;   /* from that of the group that holds `first` */
    const void
        *zero_points; /* words, from that group's; the row's level at bit zero_shift; or NULL */
    unsigned zero_shift;
} aq_packed_row;

void aq_dequant_packed(const aq_packed_row *row, float *out);

/* Of the K types: `blocks` super-blocks. */
void aq_dequant_q2_k(const uint8_t *in, size_t blocks, float *out);
void aq_dequant_q3_k(const uint8_t *in, size_t blocks, float *out);
void aq_dequant_q4_k(const uint8_t *in, size_t blocks, float *out);
void aq_dequant_q5_k(const uint8_t *in, size_t blocks, float *out);
void aq_dequant_q6_k(const uint8_t *in, size_t blocks, float *out);

#endif
