/* SPDX-License-Identifier: Apache-2.0
 * What the formats share while they fill in a model. */
#ifndef AQ_TENSORS_H
#define AQ_TENSORS_H

#include "model.h"

/* The tensors found so far, over all files; moved into the model at the end. */
typedef struct aq_tensor_list {
    aq_tensor *items;
    size_t count, capacity;
} aq_tensor_list;

/* Room for `more` further ones; false when out of memory. */
bool aq_tensor_list_reserve(aq_tensor_list *list, size_t more);
/* The list becomes the model's, and is empty afterwards, failed or not. */
aq_status aq_tensor_list_finish(aq_tensor_list *list, aq_model *model, aq_error *err);

/* Makes path the model's only file and opens it. */
aq_status aq_model_attach(aq_model *model, const char *path, aq_error *err);

/* Whether a name can be kept: well-formed UTF-8 without NUL. */
bool aq_name_valid(const char *name, size_t length);

#endif
