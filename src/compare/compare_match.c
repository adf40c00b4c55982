/* SPDX-License-Identifier: Apache-2.0
 * Finds the counterpart of every tensor. */
#include <config.h>

#include "compare_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "dequant.h"
#include "formats/dtype.h"

/* The quantized model's tensors by name, and which of them have found their counterpart. */
typedef struct finder {
    const aq_model *model;
    const aq_tensor **by_name;
    bool *used; /* as in model->tensors */
} finder;

static int order(const void *a, const void *b)
{
    const aq_tensor *const *x = a, *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

static aq_status finder_init(finder *f, const aq_model *model, aq_arena *arena, aq_error *err)
{
    size_t n = model->tensor_count;
    f->model = model;
    f->by_name = aq_arena_alloc(arena, n * sizeof *f->by_name);
    f->used = aq_arena_alloc(arena, n * sizeof *f->used);
    if (f->by_name == NULL || f->used == NULL)
        return aq_fail_memory(err, "the comparison");
    for (size_t i = 0; i < n; i++)
        f->by_name[i] = &model->tensors[i];
    qsort(f->by_name, n, sizeof *f->by_name, order);
    return AQ_OK;
}

/* `name` with `suffix`, or NULL; what is found is used up. */
static const aq_tensor *find(finder *f, const char *name, const char *suffix)
{
    size_t length = strlen(name), low = 0, high = f->model->tensor_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const char *candidate = f->by_name[middle]->name;
        int sign = strncmp(candidate, name, length);
        if (sign == 0)
            sign = strcmp(candidate + length, suffix);
        if (sign == 0) {
            f->used[f->by_name[middle] - f->model->tensors] = true;
            return f->by_name[middle];
        }
        if (sign < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static const char *shape_text(const aq_tensor *tensor, char *text, size_t size)
{
    size_t at = (size_t)snprintf(text, size, "[");
    for (uint32_t i = 0; i < tensor->rank && at < size; i++)
        at += (size_t)snprintf(text + at, size - at, "%s%" PRIu64, i == 0 ? "" : ", ",
                               tensor->shape[i]);
    if (at < size)
        snprintf(text + at, size - at, "]");
    return text;
}

/* Outermost dimensions of 1 do not count: GGUF has no tensor without a dimension, and its writers
 * drop them. */
static bool same_shape(const aq_tensor *a, const aq_tensor *b)
{
    uint32_t i = 0, j = 0;
    while (i < a->rank && a->shape[i] == 1)
        i++;
    while (j < b->rank && b->shape[j] == 1)
        j++;
    return a->rank - i == b->rank - j &&
           memcmp(a->shape + i, b->shape + j, (a->rank - i) * sizeof *a->shape) == 0;
}

/* Both sides have the name. */
static aq_status match_same(aq_matches *all, aq_match *m, aq_error *err)
{
    const char *from = aq_dtype_name(m->a->dtype), *to = aq_dtype_name(m->b->dtype);
    char reason[128];
    if (!same_shape(m->a, m->b)) {
        char a[128], b[128];
        return aq_fail(err, AQ_BAD_INPUT,
                       "%s: tensor '%s' has the shape %s, but %s in %s: these are not two forms of "
                       "one model",
                       all->b->path, m->b->name, shape_text(m->b, b, sizeof b),
                       shape_text(m->a, a, sizeof a), all->a->path);
    }
    m->type = to;
    if (aq_dequant_knows(m->a->dtype) && aq_dequant_knows(m->b->dtype)) {
        m->kind = AQ_MATCH_WEIGHTS;
        m->tiles = m->a->weights / AQ_COMPARE_TILE + (m->a->weights % AQ_COMPARE_TILE != 0);
        return AQ_OK;
    }
    if (m->a->dtype == m->b->dtype && m->a->bytes == m->b->bytes) {
        m->kind = AQ_MATCH_BYTES;
        m->tiles = m->a->bytes / AQ_COMPARE_TILE + (m->a->bytes % AQ_COMPARE_TILE != 0);
        (void)snprintf(reason, sizeof reason, "%s: the bytes are equal", from);
    } else {
        m->kind = AQ_MATCH_SKIPPED;
        (void)snprintf(reason, sizeof reason, "%s and %s: no figures for these types", from, to);
    }
    m->skipped = aq_arena_strndup(&all->arena, reason, strlen(reason));
    return m->skipped == NULL ? aq_fail_memory(err, "the comparison") : AQ_OK;
}

static aq_status match_packed(aq_matches *all, aq_match *m, finder *f, const aq_packing *packing,
                              aq_error *err)
{
    const char *name = m->a->name;
    m->scales = find(f, name, "_scale");
    m->zero_points = find(f, name, "_zero_point");
    const aq_tensor *shape = find(f, name, "_shape");
    if (m->scales == NULL || shape == NULL)
        return aq_fail(err, AQ_BAD_INPUT, "%s: tensor '%s' has no '%s%s' beside it", all->b->path,
                       m->b->name, name, m->scales == NULL ? "_scale" : "_shape");
    return aq_packed_match(m, all->b, packing, shape, err);
}

static aq_status match_one(aq_matches *all, aq_match *m, finder *f, const aq_packing *packing,
                           aq_error *err)
{
    const char *name = m->a->name;
    m->b = find(f, name, "");
    if (m->b != NULL)
        return match_same(all, m, err);
    m->b = find(f, name, "_packed");
    if (m->b != NULL && aq_dequant_knows(m->a->dtype))
        return match_packed(all, m, f, packing, err);
    return aq_fail(err, AQ_BAD_INPUT,
                   "%s: no tensor '%s' (nor '%s_packed'), which %s has: these are not two forms of "
                   "one model",
                   all->b->path, name, name, all->a->path);
}

static aq_status refuse_strangers(const aq_matches *all, const finder *f, aq_error *err)
{
    for (size_t i = 0; i < f->model->tensor_count; i++)
        if (!f->used[i])
            return aq_fail(err, AQ_BAD_INPUT,
                           "%s: tensor '%s' has no counterpart in %s: these are not two forms of "
                           "one model",
                           all->b->path, f->model->tensors[i].name, all->a->path);
    return AQ_OK;
}

aq_status aq_matches_make(aq_matches *all, const aq_model *a, const aq_model *b, aq_error *err)
{
    *all = (aq_matches){.a = a, .b = b, .count = a->tensor_count};
    all->match = aq_arena_alloc(&all->arena, a->tensor_count * sizeof *all->match);
    if (all->match == NULL)
        return aq_fail_memory(err, "the comparison");
    finder f;
    aq_packing packing;
    aq_status status = finder_init(&f, b, &all->arena, err);
    if (status == AQ_OK)
        status = aq_packing_read(b, &packing, err);
    for (size_t i = 0; status == AQ_OK && i < all->count; i++) {
        aq_match *m = &all->match[i];
        m->a = &a->tensors[i];
        status = match_one(all, m, &f, &packing, err);
        m->first_tile = all->tiles;
        all->tiles += m->tiles;
    }
    return status == AQ_OK ? refuse_strangers(all, &f, err) : status;
}

const aq_match *aq_matches_at(const aq_matches *all, uint64_t index)
{
    size_t low = 0, high = all->count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (all->match[middle].first_tile <= index)
            low = middle;
        else
            high = middle;
    }
    /* Matches without tiles begin where the next one does, so the last that begins here is it. */
    return &all->match[low];
}
