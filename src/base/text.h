/* SPDX-License-Identifier: Apache-2.0
 * Bytes that grow: what headers and JSON are written with. */
#ifndef AQ_TEXT_H
#define AQ_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "memory.h"

/* Zero-initialize. A failed allocation sets `failed` and makes the rest do nothing, so that it is
 * enough to look once, at the end. */
typedef struct aq_text {
    char *data;
    size_t size, capacity;
    bool failed;
} aq_text;

void aq_text_add(aq_text *text, const void *bytes, size_t size);
void aq_text_puts(aq_text *text, const char *s);
void aq_text_u64(aq_text *text, uint64_t value);        /* decimal */
void aq_text_fill(aq_text *text, char c, size_t count); /* c, count times */
void aq_text_json(aq_text *text, const char *s);        /* a JSON string, quotes included */
void aq_text_free(aq_text *text);
/* A copy with a NUL behind it in arena, and the text freed; NULL when out of memory, now or before.
 */
char *aq_text_finish(aq_text *text, aq_arena *arena);

#endif
