/* SPDX-License-Identifier: Apache-2.0
 * A JSON cursor for headers that may be 100 MB of hostile text: it allocates nothing, so a header
 * costs its own size and one pass. (A tree of values would take some thirty times the text.) */
#ifndef AQ_JSON_H
#define AQ_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { AQ_JSON_DEPTH = 128 };

typedef struct aq_json {
    char *begin, *at, *end;
    const char *problem; /* what was wrong at `at`; set by the function that returned failure */
} aq_json;

/* Every function below skips white space first, and returns false (or -1) with problem set. */

/* Consumes c. */
bool aq_json_expect(aq_json *json, char c);
/* Looks at the next character without consuming it; '\0' at the end. */
char aq_json_peek(aq_json *json);

/* Between the members of an object or array: 1 where another one follows, 0 where `close` was
 * consumed, -1 on anything else. *count is the number of members so far, 0 before the first. */
int aq_json_more(aq_json *json, char close, size_t *count);

/* A string, unescaped in place: *s points into the text. What is left over of the escaped form, the
 * closing quote included, becomes spaces, so that the text after s + length can be scanned again.
 */
bool aq_json_string(aq_json *json, char **s, size_t *length);
/* A string, copied to out (room bytes, NUL included) without changing the text. One that is longer
 * or holds a NUL comes out as "". */
bool aq_json_word(aq_json *json, char *out, size_t room);
/* An integer in [0, 2^64), written with digits alone. */
bool aq_json_u64(aq_json *json, uint64_t *value);
bool aq_json_null(aq_json *json);
/* Any value, checked as JSON and dropped. `depth` is how many objects and arrays are open around
 * it; AQ_JSON_DEPTH bounds the sum. */
bool aq_json_skip(aq_json *json, unsigned depth);
/* Only white space is left. */
bool aq_json_end(aq_json *json);

#endif
