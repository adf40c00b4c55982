/* SPDX-License-Identifier: Apache-2.0
 * Steps through a GGUF header, whose length is written nowhere: a buffer that grows as far as the
 * entries lead. Every step is checked against the end of the file before anything is read or
 * allocated for it. */
#ifndef AQ_GGUF_CURSOR_H
#define AQ_GGUF_CURSOR_H

#include "base/io.h"

typedef struct aq_gguf_cursor {
    aq_source *source; /* file 0 of it */
    const char *path;
    const char *what; /* is being read, for messages */
    aq_error *err;
    uint8_t *bytes; /* [0, have) of the file; moves when it grows */
    uint64_t have, capacity;
    uint64_t at, size; /* the cursor, and the file's end */
} aq_gguf_cursor;

/* AQ_BAD_INPUT at the cursor. */
aq_status aq_gguf_fail(const aq_gguf_cursor *c, const char *problem);
/* A number of 4 or 8 bytes. */
aq_status aq_gguf_take(aq_gguf_cursor *c, void *value, uint32_t size);
/* A string's place in the header; a name must be UTF-8 without NUL besides. */
aq_status aq_gguf_take_string(aq_gguf_cursor *c, uint32_t *at, uint32_t *length);
aq_status aq_gguf_take_name(aq_gguf_cursor *c, uint32_t *at, uint32_t *length);
/* A metadata value of any type. */
aq_status aq_gguf_skip_value(aq_gguf_cursor *c, uint32_t type);

#endif
