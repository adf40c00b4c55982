/* SPDX-License-Identifier: Apache-2.0
 * What a model is: tensors with dtype, shape and byte range in one or more files. Immutable once
 * open; everything in it lives in its arena. */
#ifndef AQ_MODEL_H
#define AQ_MODEL_H

#include <stdbool.h>

#include "arrowquant.h"
#include "base/io.h"
#include "base/memory.h"

typedef enum aq_format { AQ_FORMAT_SAFETENSORS, AQ_FORMAT_GGUF, AQ_FORMAT_SYNTHETIC } aq_format;

typedef struct aq_tensor {
    const char *name; /* valid UTF-8 without NUL, unique in the model */
    aq_dtype dtype;
    uint32_t file; /* index into aq_model.files */
    uint32_t rank;
    const uint64_t *shape; /* row-major; the product fits 64 bits */
    uint64_t weights;      /* product of shape; 1 for rank 0 */
    uint64_t offset;       /* absolute, in its file */
    uint64_t bytes;
} aq_tensor;

typedef struct aq_file {
    const char *path; /* as opened */
    const char *name; /* last component: what the index calls it, and the output's name */
    uint64_t size;
    uint64_t device, inode; /* who the file is, whatever its path; 0 where it is none */
} aq_file;

typedef struct aq_pair {
    const char *key, *value;
} aq_pair;

/* One GGUF key with its value as it stands in the file (without key and type). */
typedef struct aq_gguf_kv {
    const char *key;
    uint32_t type;
    const uint8_t *value;
    uint64_t size;
} aq_gguf_kv;

struct aq_model {
    aq_format format;
    const char *path;
    bool is_directory;     /* INPUT was a directory or an index: the output is a directory too */
    const char *directory; /* where the shards and extras are; NULL for a single file */
    aq_source *source;     /* owned */
    aq_file *files;
    uint32_t file_count;
    aq_tensor *tensors; /* in file order, then by offset */
    size_t tensor_count;
    aq_pair *metadata; /* as text, for people: GGUF keys, or safetensors' __metadata__ of file 0 */
    size_t metadata_count;
    aq_gguf_kv *kvs; /* GGUF only */
    size_t kv_count;
    uint8_t *kv_bytes;   /* owned: the header's bytes, which the kvs point into */
    uint32_t alignment;  /* GGUF: general.alignment */
    const char **extras; /* a directory's other files (config.json, tokenizer...), sorted names */
    size_t extra_count;
    aq_arena arena;
};

/* Last component of a path. */
const char *aq_basename(const char *path);

#endif
