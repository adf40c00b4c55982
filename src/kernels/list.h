/* SPDX-License-Identifier: Apache-2.0
 * Every kernel, named once: X(TYPE, type, SOURCE, source) for each pair. The table, the
 * declarations and the definitions of each ISA are all made from these lists. */
#ifndef AQ_KERNELS_LIST_H
#define AQ_KERNELS_LIST_H

#include "kernel.h"

#define AQ_EACH_SOURCE(X, TYPE, type) \
    X(TYPE, type, F32, f32)           \
    X(TYPE, type, F16, f16)           \
    X(TYPE, type, BF16, bf16)

#define AQ_BLOCK_PAIRS(X)         \
    AQ_EACH_SOURCE(X, Q8_0, q8_0) \
    AQ_EACH_SOURCE(X, Q4_0, q4_0) \
    AQ_EACH_SOURCE(X, Q4_1, q4_1) \
    AQ_EACH_SOURCE(X, Q5_0, q5_0) \
    AQ_EACH_SOURCE(X, Q5_1, q5_1)

#define AQ_K_PAIRS(X)             \
    AQ_EACH_SOURCE(X, Q2_K, q2_k) \
    AQ_EACH_SOURCE(X, Q3_K, q3_k) \
    AQ_EACH_SOURCE(X, Q4_K, q4_k) \
    AQ_EACH_SOURCE(X, Q5_K, q5_k) \
    AQ_EACH_SOURCE(X, Q6_K, q6_k)

/* Those that heed importances: of blocks of 32, all but q8_0. */
#define AQ_WEIGHTED_BLOCK_PAIRS(X) \
    AQ_EACH_SOURCE(X, Q4_0, q4_0)  \
    AQ_EACH_SOURCE(X, Q4_1, q4_1)  \
    AQ_EACH_SOURCE(X, Q5_0, q5_0)  \
    AQ_EACH_SOURCE(X, Q5_1, q5_1)
#define AQ_WEIGHTED_PAIRS(X) AQ_WEIGHTED_BLOCK_PAIRS(X) AQ_K_PAIRS(X)

#define AQ_ROW_PAIRS(X)           \
    AQ_EACH_SOURCE(X, INT8, int8) \
    AQ_EACH_SOURCE(X, INT4, int4) \
    AQ_EACH_SOURCE(X, INT2, int2)

#define AQ_DECLARE_BLOCKS(TYPE, type, SOURCE, source) \
    aq_block_fn aq_##type##_##source##_scalar;        \
    aq_block_fn aq_##type##_##source##_neon;          \
    aq_block_fn aq_##type##_##source##_avx2;          \
    aq_block_fn aq_##type##_##source##_avx512;
AQ_BLOCK_PAIRS(AQ_DECLARE_BLOCKS)
AQ_K_PAIRS(AQ_DECLARE_BLOCKS)

#define AQ_DECLARE_WEIGHTED(TYPE, type, SOURCE, source)  \
    aq_weighted_fn aq_weighted_##type##_##source##_neon; \
    aq_weighted_fn aq_weighted_##type##_##source##_avx2; \
    aq_weighted_fn aq_weighted_##type##_##source##_avx512;
AQ_WEIGHTED_PAIRS(AQ_DECLARE_WEIGHTED)

/* The scalar twins. */
aq_weighted_fn *aq_weighted_scalar(aq_type type, aq_dtype src);

#define AQ_DECLARE_ROW(TYPE, type, SOURCE, source) \
    aq_row_fn aq_##type##_##source##_scalar;       \
    aq_row_fn aq_##type##_##source##_neon;         \
    aq_row_fn aq_##type##_##source##_avx2;         \
    aq_row_fn aq_##type##_##source##_avx512;
AQ_ROW_PAIRS(AQ_DECLARE_ROW)

#endif
