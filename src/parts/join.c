/* SPDX-License-Identifier: Apache-2.0
 * aq_index: the parts of one run made whole. */
#include <config.h>

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "arrowquant.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/sized.h"
#include "base/text.h"
#include "io/output.h"
#include "part.h"

void aq_index_options_init(aq_index_options *options, size_t size)
{
    const aq_index_options defaults = {.size = sizeof defaults, .sync = 1};
    aq_sized_give(options, size, &defaults);
}

typedef struct joint {
    const char *directory;
    aq_index_options options;
    aq_part *part; /* [parts], by number; parts[i].part is 0 while not found */
    unsigned parts, found;
    aq_part odd; /* a record that does not fit in, for the complaint */
    aq_arena arena;
    aq_error *err;
} joint;

/* ---- finding the records ---- */

static aq_status take_record(joint *j, const char *name)
{
    unsigned number, parts;
    if (!aq_part_name_parse(name, &number, &parts))
        return AQ_OK;
    if (j->part == NULL) {
        j->part = aq_calloc(parts, sizeof *j->part);
        if (j->part == NULL)
            return aq_fail_memory(j->err, "the parts");
        j->parts = parts;
    }
    if (parts != j->parts)
        return aq_fail(j->err, AQ_BAD_INPUT,
                       "%s: has records of a run in %u parts and of one in %u; remove those of the "
                       "one that is not meant",
                       j->directory, parts < j->parts ? parts : j->parts,
                       parts < j->parts ? j->parts : parts);
    j->found++;
    return aq_part_read(&j->part[number - 1], j->directory, name, j->err);
}

static aq_status find_records(joint *j)
{
    DIR *dir = opendir(j->directory);
    if (dir == NULL)
        return aq_fail(j->err, errno == ENOENT || errno == ENOTDIR ? AQ_BAD_INPUT : AQ_FAILURE,
                       "%s: cannot read the directory: %s", j->directory, strerror(errno));
    const struct dirent *entry;
    aq_status status = AQ_OK;
    while (status == AQ_OK && (errno = 0, entry = readdir(dir)) != NULL)
        status = take_record(j, entry->d_name);
    if (status == AQ_OK && errno != 0)
        status = aq_fail_errno(j->err, j->directory, "read the directory");
    (void)closedir(dir);
    return status;
}

static aq_status check_all_found(const joint *j)
{
    enum { NAMED = 8 };
    aq_text missing = {0};
    unsigned named = 0;
    if (j->found == j->parts)
        return AQ_OK;
    for (unsigned i = 0; i < j->parts && named < NAMED; i++) {
        if (j->part[i].part != 0)
            continue;
        aq_text_puts(&missing, named++ == 0 ? "" : ", ");
        aq_text_u64(&missing, i + 1);
    }
    if (j->parts - j->found > NAMED)
        aq_text_puts(&missing, ", ...");
    aq_text_add(&missing, "", 1);
    aq_status status = aq_fail(
        j->err, AQ_BAD_INPUT, "%s: %u of %u parts %s missing: %s; make %s with quantize --shard",
        j->directory, j->parts - j->found, j->parts, j->parts - j->found == 1 ? "is" : "are",
        missing.failed ? "?" : missing.data, j->parts - j->found == 1 ? "it" : "them");
    aq_text_free(&missing);
    return status;
}

/* ---- are they of one run, and what they were? ---- */

static aq_status fail_stale(const joint *j, const aq_part *a, const aq_part *b, const char *what)
{
    return aq_fail(j->err, AQ_BAD_INPUT,
                   "%s: parts %u and %u are not of one run: %s; make the stale one again with "
                   "quantize --shard --force",
                   j->directory, a->part, b->part, what);
}

static aq_status check_identity(const joint *j, const aq_part *a, const aq_part *b)
{
    const aq_part_identity *x = &a->identity, *y = &b->identity;
    char what[512];
    if (strcmp(x->version, y->version) != 0) {
        (void)snprintf(what, sizeof what, "by arrowquant %.60s and %.60s", x->version, y->version);
        return fail_stale(j, a, b, what);
    }
    if (strcmp(x->options, y->options) != 0) {
        (void)snprintf(what, sizeof what, "to %.200s and to %.200s", x->options, y->options);
        return fail_stale(j, a, b, what);
    }
    if (x->input != y->input)
        return fail_stale(j, a, b, "their inputs differ");
    if (x->whole != y->whole)
        return fail_stale(j, a, b, "their inputs differ in config.json");
    return AQ_OK;
}

static aq_status check_files(const joint *j, const aq_part *part, const aq_part_files *files)
{
    uint64_t checksum;
    for (size_t i = 0; i < files->count; i++) {
        char *path = NULL;
        struct stat st;
        if (asprintf(&path, "%s/%s", j->directory, files->file[i].name) < 0)
            return aq_fail_memory(j->err, "the parts");
        bool missing = stat(path, &st) != 0;
        free(path);
        if (missing)
            return aq_fail(j->err, AQ_BAD_INPUT,
                           "%s: '%s' of part %u of %u is missing; make that part again with "
                           "quantize --shard --force",
                           j->directory, files->file[i].name, part->part, part->parts);
    }
    aq_status status = aq_part_sum(files, j->directory, j->options.cancel, &checksum, j->err);
    if (status == AQ_OK && checksum != files->checksum)
        status = aq_fail(j->err, AQ_BAD_INPUT,
                         "%s: part %u of %u is stale: '%s'%s changed since it was written; make it "
                         "again with quantize --shard --force",
                         j->directory, part->part, part->parts, files->file[0].name,
                         files->count > 1 ? " or another of its files" : "");
    return status;
}

