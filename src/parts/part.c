/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "part.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/io.h"
#include "base/small.h"
#include "base/text.h"
#include "io/output.h"
#include "plan/plan_internal.h"

/* ---- which files ---- */

typedef struct weighed {
    uint64_t bytes;
    uint32_t file;
} weighed;

static int heaviest_first(const void *a, const void *b)
{
    const weighed *x = a, *y = b;
    if (x->bytes != y->bytes)
        return x->bytes > y->bytes ? -1 : 1;
    return x->file < y->file ? -1 : x->file > y->file;
}

static size_t lightest(const uint64_t *load, size_t parts)
{
    size_t best = 0;
    for (size_t i = 1; i < parts; i++)
        if (load[i] < load[best])
            best = i;
    return best;
}

/* The heaviest file that is left to the part with the least so far: no part then has more than 4/3
 * of what the best sharing gives it (Graham), and everybody comes to the same result alone. */
static aq_status share_files(aq_plan *plan, unsigned part, unsigned parts, aq_error *err)
{
    const aq_model *model = plan->model;
    weighed *files = aq_calloc(model->file_count, sizeof *files);
    uint64_t *load = aq_calloc(parts, sizeof *load);
    bool ok = files != NULL && load != NULL;
    for (uint32_t i = 0; ok && i < model->file_count; i++)
        files[i] = (weighed){model->files[i].size, i};
    if (ok)
        qsort(files, model->file_count, sizeof *files, heaviest_first);
    for (uint32_t i = 0; ok && i < model->file_count; i++) {
        size_t to = lightest(load, parts);
        load[to] += files[i].bytes;
        plan->layout.files[files[i].file].elsewhere = to != part - 1;
    }
    aq_free(load);
    aq_free(files);
    return ok ? AQ_OK : aq_fail_memory(err, "the parts");
}

static void keep_own(aq_plan *plan)
{
    const aq_layout *layout = &plan->layout;
    size_t items = 0, constants = 0;
    for (size_t i = 0; i < plan->item_count; i++)
        if (!layout->files[plan->items[i].tensor->file].elsewhere)
            plan->items[items++] = plan->items[i];
    for (size_t i = 0; i < plan->constant_count; i++)
        if (!layout->files[layout->tensors[plan->constants[i].out].file].elsewhere)
            plan->constants[constants++] = plan->constants[i];
    plan->item_count = items;
    plan->constant_count = constants;
    aq_plan_number_tiles(plan);
}

/* ---- who the run is ---- */

/* Numbers and names of what the weights are, one after the other, into a checksum. */
typedef struct fingerprint {
    aq_sink *sink;
    uint32_t file; /* one that no weights come from */
    uint64_t at;
    aq_error *err;
} fingerprint;

static aq_status add(fingerprint *f, const void *bytes, size_t size)
{
    aq_status status = f->sink->write_at(f->sink, f->file, f->at, bytes, size, f->err);
    f->at += aq_round_up(size + 1, 8);
    return status;
}

static aq_status add_number(fingerprint *f, uint64_t number)
{
    return add(f, &number, sizeof number);
}

static aq_status add_tensor(fingerprint *f, const aq_tensor *t)
{
    aq_status status = add(f, t->name, strlen(t->name));
    const uint64_t numbers[] = {(uint64_t)t->dtype, t->file, t->offset, t->bytes, t->rank};
    for (size_t i = 0; status == AQ_OK && i < sizeof numbers / sizeof numbers[0]; i++)
        status = add_number(f, numbers[i]);
    for (uint32_t i = 0; status == AQ_OK && i < t->rank; i++)
        status = add_number(f, t->shape[i]);
    return status;
}

/* From the middle of a tensor, where weights that were trained on differ. Reading all of every
 * file would make each part as slow as the whole. */
static aq_status add_weights(fingerprint *f, const aq_model *model, const aq_tensor *t)
{
    enum { SAMPLE = 4096 };
    unsigned char bytes[SAMPLE];
    size_t size = (size_t)aq_least(t->bytes, SAMPLE);
    uint64_t offset = t->offset + (t->bytes - size) / 2;
    aq_status status = model->source->read_at(model->source, t->file, offset, bytes, size, f->err);
    return status == AQ_OK
               ? f->sink->write_at(f->sink, t->file, aq_round_up(offset, 8), bytes, size, f->err)
               : status;
}

/* Of so many tensors that the reads would take long, as many are read evenly among them. */
static aq_status add_model(fingerprint *f, const aq_model *model)
{
    enum { READS = 4096 };
    size_t step = (size_t)aq_divide_up(model->tensor_count + 1, READS);
    aq_status status = AQ_OK;
    for (uint32_t i = 0; status == AQ_OK && i < model->file_count; i++) {
        status = add(f, model->files[i].name, strlen(model->files[i].name));
        if (status == AQ_OK)
            status = add_number(f, model->files[i].size);
    }
    for (size_t i = 0; status == AQ_OK && i < model->tensor_count; i++) {
        status = add_tensor(f, &model->tensors[i]);
        if (status == AQ_OK && i % step == 0)
            status = add_weights(f, model, &model->tensors[i]);
    }
    return status;
}

