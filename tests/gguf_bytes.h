/* SPDX-License-Identifier: Apache-2.0
 * GGUF files put together by hand. */
#ifndef AQ_TESTS_GGUF_BYTES_H
#define AQ_TESTS_GGUF_BYTES_H

#include <string.h>

#include "base/text.h"
#include "formats/gguf.h"
#include "model_bytes.h"

static inline void put_u32(aq_text *t, uint32_t v)
{
    aq_text_add(t, &v, 4);
}

static inline void put_u64(aq_text *t, uint64_t v)
{
    aq_text_add(t, &v, 8);
}

static inline void put_string(aq_text *t, const char *s)
{
    put_u64(t, strlen(s));
    aq_text_puts(t, s);
}

static inline void put_begin(aq_text *t, uint64_t tensors, uint64_t kvs)
{
    aq_text_puts(t, "GGUF");
    put_u32(t, 3);
    put_u64(t, tensors);
    put_u64(t, kvs);
}

static inline void put_kv_u32(aq_text *t, const char *key, uint32_t value)
{
    put_string(t, key);
    put_u32(t, AQ_GGUF_U32);
    put_u32(t, value);
}

static inline void put_tensor(aq_text *t, const char *name, uint32_t rank, const uint64_t *dims,
                              uint32_t type, uint64_t offset)
{
    put_string(t, name);
    put_u32(t, rank);
    for (uint32_t i = 0; i < rank; i++)
        put_u64(t, dims[i]);
    put_u32(t, type);
    put_u64(t, offset);
}

static inline void put_data(aq_text *t, size_t size)
{
    aq_text_fill(t, '\0', -t->size % 32);
    for (size_t i = 0; i < size; i++)
        aq_text_fill(t, (char)i, 1);
}

static inline aq_status open_text(const aq_text *t, aq_model **model, aq_error *err)
{
    return model_from_bytes(t->data, t->size, "x.gguf", aq_gguf_open, model, err);
}

static const uint64_t two_rows[] = {32, 2}, eight[] = {8};

static inline void put_array_of_strings(aq_text *t, const char *key, uint64_t count)
{
    put_string(t, key);
    put_u32(t, AQ_GGUF_ARRAY);
    put_u32(t, AQ_GGUF_STRING);
    put_u64(t, count);
    for (uint64_t i = 0; i < count; i++)
        put_string(t, i % 2 ? "odd" : "even");
}

/* Every kind of value, two tensors. */
static inline void valid_file(aq_text *t)
{
    const double pi = 3.14159265358979;
    const float half = 0.5F;
    put_begin(t, 2, 8);
    put_string(t, "general.architecture");
    put_u32(t, AQ_GGUF_STRING);
    put_string(t, "lla\nma");
    put_kv_u32(t, "general.file_type", 1);
    put_string(t, "f64");
    put_u32(t, AQ_GGUF_F64);
    aq_text_add(t, &pi, 8);
    put_string(t, "f32");
    put_u32(t, AQ_GGUF_F32);
    aq_text_add(t, &half, 4);
    put_string(t, "i8");
    put_u32(t, AQ_GGUF_I8);
    aq_text_puts(t, "\x80");
    put_string(t, "bool");
    put_u32(t, AQ_GGUF_BOOL);
    aq_text_puts(t, "\x01");
    put_array_of_strings(t, "tokens", 10);
    put_string(t, "numbers");
    put_u32(t, AQ_GGUF_ARRAY);
    put_u32(t, AQ_GGUF_I16);
    put_u64(t, 2);
    aq_text_add(t, "\x01\x00\xff\xff", 4);
    put_tensor(t, "blk.0.w", 2, two_rows, 8, 32);
    put_tensor(t, "bias", 1, eight, 0, 0);
    put_data(t, 32 + 68);
}

static inline void file_of_tensor(aq_text *t, uint32_t rank, const uint64_t *dims, uint32_t type,
                                  uint64_t offset, size_t size)
{
    put_begin(t, 1, 0);
    put_tensor(t, "w", rank, dims, type, offset);
    put_data(t, size);
}

static inline void file_of_alignment(aq_text *t, uint32_t value)
{
    put_begin(t, 0, 1);
    put_kv_u32(t, "general.alignment", value);
    put_data(t, 64);
}

#endif