static aq_status check_parts(const joint *j)
{
    aq_status status = AQ_OK;
    for (unsigned i = 1; status == AQ_OK && i < j->parts; i++)
        status = check_identity(j, &j->part[0], &j->part[i]);
    for (unsigned i = 0; status == AQ_OK && i < j->parts; i++) {
        status = check_files(j, &j->part[i], &j->part[i].shards);
        if (status == AQ_OK)
            status = check_files(j, &j->part[i], &j->part[i].copies);
    }
    return status;
}

/* ---- making it whole ---- */

/* Every file is there already, so that only the texts are to be written. */
static aq_status lay_out(joint *j, aq_layout *layout, aq_index_result *result)
{
    size_t count = 0;
    for (unsigned i = 0; i < j->parts; i++)
        count += j->part[i].shards.count;
    *layout = (aq_layout){.format = AQ_FORMAT_SAFETENSORS, .part = true};
    layout->files = aq_arena_alloc(&j->arena, count * sizeof *layout->files);
    layout->texts = aq_arena_alloc(&j->arena, j->part[0].text_count * sizeof *layout->texts);
    if (layout->files == NULL || layout->texts == NULL)
        return aq_fail_memory(j->err, "the index");
    for (unsigned i = 0; i < j->parts; i++) {
        const aq_part_files *shards = &j->part[i].shards;
        for (size_t k = 0; k < shards->count; k++) {
            layout->files[layout->file_count++] =
                (aq_out_file){.name = shards->file[k].name, .elsewhere = true};
            result->bytes += shards->file[k].bytes;
        }
        result->checksum = aq_checksum_add(result->checksum, shards->checksum);
    }
    layout->text_count = j->part[0].text_count;
    if (layout->text_count > 0)
        memcpy(layout->texts, j->part[0].texts, layout->text_count * sizeof *layout->texts);
    result->parts = j->parts;
    result->shards = count;
    return AQ_OK;
}

static aq_status write_texts(joint *j, const aq_layout *layout)
{
    aq_sink *sink;
    if (layout->file_count == 0)
        return aq_fail(j->err, AQ_BAD_INPUT, "%s: its parts hold no shard", j->directory);
    aq_status status =
        aq_output_open(j->directory, layout, NULL, true, j->options.sync != 0, &sink, j->err);
    if (status != AQ_OK)
        return status;
    status = sink->commit(sink, j->err);
    sink->close(sink);
    return status;
}

/* The records, and what parts that died left behind. That one cannot be removed does no harm. */
static void tidy_up(const joint *j)
{
    DIR *dir = opendir(j->directory);
    const struct dirent *entry;
    unsigned part, parts;
    while (dir != NULL && (entry = readdir(dir)) != NULL)
        if (aq_part_name_parse(entry->d_name, &part, &parts) ||
            aq_output_is_temporary(entry->d_name))
            (void)unlinkat(dirfd(dir), entry->d_name, 0);
    if (dir != NULL)
        (void)closedir(dir);
}

/* No record at all: either all is done, or nothing of it. */
static aq_status look_for_whole(const joint *j, aq_index_result *result)
{
    aq_model *model = NULL;
    char *path = NULL;
    if (asprintf(&path, "%s/model.safetensors.index.json", j->directory) < 0)
        return aq_fail_memory(j->err, "the index");
    bool whole = access(path, F_OK) == 0;
    free(path);
    if (!whole)
        return aq_fail(j->err, AQ_BAD_INPUT,
                       "%s: has no record of a part (arrowquant-part-K-of-N.json), which quantize "
                       "--shard K/N writes",
                       j->directory);
    aq_status status = aq_model_open(j->directory, &model, j->err);
    if (status != AQ_OK)
        return status;
    result->shards = aq_model_files(model);
    for (uint32_t i = 0; i < model->file_count; i++)
        result->bytes += model->files[i].size;
    aq_model_close(model);
    return AQ_OK;
}

static aq_status join(joint *j, aq_index_result *result)
{
    aq_layout layout;
    aq_status status = find_records(j);
    if (status == AQ_OK && j->part == NULL)
        return look_for_whole(j, result);
    if (status == AQ_OK)
        status = check_all_found(j);
    if (status == AQ_OK)
        status = check_parts(j);
    if (status == AQ_OK)
        status = lay_out(j, &layout, result);
    if (status == AQ_OK)
        status = write_texts(j, &layout);
    if (status == AQ_OK)
        tidy_up(j);
    return status;
}

aq_status aq_index(const char *directory, const aq_index_options *options, aq_index_result *result,
                   aq_error *err)
{
    joint j = {.directory = directory, .err = err};
    aq_index_result r = {.size = sizeof r};
    aq_index_options_init(&j.options, sizeof j.options);
    aq_status status =
        aq_sized_options(&j.options, options, offsetof(aq_index_options, sync), "aq_index", err);
    if (status == AQ_OK)
        status = aq_sized_result(result, offsetof(aq_index_result, checksum), "aq_index", err);
    if (status == AQ_OK)
        status = join(&j, &r);
    for (unsigned i = 0; i < j.parts; i++)
        aq_part_free(&j.part[i]);
    aq_free(j.part);
    aq_arena_free(&j.arena);
    if (status == AQ_OK && result != NULL)
        aq_sized_give(result, result->size, &r);
    return status;
}
