/* SPDX-License-Identifier: Apache-2.0
 * Names, dtypes, shapes and files of what comes out. */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/small.h"
#include "formats/formats.h"
#include "mixture.h"
#include "plan_internal.h"

enum { PARTS = 4 }; /* levels, scale, zero point, shape */

static const char *joined(aq_arena *arena, const char *name, const char *suffix)
{
    size_t length = strlen(name), extra = strlen(suffix);
    char *s = aq_arena_alloc(arena, length + extra + 1);
    if (s == NULL)
        return NULL;
    memcpy(s, name, length);
    memcpy(s + length, suffix, extra);
    return s;
}

static aq_out_tensor *add_tensor(aq_layout *layout, const char *name, aq_dtype dtype, uint32_t file,
                                 uint32_t rank, const uint64_t *shape)
{
    aq_out_tensor *t = &layout->tensors[layout->tensor_count++];
    uint64_t elements = 1;
    for (uint32_t i = 0; i < rank; i++)
        elements *= shape[i];
    *t = (aq_out_tensor){.name = name, .dtype = dtype, .file = file, .rank = rank, .shape = shape};
    (void)aq_dtype_bytes(dtype, elements, &t->bytes);
    return t;
}

/* The tensor's shape with other last dimensions. */
static uint64_t *reshaped(aq_arena *arena, const aq_tensor *tensor, uint64_t last)
{
    uint64_t *shape = aq_arena_alloc(arena, tensor->rank * sizeof *shape);
    if (shape == NULL)
        return NULL;
    memcpy(shape, tensor->shape, tensor->rank * sizeof *shape);
    shape[tensor->rank - 1] = last;
    return shape;
}

/* compressed-tensors' family of one weight. Zero points are packed along the rows, all dimensions
 * but the last taken together. */
static aq_status add_packed(aq_plan *plan, aq_item *item, uint32_t file, aq_error *err)
{
    aq_layout *layout = &plan->layout;
    aq_arena *arena = &layout->arena;
    const aq_tensor *t = item->tensor;
    const char *names[PARTS] = {joined(arena, t->name, "_packed"), joined(arena, t->name, "_scale"),
                                joined(arena, t->name, "_zero_point"),
                                joined(arena, t->name, "_shape")};
    uint64_t *levels = reshaped(arena, t, aq_divide_up(item->cols * plan->type->bits, 32));
    uint64_t *scale = reshaped(arena, t, item->groups);
    uint64_t *zero = aq_arena_alloc(arena, 2 * sizeof *zero);
    uint64_t *rank = aq_arena_alloc(arena, sizeof *rank);
    if (names[0] == NULL || names[1] == NULL || names[2] == NULL || names[3] == NULL ||
        levels == NULL || scale == NULL || zero == NULL || rank == NULL)
        return aq_fail_memory(err, "the plan");

    item->out = layout->tensor_count;
    (void)add_tensor(layout, names[0], AQ_DTYPE_I32, file, t->rank, levels);
    item->out_scale = layout->tensor_count;
    (void)add_tensor(layout, names[1], t->dtype, file, t->rank, scale);
    if (plan->asymmetric) {
        zero[0] = aq_divide_up(item->rows * plan->type->bits, 32);
        zero[1] = item->groups;
        item->out_zero = layout->tensor_count;
        (void)add_tensor(layout, names[2], AQ_DTYPE_I32, file, 2, zero);
    }
    *rank = t->rank;
    plan->constants[plan->constant_count++] =
        (aq_constant){.out = layout->tensor_count, .bytes = t->shape};
    (void)add_tensor(layout, names[3], AQ_DTYPE_I64, file, 1, rank);
    return AQ_OK;
}

static aq_status add_item(aq_plan *plan, aq_item *item, uint32_t file, aq_error *err)
{
    const aq_tensor *t = item->tensor;
    if (item->action == AQ_ACTION_PACK)
        return add_packed(plan, item, file, err);
    aq_dtype dtype = item->action == AQ_ACTION_BLOCKS ? item->type->dtype : t->dtype;
    item->out = plan->layout.tensor_count;
    aq_out_tensor *out = add_tensor(&plan->layout, t->name, dtype, file, t->rank, t->shape);
    if (item->action == AQ_ACTION_COPY)
        out->bytes = t->bytes;
    return AQ_OK;
}

