/* SPDX-License-Identifier: Apache-2.0
 * A part's record, read. It lies where others may write, and is believed no more than a model: only
 * a regular file of bounded size is opened, and it is read in one pass that keeps little besides
 * its text. */
#include <config.h>

#include "part.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/small.h"
#include "formats/files.h"

/* More than any run's: an index and a list of 65,536 shards. */
enum { RECORD_MAX = 64 * 1024 * 1024, FILES_MAX = 131072, TEXTS_MAX = 16 };

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
    aq_part *part;
    const char *path;
    aq_json json;
    aq_error *err;
} reading;

/* Where the cursor is; false, so that every reader below can end with it. */
static bool fail(reading *r, const char *problem)
{
    r->json.problem = problem;
    return false;
}

/* ---- values ---- */

/* Stays in the record's text: the closing quote's byte, or one behind it, is free for the NUL. */
static bool take_text(reading *r, const char **text, size_t *size)
{
    char *s;
    size_t length;
    if (!aq_json_string(&r->json, &s, &length))
        return false;
    if (memchr(s, '\0', length) != NULL)
        return fail(r, "a NUL in a string");
    s[length] = '\0';
    *text = s;
    if (size != NULL)
        *size = length;
    return true;
}

static bool take_hash(reading *r, uint64_t *hash)
{
    enum { DIGITS = 16 };
    const char *text;
    size_t length;
    if (!take_text(r, &text, &length))
        return false;
    if (length != DIGITS || strspn(text, "0123456789abcdef") != DIGITS)
        return fail(r, "a checksum that is not 16 hexadecimal digits");
    *hash = strtoull(text, NULL, 16);
    return true;
}

