/* SPDX-License-Identifier: Apache-2.0
 * How the types of 32 weights a block keep their levels. */
#ifndef AQ_KERNELS_SCALAR_LEVELS_H
#define AQ_KERNELS_SCALAR_LEVELS_H

#include "scalar.h"

enum { BLOCK = 32 };

static inline void store_u16(uint8_t *p, uint16_t v)
{
    memcpy(p, &v, sizeof v);
}

/* Levels 0..15 go in pairs (j, j + 16) to a byte; a fifth bit to a word of their own before that.
 */
static inline void store_levels(const uint8_t q[BLOCK], int five_bits, uint8_t *out)
{
    uint32_t fifth = 0;
    for (int i = 0; i < BLOCK; i++)
        fifth |= (uint32_t)(q[i] >> 4 & 1u) << i;
    if (five_bits) {
        memcpy(out, &fifth, sizeof fifth);
        out += sizeof fifth;
    }
    for (int j = 0; j < BLOCK / 2; j++)
        out[j] = (uint8_t)((q[j] & 15u) | (q[j + BLOCK / 2] & 15u) << 4);
}

#endif
