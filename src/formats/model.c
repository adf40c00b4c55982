/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "model.h"

#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/utf8.h"
#include "files.h"
#include "formats.h"
#include "tensors.h"

const char *aq_basename(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

bool aq_name_valid(const char *name, size_t length)
{
    return memchr(name, '\0', length) == NULL && aq_utf8_valid(name, length);
}

bool aq_tensor_list_reserve(aq_tensor_list *list, size_t more)
{
    if (more <= list->capacity - list->count)
        return true;
    size_t capacity = list->count + more;
    /* Many shards add to one list: grow by half, at least. */
    if (capacity < list->capacity + list->capacity / 2)
        capacity = list->capacity + list->capacity / 2;
    aq_tensor *items = aq_realloc(list->items, capacity * sizeof *items);
    if (items == NULL)
        return false;
    list->items = items;
    list->capacity = capacity;
    return true;
}

aq_status aq_tensor_list_finish(aq_tensor_list *list, aq_model *model, aq_error *err)
{
    size_t size = list->count * sizeof *list->items;
    aq_status status = AQ_OK;
    model->tensors = aq_arena_alloc(&model->arena, size);
    if (model->tensors == NULL) {
        status = aq_fail_memory(err, "a model's tensors");
    } else if (size > 0) {
        memcpy(model->tensors, list->items, size);
        model->tensor_count = list->count;
    }
    aq_free(list->items);
    *list = (aq_tensor_list){0};
    return status;
}

aq_status aq_model_attach(aq_model *model, const char *path, aq_error *err)
{
    model->files = aq_arena_alloc(&model->arena, sizeof *model->files);
    char *copy = aq_arena_strndup(&model->arena, path, strlen(path));
    if (model->files == NULL || copy == NULL)
        return aq_fail_memory(err, "a model");
    model->path = copy;
    model->files[0] = (aq_file){.path = copy, .name = aq_basename(copy)};
    model->file_count = 1;
    return aq_files_open(model->files, 1, &model->source, err);
}

static aq_status open_file(aq_model *model, const char *path, aq_error *err)
{
    char magic[4] = {0};
    aq_status status = aq_model_attach(model, path, err);
    if (status == AQ_OK && model->files[0].size >= sizeof magic)
        status = model->source->read_at(model->source, 0, 0, magic, sizeof magic, err);
    if (status != AQ_OK)
        return status;
    if (memcmp(magic, "GGUF", sizeof magic) == 0)
        return aq_gguf_open(model, err);
    return aq_safetensors_open(model, err);
}

static bool is_index(const char *path)
{
    static const char suffix[] = ".index.json";
    size_t length = strlen(path), n = sizeof suffix - 1;
    return length > n && strcmp(path + length - n, suffix) == 0;
}

static aq_status open_kind(aq_model *model, const char *path, aq_error *err)
{
    static const char synthetic[] = "synthetic:";
    struct stat st;
    if (strncmp(path, synthetic, sizeof synthetic - 1) == 0)
        return aq_synthetic_open(model, path + sizeof synthetic - 1, err);
    if (is_index(path) || (stat(path, &st) == 0 && S_ISDIR(st.st_mode)))
        return aq_shards_open(model, path, err);
    return open_file(model, path, err);
}

aq_status aq_model_open(const char *path, aq_model **model, aq_error *err)
{
    aq_model *m = aq_calloc(1, sizeof *m);
    *model = NULL;
    if (m == NULL)
        return aq_fail_memory(err, "a model");
    aq_status status = open_kind(m, path, err);
    if (status == AQ_OK)
        *model = m;
    else
        aq_model_close(m);
    return status;
}

void aq_model_close(aq_model *model)
{
    if (model == NULL)
        return;
    if (model->source != NULL)
        model->source->close(model->source);
    aq_free(model->kv_bytes);
    aq_arena_free(&model->arena);
    aq_free(model);
}

const char *aq_model_format(const aq_model *model)
{
    static const char *const names[] = {[AQ_FORMAT_SAFETENSORS] = "safetensors",
                                        [AQ_FORMAT_GGUF] = "gguf",
                                        [AQ_FORMAT_SYNTHETIC] = "synthetic"};
    return names[model->format];
}

size_t aq_model_tensors(const aq_model *model)
{
    return model->tensor_count;
}

void aq_model_tensor(const aq_model *model, size_t i, aq_tensor_info *info)
{
    const aq_tensor *t = &model->tensors[i];
    *info = (aq_tensor_info){.name = t->name,
                             .dtype = t->dtype,
                             .rank = t->rank,
                             .shape = t->shape,
                             .weights = t->weights,
                             .bytes = t->bytes,
                             .offset = t->offset,
                             .file = aq_model_file(model, t->file)};
}

size_t aq_model_files(const aq_model *model)
{
    return model->file_count;
}

const char *aq_model_file(const aq_model *model, size_t i)
{
    return i < model->file_count ? model->files[i].path : NULL;
}

size_t aq_model_metadata(const aq_model *model)
{
    return model->metadata_count;
}

void aq_model_metadata_at(const aq_model *model, size_t i, const char **key, const char **value)
{
    *key = model->metadata[i].key;
    *value = model->metadata[i].value;
}
