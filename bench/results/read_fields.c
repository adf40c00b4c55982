/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "read_fields.h"
#include "util.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MOST = 65536 };

void bench_field_place(bench_reader *reader, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(reader->place, sizeof reader->place, format, args);
    va_end(args);
}

void bench_field_wrong(bench_reader *reader, const char *key, const char *format, ...)
{
    char what[256];
    if (reader->wrong != NULL)
        return;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(what, sizeof what, format, args);
    va_end(args);
    reader->wrong =
        bench_format("%s%s%s: %s", reader->place, reader->place[0] != '\0' ? "." : "", key, what);
}

static const json_t *member(bench_reader *reader, const json_t *object, const char *key)
{
    if (reader->wrong != NULL)
        return NULL;
    const json_t *value = json_object_get(object, key);
    if (value == NULL)
        bench_field_wrong(reader, key, "missing");
    return value;
}

const json_t *bench_field_object(bench_reader *reader, const json_t *object, const char *key)
{
    const json_t *value = member(reader, object, key);
    if (value != NULL && !json_is_object(value)) {
        bench_field_wrong(reader, key, "is not an object");
        return NULL;
    }
    return value;
}

const json_t *bench_field_array(bench_reader *reader, const json_t *object, const char *key,
                                size_t least, size_t most)
{
    const json_t *value = member(reader, object, key);
    if (value != NULL && !json_is_array(value)) {
        bench_field_wrong(reader, key, "is not an array");
        return NULL;
    }
    size_t size = json_array_size(value);
    if (value != NULL && (size < least || size > most)) {
        bench_field_wrong(reader, key, "has %zu elements, not %zu to %zu", size, least, most);
        return NULL;
    }
    return value;
}

/* ---- texts ---- */

/* Control characters, those of two bytes (U+0080 to U+009F) too, could steer a terminal. */
static char *printable(const char *text)
{
    char *copy = bench_copy(text);
    for (char *p = copy; *p != '\0'; p++) {
        unsigned char byte = (unsigned char)*p, next = (unsigned char)p[1];
        if (byte < 0x20 || byte == 0x7f)
            *p = '?';
        else if (byte == 0xc2 && next >= 0x80 && next < 0xa0)
            p[0] = p[1] = '?';
    }
    return copy;
}

char *bench_field_item(bench_reader *reader, const json_t *item, const char *key)
{
    if (reader->wrong != NULL)
        return NULL;
    if (!json_is_string(item))
        bench_field_wrong(reader, key, "is not a text");
    else if (json_string_length(item) > TEXT_MOST)
        bench_field_wrong(reader, key, "is longer than %d bytes", TEXT_MOST);
    return reader->wrong != NULL ? NULL : printable(json_string_value(item));
}

char *bench_field_text_or_null(bench_reader *reader, const json_t *object, const char *key)
{
    const json_t *value = member(reader, object, key);
    return value == NULL || json_is_null(value) ? NULL : bench_field_item(reader, value, key);
}

char *bench_field_text(bench_reader *reader, const json_t *object, const char *key)
{
    const json_t *value = member(reader, object, key);
    char *text = value == NULL ? NULL : bench_field_item(reader, value, key);
    if (text != NULL && text[0] == '\0')
        bench_field_wrong(reader, key, "is empty");
    return text;
}

unsigned bench_field_word(bench_reader *reader, const json_t *object, const char *key,
                          const char *const *words, unsigned count)
{
    char *text = bench_field_text(reader, object, key);
    unsigned at = 0;
    while (text != NULL && at < count && strcmp(text, words[at]) != 0)
        at++;
    if (at == count) {
        bench_field_wrong(reader, key, "\"%.40s\" is not known here", text);
        at = 0;
    }
    free(text);
    return at;
}

/* ---- numbers ---- */

static double number_of(bench_reader *reader, const json_t *value, const char *key,
                        bench_range range)
{
    if (!json_is_number(value)) {
        bench_field_wrong(reader, key, "is not a number");
        return NAN;
    }
    double number = json_number_value(value);
    if (range == BENCH_ABOVE_ZERO && !(number > 0))
        bench_field_wrong(reader, key, "%g is not above zero", number);
    else if (range == BENCH_NOT_NEGATIVE && !(number >= 0))
        bench_field_wrong(reader, key, "%g is negative", number);
    else if (!isfinite(number))
        bench_field_wrong(reader, key, "is not finite");
    return reader->wrong != NULL ? NAN : number;
}

double bench_field_number(bench_reader *reader, const json_t *object, const char *key,
                          bench_range range)
{
    const json_t *value = member(reader, object, key);
    return value == NULL ? NAN : number_of(reader, value, key, range);
}

double bench_field_number_or_null(bench_reader *reader, const json_t *object, const char *key,
                                  bench_range range)
{
    const json_t *value = member(reader, object, key);
    return value == NULL || json_is_null(value) ? NAN : number_of(reader, value, key, range);
}

unsigned bench_field_count(bench_reader *reader, const json_t *object, const char *key,
                           unsigned least, unsigned most)
{
    const json_t *value = member(reader, object, key);
    if (value == NULL)
        return least;
    if (!json_is_integer(value)) {
        bench_field_wrong(reader, key, "is not a whole number");
        return least;
    }
    json_int_t number = json_integer_value(value);
    if (number < (json_int_t)least || number > (json_int_t)most) {
        bench_field_wrong(reader, key, "%" JSON_INTEGER_FORMAT " is not from %u to %u", number,
                          least, most);
        return least;
    }
    return (unsigned)number;
}

int bench_field_boolean(bench_reader *reader, const json_t *object, const char *key)
{
    const json_t *value = member(reader, object, key);
    if (value != NULL && !json_is_boolean(value))
        bench_field_wrong(reader, key, "is neither true nor false");
    return json_is_true(value);
}
