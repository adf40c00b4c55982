/* SPDX-License-Identifier: Apache-2.0
 * Quantize weights that are in memory already. */
#include <config.h>

#include "base/error.h"
#include "formats/dtype.h"
#include "kernels/kernel.h"

/* So many weights per call that a tile and its output stay in a core's private cache. */
enum { TILE_WEIGHTS = 1 << 17 };

static aq_status check_arguments(const aq_type_info *type, int packed, aq_dtype dtype, aq_isa isa,
                                 aq_error *err)
{
    if (type == NULL || type->packed != packed)
        return aq_fail(err, AQ_USAGE, "%s is no %s type", type == NULL ? "that value" : type->name,
                       packed ? "packed" : "GGUF block");
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

static aq_status count_weights(uint64_t rows, uint64_t cols, uint64_t *weights, aq_error *err)
{
    if (__builtin_mul_overflow(rows, cols, weights) || *weights > SIZE_MAX / sizeof(float))
        return aq_fail(err, AQ_USAGE, "%llu x %llu weights do not fit into memory",
                       (unsigned long long)rows, (unsigned long long)cols);
    return AQ_OK;
}

static aq_status check_magnitude(uint32_t magnitude, uint64_t first, uint64_t count, aq_error *err)
{
    if (magnitude >= AQ_MAGNITUDE_INF)
        return aq_fail(err, AQ_NUMERIC,
                       "weights %llu to %llu: there is a NaN or an infinity among them",
                       (unsigned long long)first, (unsigned long long)(first + count - 1));
    return AQ_OK;
}

/* Blocks of the whole matrix. */
static aq_status count_blocks(const aq_type_info *type, uint64_t rows, uint64_t cols,
                              uint64_t *blocks, aq_error *err)
{
    uint64_t weights = 0;
    if (cols % type->block != 0)
        return aq_fail(err, AQ_USAGE, "%llu columns are no multiple of %s's block of %u weights",
                       (unsigned long long)cols, type->name, type->block);
    aq_status status = count_weights(rows, cols, &weights, err);
    *blocks = weights / type->block;
    return status;
}

aq_status aq_quantize_rows(aq_type type, aq_dtype dtype, const void *in, uint64_t rows,
                           uint64_t cols, void *out, aq_isa isa, aq_error *err)
{
    const aq_type_info *info = aq_type_get(type);
    uint64_t blocks = 0;
    aq_status status = check_arguments(info, 0, dtype, isa, err);
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
    for (uint64_t first = 0; first < blocks && status == AQ_OK; first += tile) {
        size_t count = (size_t)(blocks - first < tile ? blocks - first : tile);
        uint32_t magnitude =
            kernel->blocks(src + first * src_bytes, count, dst + first * info->bytes);
        status = check_magnitude(magnitude, first * info->block, count * info->block, err);
    }
    return status;
}

aq_status aq_quantize_packed_rows(aq_type type, aq_dtype dtype, const void *in, uint64_t rows,
                                  uint64_t cols, uint64_t group_size, uint32_t *levels,
                                  void *scales, uint8_t *zero_points, aq_isa isa, aq_error *err)
{
    const aq_type_info *info = aq_type_get(type);
    uint64_t weights = 0;
    aq_status status = check_arguments(info, 1, dtype, isa, err);
    if (status == AQ_OK)
        status = count_weights(rows, cols, &weights, err);
    if (status != AQ_OK || weights == 0)
        return status;
    if (group_size % 8 != 0)
        return aq_fail(err, AQ_USAGE, "a group of %llu weights is no multiple of 8",
                       (unsigned long long)group_size);
    if (in == NULL || levels == NULL || scales == NULL)
        return aq_fail(err, AQ_USAGE, "the weights, the levels or the scales are NULL");

    const aq_kernel *kernel = aq_kernel_find(type, dtype, isa);
    size_t n = (size_t)cols, group = group_size == 0 || group_size > cols ? n : (size_t)group_size;
    size_t groups = (n + group - 1) / group, bytes = aq_dtype_get(dtype)->bytes;
    aq_row_params params = {group, zero_points != NULL};
    for (uint64_t row = 0; row < rows && status == AQ_OK; row++) {
        uint32_t magnitude = kernel->row((const uint8_t *)in + row * n * bytes, n, &params,
                                         levels + row * ((n * info->bits + 31) / 32),
                                         (uint8_t *)scales + row * groups * bytes,
                                         zero_points == NULL ? NULL : zero_points + row * groups);
        status = check_magnitude(magnitude, row * n, n, err);
    }
    return status;
}

aq_isa aq_kernel_isa(aq_type type, aq_dtype dtype, aq_isa isa)
{
    const aq_kernel *kernel = aq_kernel_find(type, dtype, isa);
    return kernel == NULL ? AQ_ISA_COUNT : kernel->isa;
}
