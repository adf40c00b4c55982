/* SPDX-License-Identifier: Apache-2.0
 * Strict UTF-8: no overlong forms, no surrogates, nothing past U+10FFFF. */
#ifndef AQ_UTF8_H
#define AQ_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes (1 to 4) of the well-formed character at s, 0 where there is none within size. */
size_t aq_utf8_char(const char *s, size_t size);
/* Whether all of [s, s + size) is well-formed. */
bool aq_utf8_valid(const char *s, size_t size);
/* Writes code (a scalar value) at out, which has room for 4 bytes; returns its length. */
size_t aq_utf8_put(char *out, unsigned code);

#endif
