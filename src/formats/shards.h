/* SPDX-License-Identifier: Apache-2.0
 * What lies in a model's directory. */
#ifndef AQ_SHARDS_H
#define AQ_SHARDS_H

#include "model.h"

bool aq_shards_suffix(const char *name, size_t length, const char *suffix);

/* model->directory and a name in it, joined, in the model's arena; NULL when out of memory. */
const char *aq_shards_join(aq_model *model, const char *name, size_t length);

/* Sets the model's path and directory and collects its extras, and finds *index, or else *only, the
 * one safetensors file. path is an index or a directory. */
aq_status aq_shards_find(aq_model *model, const char *path, const char **index, const char **only,
                         aq_error *err);

#endif
