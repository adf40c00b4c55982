/* SPDX-License-Identifier: Apache-2.0
 * The slow path of a tile whose kernel met a NaN, an infinity or a weight beyond float16. Nothing
 * here depends on the ISA. */
#include <config.h>

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/half.h"
#include "run_internal.h"

float aq_weight_at(aq_dtype dtype, const void *src, uint64_t i)
{
    uint16_t half;
    float value;
    switch (dtype) {
    case AQ_DTYPE_F32:
        memcpy(&value, (const char *)src + i * 4, 4);
        return value;
    case AQ_DTYPE_F16:
        memcpy(&half, (const char *)src + i * 2, 2);
        return aq_f16_to_f32(half);
    default:
        memcpy(&half, (const char *)src + i * 2, 2);
        return aq_bf16_to_f32(half);
    }
}

/* A run of weights that share a scale: a block, or a group of one row. */
typedef struct share {
    uint64_t first, count; /* weights in the tile's source */
    uint64_t index;        /* of the first one in the tensor */
} share;

static uint64_t first_nonfinite(aq_dtype dtype, const void *src, const share *s)
{
    for (uint64_t i = 0; i < s->count; i++)
        if (!isfinite(aq_weight_at(dtype, src, s->first + i)))
            return i;
    return s->count;
}

static aq_status fail_at(const aq_plan *plan, const aq_tensor *t, uint64_t index, const char *what,
                         const char *advice, aq_error *err)
{
    uint64_t offset = t->offset + index * aq_dtype_get(t->dtype)->bytes;
    return aq_fail(err, AQ_NUMERIC, "%s: tensor '%s', index %llu (offset %llu): %s; %s",
                   plan->model->files[t->file].path, t->name, (unsigned long long)index,
                   (unsigned long long)offset, what, advice);
}

static aq_status fail_nonfinite(const aq_plan *plan, const aq_tensor *t, uint64_t index,
                                float value, aq_error *err)
{
    const char *what = isnan(value) ? "the weight is NaN"
                       : value > 0  ? "the weight is infinity"
                                    : "the weight is -infinity";
    return fail_at(plan, t, index, what,
                   "repair it, keep the tensor with --keep, or pass --nonfinite keep", err);
}

static aq_status fail_overflow(const aq_plan *plan, const aq_tensor *t, const share *s,
                               aq_error *err)
{
    return fail_at(plan, t, s->index, "the scale of the weights from here on overflows",
                   "keep the tensor with --keep", err);
}

/* ---- blocks: a float16 scale, and a minimum or none after it ---- */

static bool half_is_finite(const uint8_t *p)
{
    uint16_t half;
    memcpy(&half, p, 2);
    return (half & 0x7c00) != 0x7c00;
}

/* Beyond this no type reaches: the largest float16 times q6_K's largest sub-block scale and level.
 * The K types' searches lose themselves in sums that overflow, and may leave a finite scale there.
 */
static const float most = 65504.0f * 128.0f * 32.0f;

static bool block_overflows(const aq_type_info *type, aq_dtype dtype, const void *src,
                            const share *s, const uint8_t *block)
{
    for (uint64_t i = 0; i < s->count; i++)
        if (fabsf(aq_weight_at(dtype, src, s->first + i)) > most)
            return true;
    for (uint32_t i = 0; i < type->halves; i++)
        if (!half_is_finite(block + type->scale_at + 2 * i))
            return true;
    return false;
}

static void poison_block(const aq_type_info *type, uint8_t *block)
{
    const uint16_t nan = 0x7e00;
    memset(block, 0, type->bytes);
    memcpy(block + type->scale_at, &nan, 2);
}

static aq_status check_blocks(const aq_plan *plan, const aq_tile *tile, aq_nonfinite nonfinite,
                              const void *src, uint8_t *dst, aq_error *err)
{
    const aq_tensor *t = tile->item->tensor;
    const aq_type_info *type = tile->item->type;
    uint64_t element = aq_dtype_get(t->dtype)->bytes;
    uint64_t weights = tile->src_bytes / element;
    for (uint64_t i = 0; i < weights; i += type->block) {
        share s = {.first = i, .count = type->block, .index = tile->src_at / element + i};
        uint8_t *block = dst + i / type->block * type->bytes;
        uint64_t bad = first_nonfinite(t->dtype, src, &s);
        if (bad < s.count && nonfinite == AQ_NONFINITE_ERROR)
            return fail_nonfinite(plan, t, s.index + bad, aq_weight_at(t->dtype, src, i + bad),
                                  err);
        if (bad < s.count)
            poison_block(type, block);
        else if (block_overflows(type, t->dtype, src, &s, block) && nonfinite == AQ_NONFINITE_ERROR)
            return fail_overflow(plan, t, &s, err);
    }
    return AQ_OK;
}

