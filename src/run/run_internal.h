/* SPDX-License-Identifier: Apache-2.0
 * What happens to one tile, for run.c. */
#ifndef AQ_RUN_INTERNAL_H
#define AQ_RUN_INTERNAL_H

#include "io/reader.h"
#include "kernels/kernel.h"
#include "plan/plan.h"
#include "run.h"

/* Where the tile's source bytes are; false where they are not in one piece. */
bool aq_tile_range(const aq_tile *tile, aq_range *range);

/* All of the tile's source bytes, row by row, into src. */
aq_status aq_tile_load(const aq_plan *plan, const aq_tile *tile, void *src, aq_error *err);

/* src to dst with the kernel; COPY tiles have nothing to do here. */
aq_status aq_tile_quantize(const aq_plan *plan, const aq_tile *tile, const aq_kernel *kernel,
                           aq_nonfinite nonfinite, const void *src, void *dst, aq_error *err);

/* The results from dst (COPY: from src) to their places. */
aq_status aq_tile_store(const aq_plan *plan, const aq_tile *tile, const void *src, const void *dst,
                        aq_sink *sink, aq_error *err);

/* A kernel met `magnitude` in the tile, which is too large to pass unseen: fails naming tensor and
 * index, or (AQ_NONFINITE_KEEP) turns the blocks and groups concerned into NaN. */
aq_status aq_tile_check(const aq_plan *plan, const aq_tile *tile, aq_nonfinite nonfinite,
                        const void *src, void *dst, aq_error *err);

/* How many blocks or groups of the tile hold weights that differ and read back as one value,
 * because their scale was rounded to zero. */
uint64_t aq_tile_underflows(const aq_plan *plan, const aq_tile *tile, const void *src,
                            const void *dst);

/* CPU time that so many bytes of the item's source take, beside other items: a guess for sharing
 * work, not a measure. */
double aq_source_cost(const aq_item *item, uint64_t bytes);

/* Weight i of a run of F32, F16 or BF16, widened. */
float aq_weight_at(aq_dtype dtype, const void *src, uint64_t i);

/* Magnitudes up to this (bits of a float32) can neither be non-finite nor overflow a scale. */
#define AQ_SAFE_MAGNITUDE 0x477fe000u /* 65504, the largest float16 */

#endif
