/* SPDX-License-Identifier: Apache-2.0
 * One run of one configuration, in a fresh process. */
#ifndef BENCH_ONCE_H
#define BENCH_ONCE_H

#include "sample.h"
#include "store.h"
#include "trace.h"

/* checksum: of the output, which takes time that no timed run spends. trace: of the memory, which
 * disturbs a little; may be NULL. Returns NULL, or what went wrong, which the caller frees; *sample
 * is to be freed whatever is returned. */
char *bench_once(const bench_store *store, unsigned cpus, const bench_case *item, int checksum,
                 bench_trace *trace, bench_sample *sample);

#endif
