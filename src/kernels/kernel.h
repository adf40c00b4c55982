/* SPDX-License-Identifier: Apache-2.0
 * The contract of a kernel, and the table of all of them. Kernels are pure: no state, no
 * allocation, no I/O; any alignment; they touch exactly the bytes named here. */
#ifndef AQ_KERNEL_H
#define AQ_KERNEL_H

#include <stddef.h>
#include <stdint.h>

#include "arrowquant.h"

/* Every kernel returns the largest magnitude it met, as the bits of |x| in float32 after widening;
 * more than AQ_MAGNITUDE_INF means that there was a NaN. So one compare per tile finds non-finite
 * input (and scales that could overflow) without a second pass. Output is defined for finite input;
 * for other input only the bytes named are written, with undefined values. */
#define AQ_MAGNITUDE_INF 0x7f800000u

/* GGUF types: `blocks` consecutive blocks of the type. */
typedef uint32_t aq_block_fn(const void *src, size_t blocks, void *dst);

/* Safetensors types: one row, or a run of whole groups of it.
 *   levels: u = q + 2^(bits-1), `bits` wide, weight i at bit (i * bits) % 32 of word i * bits / 32;
 *           unused bits of the last word are 0
 *   scales: one per group, in scale_dtype (the source's dtype), round-to-nearest-even
 *   zero_points: one byte per group, u as above; NULL if symmetric
 * Arithmetic, float32: lo = min(x..., 0), hi = max(x..., 0), n = 2^bits - 1
 *   symmetric:  s = max(hi, -lo) / (n / 2);  asymmetric: s = (hi - lo) / n
 *   s is rounded to scale_dtype; if that is 0 the dtype's epsilon (2^-23, 2^-10, 2^-7) is stored
 *   z = symmetric ? 0 : clamp(rint(qmin - lo / s));  q = clamp(rint(x / s + z)), half to even
 * (compressed-tensors' minmax rule; the division is a true one.) */
typedef struct aq_row_params {
    size_t group; /* weights per group; the last one may be short */
    int asymmetric;
} aq_row_params;
typedef uint32_t aq_row_fn(const void *src, size_t n, const aq_row_params *params, uint32_t *levels,
                           void *scales, uint8_t *zero_points);

typedef struct aq_kernel {
    aq_type type;
    aq_dtype src; /* F32, F16 or BF16 */
    aq_isa isa;
    const char *name;    /* "q8_0_f16_avx512" */
    aq_block_fn *blocks; /* exactly one of the two is set */
    aq_row_fn *row;
} aq_kernel;

/* All kernels of this build, the best ISA of each pair first and its scalar twin last; those that
 * this CPU cannot run included (ask aq_isa_usable). */
const aq_kernel *aq_kernel_table(size_t *count);

/* Plain float16 from src: blocks of one weight. It is in no table, since only rows that suit no
 * other type become that. */
const aq_kernel *aq_kernel_half(aq_dtype src);

/* One row with an importance for each of its columns, none of them negative: what an importance
 * matrix is for. The types of 32 weights a block look at the whole row, the K types at their
 * super-block. The best for this CPU, not above cap; NULL for q8_0, which takes no notice, and for
 * the safetensors types. */
typedef uint32_t aq_weighted_fn(const void *src, size_t cols, const float *importance, void *dst);
aq_weighted_fn *aq_weighted_find(aq_type type, aq_dtype src, aq_isa cap);

/* The best kernel for type from src that this CPU can run, not above cap. NULL only for arguments
 * out of range: the scalar twin always exists. */
const aq_kernel *aq_kernel_find(aq_type type, aq_dtype src, aq_isa cap);

#endif
