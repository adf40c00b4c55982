/* SPDX-License-Identifier: Apache-2.0
 * compressed-tensors' "pack-quantized" weights: how many bits, which groups. */
#include <config.h>

#include "compare_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "dequant.h"
#include "formats/dtype.h"
#include "formats/model_config.h"

/* As many as anyone's tensors have. */
enum { MAX_RANK = 8 };

/* ---- what the model says of itself ---- */

static int64_t number_or(const char *text, int64_t otherwise)
{
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    return errno != 0 || end == text || *end != '\0' || value < 0 ? otherwise : value;
}

static void read_metadata(const aq_model *model, aq_packing *packing)
{
    for (size_t i = 0; i < model->metadata_count; i++) {
        const aq_pair *pair = &model->metadata[i];
        if (strcmp(pair->key, "arrowquant.bits") == 0)
            packing->bits = (unsigned)(number_or(pair->value, 0) & 63);
        else if (strcmp(pair->key, "arrowquant.group_size") == 0)
            packing->group = number_or(pair->value, -1);
    }
}

/* Only where all of config.json's groups agree: which tensor belongs to which is not asked. */
static void read_groups(json_t *config, aq_packing *packing)
{
    json_t *groups =
        json_object_get(json_object_get(config, "quantization_config"), "config_groups");
    const char *key;
    json_t *value;
    bool first = true;
    json_object_foreach(groups, key, value)
    {
        json_t *weights = json_object_get(value, "weights");
        json_t *bits = json_object_get(weights, "num_bits");
        json_t *size = json_object_get(weights, "group_size");
        const char *strategy = json_string_value(json_object_get(weights, "strategy"));
        aq_packing own = {0, -1};
        if (json_is_integer(bits))
            own.bits = (unsigned)(json_integer_value(bits) & 63);
        if (json_is_integer(size) && json_integer_value(size) > 0)
            own.group = json_integer_value(size);
        else if (strategy != NULL && strcmp(strategy, "channel") == 0)
            own.group = 0;
        if (first)
            *packing = own;
        packing->bits = packing->bits == own.bits ? own.bits : 0;
        packing->group = packing->group == own.group ? own.group : -1;
        first = false;
    }
}

aq_status aq_packing_read(const aq_model *model, aq_packing *packing, aq_error *err)
{
    json_t *config;
    *packing = (aq_packing){0, -1};
    aq_status status = aq_config_read(model, &config, err);
    if (status != AQ_OK)
        return status;
    read_groups(config, packing);
    json_decref(config);
    read_metadata(model, packing);
    return AQ_OK;
}

/* ---- what its tensors say ---- */

static aq_status bad(const aq_model *model, const aq_tensor *tensor, const char *what,
                     aq_error *err)
{
    return aq_fail(err, AQ_BAD_INPUT, "%s: tensor '%s': %s", model->path, tensor->name, what);
}

/* The shape of the original but for the last dimension, which is *last. */
static bool has_rows_of(const aq_tensor *tensor, const aq_tensor *original, uint64_t *last)
{
    uint32_t n = original->rank - 1;
    if (tensor->rank != original->rank ||
        memcmp(tensor->shape, original->shape, n * sizeof *tensor->shape) != 0)
        return false;
    *last = tensor->shape[n];
    return true;
}

static aq_status check_shape(const aq_match *m, const aq_model *model, const aq_tensor *shape,
                             aq_error *err)
{
    uint64_t dims[MAX_RANK];
    const aq_tensor *a = m->a;
    if (a->rank < 2 || a->rank > MAX_RANK)
        return bad(model, m->b, "only weights with two to eight dimensions can be packed", err);
    if (shape->dtype != AQ_DTYPE_I64 || shape->bytes != a->rank * sizeof *dims)
        return bad(model, shape, "expected type I64, and a number for each dimension", err);
    aq_status status = model->source->read_at(model->source, shape->file, shape->offset, dims,
                                              (size_t)shape->bytes, err);
    if (status != AQ_OK)
        return status;
    for (uint32_t i = 0; i < a->rank; i++)
        if (dims[i] != a->shape[i])
            return aq_fail(err, AQ_BAD_INPUT,
                           "%s: tensor '%s' says that dimension %" PRIu32 " is %" PRIu64
                           ", but it is %" PRIu64
                           " in the original: these are not two forms of one model",
                           model->path, shape->name, i, dims[i], a->shape[i]);
    return AQ_OK;
}

