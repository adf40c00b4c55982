/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "imatrix.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/small.h"
#include "formats/files.h"
#include "formats/names.h"
#include "formats/tensors.h"

/* Far more than any file has; they bound what a hostile one can cost. */
enum { ENTRIES_MAX = 1024 * 1024, NAME_MAX_BYTES = 1024 };

typedef struct entry {
    const char *name;
    float *values;
    uint64_t count;
} entry;

struct aq_imatrix {
    const char *path;
    entry *entries;
    size_t count;
    aq_names names;
    bool named;
    aq_arena arena;
};

static aq_status check_values(const aq_imatrix *m, const entry *e, aq_error *err)
{
    for (uint64_t i = 0; i < e->count; i++)
        if (!isfinite(e->values[i]) || e->values[i] < 0.0f)
            return aq_fail(
                err, AQ_BAD_INPUT,
                "%s: the importance of '%s', column %" PRIu64
                ", is %g: a mean of squares is neither that nor below 0; make the matrix "
                "again",
                m->path, e->name, i, (double)e->values[i]);
    return AQ_OK;
}

/* ---- the old form: a count; then name, calls, values of each entry; perhaps the data set ---- */

typedef struct cursor {
    aq_source *source;
    const char *path;
    uint64_t at, size;
    aq_error *err;
} cursor;

static aq_status fail_at(const cursor *c, const char *problem)
{
    return aq_fail(c->err, AQ_BAD_INPUT,
                   "%s: byte %" PRIu64 ": %s: this is no importance matrix, or was cut short",
                   c->path, c->at, problem);
}

static aq_status take(cursor *c, void *to, uint64_t size, const char *what)
{
    if (size > c->size - c->at)
        return fail_at(c, what);
    aq_status status = c->source->read_at(c->source, 0, c->at, to, (size_t)size, c->err);
    c->at += size;
    return status;
}

static aq_status take_name(cursor *c, aq_imatrix *m, entry *e)
{
    char name[NAME_MAX_BYTES];
    int32_t length = 0;
    aq_status status = take(c, &length, sizeof length, "the length of a name is missing");
    if (status == AQ_OK && (length < 1 || length > NAME_MAX_BYTES))
        return fail_at(c, "a name's length makes no sense");
    if (status == AQ_OK)
        status = take(c, name, (uint64_t)length, "a name is incomplete");
    if (status == AQ_OK && !aq_name_valid(name, (size_t)length))
        return fail_at(c, "a name with NUL or invalid UTF-8");
    if (status != AQ_OK)
        return status;
    e->name = aq_arena_strndup(&m->arena, name, (size_t)length);
    return e->name == NULL ? aq_fail_memory(c->err, "an importance matrix") : AQ_OK;
}

static aq_status take_entry(cursor *c, aq_imatrix *m, entry *e)
{
    int32_t numbers[2]; /* calls that were summed, values */
    aq_status status = take_name(c, m, e);
    if (status == AQ_OK)
        status = take(c, numbers, sizeof numbers, "the counts of an entry are missing");
    if (status != AQ_OK)
        return status;
    if (numbers[1] < 1 || (uint64_t)numbers[1] > (c->size - c->at) / sizeof *e->values)
        return fail_at(c, "an entry has more values than the file has room for, or none");
    e->count = (uint64_t)numbers[1];
    e->values = aq_arena_alloc(&m->arena, (size_t)e->count * sizeof *e->values);
    if (e->values == NULL)
        return aq_fail_memory(c->err, "an importance matrix");
    status = take(c, e->values, e->count * sizeof *e->values, "values are missing");
    for (uint64_t i = 0; i < e->count && numbers[0] > 0; i++)
        e->values[i] /= (float)numbers[0];
    return status;
}

