/* SPDX-License-Identifier: Apache-2.0
 * What shards and the safetensors reader share. */
#ifndef AQ_SAFETENSORS_H
#define AQ_SAFETENSORS_H

#include "tensors.h"

/* The reference's own bound. */
#define AQ_SAFETENSORS_HEADER_MAX 100000000

/* Reads the header of the model's file number `file` and adds its tensors, by offset, to the list;
 * file 0 gives the model's metadata. */
aq_status aq_safetensors_read(aq_model *model, uint32_t file, aq_tensor_list *list, aq_error *err);

#endif
