/* SPDX-License-Identifier: Apache-2.0
 * How fast this machine reads memory: the roof over everything that reads weights once. */
#ifndef BENCH_BANDWIDTH_H
#define BENCH_BANDWIDTH_H

#include "team.h"

#include <stddef.h>
#include <stdint.h>

enum { BENCH_BANDWIDTH_THREADS = BENCH_TEAM_THREADS };

/* A buffer far larger than the caches, every page of it touched. Owned by one thread. */
typedef struct bench_bandwidth {
    unsigned char *data;
    size_t bytes;
} bench_bandwidth;

/* Maps the buffer and touches it with so many threads (1 to BENCH_BANDWIDTH_THREADS), so that each
 * finds its part on its own memory node. Returns 0, or -1 with errno set. */
int bench_bandwidth_open(bench_bandwidth *bandwidth, unsigned threads);
void bench_bandwidth_close(bench_bandwidth *bandwidth);

/* Bytes per second that so many threads (the caller is one of them) read together, for `seconds`
 * and what one block takes. NaN with errno set where the threads cannot be started. */
double bench_bandwidth_read(const bench_bandwidth *bandwidth, unsigned threads, double seconds);

/* How large the buffer is to be, for a last-level cache and a free memory of so many bytes. */
size_t bench_bandwidth_size(double cache_bytes, double free_bytes);

#endif
