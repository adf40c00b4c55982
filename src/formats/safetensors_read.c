/* SPDX-License-Identifier: Apache-2.0
 *
 * A header is read in two passes. The first checks all of it and keeps 24 bytes for each tensor;
 * only a header without fault is given its tensors, names and shapes, by the second. So refusing
 * one costs its own size and little more. */
#include <config.h>

#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/spans.h"
#include "dtype.h"
#include "formats.h"
#include "names.h"
#include "safetensors.h"
#include "safetensors_entry.h"

/* More than any file has; bounds what the look-out for duplicates costs. */
enum { METADATA_MAX = 65536 };

typedef struct pair {
    uint32_t key, key_length, value, value_length; /* in the header */
} pair;

typedef struct reader {
    aq_model *model;
    uint32_t file;
    aq_safetensors_scan s;
    uint64_t header_size, data_size;
    aq_spans spans;
    pair *pairs;
    size_t pair_count, pair_capacity;
    bool has_metadata;
} reader;

#define JSON(call)                             \
    do {                                       \
        if (!(call))                           \
            return aq_safetensors_fail(&r->s); \
    } while (0)

static aq_status check_entry(const reader *r, const aq_safetensors_entry *e)
{
    const char *name = r->s.tensor;
    size_t length = r->s.tensor_length;
    uint64_t bytes;
    if (e->end < e->begin || e->end > r->data_size)
        return aq_fail(r->s.err, AQ_BAD_INPUT,
                       "%s: tensor '" AQ_QUOTED "': data_offsets [%" PRIu64 ", %" PRIu64
                       "] lie outside the %" PRIu64 " bytes of data",
                       r->s.path, AQ_QUOTE(name, length), e->begin, e->end, r->data_size);
    if (!aq_dtype_bytes(e->dtype, e->weights, &bytes))
        return aq_fail(r->s.err, AQ_BAD_INPUT,
                       "%s: tensor '" AQ_QUOTED "': %" PRIu64
                       " elements of %s are no whole number of bytes, or too many",
                       r->s.path, AQ_QUOTE(name, length), e->weights, aq_dtype_name(e->dtype));
    if (bytes != e->end - e->begin)
        return aq_fail(r->s.err, AQ_BAD_INPUT,
                       "%s: tensor '" AQ_QUOTED "': its shape of %s takes %" PRIu64
                       " bytes, its data_offsets [%" PRIu64 ", %" PRIu64 "] hold %" PRIu64,
                       r->s.path, AQ_QUOTE(name, length), aq_dtype_name(e->dtype), bytes, e->begin,
                       e->end, e->end - e->begin);
    return AQ_OK;
}

/* Metadata becomes C strings, so a NUL within would cut it. */
static aq_status scan_string(reader *r, uint32_t *at, uint32_t *size)
{
    char *s;
    size_t length;
    JSON(aq_json_string(&r->s.json, &s, &length));
    if (memchr(s, '\0', length) != NULL)
        return aq_safetensors_fail_as(&r->s, "NUL in a name or in __metadata__");
    *at = (uint32_t)(s - r->s.json.begin);
    *size = (uint32_t)length;
    return AQ_OK;
}

static aq_status scan_pair(reader *r)
{
    pair p;
    aq_status status = scan_string(r, &p.key, &p.key_length);
    if (status != AQ_OK)
        return status;
    JSON(aq_json_expect(&r->s.json, ':'));
    if (aq_json_peek(&r->s.json) != '"')
        return aq_safetensors_fail_as(&r->s, "a value in __metadata__ that is not a string");
    status = scan_string(r, &p.value, &p.value_length);
    if (status != AQ_OK)
        return status;
    if (r->pair_count == METADATA_MAX)
        return aq_safetensors_fail_as(&r->s, "more than 65536 entries in __metadata__");
    if (r->pair_count == r->pair_capacity) {
        size_t capacity = r->pair_capacity * 2 + 8;
        pair *pairs = aq_realloc(r->pairs, capacity * sizeof *pairs);
        if (pairs == NULL)
            return aq_fail_memory(r->s.err, "a header's metadata");
        r->pairs = pairs;
        r->pair_capacity = capacity;
    }
    r->pairs[r->pair_count++] = p;
    return AQ_OK;
}

static aq_status scan_metadata(reader *r)
{
    size_t count = 0;
    int more;
    if (r->has_metadata)
        return aq_safetensors_fail_as(&r->s, "duplicate __metadata__");
    r->has_metadata = true;
    if (aq_json_peek(&r->s.json) == 'n') {
        JSON(aq_json_null(&r->s.json));
        return AQ_OK;
    }
    JSON(aq_json_expect(&r->s.json, '{'));
    while ((more = aq_json_more(&r->s.json, '}', &count)) > 0) {
        aq_status status = scan_pair(r);
        if (status != AQ_OK)
            return status;
    }
    return more == 0 ? AQ_OK : aq_safetensors_fail(&r->s);
}

