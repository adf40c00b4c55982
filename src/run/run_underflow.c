/* SPDX-License-Identifier: Apache-2.0
 * Blocks and groups whose weights are too small for their scale: all of them read back as one
 * value. The kernels round such a scale to zero, as ggml and compressed-tensors do; here they are
 * counted. Looking at the scales alone costs a load for each block, and only where one is zero are
 * the weights looked at again. */
#include <config.h>

#include <math.h>
#include <string.h>

#include "run_internal.h"

/* What the weights of a block can still tell apart when its scale is zero: nothing, or, in types
 * with a minimum, a constant for each run of this length. */
static uint64_t constant_run(const aq_type_info *type)
{
    return type->block == 256 ? 16 : type->block;
}

static uint16_t half_at(const uint8_t *p)
{
    uint16_t half;
    memcpy(&half, p, sizeof half);
    return half & 0x7fff;
}

/* Whether so many weights have the same bytes. Tensors that are zeros throughout exist, and are to
 * take no longer than others. */
static bool are_alike(aq_dtype dtype, const void *src, uint64_t first, uint64_t count)
{
    size_t bytes = aq_dtype_get(dtype)->bytes;
    const char *at = (const char *)src + first * bytes;
    return memcmp(at, at + bytes, (size_t)(count - 1) * bytes) == 0;
}

static bool differs(aq_dtype dtype, const void *src, uint64_t first, uint64_t count, float value)
{
    if (are_alike(dtype, src, first, count))
        return aq_weight_at(dtype, src, first) != value;
    for (uint64_t i = first; i < first + count; i++)
        if (aq_weight_at(dtype, src, i) != value)
            return true;
    return false;
}

/* Whether anything was lost in a block whose scale is zero. */
static bool block_is_lost(const aq_type_info *type, aq_dtype dtype, const void *src, uint64_t first,
                          const uint8_t *block)
{
    if (type->halves < 2 || half_at(block + type->scale_at + 2) == 0)
        return differs(dtype, src, first, type->block, 0.0f);
    uint64_t run = constant_run(type);
    for (uint64_t i = first; i < first + type->block; i += run)
        if (differs(dtype, src, i, run, aq_weight_at(dtype, src, i)))
            return true;
    return false;
}

/* So many scales are looked at together: hardly any is zero, and to find that out is all that
 * counting costs. */
enum { TOGETHER = 8 };

/* Of either sign. */
static bool any_is_zero(const uint8_t *scale, size_t stride)
{
    typedef uint16_t halves __attribute__((vector_size(2 * TOGETHER)));
    uint16_t h[TOGETHER];
#pragma GCC unroll 8
    for (size_t i = 0; i < TOGETHER; i++)
        memcpy(&h[i], scale + i * stride, sizeof h[i]);
    halves all = {h[0], h[1], h[2], h[3], h[4], h[5], h[6], h[7]};
    halves zero = (halves)(all + all == 0);
    uint64_t found[2];
    memcpy(found, &zero, sizeof found);
    return (found[0] | found[1]) != 0;
}

static uint64_t count_blocks(const aq_tile *tile, const void *src, const uint8_t *dst)
{
    const aq_type_info *type = tile->item->type;
    aq_dtype dtype = tile->item->tensor->dtype;
    uint64_t blocks = tile->src_bytes / aq_dtype_get(dtype)->bytes / type->block, lost = 0;
    for (uint64_t first = 0; first < blocks; first += TOGETHER) {
        const uint8_t *block = dst + first * type->bytes;
        uint64_t end = blocks - first < TOGETHER ? blocks : first + TOGETHER;
        if (end - first == TOGETHER && !any_is_zero(block + type->scale_at, type->bytes))
            continue;
        for (uint64_t i = first; i < end; i++, block += type->bytes)
            if (half_at(block + type->scale_at) == 0)
                lost += block_is_lost(type, dtype, src, i * type->block, block);
    }
    return lost;
}

/* The scale that is stored for one that was rounded to zero, which no group has by itself whose
 * weights are all far below it. */
static float least_scale(aq_dtype dtype)
{
    return dtype == AQ_DTYPE_F32 ? 0x1p-23f : dtype == AQ_DTYPE_F16 ? 0x1p-10f : 0x1p-7f;
}

static bool group_is_lost(aq_dtype dtype, const void *src, uint64_t first, uint64_t count)
{
    float most = fabsf(aq_weight_at(dtype, src, first));
    if (are_alike(dtype, src, first, count))
        count = 1;
    for (uint64_t i = first + 1; i < first + count; i++)
        most = fmaxf(most, fabsf(aq_weight_at(dtype, src, i)));
    return most > 0.0f && most < least_scale(dtype) / 2.0f;
}

static uint64_t count_groups(const aq_plan *plan, const aq_tile *tile, const void *src,
                             const uint8_t *dst)
{
    const aq_item *item = tile->item;
    aq_dtype dtype = item->tensor->dtype;
    aq_pack_layout l = aq_plan_pack_layout(plan, item, tile->rows, tile->cols);
    uint64_t lost = 0;
    for (uint64_t i = 0; i < tile->rows * l.groups; i++) {
        uint64_t col = i % l.groups * item->group, left = tile->cols - col;
        if (aq_weight_at(dtype, dst + l.scales, i) == least_scale(dtype))
            lost += group_is_lost(dtype, src, i / l.groups * tile->cols + col,
                                  left < item->group ? left : item->group);
    }
    return lost;
}

uint64_t aq_tile_underflows(const aq_plan *plan, const aq_tile *tile, const void *src,
                            const void *dst)
{
    /* Plain float16 has no scale. */
    if (tile->item->action == AQ_ACTION_COPY || tile->item->type == &aq_half_type)
        return 0;
    return tile->item->action == AQ_ACTION_BLOCKS ? count_blocks(tile, src, dst)
                                                  : count_groups(plan, tile, src, dst);
}
