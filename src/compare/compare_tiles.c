/* SPDX-License-Identifier: Apache-2.0
 * One tile of a comparison: read, widen, sum up. */
#include <config.h>

#include "compare_internal.h"

#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/small.h"
#include "dequant.h"
#include "formats/dtype.h"

enum {
    TILE = AQ_COMPARE_TILE,
    WIDEST = 8, /* bytes of a weight or a scale: F64 */
    /* A tile of several rows has at most as many groups as weights, and their zero points stand in
     * rows/per words, per >= 4; that the rows need not begin or end with a word adds two words per
     * group of one row. */
    ZEROS = (TILE / 4 + 2 * TILE) * 4
};

typedef struct buffers {
    float a[TILE], b[TILE];
    uint8_t raw_a[TILE * WIDEST], raw_b[TILE * WIDEST];
    uint8_t scales[TILE * WIDEST], zeros[ZEROS];
} buffers;

size_t aq_compare_buffer_size(void)
{
    return sizeof(buffers);
}

static aq_status read_part(const aq_model *model, const aq_tensor *tensor, uint64_t from,
                           uint64_t bytes, void *buf, aq_error *err)
{
    return model->source->read_at(model->source, tensor->file, tensor->offset + from, buf,
                                  (size_t)bytes, err);
}

/* `count` elements of the tensor, from element `first` on: whole blocks. */
static aq_status read_elements(const aq_model *model, const aq_tensor *tensor, uint64_t first,
                               uint64_t count, void *buf, aq_error *err)
{
    const aq_dtype_info *info = aq_dtype_get(tensor->dtype);
    return read_part(model, tensor, first / info->block * info->bytes,
                     count / info->block * info->bytes, buf, err);
}

static aq_status weights_tile(const aq_matches *all, const aq_match *m, uint64_t tile, buffers *buf,
                              aq_sums *sums, aq_error *err)
{
    uint64_t first = tile * TILE;
    size_t n = (size_t)aq_least(TILE, m->a->weights - first);
    aq_status status = read_elements(all->a, m->a, first, n, buf->raw_a, err);
    if (status == AQ_OK)
        status = read_elements(all->b, m->b, first, n, buf->raw_b, err);
    if (status != AQ_OK)
        return status;
    aq_dequant(m->a->dtype, buf->raw_a, n, buf->a);
    aq_dequant(m->b->dtype, buf->raw_b, n, buf->b);
    *sums = aq_sums_of(buf->a, buf->b, n);
    return AQ_OK;
}

/* A rectangle of a packed weight; whole rows, or a piece of one. */
typedef struct rectangle {
    uint64_t row, rows, col, cols;
    uint64_t word, words;   /* in a row */
    uint64_t group, groups; /* in a row */
    uint64_t zero_row;      /* of the packed zero points, where `row` has its levels */
} rectangle;

static rectangle rectangle_of(const aq_match *m, uint64_t tile)
{
    uint64_t row = tile / m->col_tiles * m->tile_rows, col = tile % m->col_tiles * m->tile_cols;
    rectangle r = {.row = row,
                   .rows = aq_least(m->tile_rows, m->rows - row),
                   .col = col,
                   .cols = aq_least(m->tile_cols, m->cols - col)};
    unsigned per = 32 / m->bits;
    r.word = col / per;
    r.words = (r.cols + per - 1) / per;
    r.group = col / m->group;
    r.groups = (col + r.cols - 1) / m->group + 1 - r.group;
    r.zero_row = row / per;
    return r;
}

/* Either whole rows, which follow one another, or one row. */
static aq_status read_rectangle(const aq_matches *all, const aq_match *m, const rectangle *r,
                                buffers *buf, aq_error *err)
{
    aq_status status =
        read_elements(all->a, m->a, r->row * m->cols + r->col, r->rows * r->cols, buf->raw_a, err);
    if (status == AQ_OK)
        status = read_elements(all->b, m->b, r->row * m->words + r->word, r->rows * r->words,
                               buf->raw_b, err);
    if (status == AQ_OK)
        status = read_elements(all->b, m->scales, r->row * m->groups + r->group,
                               r->rows * r->groups, buf->scales, err);
    if (status != AQ_OK || m->zero_points == NULL)
        return status;
    uint64_t zero_rows = (r->row + r->rows - 1) / (32 / m->bits) + 1 - r->zero_row;
    return read_elements(all->b, m->zero_points, r->zero_row * m->groups + r->group,
                         zero_rows * r->groups, buf->zeros, err);
}

static aq_status packed_tile(const aq_matches *all, const aq_match *m, uint64_t tile, buffers *buf,
                             aq_sums *sums, aq_error *err)
{
    rectangle r = rectangle_of(m, tile);
    aq_status status = read_rectangle(all, m, &r, buf, err);
    if (status != AQ_OK)
        return status;
    aq_dequant(m->a->dtype, buf->raw_a, (size_t)(r.rows * r.cols), buf->a);
    unsigned per = 32 / m->bits, scale_bytes = aq_dtype_get(m->scales->dtype)->bytes;
    for (uint64_t i = 0; i < r.rows; i++) {
        uint64_t row = r.row + i, zero_row = row / per - r.zero_row;
        aq_packed_row packed = {
            .bits = m->bits,
            .first = (size_t)r.col,
            .cols = (size_t)r.cols,
            .group = (size_t)m->group,
            .scale_dtype = m->scales->dtype,
            .words = buf->raw_b + i * r.words * 4,
            .scales = buf->scales + i * r.groups * scale_bytes,
            .zero_points = m->zero_points == NULL ? NULL : buf->zeros + zero_row * r.groups * 4,
            .zero_shift = (unsigned)(row % per) * m->bits,
        };
        aq_dequant_packed(&packed, buf->b + i * r.cols);
    }
    *sums = aq_sums_of(buf->a, buf->b, (size_t)(r.rows * r.cols));
    return AQ_OK;
}

static aq_status bytes_tile(const aq_matches *all, const aq_match *m, uint64_t tile, buffers *buf,
                            aq_error *err)
{
    uint64_t from = tile * TILE, n = aq_least(TILE, m->a->bytes - from);
    aq_status status = read_part(all->a, m->a, from, n, buf->raw_a, err);
    if (status == AQ_OK)
        status = read_part(all->b, m->b, from, n, buf->raw_b, err);
    if (status != AQ_OK || memcmp(buf->raw_a, buf->raw_b, (size_t)n) == 0)
        return status;
    uint64_t at = 0;
    while (buf->raw_a[at] == buf->raw_b[at])
        at++;
    return aq_fail(err, AQ_BAD_INPUT,
                   "%s: tensor '%s' is of type %s and must be as in %s, but differs from it at its "
                   "byte %" PRIu64,
                   all->b->path, m->b->name, aq_dtype_name(m->b->dtype), all->a->path, from + at);
}

aq_status aq_compare_tile(const aq_matches *all, uint64_t index, void *buffer, aq_sums *sums,
                          aq_error *err)
{
    const aq_match *m = aq_matches_at(all, index);
    uint64_t tile = index - m->first_tile;
    *sums = (aq_sums){0};
    if (m->kind == AQ_MATCH_PACKED)
        return packed_tile(all, m, tile, buffer, sums, err);
    if (m->kind == AQ_MATCH_BYTES)
        return bytes_tile(all, m, tile, buffer, err);
    return weights_tile(all, m, tile, buffer, sums, err);
}
