/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "gguf_cursor.h"

#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "gguf.h"
#include "tensors.h"

/* Far more than any file has; bounds what a hostile one can cost, and keeps places in 32 bits. */
enum { HEADER_MAX = 256 * 1024 * 1024 };

aq_status aq_gguf_fail(const aq_gguf_cursor *c, const char *problem)
{
    return aq_fail(c->err, AQ_BAD_INPUT, "%s: byte %" PRIu64 ": %s: %s", c->path, c->at, c->what,
                   problem);
}

/* More than what is asked for, so that a header takes few reads. */
static aq_status grow(aq_gguf_cursor *c, uint64_t end)
{
    uint64_t want = c->have + c->have / 2 + 65536;
    if (want < end)
        want = end;
    if (want > HEADER_MAX)
        want = HEADER_MAX;
    if (want > c->size)
        want = c->size;
    if (want > c->capacity) {
        uint8_t *bytes = aq_realloc(c->bytes, (size_t)want);
        if (bytes == NULL)
            return aq_fail_memory(c->err, "a header");
        c->bytes = bytes;
        c->capacity = want;
    }
    aq_source *source = c->source;
    aq_status status =
        source->read_at(source, 0, c->have, c->bytes + c->have, (size_t)(want - c->have), c->err);
    if (status == AQ_OK)
        c->have = want;
    return status;
}

/* Makes `size` bytes at the cursor available; the caller steps over them. */
static aq_status need(aq_gguf_cursor *c, uint64_t size)
{
    if (size > c->size - c->at)
        return aq_fail(c->err, AQ_BAD_INPUT,
                       "%s: byte %" PRIu64 ": %s: %" PRIu64 " bytes go past the file's end at "
                       "%" PRIu64 ": it was cut short, or is damaged",
                       c->path, c->at, c->what, size, c->size);
    if (c->at + size > HEADER_MAX)
        return aq_gguf_fail(c, "the header is larger than 256 MiB");
    return c->at + size <= c->have ? AQ_OK : grow(c, c->at + size);
}

aq_status aq_gguf_take(aq_gguf_cursor *c, void *value, uint32_t size)
{
    aq_status status = need(c, size);
    if (status != AQ_OK)
        return status;
    memcpy(value, c->bytes + c->at, size);
    c->at += size;
    return AQ_OK;
}

aq_status aq_gguf_take_string(aq_gguf_cursor *c, uint32_t *at, uint32_t *length)
{
    uint64_t size;
    aq_status status = aq_gguf_take(c, &size, sizeof size);
    if (status == AQ_OK)
        status = need(c, size);
    if (status != AQ_OK)
        return status;
    *at = (uint32_t)c->at;
    *length = (uint32_t)size;
    c->at += size;
    return AQ_OK;
}

aq_status aq_gguf_take_name(aq_gguf_cursor *c, uint32_t *at, uint32_t *length)
{
    aq_status status = aq_gguf_take_string(c, at, length);
    if (status == AQ_OK && !aq_name_valid((const char *)c->bytes + *at, *length)) {
        c->at = *at;
        return aq_gguf_fail(c, "a name with NUL or invalid UTF-8");
    }
    return status;
}

static aq_status skip_array(aq_gguf_cursor *c)
{
    uint32_t type, ignored;
    uint64_t count, bytes;
    aq_status status = aq_gguf_take(c, &type, sizeof type);
    if (status != AQ_OK)
        return status;
    if (type == AQ_GGUF_ARRAY)
        return aq_gguf_fail(c, "an array of arrays, which no reader supports");
    uint32_t least = type == AQ_GGUF_STRING ? 8 : aq_gguf_type_size(type);
    if (least == 0)
        return aq_fail(c->err, AQ_BAD_INPUT,
                       "%s: byte %" PRIu64 ": %s: unknown array type %" PRIu32, c->path,
                       c->at - sizeof type, c->what, type);
    status = aq_gguf_take(c, &count, sizeof count);
    if (status != AQ_OK)
        return status;
    if (__builtin_mul_overflow(count, (uint64_t)least, &bytes) || bytes > c->size - c->at)
        return aq_gguf_fail(c, "an array with more values than the file has room for");
    if (type != AQ_GGUF_STRING) {
        status = need(c, bytes);
        c->at += status == AQ_OK ? bytes : 0;
        return status;
    }
    for (; count > 0 && status == AQ_OK; count--)
        status = aq_gguf_take_string(c, &ignored, &ignored);
    return status;
}

aq_status aq_gguf_skip_value(aq_gguf_cursor *c, uint32_t type)
{
    uint32_t ignored, size = aq_gguf_type_size(type);
    if (type == AQ_GGUF_STRING)
        return aq_gguf_take_string(c, &ignored, &ignored);
    if (type == AQ_GGUF_ARRAY)
        return skip_array(c);
    if (size == 0)
        return aq_fail(c->err, AQ_BAD_INPUT, "%s: byte %" PRIu64 ": %s: unknown type %" PRIu32,
                       c->path, c->at - sizeof type, c->what, type);
    aq_status status = need(c, size);
    c->at += status == AQ_OK ? size : 0;
    return status;
}