typedef struct sort_key {
    uint32_t file;
    uint32_t width; /* bytes an element must be aligned to */
    size_t index;
} sort_key;

static int by_width(const void *a, const void *b)
{
    const sort_key *x = a, *y = b;
    if (x->file != y->file)
        return x->file < y->file ? -1 : 1;
    if (x->width != y->width)
        return x->width > y->width ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

/* The widest elements first in each file, so that all lie at a multiple of their width without
 * holes, as safetensors' reference writer has it. Items and constants are told the new places. */
static aq_status sort_by_width(aq_plan *plan, aq_error *err)
{
    aq_layout *layout = &plan->layout;
    size_t n = layout->tensor_count;
    sort_key *keys = aq_malloc(n * sizeof *keys);
    size_t *moved = aq_malloc(n * sizeof *moved);
    aq_out_tensor *sorted = aq_arena_alloc(&layout->arena, n * sizeof *sorted);
    bool ok = keys != NULL && moved != NULL && sorted != NULL;
    if (ok) {
        for (size_t i = 0; i < n; i++) {
            const aq_out_tensor *t = &layout->tensors[i];
            const aq_dtype_info *info = aq_dtype_get(t->dtype);
            keys[i] = (sort_key){t->file, info->block == 1 ? info->bytes : 0, i};
        }
        qsort(keys, n, sizeof *keys, by_width);
        for (size_t i = 0; i < n; i++) {
            sorted[i] = layout->tensors[keys[i].index];
            moved[keys[i].index] = i;
        }
        layout->tensors = sorted;
        for (size_t i = 0; i < plan->item_count; i++) {
            aq_item *item = &plan->items[i];
            item->out = moved[item->out];
            item->out_scale = moved[item->out_scale];
            item->out_zero = moved[item->out_zero];
        }
        for (size_t i = 0; i < plan->constant_count; i++)
            plan->constants[i].out = moved[plan->constants[i].out];
    }
    aq_free(moved);
    aq_free(keys);
    return ok ? AQ_OK : aq_fail_memory(err, "the plan");
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* X.weight_packed must not meet a tensor that is called so already. */
static aq_status refuse_twins(const aq_plan *plan, aq_error *err)
{
    size_t n = plan->layout.tensor_count;
    const char **names = aq_malloc(n * sizeof *names + 1);
    if (names == NULL)
        return aq_fail_memory(err, "the plan");
    for (size_t i = 0; i < n; i++)
        names[i] = plan->layout.tensors[i].name;
    qsort(names, n, sizeof *names, by_name);
    aq_status status = AQ_OK;
    for (size_t i = 1; i < n && status == AQ_OK; i++)
        if (strcmp(names[i - 1], names[i]) == 0)
            status =
                aq_fail(err, AQ_BAD_INPUT,
                        "%s: tensor '%s' has the name that a quantized weight needs; keep that "
                        "weight as it is with --keep",
                        plan->model->path, names[i]);
    aq_free(names);
    return status;
}

static aq_status make_files(aq_plan *plan, const aq_plan_options *options, aq_error *err)
{
    aq_layout *layout = &plan->layout;
    const aq_model *model = plan->model;
    layout->file_count = options->directory ? model->file_count : 1;
    layout->files = aq_arena_alloc(&layout->arena, layout->file_count * sizeof *layout->files);
    size_t most = plan->item_count * (plan->type != NULL && plan->type->packed ? PARTS : 1);
    layout->tensors = aq_arena_alloc(&layout->arena, most * sizeof *layout->tensors);
    plan->constants = aq_arena_alloc(&layout->arena, plan->item_count * sizeof *plan->constants);
    if (layout->files == NULL || layout->tensors == NULL || plan->constants == NULL)
        return aq_fail_memory(err, "the plan");
    for (uint32_t i = 0; options->directory && i < layout->file_count; i++)
        layout->files[i].name = model->files[i].name;
    return AQ_OK;
}

/* What a reader of a single packed file cannot tell from its tensors. */
static aq_status describe_packing(aq_plan *plan, const aq_plan_options *options, aq_error *err)
{
    aq_layout *layout = &plan->layout;
    char number[32];
    layout->metadata = aq_arena_alloc(&layout->arena, 3 * sizeof *layout->metadata);
    (void)snprintf(number, sizeof number, "%u", plan->type->bits);
    const char *bits = aq_arena_strndup(&layout->arena, number, strlen(number));
    (void)snprintf(number, sizeof number, "%llu", (unsigned long long)options->group_size);
    const char *group = aq_arena_strndup(&layout->arena, number, strlen(number));
    if (layout->metadata == NULL || bits == NULL || group == NULL)
        return aq_fail_memory(err, "the plan");
    layout->metadata[0] = (aq_pair){"arrowquant.bits", bits};
    layout->metadata[1] = (aq_pair){"arrowquant.group_size", group};
    layout->metadata[2] = (aq_pair){"arrowquant.symmetric", plan->asymmetric ? "false" : "true"};
    layout->metadata_count = 3;
    return AQ_OK;
}

static uint32_t file_type_of(const aq_plan *plan, const aq_plan_options *options)
{
    if (options->mixture != AQ_MIXTURE_OF_TYPE)
        return aq_mixture_file_type(options->mixture);
    return plan->type == NULL ? 0 : plan->type->file_type;
}

static aq_status lay_out(aq_plan *plan, const aq_plan_options *options, aq_error *err)
{
    aq_layout *layout = &plan->layout;
    aq_status status = AQ_OK;
    if (options->format == AQ_FORMAT_GGUF) {
        uint32_t file_type = file_type_of(plan, options);
        return aq_gguf_layout(layout, 0, plan->model, plan->type == NULL ? NULL : &file_type,
                              options->arch, err);
    }
    for (uint32_t i = 0; status == AQ_OK && i < layout->file_count; i++)
        status = aq_safetensors_layout(layout, i, plan->model, err);
    return status;
}

static aq_status add_companions(aq_plan *plan, const aq_plan_options *options, aq_error *err)
{
    aq_layout *layout = &plan->layout;
    const aq_model *model = plan->model;
    layout->copies = aq_arena_alloc(&layout->arena, model->extra_count * sizeof *layout->copies);
    layout->texts = aq_arena_alloc(&layout->arena, 2 * sizeof *layout->texts);
    if (layout->copies == NULL || layout->texts == NULL)
        return aq_fail_memory(err, "the plan");
    for (size_t i = 0; i < model->extra_count; i++)
        if (plan->type == NULL || strcmp(model->extras[i], "config.json") != 0)
            layout->copies[layout->copy_count++] = model->extras[i];
    aq_status status = AQ_OK;
    if (plan->type != NULL)
        status = aq_plan_config(plan, options, err);
    if (status == AQ_OK && model->file_count > 1)
        status = aq_shards_index(layout, "model.safetensors.index.json", err);
    return status;
}

aq_status aq_plan_outputs(aq_plan *plan, const aq_plan_options *options, aq_error *err)
{
    aq_status status = make_files(plan, options, err);
    for (size_t i = 0; status == AQ_OK && i < plan->item_count; i++) {
        aq_item *item = &plan->items[plan->order == NULL ? i : plan->order[i]];
        status = add_item(plan, item, options->directory ? item->tensor->file : 0, err);
    }
    bool packed = plan->type != NULL && plan->type->packed;
    if (status == AQ_OK && packed)
        status = describe_packing(plan, options, err);
    if (status == AQ_OK && packed)
        status = refuse_twins(plan, err);
    if (status == AQ_OK && options->format == AQ_FORMAT_SAFETENSORS)
        status = sort_by_width(plan, err);
    if (status == AQ_OK)
        status = lay_out(plan, options, err);
    if (status == AQ_OK && options->directory)
        status = add_companions(plan, options, err);
    return status;
}
