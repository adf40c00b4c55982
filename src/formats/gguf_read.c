/* SPDX-License-Identifier: Apache-2.0
 *
 * As with safetensors, the header is first checked whole, keeping a few bytes for each entry, and
 * then built from. */
#include <config.h>

#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/spans.h"
#include "dtype.h"
#include "formats.h"
#include "gguf.h"
#include "gguf_cursor.h"
#include "names.h"
#include "tensors.h"

/* Far more than any file has; they bound what a hostile one can cost. */
enum { KVS_MAX = 65536, TENSORS_MAX = 1024 * 1024, ALIGNMENT_MAX = 1024 * 1024 };
/* A name's length, number of dimensions, type, offset; a key's length, type, one byte. */
enum { TENSOR_LEAST = 8 + 4 + 4 + 8, KV_LEAST = 8 + 4 + 1 };

/* Where in the header a key and its value stand. */
typedef struct place {
    uint32_t key, key_length, type, value, size;
} place;

typedef struct reader {
    aq_model *model;
    aq_gguf_cursor c;
    uint64_t tensor_count, kv_count;
    place *kvs;
    aq_spans spans;
    uint64_t data; /* where tensor data begin */
} reader;

/* A tensor's entry behind its name. */
typedef struct entry {
    aq_dtype dtype;
    uint32_t rank;
    uint64_t shape[AQ_GGUF_RANK_MAX]; /* row-major: the file's order reversed */
    uint64_t weights, bytes, offset;
} entry;

static aq_status scan_kv(reader *r, place *p)
{
    r->c.what = "a metadata key";
    aq_status status = aq_gguf_take_name(&r->c, &p->key, &p->key_length);
    if (status == AQ_OK)
        status = aq_gguf_take(&r->c, &p->type, sizeof p->type);
    if (status != AQ_OK)
        return status;
    r->c.what = "a metadata value";
    p->value = (uint32_t)r->c.at;
    status = aq_gguf_skip_value(&r->c, p->type);
    p->size = (uint32_t)r->c.at - p->value;
    return status;
}

static bool has_key(const reader *r, const place *p, const char *key)
{
    return p->key_length == strlen(key) && memcmp(r->c.bytes + p->key, key, p->key_length) == 0;
}

static aq_status scan_alignment(reader *r, const place *p)
{
    uint32_t alignment = 0;
    if (p->type == AQ_GGUF_U32)
        memcpy(&alignment, r->c.bytes + p->value, sizeof alignment);
    if (alignment == 0 || (alignment & (alignment - 1)) != 0 || alignment > ALIGNMENT_MAX)
        return aq_fail(r->c.err, AQ_BAD_INPUT,
                       "%s: byte %" PRIu32
                       ": general.alignment is no uint32 that is a power of two up to %d",
                       r->c.path, p->value, ALIGNMENT_MAX);
    r->model->alignment = alignment;
    return AQ_OK;
}

static aq_status scan_kvs(reader *r)
{
    r->kvs = aq_malloc((size_t)r->kv_count * sizeof *r->kvs);
    if (r->kvs == NULL)
        return aq_fail_memory(r->c.err, "a header's metadata");
    for (uint64_t i = 0; i < r->kv_count; i++) {
        aq_status status = scan_kv(r, &r->kvs[i]);
        if (status == AQ_OK && has_key(r, &r->kvs[i], "general.alignment"))
            status = scan_alignment(r, &r->kvs[i]);
        if (status != AQ_OK)
            return status;
    }
    return AQ_OK;
}

static aq_status take_shape(reader *r, entry *e)
{
    aq_status status = aq_gguf_take(&r->c, &e->rank, sizeof e->rank);
    if (status != AQ_OK)
        return status;
    if (e->rank > AQ_GGUF_RANK_MAX)
        return aq_gguf_fail(&r->c, "more than 4 dimensions");
    for (uint32_t i = e->rank; i-- > 0 && status == AQ_OK;)
        status = aq_gguf_take(&r->c, &e->shape[i], sizeof e->shape[i]);
    if (status == AQ_OK && !aq_gguf_weights(e->shape, e->rank, &e->weights))
        return aq_gguf_fail(&r->c, "the shape's product does not fit 63 bits");
    return status;
}

