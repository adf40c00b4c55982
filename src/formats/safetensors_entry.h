/* SPDX-License-Identifier: Apache-2.0
 * One tensor's entry in a safetensors header. */
#ifndef AQ_SAFETENSORS_ENTRY_H
#define AQ_SAFETENSORS_ENTRY_H

#include "arrowquant.h"
#include "base/json.h"

/* A header as it is read. */
typedef struct aq_safetensors_scan {
    aq_json json;
    const char *path;
    const char *tensor; /* whose entry is being read, for messages; NULL outside of one */
    size_t tensor_length;
    aq_error *err;
} aq_safetensors_scan;

typedef struct aq_safetensors_entry {
    aq_dtype dtype;
    uint32_t rank;
    char *shape; /* left in the header: its '[' */
    uint64_t weights, begin, end;
} aq_safetensors_entry;

/* AQ_BAD_INPUT at the cursor, for what JSON found or for another problem. */
aq_status aq_safetensors_fail(const aq_safetensors_scan *s);
aq_status aq_safetensors_fail_as(aq_safetensors_scan *s, const char *problem);

/* The object at the cursor. Its fields are right one by one; whether they fit each other is not
 * looked at. */
aq_status aq_safetensors_entry_scan(aq_safetensors_scan *s, aq_safetensors_entry *e);
/* The shape at the cursor: rank and product, and with out (rank long) the dimensions. */
aq_status aq_safetensors_shape(aq_safetensors_scan *s, aq_safetensors_entry *e, uint64_t *out);

#endif