static aq_status read_old(aq_imatrix *m, cursor *c)
{
    const uint64_t least = 4 + 1 + 8 + 4; /* bytes of an entry */
    int32_t count = 0;
    aq_status status = take(c, &count, sizeof count, "the number of entries is missing");
    if (status != AQ_OK)
        return status;
    if (count < 1 || count > ENTRIES_MAX || (uint64_t)count > (c->size - c->at) / least)
        return fail_at(c, "the number of entries makes no sense");
    m->entries = aq_arena_alloc(&m->arena, (size_t)count * sizeof *m->entries);
    if (m->entries == NULL)
        return aq_fail_memory(c->err, "an importance matrix");
    while (status == AQ_OK && m->count < (size_t)count) {
        status = take_entry(c, m, &m->entries[m->count]);
        m->count += status == AQ_OK;
    }
    return status;
}

/* ---- GGUF: for each tensor NAME.in_sum2, a row for each matrix, and NAME.counts ---- */

static const char sums_end[] = ".in_sum2", counts_end[] = ".counts";

static const char *model_name(const void *owner, uint32_t i, size_t *length)
{
    const aq_model *model = owner;
    *length = strlen(model->tensors[i].name);
    return model->tensors[i].name;
}

static const aq_tensor *counts_of(const aq_model *model, const aq_names *names, const char *name)
{
    char other[NAME_MAX_BYTES + sizeof counts_end];
    size_t length = strlen(name);
    if (length > NAME_MAX_BYTES)
        return NULL;
    memcpy(other, name, length);
    memcpy(other + length, counts_end, sizeof counts_end);
    uint32_t found = aq_names_find(names, other, length + sizeof counts_end - 1);
    return found == AQ_NAMES_NONE ? NULL : &model->tensors[found];
}

static aq_status read_floats(const aq_model *model, const aq_tensor *t, float *to, aq_error *err)
{
    return model->source->read_at(model->source, t->file, t->offset, to, (size_t)t->bytes, err);
}

/* A matrix that was never used counts alike everywhere. */
static void divide(entry *e, const float *counts, uint64_t rows)
{
    uint64_t cols = e->count / rows;
    for (uint64_t r = 0; r < rows; r++)
        for (uint64_t i = r * cols; i < (r + 1) * cols; i++)
            e->values[i] = counts[r] > 0.0f ? e->values[i] / counts[r] : 1.0f;
}

static aq_status read_sums(aq_imatrix *m, const aq_model *model, const aq_names *names,
                           const aq_tensor *sums, aq_error *err)
{
    size_t length = strlen(sums->name) - (sizeof sums_end - 1);
    entry e = {.name = aq_arena_strndup(&m->arena, sums->name, length), .count = sums->weights};
    if (e.name == NULL)
        return aq_fail_memory(err, "an importance matrix");
    const aq_tensor *counts = counts_of(model, names, e.name);
    uint64_t cols = sums->rank == 0 ? 1 : sums->shape[sums->rank - 1];
    if (counts == NULL || sums->dtype != AQ_DTYPE_F32 || counts->dtype != AQ_DTYPE_F32 ||
        sums->weights == 0 || counts->weights != sums->weights / cols)
        return aq_fail(
            err, AQ_BAD_INPUT,
            "%s: tensor '%s': an importance matrix has F32 sums and, as '%.200s%s', an F32 "
            "count for each of their rows",
            m->path, sums->name, e.name, counts_end);
    e.values = aq_arena_alloc(&m->arena, (size_t)sums->bytes);
    float *rows = aq_malloc((size_t)counts->bytes);
    aq_status status = AQ_OK;
    if (e.values == NULL || rows == NULL)
        status = aq_fail_memory(err, "an importance matrix");
    if (status == AQ_OK)
        status = read_floats(model, sums, e.values, err);
    if (status == AQ_OK)
        status = read_floats(model, counts, rows, err);
    if (status == AQ_OK)
        status = check_values(m, &(entry){counts->name, rows, counts->weights}, err);
    if (status == AQ_OK) {
        divide(&e, rows, counts->weights);
        m->entries[m->count++] = e;
    }
    aq_free(rows);
    return status;
}

