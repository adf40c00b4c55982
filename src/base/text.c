/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static bool reserve(aq_text *text, size_t size)
{
    if (text->failed)
        return false;
    if (size <= text->capacity - text->size)
        return true;
    size_t capacity;
    if (__builtin_add_overflow(text->size, size, &capacity) ||
        __builtin_add_overflow(capacity, capacity / 2 + 256, &capacity)) {
        text->failed = true;
        return false;
    }
    char *data = aq_realloc(text->data, capacity);
    text->failed = data == NULL;
    if (text->failed)
        return false;
    text->data = data;
    text->capacity = capacity;
    return true;
}

void aq_text_add(aq_text *text, const void *bytes, size_t size)
{
    if (size == 0 || !reserve(text, size))
        return;
    memcpy(text->data + text->size, bytes, size);
    text->size += size;
}

void aq_text_fill(aq_text *text, char c, size_t count)
{
    if (count == 0 || !reserve(text, count))
        return;
    memset(text->data + text->size, c, count);
    text->size += count;
}

void aq_text_puts(aq_text *text, const char *s)
{
    aq_text_add(text, s, strlen(s));
}

void aq_text_u64(aq_text *text, uint64_t value)
{
    char digits[24];
    int n = snprintf(digits, sizeof digits, "%" PRIu64, value);
    aq_text_add(text, digits, (size_t)n);
}

static void json_escape(aq_text *text, unsigned char c)
{
    static const char plain[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
    const char *found = c == '\0' ? NULL : strchr(plain, c);
    char escaped[8];
    int n = found != NULL ? snprintf(escaped, sizeof escaped, "\\%c", letters[found - plain])
                          : snprintf(escaped, sizeof escaped, "\\u%04x", c);
    aq_text_add(text, escaped, (size_t)n);
}

void aq_text_json(aq_text *text, const char *s)
{
    aq_text_add(text, "\"", 1);
    while (*s != '\0') {
        size_t n = 0;
        while ((unsigned char)s[n] >= 0x20 && s[n] != '"' && s[n] != '\\' && s[n] != 0x7f)
            n++;
        aq_text_add(text, s, n);
        s += n;
        if (*s != '\0')
            json_escape(text, (unsigned char)*s++);
    }
    aq_text_add(text, "\"", 1);
}

void aq_text_free(aq_text *text)
{
    aq_free(text->data);
    *text = (aq_text){0};
}

char *aq_text_finish(aq_text *text, aq_arena *arena)
{
    const char *data = text->size > 0 ? text->data : "";
    char *copy = text->failed ? NULL : aq_arena_strndup(arena, data, text->size);
    aq_text_free(text);
    return copy;
}