/* ---- packed: a group of a row ---- */

typedef struct group_place {
    uint8_t *levels; /* of its row */
    uint64_t col;    /* in the row's levels */
    uint8_t *scale, *zero;
} group_place;

static bool scale_is_finite(aq_dtype dtype, const uint8_t *scale)
{
    return isfinite(aq_weight_at(dtype, scale, 0));
}

/* Level 0 with a NaN scale. Groups are multiples of 8 weights, so they begin on a byte. */
static void poison_group(const aq_plan *plan, aq_dtype dtype, const share *s, const group_place *g)
{
    static const uint8_t nan_f32[4] = {0, 0, 0xc0, 0x7f}, nan_f16[2] = {0, 0x7e},
                         nan_bf16[2] = {0xc0, 0x7f};
    unsigned bits = plan->type->bits;
    unsigned zero_level = 1u << (bits - 1);
    for (uint64_t i = 0; i < s->count; i++) {
        uint64_t at = (g->col + i) * bits;
        unsigned mask = ((1u << bits) - 1) << (at % 8);
        g->levels[at / 8] = (uint8_t)((g->levels[at / 8] & ~mask) | zero_level << (at % 8));
    }
    if (g->zero != NULL)
        *g->zero = (uint8_t)zero_level;
    memcpy(g->scale,
           dtype == AQ_DTYPE_F32   ? nan_f32
           : dtype == AQ_DTYPE_F16 ? nan_f16
                                   : nan_bf16,
           aq_dtype_get(dtype)->bytes);
}

static aq_status check_group(const aq_plan *plan, const aq_tensor *t, aq_nonfinite nonfinite,
                             const void *src, const share *s, const group_place *g, aq_error *err)
{
    uint64_t bad = first_nonfinite(t->dtype, src, s);
    if (bad < s->count && nonfinite == AQ_NONFINITE_ERROR)
        return fail_nonfinite(plan, t, s->index + bad, aq_weight_at(t->dtype, src, s->first + bad),
                              err);
    if (bad < s->count)
        poison_group(plan, t->dtype, s, g);
    else if (!scale_is_finite(t->dtype, g->scale) && nonfinite == AQ_NONFINITE_ERROR)
        return fail_overflow(plan, t, s, err);
    return AQ_OK;
}

static aq_status check_packed(const aq_plan *plan, const aq_tile *tile, aq_nonfinite nonfinite,
                              const void *src, uint8_t *dst, aq_error *err)
{
    const aq_item *item = tile->item;
    const aq_tensor *t = item->tensor;
    uint64_t element = aq_dtype_get(t->dtype)->bytes;
    aq_pack_layout l = aq_plan_pack_layout(plan, item, tile->rows, tile->cols);
    aq_status status = AQ_OK;
    for (uint64_t r = 0; r < tile->rows; r++)
        for (uint64_t k = 0; k < l.groups && status == AQ_OK; k++) {
            uint64_t col = k * item->group, left = tile->cols - col;
            share s = {.first = r * tile->cols + col,
                       .count = left < item->group ? left : item->group,
                       .index = (tile->row + r) * item->cols + tile->col + col};
            group_place g = {.levels = dst + r * l.row_words * 4,
                             .col = col,
                             .scale = dst + l.scales + (r * l.groups + k) * element,
                             .zero = plan->asymmetric ? dst + l.zeros + r * l.groups + k : NULL};
            status = check_group(plan, t, nonfinite, src, &s, &g, err);
        }
    return status;
}

aq_status aq_tile_check(const aq_plan *plan, const aq_tile *tile, aq_nonfinite nonfinite,
                        const void *src, void *dst, aq_error *err)
{
    if (tile->item->action == AQ_ACTION_BLOCKS)
        return check_blocks(plan, tile, nonfinite, src, dst, err);
    return check_packed(plan, tile, nonfinite, src, dst, err);
}
