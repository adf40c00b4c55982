/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include <string.h>

#include "base/error.h"
#include "run_internal.h"

static uint64_t element_bytes(const aq_tile *tile)
{
    return aq_dtype_get(tile->item->tensor->dtype)->bytes;
}

bool aq_tile_range(const aq_tile *tile, aq_range *range)
{
    const aq_item *item = tile->item;
    const aq_tensor *t = item->tensor;
    bool packed = item->action == AQ_ACTION_PACK;
    uint64_t at = tile->src_at;
    if (packed)
        at = (tile->row * item->cols + tile->col) * element_bytes(tile);
    *range = (aq_range){t->file, t->offset + at, tile->src_bytes};
    return !packed || tile->cols == item->cols;
}

aq_status aq_tile_load(const aq_plan *plan, const aq_tile *tile, void *src, aq_error *err)
{
    aq_source *source = plan->model->source;
    aq_range range;
    if (aq_tile_range(tile, &range))
        return source->read_at(source, range.file, range.offset, src, (size_t)range.size, err);
    uint64_t element = element_bytes(tile), row_bytes = tile->item->cols * element;
    size_t piece = (size_t)(tile->cols * element);
    aq_status status = AQ_OK;
    for (uint64_t r = 0; status == AQ_OK && r < tile->rows; r++)
        status = source->read_at(source, range.file, range.offset + r * row_bytes,
                                 (char *)src + r * piece, piece, err);
    return status;
}

/* Zero points of consecutive rows share a word, the first row's in the lowest bits. */
static void pack_zeros(const aq_plan *plan, const aq_tile *tile, const aq_pack_layout *l,
                       uint8_t *dst)
{
    const uint8_t *zeros = dst + l->zeros;
    uint32_t *packed = (uint32_t *)(void *)(dst + l->packed_zeros);
    uint64_t bits = plan->type->bits, per_word = 32 / bits;
    for (uint64_t word_row = 0; word_row * per_word < tile->rows; word_row++)
        for (uint64_t g = 0; g < l->groups; g++) {
            uint32_t word = 0;
            for (uint64_t i = 0; i < per_word && word_row * per_word + i < tile->rows; i++)
                word |= (uint32_t)zeros[(word_row * per_word + i) * l->groups + g] << (i * bits);
            packed[word_row * l->groups + g] = word;
        }
}

static uint32_t pack_rows(const aq_plan *plan, const aq_tile *tile, const aq_kernel *kernel,
                          const uint8_t *src, uint8_t *dst)
{
    aq_pack_layout l = aq_plan_pack_layout(plan, tile->item, tile->rows, tile->cols);
    aq_row_params params = {.group = (size_t)tile->item->group, .asymmetric = plan->asymmetric};
    uint64_t element = element_bytes(tile);
    uint32_t magnitude = 0;
    for (uint64_t r = 0; r < tile->rows; r++) {
        uint32_t *levels = (uint32_t *)(void *)dst + r * l.row_words;
        uint8_t *scales = dst + l.scales + r * l.groups * element;
        uint8_t *zeros = plan->asymmetric ? dst + l.zeros + r * l.groups : NULL;
        uint32_t m = kernel->row(src + r * tile->cols * element, (size_t)tile->cols, &params,
                                 levels, scales, zeros);
        magnitude = m > magnitude ? m : magnitude;
    }
    if (plan->asymmetric)
        pack_zeros(plan, tile, &l, dst);
    return magnitude;
}

/* Rows with their importances: those of the matrix that each belongs to. */
static uint32_t weighted_rows(const aq_tile *tile, aq_isa isa, const uint8_t *src, uint8_t *dst)
{
    const aq_item *item = tile->item;
    const aq_tensor *t = item->tensor;
    aq_weighted_fn *quantize = aq_weighted_find(item->type_id, t->dtype, isa);
    uint64_t row_bytes = item->cols * element_bytes(tile), height = t->shape[t->rank - 2];
    uint64_t first = tile->src_at / row_bytes, rows = tile->src_bytes / row_bytes;
    size_t out_bytes = (size_t)(item->cols / item->type->block * item->type->bytes);
    uint32_t magnitude = 0;
    for (uint64_t r = 0; r < rows; r++) {
        const float *importance =
            item->importance + (first + r) / height % item->matrices * item->cols;
        uint32_t m =
            quantize(src + r * row_bytes, (size_t)item->cols, importance, dst + r * out_bytes);
        magnitude = m > magnitude ? m : magnitude;
    }
    return magnitude;
}

