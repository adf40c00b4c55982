/* SPDX-License-Identifier: Apache-2.0
 *
 * A model of several files: the index says which tensor is in which, and is believed only where the
 * shards say the same. */
#include <config.h>

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/json.h"
#include "files.h"
#include "formats.h"
#include "names.h"
#include "safetensors.h"
#include "shards.h"

/* An index of 50,000 tensors takes some 5 MB. */
enum { INDEX_MAX = 32 * 1024 * 1024, SHARDS_MAX = 65536 };

/* One entry of weight_map. Strings lie in the index's text. */
typedef struct entry {
    uint32_t name, name_length;
    uint32_t file, file_length;
    uint32_t shard; /* where the index says the tensor is */
    uint32_t found; /* where it is */
} entry;

typedef struct weight_map {
    aq_model *model;
    const char *path;
    char *text;
    aq_json json;
    entry *entries;
    size_t count, capacity;
    bool has_map;
    aq_names names;
    aq_error *err;
} weight_map;

static aq_status fail_json(const weight_map *x)
{
    return aq_fail(x->err, AQ_BAD_INPUT, "%s: byte %zu: %s", x->path,
                   (size_t)(x->json.at - x->json.begin), x->json.problem);
}

static aq_status read_index(weight_map *x)
{
    aq_file file = {.path = x->path};
    aq_source *source;
    aq_status status = aq_files_open(&file, 1, &source, x->err);
    if (status != AQ_OK)
        return status;
    if (file.size > INDEX_MAX) {
        status = aq_fail(x->err, AQ_BAD_INPUT, "%s: %" PRIu64 " bytes are too many for an index",
                         x->path, file.size);
    } else {
        x->text = aq_malloc((size_t)file.size + 1);
        status = x->text == NULL
                     ? aq_fail_memory(x->err, "an index")
                     : source->read_at(source, 0, 0, x->text, (size_t)file.size, x->err);
    }
    source->close(source);
    x->json = (aq_json){.begin = x->text, .at = x->text, .end = x->text};
    if (status == AQ_OK)
        x->json.end += file.size;
    return status;
}

/* A plain name: what joins it to the directory must not lead elsewhere. */
static bool plain_name(const char *name, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)name[i] < 0x20 || name[i] == 0x7f || name[i] == '/')
            return false;
    return name[0] != '.' && length <= 255 && aq_shards_suffix(name, length, ".safetensors");
}

static aq_status read_entry(weight_map *x)
{
    char *name, *file;
    size_t name_length, file_length;
    if (!aq_json_string(&x->json, &name, &name_length) || !aq_json_expect(&x->json, ':') ||
        !aq_json_string(&x->json, &file, &file_length))
        return fail_json(x);
    if (!plain_name(file, file_length))
        return aq_fail(x->err, AQ_BAD_INPUT,
                       "%s: tensor '" AQ_QUOTED "': shard '" AQ_QUOTED
                       "' is not a plain file name that ends in .safetensors",
                       x->path, AQ_QUOTE(name, name_length), AQ_QUOTE(file, file_length));
    if (x->count == x->capacity) {
        size_t capacity = x->capacity + x->capacity / 4 + 64;
        entry *entries = aq_realloc(x->entries, capacity * sizeof *entries);
        if (entries == NULL)
            return aq_fail_memory(x->err, "an index");
        x->entries = entries;
        x->capacity = capacity;
    }
    x->entries[x->count++] = (entry){.name = (uint32_t)(name - x->text),
                                     .name_length = (uint32_t)name_length,
                                     .file = (uint32_t)(file - x->text),
                                     .file_length = (uint32_t)file_length,
                                     .found = AQ_NAMES_NONE};
    return AQ_OK;
}

static aq_status read_map(weight_map *x)
{
    size_t count = 0;
    int more;
    if (x->has_map)
        return aq_fail(x->err, AQ_BAD_INPUT, "%s: duplicate weight_map", x->path);
    x->has_map = true;
    if (!aq_json_expect(&x->json, '{'))
        return fail_json(x);
    while ((more = aq_json_more(&x->json, '}', &count)) > 0) {
        aq_status status = read_entry(x);
        if (status != AQ_OK)
            return status;
    }
    return more == 0 ? AQ_OK : fail_json(x);
}