/* One member of the header's object. */
static aq_status scan_member(reader *r)
{
    static const char metadata[] = "__metadata__";
    aq_span span;
    aq_safetensors_entry e;
    aq_status status = scan_string(r, &span.name, &span.length);
    if (status != AQ_OK)
        return status;
    const char *name = r->s.json.begin + span.name;
    JSON(aq_json_expect(&r->s.json, ':'));
    if (span.length == sizeof metadata - 1 && memcmp(name, metadata, span.length) == 0)
        return scan_metadata(r);
    r->s.tensor = name;
    r->s.tensor_length = span.length;
    status = aq_safetensors_entry_scan(&r->s, &e);
    if (status == AQ_OK)
        status = check_entry(r, &e);
    r->s.tensor = NULL;
    if (status != AQ_OK)
        return status;
    span.begin = e.begin;
    span.end = e.end;
    return aq_spans_add(&r->spans, span) ? AQ_OK : aq_fail_memory(r->s.err, "a header's tensors");
}

static aq_status scan_header(reader *r)
{
    size_t count = 0;
    int more;
    if (r->header_size == 0 || r->s.json.begin[0] != '{')
        return aq_safetensors_fail_as(
            &r->s, "the header does not begin with '{': this is no safetensors file");
    JSON(aq_json_expect(&r->s.json, '{'));
    while ((more = aq_json_more(&r->s.json, '}', &count)) > 0) {
        aq_status status = scan_member(r);
        if (status != AQ_OK)
            return status;
    }
    if (more < 0)
        return aq_safetensors_fail(&r->s);
    JSON(aq_json_end(&r->s.json));
    return AQ_OK;
}

/* The ranges must tile the data: what no tensor claims could hold anything. */
static aq_status check_ranges(reader *r)
{
    uint64_t expected = 0;
    aq_spans_sort(&r->spans);
    for (size_t i = 0; i < r->spans.count; i++) {
        const aq_span *s = &r->spans.items[i];
        if (s->begin != expected)
            return aq_fail(r->s.err, AQ_BAD_INPUT,
                           "%s: tensor '" AQ_QUOTED "': its data begin at %" PRIu64
                           ", %s the last tensor's end at %" PRIu64,
                           r->s.path, AQ_QUOTE(r->s.json.begin + s->name, s->length), s->begin,
                           s->begin < expected ? "an overlap with" : "with a hole after", expected);
        expected = s->end;
    }
    if (expected == r->data_size)
        return AQ_OK;
    return aq_fail(r->s.err, AQ_BAD_INPUT,
                   "%s: %" PRIu64 " bytes after the last tensor, which ends at byte %" PRIu64
                   ", belong to none",
                   r->s.path, r->data_size - expected, 8 + r->header_size + expected);
}

static const char *span_name(const void *owner, uint32_t i, size_t *length)
{
    const reader *r = owner;
    *length = r->spans.items[i].length;
    return r->s.json.begin + r->spans.items[i].name;
}

static const char *pair_key(const void *owner, uint32_t i, size_t *length)
{
    const reader *r = owner;
    *length = r->pairs[i].key_length;
    return r->s.json.begin + r->pairs[i].key;
}

static aq_status check_unique(reader *r, size_t count, aq_names_get *get, const char *what)
{
    aq_names names;
    aq_status status = AQ_OK;
    if (!aq_names_init(&names, count, get, r))
        return aq_fail_memory(r->s.err, "the table of names");
    for (uint32_t i = 0; i < count && status == AQ_OK; i++)
        if (aq_names_add(&names, i) != AQ_NAMES_NONE) {
            size_t length;
            const char *name = get(r, i, &length);
            status = aq_fail(r->s.err, AQ_BAD_INPUT,
                             "%s: duplicate %s '" AQ_QUOTED "' at header byte %zu", r->s.path, what,
                             AQ_QUOTE(name, length), (size_t)(name - r->s.json.begin));
        }
    aq_names_free(&names);
    return status;
}

/* Second pass: the tensor of a span that has passed every check. */
static aq_status build_tensor(reader *r, const aq_span *s, aq_tensor *tensor)
{
    aq_arena *arena = &r->model->arena;
    aq_safetensors_entry e;
    r->s.json.at = r->s.json.begin + s->name + s->length;
    JSON(aq_json_expect(&r->s.json, ':'));
    aq_status status = aq_safetensors_entry_scan(&r->s, &e);
    if (status != AQ_OK)
        return status;
    uint64_t *shape = aq_arena_alloc(arena, e.rank * sizeof *shape);
    char *name = aq_arena_strndup(arena, r->s.json.begin + s->name, s->length);
    if (shape == NULL || name == NULL)
        return aq_fail_memory(r->s.err, "a header's tensors");
    r->s.json.at = e.shape;
    status = aq_safetensors_shape(&r->s, &e, shape);
    *tensor = (aq_tensor){.name = name,
                          .dtype = e.dtype,
                          .file = r->file,
                          .rank = e.rank,
                          .shape = shape,
                          .weights = e.weights,
                          .offset = 8 + r->header_size + e.begin,
                          .bytes = e.end - e.begin};
    return status;
}

