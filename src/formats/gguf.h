/* SPDX-License-Identifier: Apache-2.0
 * What the GGUF reader and writer share. */
#ifndef AQ_GGUF_H
#define AQ_GGUF_H

#include "model.h"

/* Types of values, as the files number them. */
enum {
    AQ_GGUF_U8,
    AQ_GGUF_I8,
    AQ_GGUF_U16,
    AQ_GGUF_I16,
    AQ_GGUF_U32,
    AQ_GGUF_I32,
    AQ_GGUF_F32,
    AQ_GGUF_BOOL,
    AQ_GGUF_STRING,
    AQ_GGUF_ARRAY,
    AQ_GGUF_U64,
    AQ_GGUF_I64,
    AQ_GGUF_F64,
    AQ_GGUF_TYPES
};

enum { AQ_GGUF_ALIGNMENT = 32, AQ_GGUF_RANK_MAX = 4 };

/* Bytes of a value of a type of fixed size, 0 for strings, arrays and what is no type. */
uint32_t aq_gguf_type_size(uint32_t type);

/* The product of a shape. False where it does not fit the int64 that ggml counts in, zeros left
 * out: no order of multiplying may wrap on the way to a product of zero. */
bool aq_gguf_weights(const uint64_t *shape, uint32_t rank, uint64_t *weights);

/* value rounded up to a multiple of alignment, a power of two; false on overflow. */
bool aq_gguf_align(uint64_t value, uint32_t alignment, uint64_t *out);

/* The string of a key, NULL where the model has no such string. It lies in the model's arena. */
const char *aq_gguf_string(const aq_model *model, const char *key);

/* The whole number (of an array its first) of key PREFIX.name; false where there is none, or it is
 * negative. */
bool aq_gguf_number(const aq_model *model, const char *prefix, const char *name, uint64_t *value);

/* A checked value as one line of text: long strings and arrays cut. In the arena; NULL when out of
 * memory. */
const char *aq_gguf_text(aq_arena *arena, const aq_gguf_kv *kv);

#endif
