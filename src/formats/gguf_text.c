/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "gguf.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "base/utf8.h"

/* What people see of a value; the file keeps all of it. */
enum { STRING_SHOWN = 200, ITEMS_SHOWN = 8 };

uint32_t aq_gguf_type_size(uint32_t type)
{
    static const uint8_t sizes[AQ_GGUF_TYPES] = {
        [AQ_GGUF_U8] = 1,  [AQ_GGUF_I8] = 1,  [AQ_GGUF_U16] = 2, [AQ_GGUF_I16] = 2,
        [AQ_GGUF_U32] = 4, [AQ_GGUF_I32] = 4, [AQ_GGUF_F32] = 4, [AQ_GGUF_BOOL] = 1,
        [AQ_GGUF_U64] = 8, [AQ_GGUF_I64] = 8, [AQ_GGUF_F64] = 8,
    };
    return type < AQ_GGUF_TYPES ? sizes[type] : 0;
}

bool aq_gguf_weights(const uint64_t *shape, uint32_t rank, uint64_t *weights)
{
    uint64_t product = 1;
    *weights = 1;
    for (uint32_t i = 0; i < rank; i++) {
        uint64_t factor = shape[i] != 0 ? shape[i] : 1;
        if (__builtin_mul_overflow(product, factor, &product) || product > INT64_MAX)
            return false;
        *weights *= shape[i];
    }
    return true;
}

bool aq_gguf_align(uint64_t value, uint32_t alignment, uint64_t *out)
{
    uint64_t mask = (uint64_t)alignment - 1;
    if (__builtin_add_overflow(value, mask, out))
        return false;
    *out &= ~mask;
    return true;
}

static uint64_t load_unsigned(const uint8_t *value, uint32_t size)
{
    uint64_t v = 0;
    memcpy(&v, value, size);
    return v;
}

static int64_t load_signed(const uint8_t *value, uint32_t size)
{
    unsigned shift = 64 - 8 * size;
    return (int64_t)(load_unsigned(value, size) << shift) >> shift;
}

static void put_unsigned(aq_text *text, const uint8_t *value, uint32_t size)
{
    aq_text_u64(text, load_unsigned(value, size));
}

static void put_signed(aq_text *text, const uint8_t *value, uint32_t size)
{
    int64_t v = load_signed(value, size);
    if (v < 0)
        aq_text_puts(text, "-");
    aq_text_u64(text, v < 0 ? -(uint64_t)v : (uint64_t)v);
}

static void put_float(aq_text *text, const uint8_t *value, uint32_t size)
{
    char digits[40];
    float single;
    double number;
    if (size == sizeof single) {
        memcpy(&single, value, sizeof single);
        number = (double)single;
    } else {
        memcpy(&number, value, sizeof number);
    }
    (void)snprintf(digits, sizeof digits, "%.*g", size == sizeof single ? 7 : 15, number);
    aq_text_puts(text, digits);
}

static void put_string(aq_text *text, const char *s, uint64_t length)
{
    size_t shown = length < STRING_SHOWN ? (size_t)length : STRING_SHOWN;
    for (size_t i = 0; i < shown;) {
        size_t n = aq_utf8_char(s + i, (size_t)(length - i));
        bool plain = n > 1 || (n == 1 && (unsigned char)s[i] >= 0x20 && s[i] != 0x7f);
        if (plain)
            aq_text_add(text, s + i, n);
        else /* line breaks and the like become spaces, broken UTF-8 shows */
            aq_text_puts(text, n == 1 ? " " : "?");
        i += n > 0 ? n : 1;
    }
    if (shown < length)
        aq_text_puts(text, "...");
}

/* One value at p; returns what follows it. */
static const uint8_t *put_value(aq_text *text, uint32_t type, const uint8_t *p)
{
    uint32_t size = aq_gguf_type_size(type);
    switch (type) {
    case AQ_GGUF_I8:
    case AQ_GGUF_I16:
    case AQ_GGUF_I32:
    case AQ_GGUF_I64:
        put_signed(text, p, size);
        return p + size;
    case AQ_GGUF_F32:
    case AQ_GGUF_F64:
        put_float(text, p, size);
        return p + size;
    case AQ_GGUF_BOOL:
        aq_text_puts(text, *p != 0 ? "true" : "false");
        return p + size;
    case AQ_GGUF_STRING: {
        uint64_t length = load_unsigned(p, 8);
        put_string(text, (const char *)p + 8, length);
        return p + 8 + length;
    }
    default:
        put_unsigned(text, p, size);
        return p + size;
    }
}

static void put_array(aq_text *text, const uint8_t *p)
{
    uint32_t type = (uint32_t)load_unsigned(p, 4);
    uint64_t count = load_unsigned(p + 4, 8);
    p += 12;
    aq_text_puts(text, "[");
    for (uint64_t i = 0; i < count && i < ITEMS_SHOWN; i++) {
        if (i > 0)
            aq_text_puts(text, ", ");
        p = put_value(text, type, p);
    }
    if (count > ITEMS_SHOWN) {
        aq_text_puts(text, ", ... ");
        aq_text_u64(text, count);
        aq_text_puts(text, " in all");
    }
    aq_text_puts(text, "]");
}

const char *aq_gguf_text(aq_arena *arena, const aq_gguf_kv *kv)
{
    aq_text text = {0};
    if (kv->type == AQ_GGUF_ARRAY)
        put_array(&text, kv->value);
    else
        (void)put_value(&text, kv->type, kv->value);
    return aq_text_finish(&text, arena);
}

/* ---- values by their keys ---- */

const char *aq_gguf_string(const aq_model *model, const char *key)
{
    for (size_t i = 0; i < model->kv_count; i++)
        if (strcmp(model->kvs[i].key, key) == 0)
            return model->kvs[i].type == AQ_GGUF_STRING ? model->metadata[i].value : NULL;
    return NULL;
}

static bool is_key(const char *key, const char *prefix, const char *name)
{
    size_t n = strlen(prefix);
    return strncmp(key, prefix, n) == 0 && key[n] == '.' && strcmp(key + n + 1, name) == 0;
}

static bool whole_number(uint32_t type, const uint8_t *p, uint64_t *value)
{
    uint32_t size = aq_gguf_type_size(type);
    switch (type) {
    case AQ_GGUF_U8:
    case AQ_GGUF_U16:
    case AQ_GGUF_U32:
    case AQ_GGUF_U64:
        *value = load_unsigned(p, size);
        return true;
    case AQ_GGUF_I8:
    case AQ_GGUF_I16:
    case AQ_GGUF_I32:
    case AQ_GGUF_I64:
        *value = (uint64_t)load_signed(p, size);
        return load_signed(p, size) >= 0;
    default:
        return false;
    }
}

bool aq_gguf_number(const aq_model *model, const char *prefix, const char *name, uint64_t *value)
{
    for (size_t i = 0; i < model->kv_count; i++) {
        const aq_gguf_kv *kv = &model->kvs[i];
        if (!is_key(kv->key, prefix, name))
            continue;
        if (kv->type != AQ_GGUF_ARRAY)
            return whole_number(kv->type, kv->value, value);
        uint32_t type = (uint32_t)load_unsigned(kv->value, 4);
        return load_unsigned(kv->value + 4, 8) > 0 && whole_number(type, kv->value + 12, value);
    }
    return false;
}