/* metadata.total_size is advice that writers often get wrong; it is not looked at. */
static aq_status parse_index(weight_map *x)
{
    size_t count = 0;
    int more;
    if (!aq_json_expect(&x->json, '{'))
        return fail_json(x);
    while ((more = aq_json_more(&x->json, '}', &count)) > 0) {
        char key[16];
        if (!aq_json_word(&x->json, key, sizeof key) || !aq_json_expect(&x->json, ':'))
            return fail_json(x);
        if (strcmp(key, "weight_map") == 0) {
            aq_status status = read_map(x);
            if (status != AQ_OK)
                return status;
        } else if (!aq_json_skip(&x->json, 1)) {
            return fail_json(x);
        }
    }
    if (more < 0 || !aq_json_end(&x->json))
        return fail_json(x);
    if (x->count == 0)
        return aq_fail(x->err, AQ_BAD_INPUT, "%s: no weight_map, or an empty one", x->path);
    return AQ_OK;
}

static const char *entry_name(const void *owner, uint32_t i, size_t *length)
{
    const weight_map *x = owner;
    *length = x->entries[i].name_length;
    return x->text + x->entries[i].name;
}

static const char *entry_file(const void *owner, uint32_t i, size_t *length)
{
    const weight_map *x = owner;
    *length = x->entries[i].file_length;
    return x->text + x->entries[i].file;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const aq_file *)a)->name, ((const aq_file *)b)->name);
}

/* The name of an entry's shard, joined to the directory. */
static aq_status add_file(weight_map *x, const entry *e)
{
    aq_model *model = x->model;
    const char *path = aq_shards_join(model, x->text + e->file, e->file_length);
    if (path == NULL)
        return aq_fail_memory(x->err, "an index");
    model->files[model->file_count++] = (aq_file){.path = path, .name = aq_basename(path)};
    return AQ_OK;
}

/* The distinct shards, sorted by name, as the model's files. */
static aq_status collect_files(weight_map *x)
{
    aq_model *model = x->model;
    aq_names files;
    aq_status status = AQ_OK;
    if (!aq_names_init(&files, x->count, entry_file, x))
        return aq_fail_memory(x->err, "an index");
    for (uint32_t i = 0; i < x->count; i++)
        model->file_count += aq_names_add(&files, i) == AQ_NAMES_NONE;
    uint32_t count = model->file_count;
    model->file_count = 0;
    if (count > SHARDS_MAX)
        status = aq_fail(x->err, AQ_BAD_INPUT, "%s: %" PRIu32 " shards, more than %d", x->path,
                         count, SHARDS_MAX);
    else if ((model->files = aq_arena_alloc(&model->arena, count * sizeof(aq_file))) == NULL)
        status = aq_fail_memory(x->err, "an index");
    for (uint32_t i = 0; i < x->count && status == AQ_OK; i++) {
        const entry *e = &x->entries[i];
        if (aq_names_find(&files, x->text + e->file, e->file_length) == i)
            status = add_file(x, e);
    }
    aq_names_free(&files);
    if (status == AQ_OK)
        qsort(model->files, model->file_count, sizeof(aq_file), by_name);
    return status;
}

/* Each entry's shard, and whether the file is there. */
static aq_status resolve(weight_map *x)
{
    aq_model *model = x->model;
    struct stat st;
    for (size_t i = 0; i < x->count; i++) {
        entry *e = &x->entries[i];
        char name[256];
        memcpy(name, x->text + e->file, e->file_length);
        name[e->file_length] = '\0';
        aq_file key = {.name = name};
        const aq_file *file =
            bsearch(&key, model->files, model->file_count, sizeof(aq_file), by_name);
        e->shard = (uint32_t)(file - model->files);
    }
    for (uint32_t i = 0; i < model->file_count; i++)
        if (stat(model->files[i].path, &st) != 0 && (errno == ENOENT || errno == ENOTDIR))
            return aq_fail(x->err, AQ_BAD_INPUT,
                           "%s: shard '%s' is missing; download it into the same directory",
                           x->path, model->files[i].name);
    return AQ_OK;
}

