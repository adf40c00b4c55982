/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "plan.h"

#include <fnmatch.h>

#include "base/caches.h"
#include "base/error.h"
#include "base/small.h"
#include "mixture.h"
#include "plan_internal.h"

enum {
    TILE_MIN = 128 * 1024,
    TILE_MAX = 1024 * 1024,
    TILE_ALIGN = 4096,
    TILES_EACH = 48,
    L2_USUAL = 512 * 1024,
    CACHE_LINE = 64
};

/* A tile's source and result are to stay in L2 together with what the kernel needs beside them, and
 * reads below 128 KiB cost more in calls than they save in cache misses. */
static size_t cache_tile_bytes(void)
{
    size_t l2 = aq_cache_l2(), half = (l2 > 0 ? l2 : L2_USUAL) / 2;
    return half < TILE_MIN ? TILE_MIN : half > TILE_MAX ? TILE_MAX : half;
}

/* Whoever has one tile more than another has 1/TILES_EACH more to do. */
static size_t default_tile_bytes(const aq_model *model, unsigned threads)
{
    uint64_t source = 0;
    size_t bytes = cache_tile_bytes();
    if (threads <= 1)
        return bytes;
    for (size_t i = 0; i < model->tensor_count; i++)
        source += model->tensors[i].bytes;
    uint64_t most = source / threads / TILES_EACH;
    return most < TILE_MIN ? TILE_MIN : (size_t)aq_least(most, bytes);
}

static uint64_t least_common_multiple(uint64_t a, uint64_t b)
{
    uint64_t x = a, y = b;
    while (y != 0) {
        uint64_t r = x % y;
        x = y;
        y = r;
    }
    return a / x * b;
}

static const char *kept_by(const aq_plan_options *options, const char *name)
{
    for (size_t i = 0; i < options->keep_count; i++)
        if (fnmatch(options->keep[i], name, 0) == 0)
            return options->keep[i];
    return NULL;
}

/* Why a tensor is not quantized, or NULL. */
static const char *reason_to_copy(const aq_plan *plan, const aq_plan_options *options,
                                  const aq_item *item)
{
    const aq_tensor *t = item->tensor;
    if (!aq_dtype_is_weight(t->dtype))
        return "not F32, F16 or BF16";
    if (t->rank < 2)
        return "fewer than two dimensions";
    if (t->weights == 0)
        return "empty";
    if (kept_by(options, t->name) != NULL)
        return "kept on request";
    if (!plan->ruled && !plan->type->packed && item->cols % plan->type->block != 0)
        return "row is no multiple of the type's block";
    if (plan->type->packed && plan->model->is_directory)
        return aq_not_linear(t);
    return NULL;
}

static void shape_copy(aq_item *item, size_t tile_bytes)
{
    item->action = AQ_ACTION_COPY;
    item->tile_src = aq_least(tile_bytes, item->tensor->bytes);
    item->tiles = aq_divide_up(item->tensor->bytes, tile_bytes);
}

static void shape_blocks(aq_item *item, size_t tile_bytes)
{
    const aq_type_info *type = item->type;
    uint64_t block_src = item->tensor->bytes / item->tensor->weights * type->block;
    uint64_t blocks = aq_least(tile_bytes, item->tensor->bytes) / block_src;
    uint64_t row_blocks = item->cols / type->block;
    if (item->importance != NULL)
        blocks = blocks > row_blocks ? blocks / row_blocks * row_blocks : row_blocks;
    item->action = AQ_ACTION_BLOCKS;
    item->tile_src = blocks * block_src;
    item->tile_dst = blocks * type->bytes;
    item->tiles = aq_divide_up(item->tensor->bytes, item->tile_src);
}

/* Whole rows where some fit; else whole groups of as few rows as can stand alone: the zero points
 * of 32 / bits rows share words. Only a single group as long as its row can exceed tile_bytes. */
