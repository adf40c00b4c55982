/* SPDX-License-Identifier: Apache-2.0
 * A model and a sink in memory, for tests of what lies between them. */
#ifndef AQ_TEST_MEMORY_MODEL_H
#define AQ_TEST_MEMORY_MODEL_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/dtype.h"
#include "formats/layout.h"
#include "formats/model.h"

/* Check's own assertions write to a file even when they hold: too slow for inner loops. */
#define REQUIRE(condition)                          \
    do {                                            \
        if (!(condition))                           \
            ck_abort_msg("failed: %s", #condition); \
    } while (0)

/* ---- source ---- */

typedef struct memory_source {
    aq_source source;
    uint8_t *bytes;
    uint64_t size;
    uint64_t fail_at; /* reading this byte is an error */
} memory_source;

static aq_status memory_read(aq_source *self, uint32_t file, uint64_t offset, void *buf,
                             size_t size, aq_error *err)
{
    memory_source *m = (memory_source *)self;
    REQUIRE(file == 0);
    REQUIRE(offset <= m->size);
    REQUIRE(size <= m->size - offset);
    if (offset <= m->fail_at && m->fail_at < offset + size) {
        err->status = AQ_FAILURE;
        (void)snprintf(err->message, sizeof err->message, "read error at %llu",
                       (unsigned long long)m->fail_at);
        return AQ_FAILURE;
    }
    memcpy(buf, m->bytes + offset, size);
    return AQ_OK;
}

static void memory_source_close(aq_source *self)
{
    free(((memory_source *)self)->bytes);
    free(self);
}

/* ---- model ---- */

enum { MEMORY_TENSORS = 16 };

typedef struct memory_model {
    aq_model model;
    memory_source *source;
    aq_tensor tensors[MEMORY_TENSORS];
    uint64_t shapes[MEMORY_TENSORS][4];
    aq_file file;
} memory_model;

static void memory_model_init(memory_model *m)
{
    *m = (memory_model){.file = {.path = "memory", .name = "memory"}};
    m->source = calloc(1, sizeof *m->source);
    m->source->source = (aq_source){memory_read, memory_source_close};
    m->source->fail_at = UINT64_MAX;
    m->model = (aq_model){.format = AQ_FORMAT_SAFETENSORS,
                          .path = "memory",
                          .source = &m->source->source,
                          .files = &m->file,
                          .file_count = 1,
                          .tensors = m->tensors};
}

/* Adds a rows x cols tensor (rows = 0: one-dimensional) and returns its bytes, zeroed. */
static uint8_t *memory_model_add(memory_model *m, const char *name, aq_dtype dtype, uint64_t rows,
                                 uint64_t cols)
{
    size_t i = m->model.tensor_count++;
    ck_assert_uint_lt(i, MEMORY_TENSORS);
    uint64_t weights = (rows == 0 ? 1 : rows) * cols, bytes;
    ck_assert(aq_dtype_bytes(dtype, weights, &bytes));
    m->shapes[i][0] = rows == 0 ? cols : rows;
    m->shapes[i][1] = cols;
    m->tensors[i] = (aq_tensor){.name = name,
                                .dtype = dtype,
                                .rank = rows == 0 ? 1 : 2,
                                .shape = m->shapes[i],
                                .weights = weights,
                                .offset = m->source->size,
                                .bytes = bytes};
    m->source->bytes = realloc(m->source->bytes, (size_t)(m->source->size + bytes));
    uint8_t *at = m->source->bytes + m->source->size;
    memset(at, 0, (size_t)bytes);
    m->source->size += bytes;
    m->file.size = m->source->size;
    return at;
}

static void memory_model_free(memory_model *m)
{
    m->source->source.close(&m->source->source);
}

/* ---- sink ---- */

/* No lock: writes must not overlap, and ThreadSanitizer sees it if they do. */
typedef struct memory_sink {
    aq_sink sink;
    uint8_t *bytes;
    uint8_t *times; /* how often each byte was written */
    uint64_t size;
} memory_sink;

static aq_status memory_write(aq_sink *self, uint32_t file, uint64_t offset, const void *buf,
                              size_t size, aq_error *err)
{
    memory_sink *m = (memory_sink *)self;
    (void)err;
    REQUIRE(file == 0);
    REQUIRE(offset <= m->size);
    REQUIRE(size <= m->size - offset);
    memcpy(m->bytes + offset, buf, size);
    for (size_t i = 0; i < size; i++)
        m->times[offset + i]++;
    return AQ_OK;
}

static aq_status memory_commit(aq_sink *self, aq_error *err)
{
    (void)self, (void)err;
    return AQ_OK;
}

static void memory_sink_close(aq_sink *self)
{
    memory_sink *m = (memory_sink *)self;
    free(m->bytes);
    free(m->times);
    free(m);
}

static memory_sink *memory_sink_new(uint64_t size)
{
    memory_sink *m = calloc(1, sizeof *m);
    m->sink = (aq_sink){memory_write, memory_commit, memory_sink_close};
    m->bytes = calloc(1, (size_t)size);
    m->times = calloc(1, (size_t)size);
    m->size = size;
    return m;
}

#endif
