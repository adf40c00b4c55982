/* SPDX-License-Identifier: Apache-2.0
 * Batch and streaming over the same tiles: the two differ only in where a tile's bytes live. */
#ifndef AQ_RUN_H
#define AQ_RUN_H

#include <stdatomic.h>

#include "base/io.h"
#include "base/pool.h"
#include "io/reader.h"
#include "plan/plan.h"

typedef struct aq_run_options {
    aq_mode mode;
    aq_isa isa;
    aq_nonfinite nonfinite;
    aq_reader *reader;          /* of the same plan; may be NULL */
    const volatile int *cancel; /* may be NULL */
    aq_progress_fn *progress;   /* may be NULL */
    void *progress_arg;
    /* [items of the plan], zero before the run: blocks and groups that underflowed, as
     * aq_quantize_result has them. May be NULL. */
    atomic_uint_fast64_t *underflows;
} aq_run_options;

typedef struct aq_run_stats {
    aq_thread_stats *thread; /* [threads], from aq_malloc; the caller frees it */
    unsigned threads;
    double load_s, kernel_s, store_s; /* batch: wall time of the three phases */
    aq_isa isa;                       /* the best that any kernel used */
} aq_run_stats;

/* Bytes that a run will hold in buffers. */
uint64_t aq_run_memory(const aq_plan *plan, aq_mode mode, unsigned threads);

/* A reader for the plan's tiles, as aq_reader_open. */
aq_reader *aq_run_reader(const aq_plan *plan, unsigned threads, uint64_t memory);

/* Reads every tile of the plan from the model, quantizes it and writes it to the sink (headers and
 * constants too); no commit. On an error the one of the first tile that has one is reported,
 * whatever the threads' timing. `stats` is filled in on success. */
aq_status aq_run(const aq_plan *plan, aq_sink *sink, aq_pool *pool, const aq_run_options *options,
                 aq_run_stats *stats, aq_error *err);

#endif
