/* SPDX-License-Identifier: Apache-2.0
 * Where bytes come from and go to. A model is one or more files; `file` is an index into them. */
#ifndef AQ_IO_H
#define AQ_IO_H

#include "arrowquant.h"

/* Both are called from many threads at once, on ranges that do not overlap for writes. */
typedef struct aq_source aq_source;
struct aq_source {
    /* All of [offset, offset + size) or an error. */
    aq_status (*read_at)(aq_source *self, uint32_t file, uint64_t offset, void *buf, size_t size,
                         aq_error *err);
    void (*close)(aq_source *self); /* frees self */
};

typedef struct aq_sink aq_sink;
struct aq_sink {
    aq_status (*write_at)(aq_sink *self, uint32_t file, uint64_t offset, const void *buf,
                          size_t size, aq_error *err);
    /* Make the output appear, whole. After it, only close. */
    aq_status (*commit)(aq_sink *self, aq_error *err);
    /* Without a commit before, removes all that was written. Frees self. */
    void (*close)(aq_sink *self);
};

#endif
