/* SPDX-License-Identifier: Apache-2.0
 * Numbers that look like a trained layer's weights, each made from its position alone. The same
 * arguments give the same bits on every machine. */
#ifndef AQ_GAUSS_H
#define AQ_GAUSS_H

#include <stddef.h>
#include <stdint.h>

enum {
    AQ_GAUSS_SEGMENTS = 1024,
    AQ_GAUSS_BLOCK = 256 /* columns generated together; one of them is an outlier column */
};

/* The half-normal quantile function in straight pieces: value = base + slope * f for f in [1, 2),
 * in units of the weights. */
typedef struct aq_gauss {
    struct {
        float base, slope;
    } segment[AQ_GAUSS_SEGMENTS];
} aq_gauss;

void aq_gauss_init(aq_gauss *gauss);

/* A tensor's place in the sequence. */
uint64_t aq_gauss_key(uint64_t seed, uint64_t tensor);

/* Columns [block * AQ_GAUSS_BLOCK, ... + n) of a row of `cols`; n <= AQ_GAUSS_BLOCK. All of
 * out[AQ_GAUSS_BLOCK] may be written. */
void aq_gauss_fill(const aq_gauss *gauss, uint64_t key, uint64_t cols, uint64_t row, uint64_t block,
                   size_t n, float *out);

#endif
