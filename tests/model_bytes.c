/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "model_bytes.h"

#include <string.h>

#include "base/error.h"

typedef struct memory_source {
    aq_source base;
    const uint8_t *bytes;
    size_t size;
} memory_source;

static aq_status memory_read_at(aq_source *source, uint32_t file, uint64_t offset, void *buf,
                                size_t size, aq_error *err)
{
    memory_source *self = (memory_source *)source;
    if (file != 0 || offset > self->size || size > self->size - offset)
        return aq_fail(err, AQ_FAILURE, "read past the end");
    if (size > 0)
        memcpy(buf, self->bytes + offset, size);
    return AQ_OK;
}

static void memory_close(aq_source *source)
{
    aq_free(source);
}

aq_status model_from_bytes(const void *bytes, size_t size, const char *path, open_fn *open,
                           aq_model **model, aq_error *err)
{
    aq_model *m = aq_calloc(1, sizeof *m);
    memory_source *source = aq_calloc(1, sizeof *source);
    *source = (memory_source){{memory_read_at, memory_close}, bytes, size};
    m->source = &source->base;
    m->files = aq_arena_alloc(&m->arena, sizeof *m->files);
    m->files[0] = (aq_file){.path = path, .name = aq_basename(path), .size = size};
    m->file_count = 1;
    aq_status status = open(m, err);
    *model = status == AQ_OK ? m : NULL;
    if (status != AQ_OK)
        aq_model_close(m);
    return status;
}

bool says(const char *message, const char *words)
{
    char copy[256], *save = NULL;
    strncpy(copy, words, sizeof copy - 1);
    copy[sizeof copy - 1] = '\0';
    for (char *word = strtok_r(copy, "|", &save); word != NULL; word = strtok_r(NULL, "|", &save))
        if (strstr(message, word) == NULL)
            return false;
    return true;
}
