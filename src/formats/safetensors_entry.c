/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "safetensors_entry.h"

#include <string.h>

#include "base/error.h"
#include "dtype.h"

#define JSON(call)                         \
    do {                                   \
        if (!(call))                       \
            return aq_safetensors_fail(s); \
    } while (0)

aq_status aq_safetensors_fail(const aq_safetensors_scan *s)
{
    size_t at = (size_t)(s->json.at - s->json.begin);
    if (s->tensor != NULL)
        return aq_fail(s->err, AQ_BAD_INPUT, "%s: tensor '" AQ_QUOTED "': header byte %zu: %s",
                       s->path, AQ_QUOTE(s->tensor, s->tensor_length), at, s->json.problem);
    return aq_fail(s->err, AQ_BAD_INPUT, "%s: header byte %zu: %s", s->path, at, s->json.problem);
}

aq_status aq_safetensors_fail_as(aq_safetensors_scan *s, const char *problem)
{
    s->json.problem = problem;
    return aq_safetensors_fail(s);
}

/* Walks the shape at the cursor; with out, stores it. */
aq_status aq_safetensors_shape(aq_safetensors_scan *s, aq_safetensors_entry *e, uint64_t *out)
{
    size_t count = 0;
    int more;
    e->weights = 1;
    JSON(aq_json_expect(&s->json, '['));
    e->shape = s->json.at - 1;
    while ((more = aq_json_more(&s->json, ']', &count)) > 0) {
        uint64_t dimension;
        JSON(aq_json_u64(&s->json, &dimension));
        if (__builtin_mul_overflow(e->weights, dimension, &e->weights))
            return aq_safetensors_fail_as(s, "the shape's product does not fit 64 bits");
        if (out != NULL)
            out[count - 1] = dimension;
    }
    e->rank = (uint32_t)count;
    return more == 0 ? AQ_OK : aq_safetensors_fail(s);
}

static aq_status scan_offsets(aq_safetensors_scan *s, aq_safetensors_entry *e)
{
    JSON(aq_json_expect(&s->json, '['));
    JSON(aq_json_u64(&s->json, &e->begin));
    JSON(aq_json_expect(&s->json, ','));
    JSON(aq_json_u64(&s->json, &e->end));
    JSON(aq_json_expect(&s->json, ']'));
    return AQ_OK;
}

static aq_status scan_dtype(aq_safetensors_scan *s, aq_safetensors_entry *e)
{
    char name[16];
    const char *start = s->json.at;
    JSON(aq_json_word(&s->json, name, sizeof name));
    if (aq_dtype_from_safetensors(name, &e->dtype) == 0)
        return AQ_OK;
    return aq_fail(s->err, AQ_BAD_INPUT,
                   "%s: tensor '" AQ_QUOTED "': header byte %zu: unknown dtype '%s'", s->path,
                   AQ_QUOTE(s->tensor, s->tensor_length), (size_t)(start - s->json.begin), name);
}

enum { DTYPE = 1, SHAPE = 2, OFFSETS = 4 };

/* The value of one field; *seen says which were there before. */
static aq_status scan_field(aq_safetensors_scan *s, aq_safetensors_entry *e, unsigned *seen)
{
    char key[16];
    JSON(aq_json_word(&s->json, key, sizeof key));
    unsigned field = strcmp(key, "dtype") == 0          ? DTYPE
                     : strcmp(key, "shape") == 0        ? SHAPE
                     : strcmp(key, "data_offsets") == 0 ? OFFSETS
                                                        : 0;
    if (*seen & field)
        return aq_safetensors_fail_as(s, "duplicate field in a tensor's entry");
    *seen |= field;
    JSON(aq_json_expect(&s->json, ':'));
    switch (field) {
    case DTYPE:
        return scan_dtype(s, e);
    case SHAPE:
        return aq_safetensors_shape(s, e, NULL);
    case OFFSETS:
        return scan_offsets(s, e);
    default:
        JSON(aq_json_skip(&s->json, 2));
        return AQ_OK;
    }
}

/* The object at the cursor, with all three fields. */
aq_status aq_safetensors_entry_scan(aq_safetensors_scan *s, aq_safetensors_entry *e)
{
    size_t count = 0;
    unsigned seen = 0;
    int more;
    JSON(aq_json_expect(&s->json, '{'));
    while ((more = aq_json_more(&s->json, '}', &count)) > 0) {
        aq_status status = scan_field(s, e, &seen);
        if (status != AQ_OK)
            return status;
    }
    if (more < 0)
        return aq_safetensors_fail(s);
    if (seen != (DTYPE | SHAPE | OFFSETS))
        return aq_safetensors_fail_as(s, !(seen & DTYPE)   ? "a tensor without dtype"
                                         : !(seen & SHAPE) ? "a tensor without shape"
                                                           : "a tensor without data_offsets");
    return AQ_OK;
}