static aq_status build_metadata(reader *r)
{
    aq_model *model = r->model;
    model->metadata = aq_arena_alloc(&model->arena, r->pair_count * sizeof *model->metadata);
    if (model->metadata == NULL)
        return aq_fail_memory(r->s.err, "a header's metadata");
    for (size_t i = 0; i < r->pair_count; i++) {
        const pair *p = &r->pairs[i];
        aq_pair *out = &model->metadata[i];
        out->key = aq_arena_strndup(&model->arena, r->s.json.begin + p->key, p->key_length);
        out->value = aq_arena_strndup(&model->arena, r->s.json.begin + p->value, p->value_length);
        if (out->key == NULL || out->value == NULL)
            return aq_fail_memory(r->s.err, "a header's metadata");
    }
    model->metadata_count = r->pair_count;
    return AQ_OK;
}

static aq_status build(reader *r, aq_tensor_list *list)
{
    if (!aq_tensor_list_reserve(list, r->spans.count))
        return aq_fail_memory(r->s.err, "a header's tensors");
    for (size_t i = 0; i < r->spans.count; i++) {
        aq_status status = build_tensor(r, &r->spans.items[i], &list->items[list->count]);
        if (status != AQ_OK)
            return status;
        list->count++;
    }
    return r->file == 0 ? build_metadata(r) : AQ_OK;
}

static aq_status read_header(reader *r)
{
    const aq_file *file = &r->model->files[r->file];
    aq_source *source = r->model->source;
    uint8_t prefix[8];
    if (file->size < 8)
        return aq_fail(r->s.err, AQ_BAD_INPUT,
                       "%s: %" PRIu64 " bytes are too few for a safetensors file", r->s.path,
                       file->size);
    aq_status status = source->read_at(source, r->file, 0, prefix, sizeof prefix, r->s.err);
    if (status != AQ_OK)
        return status;
    memcpy(&r->header_size, prefix, sizeof prefix);
    if (r->header_size > AQ_SAFETENSORS_HEADER_MAX)
        return aq_fail(r->s.err, AQ_BAD_INPUT,
                       "%s: a header of %" PRIu64 " bytes, more than %d: this is no safetensors "
                       "file",
                       r->s.path, r->header_size, AQ_SAFETENSORS_HEADER_MAX);
    if (r->header_size > file->size - 8)
        return aq_fail(r->s.err, AQ_BAD_INPUT,
                       "%s: the header's %" PRIu64 " bytes end past the file's %" PRIu64
                       ": it was cut short",
                       r->s.path, r->header_size, file->size);
    r->data_size = file->size - 8 - r->header_size;
    size_t size = (size_t)r->header_size;
    r->s.json.begin = r->s.json.at = aq_malloc(size + 1);
    if (r->s.json.begin == NULL)
        return aq_fail_memory(r->s.err, "a header");
    r->s.json.end = r->s.json.begin + size;
    return source->read_at(source, r->file, 8, r->s.json.begin, size, r->s.err);
}

aq_status aq_safetensors_read(aq_model *model, uint32_t file, aq_tensor_list *list, aq_error *err)
{
    reader r = {.model = model, .file = file, .s = {.path = model->files[file].path, .err = err}};
    aq_status status = read_header(&r);
    if (status == AQ_OK)
        status = scan_header(&r);
    if (status == AQ_OK)
        status = check_ranges(&r);
    if (status == AQ_OK)
        status = check_unique(&r, r.spans.count, span_name, "tensor");
    if (status == AQ_OK)
        status = check_unique(&r, r.pair_count, pair_key, "key in __metadata__");
    if (status == AQ_OK)
        status = build(&r, list);
    aq_spans_free(&r.spans);
    aq_free(r.pairs);
    aq_free(r.s.json.begin);
    return status;
}

aq_status aq_safetensors_open(aq_model *model, aq_error *err)
{
    aq_tensor_list list = {0};
    model->format = AQ_FORMAT_SAFETENSORS;
    aq_status status = aq_safetensors_read(model, 0, &list, err);
    aq_status finished = aq_tensor_list_finish(&list, model, status == AQ_OK ? err : NULL);
    return status == AQ_OK ? finished : status;
}
