/* SPDX-License-Identifier: Apache-2.0
 * A part's record, written and read, and what it vouches for. */
#include <config.h>

#include "part.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
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

enum { RECORD_VERSION = 1 };

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
    aq_text_u64(text, RECORD_VERSION);
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

/* ---- reading ---- */

bool aq_part_name_parse(const char *name, unsigned *part, unsigned *parts)
{
    char again[64];
    int end = 0;
    if (sscanf(name, "arrowquant-part-%5u-of-%5u.json%n", part, parts, &end) != 2 || end == 0 ||
        name[end] != '\0')
        return false;
    (void)snprintf(again, sizeof again, "arrowquant-part-%u-of-%u.json", *part, *parts);
    return strcmp(name, again) == 0 && *part >= 1 && *part <= *parts && *parts <= AQ_PARTS_MOST;
}

typedef struct reading {
    const json_t *root;
    aq_arena *arena;
    bool ok; /* all fields so far are what they should be */
    bool no_memory;
} reading;

static const char *take_text(reading *r, const json_t *object, const char *key, size_t *size)
{
    const json_t *value = json_object_get(object, key);
    const char *text = json_string_value(value);
    size_t length = json_string_length(value);
    char *copy = text == NULL ? NULL : aq_arena_strndup(r->arena, text, length);
    if (size != NULL)
        *size = length;
    r->no_memory = r->no_memory || (text != NULL && copy == NULL);
    r->ok = r->ok && copy != NULL;
    return copy;
}

static uint64_t take_number(reading *r, const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    r->ok = r->ok && json_is_integer(value) && json_integer_value(value) >= 0;
    return r->ok ? (uint64_t)json_integer_value(value) : 0;
}

static uint64_t take_hash(reading *r, const char *key)
{
    const char *text = json_string_value(json_object_get(r->root, key));
    enum { DIGITS = 16 };
    r->ok = r->ok && text != NULL && strlen(text) == DIGITS &&
            strspn(text, "0123456789abcdef") == DIGITS;
    return r->ok ? strtoull(text, NULL, 16) : 0;
}

/* What joins a name to the directory must not lead elsewhere. */
static bool plain_name(const char *name)
{
    return name[0] != '\0' && strchr(name, '/') == NULL && strcmp(name, ".") != 0 &&
           strcmp(name, "..") != 0;
}

/* The two that aq_index may write. */
static bool companion_name(const char *name)
{
    return plain_name(name) &&
           (strcmp(name, "config.json") == 0 || aq_ends_with(name, ".safetensors.index.json"));
}

static aq_part_files take_files(reading *r, const char *key, const char *sum)
{
    const json_t *list = json_object_get(r->root, key);
    size_t count = json_array_size(list);
    aq_part_file *file = aq_arena_alloc(r->arena, count * sizeof *file);
    r->no_memory = r->no_memory || file == NULL;
    r->ok = r->ok && json_is_array(list) && file != NULL;
    for (size_t i = 0; r->ok && i < count; i++) {
        const json_t *entry = json_array_get(list, i);
        file[i].name = take_text(r, entry, "name", NULL);
        file[i].bytes = take_number(r, entry, "bytes");
        uint64_t index = take_number(r, entry, "index");
        file[i].index = (uint32_t)index;
        r->ok = r->ok && plain_name(file[i].name) && index == file[i].index;
    }
    aq_part_files files = {.file = file, .count = count};
    files.checksum = take_hash(r, sum);
    return files;
}

static void take_texts(reading *r, aq_part *part)
{
    const json_t *list = json_object_get(r->root, "texts");
    size_t count = json_array_size(list);
    aq_out_text *texts = aq_arena_alloc(r->arena, count * sizeof *texts);
    r->no_memory = r->no_memory || texts == NULL;
    r->ok = r->ok && json_is_array(list) && texts != NULL;
    for (size_t i = 0; r->ok && i < count; i++) {
        const json_t *entry = json_array_get(list, i);
        texts[i].name = take_text(r, entry, "name", NULL);
        texts[i].text = take_text(r, entry, "text", &texts[i].size);
        r->ok = r->ok && companion_name(texts[i].name);
    }
    part->texts = texts;
    part->text_count = count;
}

static aq_status take_record(aq_part *part, const json_t *root, const char *path, aq_error *err)
{
    reading r = {.root = root, .arena = &part->arena, .ok = json_is_object(root)};
    uint64_t version = take_number(&r, root, "arrowquant_part");
    if (r.ok && version != RECORD_VERSION)
        return aq_fail(err, AQ_BAD_INPUT,
                       "%s: is of version %" PRIu64 ", and this program reads %d", path, version,
                       RECORD_VERSION);
    r.ok = r.ok && take_number(&r, root, "part") == part->part &&
           take_number(&r, root, "parts") == part->parts;
    part->identity.version = take_text(&r, root, "version", NULL);
    part->identity.options = take_text(&r, root, "options", NULL);
    part->identity.input = take_hash(&r, "input");
    part->identity.whole = take_hash(&r, "whole");
    part->shards = take_files(&r, "shards", "shards_checksum");
    part->copies = take_files(&r, "copies", "copies_checksum");
    take_texts(&r, part);
    if (r.no_memory)
        return aq_fail_memory(err, "the record of a part");
    return r.ok ? AQ_OK
                : aq_fail(err, AQ_BAD_INPUT,
                          "%s: is no record of part %u of %u; make that part again", path,
                          part->part, part->parts);
}

aq_status aq_part_read(aq_part *part, const char *directory, const char *name, aq_error *err)
{
    char *path = NULL;
    json_error_t why;
    *part = (aq_part){0};
    if (!aq_part_name_parse(name, &part->part, &part->parts))
        return aq_fail(err, AQ_BAD_INPUT, "%s: is no name of a part's record", name);
    if (asprintf(&path, "%s/%s", directory, name) < 0)
        return aq_fail_memory(err, "the record of a part");
    json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, &why);
    aq_status status;
    if (root == NULL && json_error_code(&why) == json_error_out_of_memory)
        status = aq_fail_memory(err, "the record of a part");
    else if (root == NULL)
        status = aq_fail(err, AQ_BAD_INPUT, "%s: line %d: %s; make part %u of %u again", path,
                         why.line, why.text, part->part, part->parts);
    else
        status = take_record(part, root, path, err);
    json_decref(root);
    free(path);
    return status;
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
