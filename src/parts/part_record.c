/* SPDX-License-Identifier: Apache-2.0
 * A part's record, written, and what it vouches for. */
#include <config.h>

#include "part.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/small.h"
#include "base/text.h"
#include "formats/files.h"
#include "io/output.h"

/* ---- writing ---- */

static void put_key(aq_text *text, const char *key)
{
    aq_text_puts(text, ",\n ");
    aq_text_json(text, key);
    aq_text_puts(text, ": ");
}

static void put_hash(aq_text *text, const char *key, uint64_t value)
{
    char digits[17];
    (void)snprintf(digits, sizeof digits, "%016" PRIx64, value);
    put_key(text, key);
    aq_text_json(text, digits);
}

static void put_files(aq_text *text, const char *key, const char *sum, const aq_part_files *files)
{
    put_key(text, key);
    aq_text_puts(text, "[");
    for (size_t i = 0; i < files->count; i++) {
        aq_text_puts(text, i > 0 ? ",\n  {\"name\": " : "\n  {\"name\": ");
        aq_text_json(text, files->file[i].name);
        aq_text_puts(text, ", \"index\": ");
        aq_text_u64(text, files->file[i].index);
        aq_text_puts(text, ", \"bytes\": ");
        aq_text_u64(text, files->file[i].bytes);
        aq_text_puts(text, "}");
    }
    aq_text_puts(text, "]");
    put_hash(text, sum, files->checksum);
}

static void put_texts(aq_text *text, const aq_part *part)
{
    put_key(text, "texts");
    aq_text_puts(text, "[");
    for (size_t i = 0; i < part->text_count; i++) {
        aq_text_puts(text, i > 0 ? ",\n  {\"name\": " : "\n  {\"name\": ");
        aq_text_json(text, part->texts[i].name);
        aq_text_puts(text, ", \"text\": ");
        aq_text_json(text, part->texts[i].text);
        aq_text_puts(text, "}");
    }
    aq_text_puts(text, "]");
}

static void write_record(aq_text *text, const aq_part *part)
{
    aq_text_puts(text, "{\n \"arrowquant_part\": ");
    aq_text_u64(text, AQ_PART_RECORD_VERSION);
    put_key(text, "part");
    aq_text_u64(text, part->part);
    put_key(text, "parts");
    aq_text_u64(text, part->parts);
    put_key(text, "version");
    aq_text_json(text, part->identity.version);
    put_key(text, "options");
    aq_text_json(text, part->identity.options);
    put_hash(text, "input", part->identity.input);
    put_hash(text, "whole", part->identity.whole);
    put_files(text, "shards", "shards_checksum", &part->shards);
    put_files(text, "copies", "copies_checksum", &part->copies);
    put_texts(text, part);
    aq_text_puts(text, "\n}\n");
}

/* The other files of the model that this part brought along, as they now are. */
static aq_status list_copies(aq_part *part, const aq_layout *layout, const char *directory,
                             aq_error *err)
{
    aq_part_file *file = aq_arena_alloc(&part->arena, layout->copy_count * sizeof *file);
    if (file == NULL)
        return aq_fail_memory(err, "the parts");
    part->copies = (aq_part_files){.file = file};
    for (size_t i = 0; i < layout->copy_count; i++) {
        char *path = NULL;
        struct stat st;
        if (asprintf(&path, "%s/%s", directory, layout->copies[i]) < 0)
            return aq_fail_memory(err, "the parts");
        aq_status status = stat(path, &st) == 0 ? AQ_OK : aq_fail_errno(err, path, "look at it");
        free(path);
        if (status != AQ_OK)
            return status;
        file[part->copies.count++] = (aq_part_file){
            layout->copies[i], layout->file_count + (uint32_t)i, (uint64_t)st.st_size};
    }
    return aq_part_sum(&part->copies, directory, NULL, &part->copies.checksum, err);
}

