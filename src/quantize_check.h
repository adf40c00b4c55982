/* SPDX-License-Identifier: Apache-2.0
 * What aq_quantize looks at before it does anything: whether the options make sense, by themselves
 * and for this input and output. Errors are AQ_USAGE. */
#ifndef AQ_QUANTIZE_CHECK_H
#define AQ_QUANTIZE_CHECK_H

#include "arrowquant.h"
#include "formats/model.h"

typedef enum aq_target {
    AQ_TARGET_NULL,
    AQ_TARGET_GGUF,
    AQ_TARGET_SAFETENSORS,
    AQ_TARGET_DIRECTORY
} aq_target;

/* By its name, and by what is there. */
aq_target aq_target_of(const char *output);

/* The type and the mixture that belongs to it, whichever of them was given. */
void aq_settle_type(aq_quantize_options *o);

aq_status aq_check_options(const aq_quantize_options *o, aq_error *err);

aq_status aq_check_target(const aq_quantize_options *o, const aq_model *model, aq_target target,
                          const char *output, aq_error *err);

/* The model's own files are looked at where the output is opened. */
aq_status aq_check_imatrix_is_not(const aq_quantize_options *o, const char *output, aq_error *err);

#endif
