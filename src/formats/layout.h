/* SPDX-License-Identifier: Apache-2.0
 * What an output file holds: the plan fills in the tensors, the format gives them their places. */
#ifndef AQ_LAYOUT_H
#define AQ_LAYOUT_H

#include "model.h"

typedef struct aq_out_tensor {
    const char *name;
    aq_dtype dtype;
    uint32_t rank;
    const uint64_t *shape; /* row-major */
    uint64_t bytes;
    uint32_t file;   /* index into aq_layout.files */
    uint64_t offset; /* absolute; set by the format */
} aq_out_tensor;

typedef struct aq_out_file {
    const char *name;      /* last component; NULL for a single-file output */
    const uint8_t *header; /* all bytes before the tensor data; set by the format, in the arena */
    uint64_t header_size;
    uint64_t size;  /* whole file */
    bool elsewhere; /* another part of the run writes it */
} aq_out_file;

/* A small file written whole, beside the shards: config.json, the index. */
typedef struct aq_out_text {
    const char *name;
    const char *text;
    size_t size;
} aq_out_text;

typedef struct aq_layout {
    aq_format format;
    bool part; /* of a directory that others write to as well */
    aq_out_file *files;
    uint32_t file_count;
    aq_out_tensor *tensors; /* grouped by file, in the order they are to lie in it */
    size_t tensor_count;
    aq_pair *metadata; /* to add to a safetensors file's __metadata__ */
    size_t metadata_count;
    aq_out_text *texts; /* directories only; the index last */
    size_t text_count;
    const char **copies; /* extras carried along unchanged */
    size_t copy_count;
    aq_arena arena;
} aq_layout;

#endif
