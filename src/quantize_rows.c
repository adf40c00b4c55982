/* SPDX-License-Identifier: Apache-2.0
 * Quantize weights that are in memory already. */
#include <config.h>

#include "dtype.h"
#include "error.h"
#include "kernels/kernel.h"

/* So many weights per call that a tile and its output stay in a core's private cache. */
enum { TILE_WEIGHTS = 1 << 17 };

static aq_status check_arguments(const aq_type_info *type, aq_dtype dtype, aq_isa isa,
                                 aq_error *err)
{
    if (type == NULL || type->packed)
        return aq_fail(err, AQ_USAGE, "%s is no GGUF block type",
                       type == NULL ? "that value" : type->name);
    if (!aq_dtype_is_weight(dtype)) {
        const char *name = aq_dtype_name(dtype);
        return aq_fail(err, AQ_USAGE,
                       "weights of dtype %s cannot be quantized: use F32, F16 or BF16",
                       name == NULL ? "out of range" : name);
    }
    if (aq_isa_name(isa) == NULL)
        return aq_fail(err, AQ_USAGE, "there is no instruction set number %d", (int)isa);
    return AQ_OK;
}

/* Blocks of the whole matrix. */
static aq_status count_blocks(const aq_type_info *type, uint64_t rows, uint64_t cols,
                              uint64_t *blocks, aq_error *err)
{
    uint64_t weights;
    if (cols % type->block != 0)
        return aq_fail(err, AQ_USAGE, "%llu columns are no multiple of %s's block of %u weights",
                       (unsigned long long)cols, type->name, type->block);
    if (__builtin_mul_overflow(rows, cols, &weights) || weights > SIZE_MAX / sizeof(float))
        return aq_fail(err, AQ_USAGE, "%llu x %llu weights do not fit into memory",
                       (unsigned long long)rows, (unsigned long long)cols);
    *blocks = weights / type->block;
    return AQ_OK;
}

aq_status aq_quantize_rows(aq_type type, aq_dtype dtype, const void *in, uint64_t rows,
                           uint64_t cols, void *out, aq_isa isa, aq_error *err)
{
    const aq_type_info *info = aq_type_get(type);
    uint64_t blocks = 0;
    aq_status status = check_arguments(info, dtype, isa, err);
    if (status == AQ_OK)
        status = count_blocks(info, rows, cols, &blocks, err);
    if (status != AQ_OK || blocks == 0)
        return status;
    if (in == NULL || out == NULL)
        return aq_fail(err, AQ_USAGE, "the weights or the output are NULL");

    const aq_kernel *kernel = aq_kernel_find(type, dtype, isa);
    const uint8_t *src = in;
    uint8_t *dst = out;
    size_t src_bytes = (size_t)info->block * aq_dtype_get(dtype)->bytes;
    uint64_t tile = TILE_WEIGHTS / info->block;
    for (uint64_t first = 0; first < blocks; first += tile) {
        size_t count = (size_t)(blocks - first < tile ? blocks - first : tile);
        uint32_t magnitude =
            kernel->blocks(src + first * src_bytes, count, dst + first * info->bytes);
        if (magnitude >= AQ_MAGNITUDE_INF)
            return aq_fail(err, AQ_NUMERIC,
                           "weights %llu to %llu: there is a NaN or an infinity among them",
                           (unsigned long long)(first * info->block),
                           (unsigned long long)((first + count) * info->block - 1));
    }
    return AQ_OK;
}
