/* SPDX-License-Identifier: Apache-2.0
 * One table of element types, and one of what weights are quantized to. */
#ifndef AQ_DTYPE_H
#define AQ_DTYPE_H

#include <stdbool.h>

#include "arrowquant.h"

typedef struct aq_dtype_info {
    const char *name;        /* for people, and general: "F16", "Q8_0" */
    const char *safetensors; /* the format's spelling; NULL where it has none */
    int ggml;                /* ggml's type number; -1 where it has none */
    uint32_t block;          /* elements per block: 1 for plain types, 2 for F4, 4 for the F6s */
    uint32_t bytes;          /* bytes per block */
} aq_dtype_info;

const aq_dtype_info *aq_dtype_get(aq_dtype dtype);              /* NULL out of range */
int aq_dtype_from_safetensors(const char *name, aq_dtype *out); /* 0 or -1 */
int aq_dtype_from_ggml(uint32_t number, aq_dtype *out);         /* 0 or -1 */
bool aq_dtype_is_weight(aq_dtype dtype); /* F32, F16, BF16: what kernels read */

/* Bytes of `elements` of dtype; false on overflow or where elements are no whole number of blocks.
 */
bool aq_dtype_bytes(aq_dtype dtype, uint64_t elements, uint64_t *bytes);

typedef struct aq_type_info {
    const char *name;
    aq_dtype dtype;     /* GGUF types: the block dtype; safetensors types: AQ_DTYPE_I32 (packed) */
    unsigned bits;      /* per weight level */
    bool packed;        /* a safetensors type */
    uint32_t block;     /* weights per block; 0 for the safetensors types */
    uint32_t bytes;     /* per block */
    uint32_t scale_at;  /* byte in the block of its float16 scale, */
    uint32_t halves;    /* 2 where a float16 minimum follows it, else 1 */
    uint32_t file_type; /* GGUF general.file_type (llama's ftype number); 0 for packed */
} aq_type_info;

const aq_type_info *aq_type_get(aq_type type); /* NULL out of range */

/* Plain float16 as a type of one weight a block: nothing that one can ask for, but what weights
 * become whose rows suit no other type. */
extern const aq_type_info aq_half_type;

#endif