static void shape_pack(aq_plan *plan, aq_item *item, const aq_plan_options *options,
                       size_t tile_bytes)
{
    uint64_t element = aq_dtype_get(item->tensor->dtype)->bytes;
    uint64_t per_word = 32 / plan->type->bits;
    uint64_t unit_rows = plan->asymmetric ? per_word : 1;
    uint64_t row_bytes = item->cols * element;

    item->action = AQ_ACTION_PACK;
    bool per_row = options->group_size == 0 || options->group_size >= item->cols;
    item->group = per_row ? item->cols : options->group_size;
    item->groups = aq_divide_up(item->cols, item->group);
    item->tile_cols = item->cols;
    item->tile_rows = tile_bytes / row_bytes / unit_rows * unit_rows;
    if (item->tile_rows == 0) {
        item->tile_rows = unit_rows;
        uint64_t step = least_common_multiple(item->group, per_word);
        uint64_t steps = tile_bytes / element / unit_rows / step;
        if (!per_row && step < item->cols)
            item->tile_cols = (steps > 0 ? steps : 1) * step;
        if (item->tile_cols > item->cols)
            item->tile_cols = item->cols;
    }
    if (item->tile_rows > item->rows)
        item->tile_rows = item->rows;
    item->col_tiles = aq_divide_up(item->cols, item->tile_cols);
    item->tiles = aq_divide_up(item->rows, item->tile_rows) * item->col_tiles;
    item->tile_src = item->tile_rows * item->tile_cols * element;
    item->tile_dst = aq_plan_pack_layout(plan, item, item->tile_rows, item->tile_cols).bytes;
}

aq_pack_layout aq_plan_pack_layout(const aq_plan *plan, const aq_item *item, uint64_t rows,
                                   uint64_t cols)
{
    uint64_t element = aq_dtype_get(item->tensor->dtype)->bytes;
    uint64_t bits = plan->type->bits;
    aq_pack_layout l;
    l.row_words = aq_divide_up(cols * bits, 32);
    l.groups = aq_divide_up(cols, item->group);
    l.scales = aq_round_up(rows * l.row_words * 4, CACHE_LINE);
    l.zeros = aq_round_up(l.scales + rows * l.groups * element, CACHE_LINE);
    l.packed_zeros =
        plan->asymmetric ? aq_round_up(l.zeros + rows * l.groups, CACHE_LINE) : l.zeros;
    l.bytes = l.packed_zeros;
    if (plan->asymmetric)
        l.bytes =
            aq_round_up(l.packed_zeros + aq_divide_up(rows * bits, 32) * l.groups * 4, CACHE_LINE);
    return l;
}

/* The plan's type, or what the rules chose: perhaps to leave the tensor as it is. */
static void choose_type(const aq_plan *plan, aq_item *item, const aq_choice *choice)
{
    item->type = plan->type;
    item->type_id = plan->type_id;
    if (choice == NULL)
        return;
    item->type = choice->type;
    item->type_id = choice->type_id;
    item->substituted = choice->substituted && choice->type != NULL;
    item->reason = choice->reason;
    if (item->type != NULL && item->type->dtype == item->tensor->dtype)
        item->reason = "of its type already";
}

/* The importances of an item's columns, where the matrix has them and its type heeds them. The
 * embeddings' are left out where they do not fit, as llama-quantize does: they are looked up, and
 * not multiplied with anything. */
static aq_status find_importance(const aq_imatrix *imatrix, aq_item *item, aq_error *err)
{
    const aq_tensor *t = item->tensor;
    uint64_t count, matrices = t->rank > 2 ? t->shape[t->rank - 3] : 1;
    const float *values = aq_imatrix_find(imatrix, t->name, &count);
    if (values == NULL)
        return AQ_OK;
    if (count != item->cols * matrices) {
        if (aq_ends_with(t->name, "token_embd.weight"))
            return AQ_OK;
        return aq_fail(
            err, AQ_BAD_INPUT,
            "%s: '%s' has %llu importances, and the tensor %llu columns in %llu matrices: "
            "this matrix is another model's",
            aq_imatrix_path(imatrix), t->name, (unsigned long long)count,
            (unsigned long long)item->cols, (unsigned long long)matrices);
    }
    item->matrices = matrices;
    if (item->type != &aq_half_type && item->type_id != AQ_TYPE_Q8_0)
        item->importance = values;
    return AQ_OK;
}