static aq_status check_tensor(weight_map *x, const aq_tensor *t)
{
    const aq_file *files = x->model->files;
    uint32_t i = aq_names_find(&x->names, t->name, strlen(t->name));
    if (i == AQ_NAMES_NONE)
        return aq_fail(x->err, AQ_BAD_INPUT,
                       "%s: tensor '%.200s' of shard '%s' is not in weight_map", x->path, t->name,
                       files[t->file].name);
    entry *e = &x->entries[i];
    if (e->found != AQ_NAMES_NONE)
        return aq_fail(x->err, AQ_BAD_INPUT, "%s: tensor '%.200s' is in two shards, '%s' and '%s'",
                       x->path, t->name, files[e->found].name, files[t->file].name);
    e->found = t->file;
    return AQ_OK;
}

/* The index and the shards must tell the same story. */
static aq_status check_agreement(weight_map *x, const aq_tensor_list *list)
{
    const aq_file *files = x->model->files;
    for (size_t i = 0; i < list->count; i++) {
        aq_status status = check_tensor(x, &list->items[i]);
        if (status != AQ_OK)
            return status;
    }
    for (size_t i = 0; i < x->count; i++) {
        const entry *e = &x->entries[i];
        const char *name = x->text + e->name;
        if (e->found == AQ_NAMES_NONE)
            return aq_fail(x->err, AQ_BAD_INPUT,
                           "%s: tensor '" AQ_QUOTED "' is missing from shard '%s'", x->path,
                           AQ_QUOTE(name, e->name_length), files[e->shard].name);
        if (e->found != e->shard)
            return aq_fail(x->err, AQ_BAD_INPUT,
                           "%s: tensor '" AQ_QUOTED
                           "' is in shard '%s', not in '%s' as weight_map says",
                           x->path, AQ_QUOTE(name, e->name_length), files[e->found].name,
                           files[e->shard].name);
    }
    return AQ_OK;
}

static aq_status index_names(weight_map *x)
{
    if (!aq_names_init(&x->names, x->count, entry_name, x))
        return aq_fail_memory(x->err, "an index");
    for (uint32_t i = 0; i < x->count; i++)
        if (aq_names_add(&x->names, i) != AQ_NAMES_NONE)
            return aq_fail(x->err, AQ_BAD_INPUT,
                           "%s: duplicate tensor '" AQ_QUOTED "' in weight_map", x->path,
                           AQ_QUOTE(x->text + x->entries[i].name, x->entries[i].name_length));
    return AQ_OK;
}

static aq_status read_shards(weight_map *x, aq_tensor_list *list)
{
    aq_model *model = x->model;
    aq_status status = aq_files_open(model->files, model->file_count, &model->source, x->err);
    for (uint32_t i = 0; i < model->file_count && status == AQ_OK; i++)
        status = aq_safetensors_read(model, i, list, x->err);
    return status;
}

/* Each step needs the one before. */
static aq_status load_index(weight_map *x, aq_tensor_list *list)
{
    static aq_status (*const steps[])(weight_map *) = {read_index, parse_index, collect_files,
                                                       resolve, index_names};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        aq_status status = steps[i](x);
        if (status != AQ_OK)
            return status;
    }
    aq_status status = read_shards(x, list);
    return status == AQ_OK ? check_agreement(x, list) : status;
}

static aq_status open_index(aq_model *model, const char *path, aq_error *err)
{
    weight_map x = {.model = model, .path = path, .err = err};
    aq_tensor_list list = {0};
    aq_status status = load_index(&x, &list);
    aq_status finished = aq_tensor_list_finish(&list, model, status == AQ_OK ? err : NULL);
    aq_names_free(&x.names);
    aq_free(x.entries);
    aq_free(x.text);
    return status == AQ_OK ? finished : status;
}

static aq_status open_only_file(aq_model *model, const char *path, aq_error *err)
{
    const char *whole = model->path;
    aq_status status = aq_model_attach(model, path, err);
    model->path = whole;
    return status == AQ_OK ? aq_safetensors_open(model, err) : status;
}

aq_status aq_shards_open(aq_model *model, const char *path, aq_error *err)
{
    const char *index = NULL, *only = NULL;
    model->format = AQ_FORMAT_SAFETENSORS;
    model->is_directory = true;
    aq_status status = aq_shards_find(model, path, &index, &only, err);
    if (status != AQ_OK)
        return status;
    return index != NULL ? open_index(model, index, err) : open_only_file(model, only, err);
}
