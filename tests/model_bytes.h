/* SPDX-License-Identifier: Apache-2.0
 * Models read from memory, for tests of the formats. */
#ifndef MODEL_BYTES_H
#define MODEL_BYTES_H

#include <stdbool.h>

#include "formats/formats.h"

typedef aq_status open_fn(aq_model *model, aq_error *err);

/* Opens `size` bytes as a file called `path`; *model is NULL on failure. The bytes are read only
 * during the call. */
aq_status model_from_bytes(const void *bytes, size_t size, const char *path, open_fn *open,
                           aq_model **model, aq_error *err);

/* Whether a message names the problem: every word of `words` (separated by '|') is in it. */
bool says(const char *message, const char *words);

#endif