static aq_status take_type(reader *r, entry *e)
{
    uint32_t type;
    aq_status status = aq_gguf_take(&r->c, &type, sizeof type);
    if (status != AQ_OK)
        return status;
    if (aq_dtype_from_ggml(type, &e->dtype) != 0)
        return aq_fail(r->c.err, AQ_BAD_INPUT,
                       "%s: byte %" PRIu64 ": %s: tensor type %" PRIu32
                       " is unknown, or was removed from ggml",
                       r->c.path, r->c.at - sizeof type, r->c.what, type);
    uint64_t row = e->rank > 0 ? e->shape[e->rank - 1] : 1;
    if (row % aq_dtype_get(e->dtype)->block != 0)
        return aq_fail(r->c.err, AQ_BAD_INPUT,
                       "%s: byte %" PRIu64 ": %s: rows of %" PRIu64
                       " weights are no whole number of %s blocks",
                       r->c.path, r->c.at - sizeof type, r->c.what, row, aq_dtype_name(e->dtype));
    if (!aq_dtype_bytes(e->dtype, e->weights, &e->bytes))
        return aq_gguf_fail(&r->c, "the tensor's size does not fit 64 bits");
    return AQ_OK;
}

/* What follows a tensor's name. */
static aq_status take_entry(reader *r, entry *e)
{
    aq_status status = take_shape(r, e);
    if (status == AQ_OK)
        status = take_type(r, e);
    return status == AQ_OK ? aq_gguf_take(&r->c, &e->offset, sizeof e->offset) : status;
}

static aq_status scan_tensor(reader *r)
{
    char what[256];
    aq_span span;
    entry e;
    r->c.what = "a tensor's name";
    aq_status status = aq_gguf_take_name(&r->c, &span.name, &span.length);
    if (status != AQ_OK)
        return status;
    size_t shown = span.length < 200 ? span.length : 200;
    memcpy(what, "tensor '", 8);
    memcpy(what + 8, r->c.bytes + span.name, shown);
    memcpy(what + 8 + shown, "'", 2);
    r->c.what = what;
    status = take_entry(r, &e);
    r->c.what = "the tensors";
    if (status != AQ_OK)
        return status;
    span.begin = e.offset;
    /* Past 2^64, and so past the file's end: reported with the other ranges. */
    if (__builtin_add_overflow(e.offset, e.bytes, &span.end))
        span.end = UINT64_MAX;
    return aq_spans_add(&r->spans, span) ? AQ_OK : aq_fail_memory(r->c.err, "a header's tensors");
}

static aq_status scan_tensors(reader *r)
{
    aq_status status = AQ_OK;
    for (uint64_t i = 0; i < r->tensor_count && status == AQ_OK; i++)
        status = scan_tensor(r);
    return status;
}

static aq_status fail_range(const reader *r, const aq_span *s, const char *problem)
{
    return aq_fail(r->c.err, AQ_BAD_INPUT,
                   "%s: tensor '" AQ_QUOTED "': offset %" PRIu64
                   " in the data, which begin at byte "
                   "%" PRIu64 ": %s",
                   r->c.path, AQ_QUOTE((const char *)r->c.bytes + s->name, s->length), s->begin,
                   r->data, problem);
}