static aq_status shape_item(aq_plan *plan, aq_item *item, const aq_plan_options *options,
                            const aq_choice *choice, size_t tile_bytes, aq_error *err)
{
    const aq_tensor *t = item->tensor;
    item->cols = t->rank == 0 ? 1 : t->shape[t->rank - 1];
    item->rows = item->cols == 0 ? 0 : t->weights / item->cols;
    item->reason = plan->type == NULL ? "copied" : reason_to_copy(plan, options, item);
    if (item->reason == NULL)
        choose_type(plan, item, choice);
    if (item->reason == NULL && plan->ruled && options->imatrix != NULL) {
        aq_status status = find_importance(options->imatrix, item, err);
        if (status != AQ_OK)
            return status;
    }
    if (item->reason == NULL && choice != NULL && choice->needs_imatrix && item->importance == NULL)
        return aq_fail(err, AQ_USAGE,
                       "%s: tensor '%s': q2_k_s is too coarse without an importance matrix "
                       "(--imatrix) that knows it; use q2_k",
                       plan->model->path, t->name);
    if (item->reason != NULL)
        shape_copy(item, tile_bytes);
    else if (plan->type->packed)
        shape_pack(plan, item, options, tile_bytes);
    else
        shape_blocks(item, tile_bytes);
    return AQ_OK;
}

/* Bytes of all an item's tiles on either side. PACK tiles at the edges have the room of full ones.
 */
static uint64_t source_bytes(const aq_item *item)
{
    if (item->action == AQ_ACTION_PACK)
        return item->tiles * item->tile_src;
    return item->tensor->bytes;
}

static uint64_t result_bytes(const aq_item *item)
{
    if (item->action == AQ_ACTION_BLOCKS)
        return item->tensor->weights / item->type->block * item->type->bytes;
    return item->tiles * item->tile_dst;
}

void aq_plan_number_tiles(aq_plan *plan)
{
    plan->tiles = plan->total_src = plan->total_dst = 0;
    plan->max_src = plan->max_dst = plan->source_bytes = plan->weights = 0;
    for (size_t i = 0; i < plan->item_count; i++) {
        aq_item *item = &plan->items[i];
        item->first_tile = plan->tiles;
        plan->tiles += item->tiles;
        item->src_base = plan->total_src;
        item->dst_base = plan->total_dst;
        plan->source_bytes += item->tensor->bytes;
        plan->total_src += aq_round_up(source_bytes(item), CACHE_LINE);
        plan->total_dst += aq_round_up(result_bytes(item), CACHE_LINE);
        plan->max_src = item->tile_src > plan->max_src ? item->tile_src : plan->max_src;
        plan->max_dst = item->tile_dst > plan->max_dst ? item->tile_dst : plan->max_dst;
        if (item->reason == NULL)
            plan->weights += item->tensor->weights;
    }
}

/* Whether the tensors' types are for llama-quantize's rules to choose. */
static bool is_ruled(const aq_model *model, const aq_plan_options *options)
{
    return options->type != NULL && options->mixture != AQ_MIXTURE_OF_TYPE &&
           aq_mixture_applies(model);
}

/* A matrix that no tensor used is another model's, or this model's tensors have other names. */
static aq_status check_imatrix(const aq_plan *plan, const aq_plan_options *options, aq_error *err)
{
    if (options->imatrix == NULL)
        return AQ_OK;
    const char *path = aq_imatrix_path(options->imatrix);
    if (!plan->ruled)
        return aq_fail(err, AQ_USAGE,
                       "%s: an importance matrix goes by llama.cpp's names of tensors, which only "
                       "GGUF input made for llama.cpp has: %s is none",
                       path, plan->model->path);
    for (size_t i = 0; i < plan->item_count; i++)
        if (plan->items[i].matrices > 0)
            return AQ_OK;
    return aq_fail(err, AQ_BAD_INPUT, "%s: it knows none of the quantized tensors of %s", path,
                   plan->model->path);
}