static uint64_t words_for(uint64_t levels, unsigned bits)
{
    unsigned per = 32 / bits;
    return levels / per + (levels % per != 0);
}

/* The width of a level, by the number of words in a row; a short row leaves it to the model. */
static aq_status find_bits(aq_match *m, const aq_model *model, const aq_packing *packing,
                           aq_error *err)
{
    if (m->b->dtype != AQ_DTYPE_I32 || !has_rows_of(m->b, m->a, &m->words))
        return bad(model, m->b, "expected type I32 and as many rows as the original has", err);
    unsigned fits = 0;
    for (unsigned bits = 1; bits <= 8; bits *= 2) {
        if (words_for(m->cols, bits) != m->words)
            continue;
        fits++;
        m->bits = bits;
        if (bits == packing->bits)
            return AQ_OK;
    }
    if (fits == 0)
        return bad(model, m->b, "its columns fit no level of 1, 2, 4 or 8 bits", err);
    if (fits > 1 || packing->bits != 0)
        return bad(model, m->b,
                   "its columns leave open how many bits a level has, or contradict "
                   "what the model's metadata or config.json say",
                   err);
    return AQ_OK;
}

static aq_status find_groups(aq_match *m, const aq_model *model, const aq_packing *packing,
                             aq_error *err)
{
    const aq_tensor *scales = m->scales;
    bool is_float = scales->dtype == AQ_DTYPE_F64 || aq_dtype_is_weight(scales->dtype);
    if (!is_float || !has_rows_of(scales, m->a, &m->groups) || m->groups == 0 ||
        m->groups > m->cols)
        return bad(model, scales, "expected floats, and as many rows as the original has", err);
    if (packing->group > 0)
        m->group = (uint64_t)packing->group;
    else if (packing->group == 0 || m->groups == 1)
        m->group = m->cols;
    else if (m->cols % m->groups == 0)
        m->group = m->cols / m->groups;
    else
        return bad(model, scales,
                   "its columns leave open how many weights a group has, and so do the model's "
                   "metadata and config.json",
                   err);
    if (m->group > m->cols)
        m->group = m->cols;
    if (m->cols / m->group + (m->cols % m->group != 0) != m->groups)
        return aq_fail(err, AQ_BAD_INPUT,
                       "%s: tensor '%s': %" PRIu64 " scales for rows of %" PRIu64
                       " weights do not fit groups of %" PRIu64,
                       model->path, scales->name, m->groups, m->cols, m->group);
    const aq_tensor *zeros = m->zero_points;
    if (zeros != NULL &&
        (zeros->dtype != AQ_DTYPE_I32 || zeros->rank != 2 ||
         zeros->shape[0] != words_for(m->rows, m->bits) || zeros->shape[1] != m->groups))
        return bad(model, zeros,
                   "expected type I32, levels packed along the rows, and a column for "
                   "each of the scales'",
                   err);
    return AQ_OK;
}

aq_status aq_packed_match(aq_match *m, const aq_model *model, const aq_packing *packing,
                          const aq_tensor *shape, aq_error *err)
{
    aq_status status = check_shape(m, model, shape, err);
    if (status != AQ_OK)
        return status;
    m->kind = AQ_MATCH_PACKED;
    if (m->a->weights == 0)
        return bad(model, m->b, "no weights to pack", err);
    m->cols = m->a->shape[m->a->rank - 1];
    m->rows = m->a->weights / m->cols;
    status = find_bits(m, model, packing, err);
    if (status == AQ_OK)
        status = find_groups(m, model, packing, err);
    static const char *const names[] = {[1] = "int1", [2] = "int2", [4] = "int4", [8] = "int8"};
    m->type = names[m->bits];
    m->tile_cols = m->cols < AQ_COMPARE_TILE ? m->cols : AQ_COMPARE_TILE;
    m->tile_rows = AQ_COMPARE_TILE / m->tile_cols;
    m->col_tiles = (m->cols - 1) / m->tile_cols + 1;
    m->tiles = ((m->rows - 1) / m->tile_rows + 1) * m->col_tiles;
    return status;
}