aq_status aq_tile_quantize(const aq_plan *plan, const aq_tile *tile, const aq_kernel *kernel,
                           aq_nonfinite nonfinite, const void *src, void *dst, aq_error *err)
{
    uint32_t magnitude;
    if (tile->item->action == AQ_ACTION_COPY)
        return AQ_OK;
    if (tile->item->action == AQ_ACTION_BLOCKS) {
        uint64_t block = element_bytes(tile) * tile->item->type->block;
        magnitude = tile->item->importance != NULL
                        ? weighted_rows(tile, kernel->isa, src, dst)
                        : kernel->blocks(src, (size_t)(tile->src_bytes / block), dst);
    } else {
        magnitude = pack_rows(plan, tile, kernel, src, dst);
    }
    if (magnitude <= AQ_SAFE_MAGNITUDE)
        return AQ_OK;
    aq_status status = aq_tile_check(plan, tile, nonfinite, src, dst, err);
    if (status == AQ_OK && tile->item->action == AQ_ACTION_PACK && plan->asymmetric) {
        aq_pack_layout l = aq_plan_pack_layout(plan, tile->item, tile->rows, tile->cols);
        pack_zeros(plan, tile, &l, dst);
    }
    return status;
}

/* A rectangle of `rows` x `row_bytes`, one after the other in memory, to rows `stride` apart. */
static aq_status store_rectangle(aq_sink *sink, const aq_out_tensor *out, uint64_t at,
                                 uint64_t stride, const uint8_t *from, uint64_t rows,
                                 uint64_t row_bytes, aq_error *err)
{
    uint64_t offset = out->offset + at;
    if (stride == row_bytes)
        return sink->write_at(sink, out->file, offset, from, (size_t)(rows * row_bytes), err);
    aq_status status = AQ_OK;
    for (uint64_t r = 0; status == AQ_OK && r < rows; r++)
        status = sink->write_at(sink, out->file, offset + r * stride, from + r * row_bytes,
                                (size_t)row_bytes, err);
    return status;
}

static aq_status store_packed(const aq_plan *plan, const aq_tile *tile, const uint8_t *dst,
                              aq_sink *sink, aq_error *err)
{
    const aq_item *item = tile->item;
    const aq_out_tensor *out = plan->layout.tensors;
    aq_pack_layout l = aq_plan_pack_layout(plan, item, tile->rows, tile->cols);
    uint64_t element = element_bytes(tile), bits = plan->type->bits;

    uint64_t stride = (item->cols * bits + 31) / 32 * 4;
    uint64_t at = tile->row * stride + tile->col * bits / 8;
    aq_status status =
        store_rectangle(sink, &out[item->out], at, stride, dst, tile->rows, l.row_words * 4, err);
    if (status != AQ_OK)
        return status;
    stride = item->groups * element;
    at = tile->row * stride + tile->col / item->group * element;
    status = store_rectangle(sink, &out[item->out_scale], at, stride, dst + l.scales, tile->rows,
                             l.groups * element, err);
    if (status != AQ_OK || !plan->asymmetric)
        return status;
    stride = item->groups * 4;
    at = tile->row * bits / 32 * stride + tile->col / item->group * 4;
    return store_rectangle(sink, &out[item->out_zero], at, stride, dst + l.packed_zeros,
                           (tile->rows * bits + 31) / 32, l.groups * 4, err);
}

aq_status aq_tile_store(const aq_plan *plan, const aq_tile *tile, const void *src, const void *dst,
                        aq_sink *sink, aq_error *err)
{
    const aq_item *item = tile->item;
    const aq_out_tensor *out = &plan->layout.tensors[item->out];
    if (item->action == AQ_ACTION_PACK)
        return store_packed(plan, tile, dst, sink, err);
    if (item->action == AQ_ACTION_COPY)
        return sink->write_at(sink, out->file, out->offset + tile->src_at, src,
                              (size_t)tile->src_bytes, err);
    uint64_t block_src = element_bytes(tile) * item->type->block;
    uint64_t first = tile->src_at / block_src, blocks = tile->src_bytes / block_src;
    return sink->write_at(sink, out->file, out->offset + first * item->type->bytes, dst,
                          (size_t)(blocks * item->type->bytes), err);
}