/* The record appears as any output does, beside shards that are all others' by now. */
static aq_status put_record(const aq_plan *plan, const aq_out_text *record, const char *directory,
                            bool force, bool sync, aq_error *err)
{
    aq_layout layout = plan->layout;
    aq_sink *sink;
    aq_arena arena = {0};
    layout.files = aq_arena_alloc(&arena, layout.file_count * sizeof *layout.files);
    layout.texts = aq_arena_alloc(&arena, sizeof *layout.texts);
    if (layout.files == NULL || layout.texts == NULL) {
        aq_arena_free(&arena);
        return aq_fail_memory(err, "the record of a part");
    }
    for (uint32_t i = 0; i < layout.file_count; i++)
        layout.files[i] = (aq_out_file){.name = plan->layout.files[i].name, .elsewhere = true};
    layout.texts[0] = *record;
    layout.text_count = 1;
    layout.copy_count = 0;
    aq_status status = aq_output_open(directory, &layout, plan->model, force, sync, &sink, err);
    if (status == AQ_OK) {
        status = sink->commit(sink, err);
        sink->close(sink);
    }
    aq_arena_free(&arena);
    return status;
}

aq_status aq_part_record(aq_part *part, const aq_plan *plan, const char *directory,
                         uint64_t checksum, bool force, bool sync, aq_error *err)
{
    aq_text text = {0};
    part->shards.checksum = checksum;
    aq_status status = list_copies(part, &plan->layout, directory, err);
    if (status != AQ_OK)
        return status;
    write_record(&text, part);
    aq_out_text record = {.size = text.size};
    record.name = aq_part_name(&part->arena, part->part, part->parts);
    record.text = aq_text_finish(&text, &part->arena);
    if (record.name == NULL || record.text == NULL)
        return aq_fail_memory(err, "the record of a part");
    return put_record(plan, &record, directory, force, sync, err);
}

/* ---- vouching ---- */

static aq_status sum_file(aq_sink *sums, const aq_part_file *file, const char *path,
                          const volatile int *cancel, aq_error *err)
{
    enum { PIECE = 1 << 20 };
    aq_file opened = {.path = path};
    aq_source *source;
    aq_status status = aq_files_open(&opened, 1, &source, err);
    if (status != AQ_OK)
        return status;
    void *piece = aq_malloc(PIECE);
    if (piece == NULL)
        status = aq_fail_memory(err, "the parts");
    else if (opened.size != file->bytes)
        status = aq_fail(err, AQ_BAD_INPUT,
                         "%s: has %" PRIu64 " bytes, and its part wrote %" PRIu64
                         "; make that part again with --force",
                         path, opened.size, file->bytes);
    for (uint64_t at = 0; status == AQ_OK && at < opened.size; at += PIECE) {
        size_t size = opened.size - at < PIECE ? (size_t)(opened.size - at) : PIECE;
        status = source->read_at(source, 0, at, piece, size, err);
        if (status == AQ_OK)
            status = sums->write_at(sums, file->index, at, piece, size, err);
        if (status == AQ_OK && cancel != NULL && *cancel != 0)
            status = aq_fail(err, AQ_CANCELLED, "cancelled");
    }
    aq_free(piece);
    source->close(source);
    return status;
}

aq_status aq_part_sum(const aq_part_files *files, const char *directory, const volatile int *cancel,
                      uint64_t *checksum, aq_error *err)
{
    aq_sink *null = aq_null_sink();
    aq_sink *sums = null == NULL ? NULL : aq_checksum_sink(null);
    aq_status status = AQ_OK;
    if (sums == NULL && null != NULL)
        null->close(null);
    if (sums == NULL)
        return aq_fail_memory(err, "the parts");
    for (size_t i = 0; status == AQ_OK && i < files->count; i++) {
        char *path = NULL;
        if (asprintf(&path, "%s/%s", directory, files->file[i].name) < 0)
            status = aq_fail_memory(err, "the parts");
        else
            status = sum_file(sums, &files->file[i], path, cancel, err);
        free(path);
    }
    *checksum = aq_checksum_sink_value(sums);
    sums->close(sums);
    return status;
}