static aq_status read_gguf(aq_imatrix *m, const aq_model *model, aq_error *err)
{
    aq_names names;
    if (!aq_names_init(&names, model->tensor_count, model_name, model))
        return aq_fail_memory(err, "an importance matrix");
    for (uint32_t i = 0; i < model->tensor_count; i++)
        (void)aq_names_add(&names, i);
    aq_status status = AQ_OK;
    m->entries = aq_arena_alloc(&m->arena, model->tensor_count * sizeof *m->entries);
    if (m->entries == NULL)
        status = aq_fail_memory(err, "an importance matrix");
    for (size_t i = 0; i < model->tensor_count && status == AQ_OK; i++)
        if (aq_ends_with(model->tensors[i].name, sums_end))
            status = read_sums(m, model, &names, &model->tensors[i], err);
    aq_names_free(&names);
    if (status == AQ_OK && m->count == 0)
        status =
            aq_fail(err, AQ_BAD_INPUT, "%s: no tensor ends in %s: this is no importance matrix",
                    m->path, sums_end);
    return status;
}

/* ---- either ---- */

static const char *entry_name(const void *owner, uint32_t i, size_t *length)
{
    const aq_imatrix *m = owner;
    *length = strlen(m->entries[i].name);
    return m->entries[i].name;
}

static aq_status check_entries(aq_imatrix *m, aq_error *err)
{
    m->named = aq_names_init(&m->names, m->count, entry_name, m);
    if (!m->named)
        return aq_fail_memory(err, "an importance matrix");
    for (uint32_t i = 0; i < m->count; i++) {
        if (aq_names_add(&m->names, i) != AQ_NAMES_NONE)
            return aq_fail(err, AQ_BAD_INPUT, "%s: two entries for '%s'", m->path,
                           m->entries[i].name);
        aq_status status = check_values(m, &m->entries[i], err);
        if (status != AQ_OK)
            return status;
    }
    return AQ_OK;
}

static aq_status read_file(aq_imatrix *m, aq_error *err)
{
    char magic[4] = {0};
    aq_file file = {.path = m->path, .name = aq_basename(m->path)};
    aq_source *source;
    aq_model *model;
    aq_status status = aq_files_open(&file, 1, &source, err);
    if (status != AQ_OK)
        return status;
    cursor c = {.source = source, .path = m->path, .size = file.size, .err = err};
    if (file.size >= sizeof magic)
        status = source->read_at(source, 0, 0, magic, sizeof magic, err);
    bool gguf = memcmp(magic, "GGUF", sizeof magic) == 0;
    if (status == AQ_OK && !gguf)
        status = read_old(m, &c);
    source->close(source);
    if (status != AQ_OK || !gguf)
        return status;
    status = aq_model_open(m->path, &model, err);
    if (status == AQ_OK) {
        status = read_gguf(m, model, err);
        aq_model_close(model);
    }
    return status;
}

aq_status aq_imatrix_open(const char *path, aq_imatrix **out, aq_error *err)
{
    aq_imatrix *m = aq_calloc(1, sizeof *m);
    *out = NULL;
    if (m == NULL)
        return aq_fail_memory(err, "an importance matrix");
    m->path = aq_arena_strndup(&m->arena, path, strlen(path));
    aq_status status = m->path == NULL ? aq_fail_memory(err, "an importance matrix") : AQ_OK;
    if (status == AQ_OK)
        status = read_file(m, err);
    if (status == AQ_OK)
        status = check_entries(m, err);
    if (status == AQ_OK)
        *out = m;
    else
        aq_imatrix_close(m);
    return status;
}

void aq_imatrix_close(aq_imatrix *m)
{
    if (m == NULL)
        return;
    if (m->named)
        aq_names_free(&m->names);
    aq_arena_free(&m->arena);
    aq_free(m);
}

const char *aq_imatrix_path(const aq_imatrix *m)
{
    return m->path;
}

const float *aq_imatrix_find(const aq_imatrix *m, const char *tensor, uint64_t *count)
{
    uint32_t i = aq_names_find(&m->names, tensor, strlen(tensor));
    if (i == AQ_NAMES_NONE)
        return NULL;
    *count = m->entries[i].count;
    return m->entries[i].values;
}
