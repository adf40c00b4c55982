/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "shards.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"

typedef struct listing {
    aq_model *model;
    const char **extras;
    size_t count, capacity;
    const char *index, *weights; /* the one that was found last */
    unsigned indices, weight_files;
    bool usual; /* index is model.safetensors.index.json: among several, the one that is meant */
    aq_error *err;
} listing;

bool aq_shards_suffix(const char *name, size_t length, const char *suffix)
{
    size_t n = strlen(suffix);
    return length > n && memcmp(name + length - n, suffix, n) == 0;
}

const char *aq_shards_join(aq_model *model, const char *name, size_t length)
{
    size_t n = strlen(model->directory);
    char *path = aq_arena_alloc(&model->arena, n + 1 + length + 1);
    if (path == NULL)
        return NULL;
    memcpy(path, model->directory, n);
    if (n > 0 && path[n - 1] != '/')
        path[n++] = '/';
    memcpy(path + n, name, length);
    return path;
}

/* Weights in other formats would only double what is carried along. */
static bool other_weights(const char *name, size_t length)
{
    static const char *const suffixes[] = {".bin",       ".pt",        ".pth",     ".gguf",
                                           ".ckpt",      ".h5",        ".msgpack", ".onnx",
                                           ".onnx_data", ".index.json"};
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++)
        if (aq_shards_suffix(name, length, suffixes[i]))
            return true;
    return false;
}

static aq_status add_extra(listing *l, const char *name)
{
    if (l->count == l->capacity) {
        size_t capacity = l->capacity * 2 + 16;
        const char **extras = aq_realloc(l->extras, capacity * sizeof *extras);
        if (extras == NULL)
            return aq_fail_memory(l->err, "a directory");
        l->extras = extras;
        l->capacity = capacity;
    }
    l->extras[l->count++] = name;
    return AQ_OK;
}

static aq_status sort_out(listing *l, const char *entry)
{
    static const char usual[] = "model.safetensors.index.json";
    size_t length = strlen(entry);
    const char *name = aq_arena_strndup(&l->model->arena, entry, length);
    if (name == NULL)
        return aq_fail_memory(l->err, "a directory");
    if (aq_shards_suffix(name, length, ".safetensors.index.json")) {
        l->indices++;
        if (!l->usual)
            l->index = name;
        l->usual = l->usual || strcmp(name, usual) == 0;
        return AQ_OK;
    }
    if (aq_shards_suffix(name, length, ".safetensors")) {
        l->weight_files++;
        l->weights = name;
        return AQ_OK;
    }
    return other_weights(name, length) ? AQ_OK : add_extra(l, name);
}

static aq_status list(listing *l, DIR *directory)
{
    struct dirent *entry;
    struct stat st;
    while (errno = 0, (entry = readdir(directory)) != NULL) {
        if (entry->d_name[0] == '.' || fstatat(dirfd(directory), entry->d_name, &st, 0) != 0 ||
            !S_ISREG(st.st_mode))
            continue;
        aq_status status = sort_out(l, entry->d_name);
        if (status != AQ_OK)
            return status;
    }
    return errno == 0 ? AQ_OK : aq_fail_errno(l->err, l->model->directory, "list the directory");
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The extras become the model's, whatever came of the listing. */
static aq_status keep_extras(listing *l, aq_status status)
{
    aq_model *model = l->model;
    size_t size = l->count * sizeof *l->extras;
    if (status == AQ_OK && size > 0) {
        qsort(l->extras, l->count, sizeof *l->extras, by_name);
        model->extras = aq_arena_alloc(&model->arena, size);
        if (model->extras == NULL) {
            status = aq_fail_memory(l->err, "a directory");
        } else {
            memcpy(model->extras, l->extras, size);
            model->extra_count = l->count;
        }
    }
    aq_free(l->extras);
    return status;
}

static aq_status choose(const listing *l, const char **index, const char **only)
{
    aq_model *model = l->model;
    const char *found = NULL;
    if (l->indices == 1 || l->usual)
        found = *index = aq_shards_join(model, l->index, strlen(l->index));
    else if (l->indices > 1)
        return aq_fail(l->err, AQ_BAD_INPUT,
                       "%s: several .safetensors.index.json files; name the one that is meant",
                       model->directory);
    else if (l->weight_files == 1)
        found = *only = aq_shards_join(model, l->weights, strlen(l->weights));
    else if (l->weight_files > 1)
        return aq_fail(
            l->err, AQ_BAD_INPUT,
            "%s: %u .safetensors files and no .safetensors.index.json that says how they "
            "belong together; name one of them",
            model->directory, l->weight_files);
    else
        return aq_fail(l->err, AQ_BAD_INPUT, "%s: no .safetensors file in this directory",
                       model->directory);
    return found != NULL ? AQ_OK : aq_fail_memory(l->err, "a directory");
}

/* The directory that path is, or is in. */
static const char *directory_of(aq_model *model, bool is_directory)
{
    const char *slash = strrchr(model->path, '/');
    if (is_directory)
        return model->path;
    if (slash == NULL)
        return ".";
    size_t length = (size_t)(slash - model->path);
    return aq_arena_strndup(&model->arena, model->path, length > 0 ? length : 1);
}

aq_status aq_shards_find(aq_model *model, const char *path, const char **index, const char **only,
                         aq_error *err)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return aq_fail_errno(err, path, "open");
    bool is_directory = S_ISDIR(st.st_mode);
    model->path = aq_arena_strndup(&model->arena, path, strlen(path));
    if (model->path != NULL)
        model->directory = directory_of(model, is_directory);
    if (model->path == NULL || model->directory == NULL)
        return aq_fail_memory(err, "a directory");
    DIR *directory = opendir(model->directory);
    if (directory == NULL)
        return aq_fail_errno(err, model->directory, "list the directory");
    listing l = {.model = model, .err = err};
    aq_status status = keep_extras(&l, list(&l, directory));
    (void)closedir(directory);
    if (status != AQ_OK || is_directory)
        return status == AQ_OK ? choose(&l, index, only) : status;
    *index = model->path;
    return AQ_OK;
}
