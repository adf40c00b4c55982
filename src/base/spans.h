/* SPDX-License-Identifier: Apache-2.0
 * Byte ranges of a header's tensors, before they are believed: 24 bytes each, so that a header of
 * two million hostile entries stays cheap to refuse. */
#ifndef AQ_SPANS_H
#define AQ_SPANS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct aq_span {
    uint64_t begin, end;
    uint32_t name, length; /* where in the header the tensor's name stands */
} aq_span;

typedef struct aq_spans {
    aq_span *items;
    size_t count, capacity;
} aq_spans;

bool aq_spans_add(aq_spans *spans, aq_span span); /* false when out of memory */
void aq_spans_free(aq_spans *spans);
/* By begin, then end, then name. In place, n log n whatever the input. */
void aq_spans_sort(aq_spans *spans);

#endif
