/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "json.h"

#include <string.h>

#include "utf8.h"

static bool fail(aq_json *json, const char *problem)
{
    json->problem = problem;
    return false;
}

char aq_json_peek(aq_json *json)
{
    char *p = json->at;
    while (p < json->end && (*p == ' ' || *p == '\n' || *p == '\t' || *p == '\r'))
        p++;
    json->at = p;
    return p < json->end ? *p : '\0';
}

bool aq_json_end(aq_json *json)
{
    (void)aq_json_peek(json);
    return json->at == json->end || fail(json, "text after the JSON value");
}

bool aq_json_expect(aq_json *json, char c)
{
    if (aq_json_peek(json) == c) {
        json->at++;
        return true;
    }
    if (json->at == json->end)
        return fail(json, "the JSON ends too early");
    switch (c) {
    case '{':
        return fail(json, "expected '{'");
    case '[':
        return fail(json, "expected '['");
    case ':':
        return fail(json, "expected ':'");
    case '"':
        return fail(json, "expected a string");
    default:
        return fail(json, "unexpected character");
    }
}

int aq_json_more(aq_json *json, char close, size_t *count)
{
    if (aq_json_peek(json) == close) {
        json->at++;
        return 0;
    }
    if ((*count)++ == 0)
        return 1;
    if (aq_json_peek(json) == ',') {
        json->at++;
        return 1;
    }
    fail(json, json->at == json->end ? "the JSON ends too early" : "expected ',' or the end");
    return -1;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* Four hexadecimal digits at json->at. */
static bool hex4(aq_json *json, unsigned *code)
{
    *code = 0;
    for (int i = 0; i < 4; i++) {
        int digit = json->at < json->end ? hex_digit(*json->at) : -1;
        if (digit < 0)
            return fail(json, "invalid \\u escape");
        *code = *code << 4 | (unsigned)digit;
        json->at++;
    }
    return true;
}

/* After "\u": one escape, or the two of a surrogate pair. */
static bool unicode_escape(aq_json *json, unsigned *code)
{
    if (!hex4(json, code))
        return false;
    if (*code < 0xd800 || *code > 0xdfff)
        return true;
    unsigned low;
    if (*code > 0xdbff || json->end - json->at < 6 || json->at[0] != '\\' || json->at[1] != 'u')
        return fail(json, "unpaired surrogate in a string");
    json->at += 2;
    if (!hex4(json, &low))
        return false;
    if (low < 0xdc00 || low > 0xdfff)
        return fail(json, "unpaired surrogate in a string");
    *code = 0x10000 + ((*code - 0xd800) << 10) + (low - 0xdc00);
    return true;
}

/* The escape at json->at (a backslash), as UTF-8. */
static bool escape(aq_json *json, char out[4], size_t *length)
{
    static const char letters[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    if (json->end - json->at < 2)
        return fail(json, "unfinished string");
    char c = json->at[1];
    if (c == 'u') {
        unsigned code;
        json->at += 2;
        if (!unicode_escape(json, &code))
            return false;
        *length = aq_utf8_put(out, code);
        return true;
    }
    const char *found = c == '\0' ? NULL : strchr(letters, c);
    if (found == NULL)
        return fail(json, "invalid escape in a string");
    out[0] = values[found - letters];
    *length = 1;
    json->at += 2;
    return true;
}

/* The next run of a string: bytes that stand for themselves, or one escape. 1 with *piece and *n
 * set, 0 at the closing quote (consumed), -1 on error. */
static int string_piece(aq_json *json, const char **piece, size_t *n, char buffer[4])
{
    char *p = json->at;
    *piece = p;
    while (p < json->end && *p != '"' && *p != '\\') {
        if ((unsigned char)*p < 0x20) {
            json->at = p;
            return fail(json, "control character in a string"), -1;
        }
        size_t length = (unsigned char)*p < 0x80 ? 1 : aq_utf8_char(p, (size_t)(json->end - p));
        if (length == 0) {
            json->at = p;
            return fail(json, "invalid UTF-8"), -1;
        }
        p += length;
    }
    *n = (size_t)(p - json->at);
    json->at = p;
    if (*n > 0)
        return 1;
    if (p == json->end)
        return fail(json, "unfinished string"), -1;
    if (*p == '"') {
        json->at++;
        return 0;
    }
    *piece = buffer;
    return escape(json, buffer, n) ? 1 : -1;
}

bool aq_json_string(aq_json *json, char **s, size_t *length)
{
    if (!aq_json_expect(json, '"'))
        return false;
    char *out = json->at, buffer[4];
    const char *piece;
    size_t n;
    int more;
    *s = out;
    /* An escape is never shorter than what it stands for, so out stays behind the cursor. */
    while ((more = string_piece(json, &piece, &n, buffer)) > 0) {
        if (piece != out)
            memmove(out, piece, n);
        out += n;
    }
    if (more < 0)
        return false;
    *length = (size_t)(out - *s);
    memset(out, ' ', (size_t)(json->at - out));
    return true;
}

bool aq_json_word(aq_json *json, char *out, size_t room)
{
    char buffer[4];
    const char *piece;
    size_t n, length = 0;
    bool fits = true;
    int more;
    if (!aq_json_expect(json, '"'))
        return false;
    while ((more = string_piece(json, &piece, &n, buffer)) > 0) {
        fits = fits && n < room - length && memchr(piece, '\0', n) == NULL;
        if (fits) {
            memcpy(out + length, piece, n);
            length += n;
        }
    }
    out[fits ? length : 0] = '\0';
    return more == 0;
}

static bool is_digit(const aq_json *json)
{
    return json->at < json->end && *json->at >= '0' && *json->at <= '9';
}

bool aq_json_u64(aq_json *json, uint64_t *value)
{
    (void)aq_json_peek(json);
    if (!is_digit(json))
        return fail(json, "expected a whole number that is not negative");
    const char *start = json->at;
    uint64_t v = 0;
    for (; is_digit(json); json->at++)
        if (__builtin_mul_overflow(v, (uint64_t)10, &v) ||
            __builtin_add_overflow(v, (uint64_t)(*json->at - '0'), &v))
            return fail(json, "number of 2^64 or more");
    if (*start == '0' && json->at - start > 1)
        return fail(json, "number with a leading zero");
    if (json->at < json->end && (*json->at == '.' || *json->at == 'e' || *json->at == 'E'))
        return fail(json, "expected a whole number");
    *value = v;
    return true;
}

static bool literal(aq_json *json, const char *word)
{
    size_t n = strlen(word);
    if ((size_t)(json->end - json->at) < n || memcmp(json->at, word, n) != 0)
        return fail(json, "invalid JSON value");
    json->at += n;
    return true;
}

bool aq_json_null(aq_json *json)
{
    (void)aq_json_peek(json);
    return literal(json, "null");
}

static bool digits(aq_json *json)
{
    if (!is_digit(json))
        return fail(json, "invalid number");
    while (is_digit(json))
        json->at++;
    return true;
}

static bool skip_number(aq_json *json)
{
    if (*json->at == '-')
        json->at++;
    const char *start = json->at;
    if (!digits(json))
        return false;
    if (*start == '0' && json->at - start > 1)
        return fail(json, "number with a leading zero");
    if (json->at < json->end && *json->at == '.') {
        json->at++;
        if (!digits(json))
            return false;
    }
    if (json->at < json->end && (*json->at == 'e' || *json->at == 'E')) {
        json->at++;
        if (json->at < json->end && (*json->at == '+' || *json->at == '-'))
            json->at++;
        return digits(json);
    }
    return true;
}

static bool skip_scalar(aq_json *json, char c)
{
    char none[1];
    switch (c) {
    case '"':
        return aq_json_word(json, none, sizeof none);
    case 't':
        return literal(json, "true");
    case 'f':
        return literal(json, "false");
    case 'n':
        return literal(json, "null");
    case '\0':
        return fail(json, json->at == json->end ? "the JSON ends too early" : "invalid JSON value");
    default:
        return skip_number(json);
    }
}

/* A key and its colon, where an object is open. */
static bool skip_key(aq_json *json, char close)
{
    char none[1];
    return close != '}' || (aq_json_word(json, none, sizeof none) && aq_json_expect(json, ':'));
}

bool aq_json_skip(aq_json *json, unsigned depth)
{
    char close[AQ_JSON_DEPTH + 1]; /* what ends each open object or array */
    size_t count[AQ_JSON_DEPTH + 1];
    unsigned open = 0;
    do {
        char c = aq_json_peek(json);
        if (c == '{' || c == '[') {
            if (depth + open >= AQ_JSON_DEPTH)
                return fail(json, "JSON nested deeper than 128");
            json->at++;
            open++;
            close[open] = c == '{' ? '}' : ']';
            count[open] = 0;
        } else if (!skip_scalar(json, c)) {
            return false;
        }
        int more = 0;
        while (open > 0 && (more = aq_json_more(json, close[open], &count[open])) == 0)
            open--;
        if (more < 0 || (open > 0 && !skip_key(json, close[open])))
            return false;
    } while (open > 0);
    return true;
}