/* Gaps are harmless, and some writers leave them; a byte of two tensors is not. */
static aq_status check_ranges(reader *r)
{
    uint64_t last_end = 0;
    if (!aq_gguf_align(r->c.at, r->model->alignment, &r->data) ||
        (r->data > r->c.size && r->tensor_count > 0))
        return aq_fail(r->c.err, AQ_BAD_INPUT,
                       "%s: the file ends at byte %" PRIu64 ", before its tensor data", r->c.path,
                       r->c.size);
    aq_spans_sort(&r->spans);
    for (size_t i = 0; i < r->spans.count; i++) {
        const aq_span *s = &r->spans.items[i];
        if (s->begin % r->model->alignment != 0)
            return fail_range(r, s, "not a multiple of general.alignment");
        if (s->end > r->c.size - r->data)
            return fail_range(r, s, "its data go past the end of the file, which was cut short");
        if (s->begin < last_end && s->begin < s->end)
            return fail_range(r, s, "its data overlap another tensor's");
        last_end = s->end > last_end ? s->end : last_end;
    }
    return AQ_OK;
}

static const char *span_name(const void *owner, uint32_t i, size_t *length)
{
    const reader *r = owner;
    *length = r->spans.items[i].length;
    return (const char *)r->c.bytes + r->spans.items[i].name;
}

static const char *kv_key(const void *owner, uint32_t i, size_t *length)
{
    const reader *r = owner;
    *length = r->kvs[i].key_length;
    return (const char *)r->c.bytes + r->kvs[i].key;
}

static aq_status check_unique(reader *r, size_t count, aq_names_get *get, const char *what)
{
    aq_names names;
    aq_status status = AQ_OK;
    if (!aq_names_init(&names, count, get, r))
        return aq_fail_memory(r->c.err, "the table of names");
    for (uint32_t i = 0; i < count && status == AQ_OK; i++)
        if (aq_names_add(&names, i) != AQ_NAMES_NONE) {
            size_t length;
            const char *name = get(r, i, &length);
            status = aq_fail(r->c.err, AQ_BAD_INPUT, "%s: byte %td: duplicate %s '" AQ_QUOTED "'",
                             r->c.path, (const uint8_t *)name - r->c.bytes, what,
                             AQ_QUOTE(name, length));
        }
    aq_names_free(&names);
    return status;
}

static aq_status build_tensor(reader *r, const aq_span *s, aq_tensor *tensor)
{
    aq_arena *arena = &r->model->arena;
    entry e;
    r->c.at = s->name + s->length;
    aq_status status = take_entry(r, &e);
    if (status != AQ_OK)
        return status;
    uint64_t *shape = aq_arena_alloc(arena, e.rank * sizeof *shape);
    char *name = aq_arena_strndup(arena, (const char *)r->c.bytes + s->name, s->length);
    if (shape == NULL || name == NULL)
        return aq_fail_memory(r->c.err, "a header's tensors");
    memcpy(shape, e.shape, e.rank * sizeof *shape);
    *tensor = (aq_tensor){.name = name,
                          .dtype = e.dtype,
                          .rank = e.rank,
                          .shape = shape,
                          .weights = e.weights,
                          .offset = r->data + e.offset,
                          .bytes = e.bytes};
    return AQ_OK;
}

static aq_status build_tensors(reader *r)
{
    aq_model *model = r->model;
    model->tensors = aq_arena_alloc(&model->arena, r->spans.count * sizeof *model->tensors);
    if (model->tensors == NULL)
        return aq_fail_memory(r->c.err, "a header's tensors");
    for (size_t i = 0; i < r->spans.count; i++) {
        aq_status status = build_tensor(r, &r->spans.items[i], &model->tensors[i]);
        if (status != AQ_OK)
            return status;
    }
    model->tensor_count = r->spans.count;
    return AQ_OK;
}