static aq_status add_texts(fingerprint *f, const aq_layout *layout)
{
    aq_status status = AQ_OK;
    for (size_t i = 0; status == AQ_OK && i < layout->text_count; i++) {
        status = add(f, layout->texts[i].name, strlen(layout->texts[i].name));
        if (status == AQ_OK)
            status = add(f, layout->texts[i].text, layout->texts[i].size);
    }
    return status;
}

static aq_status take_fingerprints(aq_part_identity *identity, const aq_plan *plan, aq_error *err)
{
    const aq_model *model = plan->model;
    aq_sink *null = aq_null_sink();
    aq_sink *sums = null == NULL ? NULL : aq_checksum_sink(null);
    if (sums == NULL) {
        if (null != NULL)
            null->close(null);
        return aq_fail_memory(err, "the parts");
    }
    fingerprint f = {.sink = sums, .file = model->file_count, .err = err};
    aq_status status = add_model(&f, model);
    identity->input = aq_checksum_sink_value(sums);
    if (status == AQ_OK)
        status = add_texts(&f, &plan->layout);
    identity->whole = aq_checksum_sink_value(sums);
    sums->close(sums);
    return status;
}

/* The options that change bytes, as a person reads them in a complaint. */
static const char *describe_options(aq_arena *arena, const aq_quantize_options *o)
{
    aq_text text = {0};
    aq_text_puts(&text, aq_type_name(o->type));
    aq_text_puts(&text, o->asymmetric != 0 ? " asymmetric" : " symmetric");
    aq_text_puts(&text, ", groups of ");
    aq_text_u64(&text, o->group_size);
    aq_text_puts(&text, o->nonfinite == AQ_NONFINITE_KEEP ? ", non-finite kept" : "");
    for (size_t i = 0; i < o->keep_count; i++) {
        aq_text_puts(&text, ", keep ");
        aq_text_puts(&text, o->keep[i]);
    }
    return aq_text_finish(&text, arena);
}

/* ---- the part ---- */

const char *aq_part_name(aq_arena *arena, unsigned part, unsigned parts)
{
    char name[64];
    (void)snprintf(name, sizeof name, "arrowquant-part-%u-of-%u.json", part, parts);
    return aq_arena_strndup(arena, name, strlen(name));
}

static aq_status check_record(aq_part *part, const char *directory, bool force, aq_error *err)
{
    char *path = NULL;
    const char *name = aq_part_name(&part->arena, part->part, part->parts);
    if (name == NULL || asprintf(&path, "%s/%s", directory, name) < 0)
        return aq_fail_memory(err, "the parts");
    aq_status status = AQ_OK;
    if (!force && access(path, F_OK) == 0)
        status =
            aq_fail(err, AQ_USAGE, "%s: part %u of %u was made already; --force makes it again",
                    path, part->part, part->parts);
    free(path);
    return status;
}

static aq_status list_shards(aq_part *part, const aq_layout *layout, aq_error *err)
{
    aq_part_file *file = aq_arena_alloc(&part->arena, layout->file_count * sizeof *file);
    if (file == NULL)
        return aq_fail_memory(err, "the parts");
    for (uint32_t i = 0; i < layout->file_count; i++)
        if (!layout->files[i].elsewhere)
            file[part->shards.count++] =
                (aq_part_file){layout->files[i].name, i, layout->files[i].size};
    part->shards.file = file;
    return AQ_OK;
}

aq_status aq_part_take(aq_part *part, aq_plan *plan, const aq_quantize_options *options,
                       const char *directory, aq_error *err)
{
    aq_layout *layout = &plan->layout;
    *part = (aq_part){.part = options->shard, .parts = options->shards};
    part->identity.version = aq_version();
    part->identity.options = describe_options(&part->arena, options);
    if (part->identity.options == NULL)
        return aq_fail_memory(err, "the parts");
    aq_status status = check_record(part, directory, options->force != 0, err);
    if (status == AQ_OK)
        status = take_fingerprints(&part->identity, plan, err);
    if (status == AQ_OK)
        status = share_files(plan, part->part, part->parts, err);
    if (status == AQ_OK)
        status = list_shards(part, layout, err);
    if (status != AQ_OK)
        return status;
    keep_own(plan);
    part->texts = layout->texts;
    part->text_count = layout->text_count;
    layout->part = true;
    layout->text_count = 0;
    if (part->part != 1)
        layout->copy_count = part->text_count = 0;
    return AQ_OK;
}

void aq_part_free(aq_part *part)
{
    aq_arena_free(&part->arena);
    *part = (aq_part){0};
}