static bool take_same(reading *r, unsigned expected)
{
    uint64_t number;
    return aq_json_u64(&r->json, &number) &&
           (number == expected || fail(r, "another part's number"));
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

/* ---- objects, whose members come in any order, each once ---- */

typedef bool member_fn(reading *r, void *owner, unsigned member);

static unsigned member_of(const char *const *names, unsigned count, const char *name)
{
    unsigned i = 0;
    while (i < count && strcmp(names[i], name) != 0)
        i++;
    return i;
}

/* Calls `take` for each of the members that have names, all of which must be there. */
static bool take_object(reading *r, const char *const *names, unsigned count, member_fn *take,
                        void *owner, unsigned depth)
{
    size_t members = 0;
    unsigned seen = 0;
    int more;
    if (!aq_json_expect(&r->json, '{'))
        return false;
    while ((more = aq_json_more(&r->json, '}', &members)) > 0) {
        char name[24];
        if (!aq_json_word(&r->json, name, sizeof name) || !aq_json_expect(&r->json, ':'))
            return false;
        unsigned member = member_of(names, count, name);
        if (member < count && (seen & 1u << member) != 0)
            return fail(r, "a field twice");
        seen |= member < count ? 1u << member : 0;
        if (member < count ? !take(r, owner, member) : !aq_json_skip(&r->json, depth))
            return false;
    }
    return more == 0 && (seen == (1u << count) - 1 || fail(r, "a field is missing"));
}

/* Room for one more at the end of a list in the arena; NULL without memory. */
static void *room_for(reading *r, void *list, size_t count, size_t size)
{
    if (list != NULL && (count & (count - 1)) != 0)
        return list;
    void *more = aq_arena_alloc(&r->part->arena, (count > 0 ? 2 * count : 1) * size);
    if (more == NULL)
        (void)aq_fail_memory(r->err, "the record of a part");
    else if (count > 0)
        memcpy(more, list, count * size);
    return more;
}

static bool take_file_member(reading *r, void *owner, unsigned member)
{
    aq_part_file *file = owner;
    uint64_t index;
    switch (member) {
    case 0:
        return take_text(r, &file->name, NULL) &&
               (plain_name(file->name) || fail(r, "a name that is no plain file name"));
    case 1:
        if (!aq_json_u64(&r->json, &index))
            return false;
        file->index = (uint32_t)index;
        return index == file->index || fail(r, "an index of 2^32 or more");
    default:
        return aq_json_u64(&r->json, &file->bytes);
    }
}

static bool take_files(reading *r, aq_part_files *files)
{
    static const char *const names[] = {"name", "index", "bytes"};
    aq_part_file *list = NULL;
    size_t count = 0;
    int more;
    if (!aq_json_expect(&r->json, '['))
        return false;
    while ((more = aq_json_more(&r->json, ']', &count)) > 0) {
        if (count > FILES_MAX)
            return fail(r, "too many files");
        list = room_for(r, list, count - 1, sizeof *list);
        if (list == NULL || !take_object(r, names, 3, take_file_member, &list[count - 1], 3))
            return false;
    }
    files->file = list;
    files->count = count;
    return more == 0;
}

static bool take_text_member(reading *r, void *owner, unsigned member)
{
    aq_out_text *text = owner;
    if (member == 1)
        return take_text(r, &text->text, &text->size);
    return take_text(r, &text->name, NULL) &&
           (companion_name(text->name) || fail(r, "a name that is no index's nor config.json"));
}

static bool take_texts(reading *r, aq_part *part)
{
    static const char *const names[] = {"name", "text"};
    aq_out_text *list = NULL;
    size_t count = 0;
    int more;
    if (!aq_json_expect(&r->json, '['))
        return false;
    while ((more = aq_json_more(&r->json, ']', &count)) > 0) {
        if (count > TEXTS_MAX)
            return fail(r, "too many texts");
        list = room_for(r, list, count - 1, sizeof *list);
        if (list == NULL || !take_object(r, names, 2, take_text_member, &list[count - 1], 3))
            return false;
    }
    part->texts = list;
    part->text_count = count;
    return more == 0;
}

/* ---- the record ---- */

enum {
    HAS_RECORD,
    HAS_PART,
    HAS_PARTS,
    HAS_VERSION,
    HAS_OPTIONS,
    HAS_INPUT,
    HAS_WHOLE,
    HAS_SHARDS,
    HAS_SHARDS_SUM,
    HAS_COPIES,
    HAS_COPIES_SUM,
    HAS_TEXTS,
    MEMBERS
};

static bool take_version(reading *r)
{
    uint64_t version;
    if (!aq_json_u64(&r->json, &version))
        return false;
    if (version == AQ_PART_RECORD_VERSION)
        return true;
    (void)aq_fail(r->err, AQ_BAD_INPUT, "%s: is of version %" PRIu64 ", and this program reads %d",
                  r->path, version, AQ_PART_RECORD_VERSION);
    return false;
}

static bool take_member(reading *r, void *owner, unsigned member)
{
    aq_part *part = owner;
    switch (member) {
    case HAS_RECORD:
        return take_version(r);
    case HAS_PART:
        return take_same(r, part->part);
    case HAS_PARTS:
        return take_same(r, part->parts);
    case HAS_VERSION:
        return take_text(r, &part->identity.version, NULL);
    case HAS_OPTIONS:
        return take_text(r, &part->identity.options, NULL);
    case HAS_INPUT:
        return take_hash(r, &part->identity.input);
    case HAS_WHOLE:
        return take_hash(r, &part->identity.whole);
    case HAS_SHARDS:
        return take_files(r, &part->shards);
    case HAS_SHARDS_SUM:
        return take_hash(r, &part->shards.checksum);
    case HAS_COPIES:
        return take_files(r, &part->copies);
    case HAS_COPIES_SUM:
        return take_hash(r, &part->copies.checksum);
    default:
        return take_texts(r, part);
    }
}

static aq_status take_record(reading *r)
{
    static const char *const names[MEMBERS] = {
        [HAS_RECORD] = "arrowquant_part",
        [HAS_PART] = "part",
        [HAS_PARTS] = "parts",
        [HAS_VERSION] = "version",
        [HAS_OPTIONS] = "options",
        [HAS_INPUT] = "input",
        [HAS_WHOLE] = "whole",
        [HAS_SHARDS] = "shards",
        [HAS_SHARDS_SUM] = "shards_checksum",
        [HAS_COPIES] = "copies",
        [HAS_COPIES_SUM] = "copies_checksum",
        [HAS_TEXTS] = "texts",
    };
    r->json.problem = NULL;
    if (take_object(r, names, MEMBERS, take_member, r->part, 1) && aq_json_end(&r->json))
        return AQ_OK;
    /* Where no problem is named, the error is there: memory, or the version. */
    return r->json.problem == NULL
               ? r->err->status
               : aq_fail(r->err, AQ_BAD_INPUT,
                         "%s: byte %zu: %s: this is no record of part %u of %u; make that part "
                         "again",
                         r->path, (size_t)(r->json.at - r->json.begin), r->json.problem,
                         r->part->part, r->part->parts);
}

static aq_status read_record(reading *r)
{
    aq_file file = {.path = r->path};
    aq_source *source;
    aq_status status = aq_files_open(&file, 1, &source, r->err);
    if (status != AQ_OK)
        return status;
    char *text = NULL;
    if (file.size > RECORD_MAX)
        status = aq_fail(r->err, AQ_BAD_INPUT,
                         "%s: %" PRIu64 " bytes are too many for the record of a part", r->path,
                         file.size);
    else if ((text = aq_arena_alloc(&r->part->arena, (size_t)file.size + 1)) == NULL)
        status = aq_fail_memory(r->err, "the record of a part");
    else
        status = source->read_at(source, 0, 0, text, (size_t)file.size, r->err);
    source->close(source);
    if (status != AQ_OK)
        return status;
    r->json = (aq_json){.begin = text, .at = text, .end = text + file.size};
    return take_record(r);
}

aq_status aq_part_read(aq_part *part, const char *directory, const char *name, aq_error *err)
{
    char *path = NULL;
    aq_error own;
    *part = (aq_part){0};
    if (!aq_part_name_parse(name, &part->part, &part->parts))
        return aq_fail(err, AQ_BAD_INPUT, "%s: is no name of a part's record", name);
    if (asprintf(&path, "%s/%s", directory, name) < 0)
        return aq_fail_memory(err, "the record of a part");
    reading r = {.part = part, .path = path, .err = err == NULL ? &own : err};
    aq_status status = read_record(&r);
    free(path);
    return status;
}