static aq_status make_items(aq_plan *plan, const aq_plan_options *options, aq_error *err)
{
    const aq_model *model = plan->model;
    aq_arena *arena = &plan->layout.arena;
    size_t n = model->tensor_count;
    size_t tile_bytes = options->tile_bytes;
    if (tile_bytes == 0)
        tile_bytes = default_tile_bytes(model, options->threads);
    aq_choice *choices = NULL;

    plan->item_count = n;
    plan->items = aq_arena_alloc(arena, n * sizeof *plan->items);
    plan->ruled = is_ruled(model, options);
    if (plan->ruled) {
        plan->order = aq_mixture_order(model, arena);
        choices = aq_malloc(n * sizeof *choices);
    }
    if (plan->items == NULL || (plan->ruled && (plan->order == NULL || choices == NULL))) {
        aq_free(choices);
        return aq_fail_memory(err, "the plan");
    }
    if (plan->ruled)
        aq_mixture_choose(model,
                          &(aq_mixture_request){.mixture = options->mixture,
                                                .pure = options->pure,
                                                .imatrix = options->imatrix != NULL},
                          plan->order, choices);
    aq_status status = AQ_OK;
    for (size_t i = 0; i < n && status == AQ_OK; i++) {
        plan->items[i].tensor = &model->tensors[i];
        status = shape_item(plan, &plan->items[i], options, plan->ruled ? &choices[i] : NULL,
                            (size_t)aq_round_up(tile_bytes, TILE_ALIGN), err);
    }
    aq_free(choices);
    return status == AQ_OK ? check_imatrix(plan, options, err) : status;
}

aq_status aq_plan_make(aq_plan *plan, const aq_model *model, const aq_plan_options *options,
                       aq_error *err)
{
    *plan = (aq_plan){.model = model, .asymmetric = options->asymmetric};
    plan->layout.format = options->format;
    if (options->type != NULL) {
        plan->type_id = *options->type;
        plan->type = aq_type_get(*options->type);
    }
    aq_status status = make_items(plan, options, err);
    if (status == AQ_OK) {
        aq_plan_number_tiles(plan);
        status = aq_plan_outputs(plan, options, err);
    }
    if (status != AQ_OK)
        aq_plan_free(plan);
    return status;
}

void aq_plan_free(aq_plan *plan)
{
    aq_arena_free(&plan->layout.arena);
    *plan = (aq_plan){0};
}

static const aq_item *item_of_tile(const aq_plan *plan, uint64_t index)
{
    size_t low = 0, high = plan->item_count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (plan->items[middle].first_tile <= index)
            low = middle;
        else
            high = middle;
    }
    return &plan->items[low];
}

aq_tile aq_plan_tile(const aq_plan *plan, uint64_t index)
{
    const aq_item *item = item_of_tile(plan, index);
    uint64_t n = index - item->first_tile;
    aq_tile tile = {.item = item,
                    .src_base = item->src_base + n * item->tile_src,
                    .dst_base = item->dst_base + n * item->tile_dst};
    if (item->action != AQ_ACTION_PACK) {
        tile.src_at = n * item->tile_src;
        tile.src_bytes = aq_least(item->tile_src, item->tensor->bytes - tile.src_at);
        return tile;
    }
    tile.row = n / item->col_tiles * item->tile_rows;
    tile.rows = aq_least(item->tile_rows, item->rows - tile.row);
    tile.col = n % item->col_tiles * item->tile_cols;
    tile.cols = aq_least(item->tile_cols, item->cols - tile.col);
    tile.src_bytes = tile.rows * tile.cols * aq_dtype_get(item->tensor->dtype)->bytes;
    return tile;
}