static aq_status build_kvs(reader *r)
{
    aq_model *model = r->model;
    size_t count = (size_t)r->kv_count;
    model->kvs = aq_arena_alloc(&model->arena, count * sizeof *model->kvs);
    model->metadata = aq_arena_alloc(&model->arena, count * sizeof *model->metadata);
    if (model->kvs == NULL || model->metadata == NULL)
        return aq_fail_memory(r->c.err, "a header's metadata");
    for (size_t i = 0; i < count; i++) {
        const place *p = &r->kvs[i];
        const char *key =
            aq_arena_strndup(&model->arena, (const char *)r->c.bytes + p->key, p->key_length);
        aq_gguf_kv kv = {key, p->type, r->c.bytes + p->value, p->size};
        aq_pair pair = {key, aq_gguf_text(&model->arena, &kv)};
        if (key == NULL || pair.value == NULL)
            return aq_fail_memory(r->c.err, "a header's metadata");
        model->kvs[i] = kv;
        model->metadata[i] = pair;
    }
    model->kv_count = model->metadata_count = count;
    return AQ_OK;
}

static aq_status check_version(reader *r)
{
    uint32_t version;
    char magic[4];
    r->c.what = "the GGUF header";
    aq_status status = aq_gguf_take(&r->c, magic, sizeof magic);
    if (status == AQ_OK && memcmp(magic, "GGUF", sizeof magic) != 0)
        return aq_fail(r->c.err, AQ_BAD_INPUT, "%s: this is no GGUF file", r->c.path);
    if (status == AQ_OK)
        status = aq_gguf_take(&r->c, &version, sizeof version);
    if (status != AQ_OK || version == 2 || version == 3)
        return status;
    if ((version & 0xffff) == 0 && version != 0)
        return aq_fail(r->c.err, AQ_BAD_INPUT, "%s: a big-endian GGUF file is not supported",
                       r->c.path);
    return aq_fail(r->c.err, AQ_BAD_INPUT,
                   "%s: GGUF version %" PRIu32 " is not supported, only 2 and 3 are", r->c.path,
                   version);
}

/* No count is believed that the rest of the file could not hold. */
static aq_status scan_counts(reader *r)
{
    aq_status status = aq_gguf_take(&r->c, &r->tensor_count, sizeof r->tensor_count);
    if (status == AQ_OK)
        status = aq_gguf_take(&r->c, &r->kv_count, sizeof r->kv_count);
    if (status != AQ_OK)
        return status;
    uint64_t left = r->c.size - r->c.at;
    if (r->tensor_count > left / TENSOR_LEAST || r->tensor_count > TENSORS_MAX)
        return aq_fail(r->c.err, AQ_BAD_INPUT,
                       "%s: byte 8: %" PRIu64 " tensors are more than the file has room for, or "
                       "than %d",
                       r->c.path, r->tensor_count, TENSORS_MAX);
    if (r->kv_count > left / KV_LEAST || r->kv_count > KVS_MAX)
        return aq_fail(r->c.err, AQ_BAD_INPUT,
                       "%s: byte 16: %" PRIu64 " metadata keys are more than the file has room "
                       "for, or than %d",
                       r->c.path, r->kv_count, KVS_MAX);
    return AQ_OK;
}

static aq_status check_names(reader *r)
{
    aq_status status = check_unique(r, (size_t)r->kv_count, kv_key, "key");
    return status == AQ_OK ? check_unique(r, r->spans.count, span_name, "tensor") : status;
}

aq_status aq_gguf_open(aq_model *model, aq_error *err)
{
    static aq_status (*const steps[])(reader *) = {check_version, scan_counts,  scan_kvs,
                                                   scan_tensors,  check_ranges, check_names,
                                                   build_tensors, build_kvs};
    reader r = {.model = model,
                .c = {.source = model->source,
                      .path = model->files[0].path,
                      .err = err,
                      .size = model->files[0].size}};
    aq_status status = AQ_OK;
    model->format = AQ_FORMAT_GGUF;
    model->alignment = AQ_GGUF_ALIGNMENT;
    for (size_t i = 0; i < sizeof steps / sizeof *steps && status == AQ_OK; i++)
        status = steps[i](&r);
    model->kv_bytes = r.c.bytes;
    aq_free(r.kvs);
    aq_spans_free(&r.spans);
    return status;
}
