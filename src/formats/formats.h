/* SPDX-License-Identifier: Apache-2.0
 * The doors of the format files: bytes to model, layout to bytes. None of them sees pool or
 * kernels. */
#ifndef AQ_FORMATS_H
#define AQ_FORMATS_H

#include "layout.h"
#include "model.h"

/* Each fills in a model of its kind (the caller frees it with aq_model_close, failed or not). The
 * first two read file 0 through the model's source, which are there already: what the source is
 * made of is not their business. */
aq_status aq_safetensors_open(aq_model *model, aq_error *err);
aq_status aq_gguf_open(aq_model *model, aq_error *err);
aq_status aq_shards_open(aq_model *model, const char *path, aq_error *err); /* directory or index */
aq_status aq_synthetic_open(aq_model *model, const char *spec, aq_error *err);

/* Gives every tensor of out file `file` its absolute offset, and the file its header and size.
 * Tensors the format cannot express are AQ_BAD_INPUT, by name. `from` supplies the metadata: for
 * safetensors its text pairs (of a safetensors model), for GGUF its kvs (of a GGUF model) with
 * general.quantization_version and general.file_type set (they come last, where llama.cpp puts
 * them); `arch` is general.architecture where `from` is no GGUF. A file with no quantized tensor
 * passes file_type = NULL and keeps the kvs as they are. */
aq_status aq_safetensors_layout(aq_layout *layout, uint32_t file, const aq_model *from,
                                aq_error *err);
aq_status aq_gguf_layout(aq_layout *layout, uint32_t file, const aq_model *from,
                         const uint32_t *file_type, const char *arch, aq_error *err);

/* model.safetensors.index.json for the layout, into its texts (appended last). */
aq_status aq_shards_index(aq_layout *layout, const char *name, aq_error *err);

#endif
