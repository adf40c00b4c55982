/* SPDX-License-Identifier: Apache-2.0
 * The weights that kernels are timed on, and one timing. */
#ifndef BENCH_KERNEL_MEMORY_H
#define BENCH_KERNEL_MEMORY_H

#include "kernels.h"
#include "measure/bandwidth.h"

enum { BENCH_KERNEL_SOURCES = 3 };

/* Windows of weights in each source dtype, far beyond the caches together, and an output for each
 * thread. */
typedef struct bench_kernel_memory {
    uint8_t *source[BENCH_KERNEL_SOURCES]; /* F32, F16, BF16 */
    uint8_t *output, *scales;
    size_t window, windows, output_stride;
    unsigned threads;
    size_t *cursor; /* [threads]: where a thread's streaming goes on; its own */
    bench_bandwidth bandwidth;
} bench_kernel_memory;

typedef struct bench_kernel_sample {
    double rate;  /* weights per second */
    double cores; /* CPU time / wall time */
    double core;  /* bench_core_rate just before and after: the least of all threads */
} bench_kernel_sample;

extern const aq_dtype bench_kernel_source[BENCH_KERNEL_SOURCES];
size_t bench_kernel_source_bytes(aq_dtype dtype);

/* Weights whose float32 form and output take half of L2 at most. */
size_t bench_kernel_window(void);

/* For up to so many threads. Returns NULL, or what is wrong, which the caller frees. */
char *bench_kernel_memory_open(bench_kernel_memory *memory, unsigned threads);
void bench_kernel_memory_close(bench_kernel_memory *memory);

/* One window, the first, to output (output_stride bytes; what is not written stays). Returns NULL,
 * or what is wrong. */
char *bench_kernel_once(const bench_kernel_memory *memory, const bench_kernel *kernel,
                        uint8_t *output);

/* How long a sample takes. The read bandwidth that a kernel is compared with is read for as long,
 * since the first of it is slower: pages are found anew, and a core comes out of its rest. */
extern const double bench_kernel_sample_s;

/* All its threads for so long. Returns NULL, or what is wrong. */
char *bench_kernel_time(bench_kernel_memory *memory, const bench_kernel *kernel,
                        bench_kernel_sample *sample);

#endif
