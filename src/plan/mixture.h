/* SPDX-License-Identifier: Apache-2.0
 * What llama-quantize would do with each tensor of a GGUF model. The rules go by the names that
 * llama.cpp gives tensors, and by the architecture's keys; they reach every model that has both. */
#ifndef AQ_MIXTURE_H
#define AQ_MIXTURE_H

#include "formats/dtype.h"
#include "formats/model.h"

/* The preset that a type's own name stands for; AQ_MIXTURE_OF_TYPE for the safetensors types. */
aq_mixture aq_mixture_of_type(aq_type type);
/* general.file_type of a file made with it. */
uint32_t aq_mixture_file_type(aq_mixture mixture);

typedef struct aq_mixture_request {
    aq_mixture mixture;
    bool pure;    /* the base type everywhere, or what stands in for it where rows do not fit */
    bool imatrix; /* an importance matrix is at hand */
} aq_mixture_request;

typedef struct aq_choice {
    const char *reason;       /* why it is not quantized, or NULL */
    const aq_type_info *type; /* what it becomes, else NULL */
    aq_type type_id;          /* of *type; AQ_TYPE_COUNT for aq_half_type */
    bool needs_imatrix;       /* too few bits to do without */
    bool substituted;         /* since the row is no multiple of the block of what it should get */
} aq_choice;

/* Whether the rules reach a model: GGUF, with an architecture, its number of layers, and layers
 * whose tensors have llama.cpp's names. */
bool aq_mixture_applies(const aq_model *model);

/* The order in which llama.cpp writes the tensors: by layer, those without one first, then by name.
 * Indices of the model's tensors, in the arena; NULL when out of memory. */
const size_t *aq_mixture_order(const aq_model *model, aq_arena *arena);

/* A choice for each of the model's tensors, in its own order. Only what the name and the shape
 * decide: whether a tensor has weights at all is for the caller to see. */
void aq_mixture_choose(const aq_model *model, const aq_mixture_request *request,
                       const size_t *order, aq_choice *choices);

#endif
