/* SPDX-License-Identifier: Apache-2.0
 * safetensors files put together by hand. */
#ifndef AQ_TESTS_SAFETENSORS_BYTES_H
#define AQ_TESTS_SAFETENSORS_BYTES_H

#include <stdlib.h>
#include <string.h>

#include "model_bytes.h"

/* A file in memory: the header's length, the header, data of the given size. */
static inline uint8_t *file_of(const char *header, size_t header_size, size_t data, size_t *size)
{
    uint64_t n = header_size;
    *size = 8 + header_size + data;
    uint8_t *bytes = calloc(1, *size + 1);
    memcpy(bytes, &n, 8);
    memcpy(bytes + 8, header, header_size);
    for (size_t i = 0; i < data; i++)
        bytes[8 + header_size + i] = (uint8_t)i;
    return bytes;
}

static inline aq_status open_header(const char *header, size_t header_size, size_t data,
                                    aq_model **model, aq_error *err)
{
    size_t size;
    uint8_t *bytes = file_of(header, header_size, data, &size);
    aq_status status =
        model_from_bytes(bytes, size, "x.safetensors", aq_safetensors_open, model, err);
    free(bytes);
    return status;
}

static const char valid[] =
    "{\"__metadata__\":{\"format\":\"pt\",\"note\":\"a\\u00e9\\ud83d\\ude00\\n\"},"
    "\"b\":{\"dtype\":\"F16\",\"shape\":[2,3],\"data_offsets\":[4,16]},"
    "\"a\\u002fx\":{\"shape\":[],\"extra\":[{\"y\":[null,true,-1.5e3]}],\"data_offsets\":[0,4],"
    "\"dtype\":\"F32\"},"
    "\"empty\":{\"dtype\":\"I64\",\"shape\":[0,7],\"data_offsets\":[16,16]}}   ";
enum { VALID_DATA = 16 };

#define U8(name, begin, end, count)                                                                \
    "\"" name "\":{\"dtype\":\"U8\",\"shape\":[" #count "],\"data_offsets\":[" #begin "," #end "]" \
    "}"
#define F32(fields) "{\"a\":{\"dtype\":\"F32\"," fields "}}"

#endif
