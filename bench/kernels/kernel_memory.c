/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "kernel_memory.h"
#include "kernel_weights.h"
#include "measure/core.h"
#include "measure/team.h"
#include "util.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

/* Rows and groups of the packed types, as models have them. */
enum { ROW = 4096, GROUP = 128, MOST_WINDOW = 1 << 16, LEAST_WINDOW = 2 * ROW };

const double bench_kernel_sample_s = 2e-3;

const aq_dtype bench_kernel_source[BENCH_KERNEL_SOURCES] = {AQ_DTYPE_F32, AQ_DTYPE_F16,
                                                            AQ_DTYPE_BF16};

size_t bench_kernel_source_bytes(aq_dtype dtype)
{
    return dtype == AQ_DTYPE_F32 ? 4 : 2;
}

size_t bench_kernel_window(void)
{
    long cache = 0;
#ifdef _SC_LEVEL2_CACHE_SIZE /* glibc's alone */
    cache = sysconf(_SC_LEVEL2_CACHE_SIZE);
#endif
    /* four bytes in and hardly more than one out; 256 KiB is the least that such caches have */
    size_t weights = (size_t)(cache > 0 ? cache : 1 << 18) / 2 / 6, window = MOST_WINDOW;
    while (window > weights && window > LEAST_WINDOW)
        window /= 2;
    return window;
}

/* ---- buffers ---- */

static uint8_t *map(size_t bytes)
{
    uint8_t *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return NULL;
    (void)madvise(p, bytes, MADV_HUGEPAGE);
    return p;
}

static void unmap(uint8_t *p, size_t bytes)
{
    if (p != NULL)
        (void)munmap(p, bytes);
}

/* A thread's part of the windows, at least one. */
static void part(const bench_kernel_memory *memory, unsigned threads, unsigned index, size_t *first,
                 size_t *count)
{
    *first = memory->windows * index / threads;
    *count = memory->windows * (index + 1) / threads - *first;
}

static void fill(void *context, unsigned index)
{
    const bench_kernel_memory *memory = context;
    size_t first, count;
    part(memory, memory->threads, index, &first, &count);
    bench_rng rng = {index + 1};
    for (size_t i = first * memory->window; i < (first + count) * memory->window; i++) {
        float x = bench_kernel_weight(bench_rng_next(&rng));
        uint16_t f16 = bench_kernel_weight_cut(AQ_DTYPE_F16, x);
        uint16_t bf16 = bench_kernel_weight_cut(AQ_DTYPE_BF16, x);
        memcpy(memory->source[0] + 4 * i, &x, 4);
        memcpy(memory->source[1] + 2 * i, &f16, 2);
        memcpy(memory->source[2] + 2 * i, &bf16, 2);
    }
    memset(memory->output + index * memory->output_stride, 0, memory->output_stride);
}

static size_t scales_stride(const bench_kernel_memory *memory)
{
    return memory->window / GROUP * 4;
}

char *bench_kernel_memory_open(bench_kernel_memory *memory, unsigned threads)
{
    *memory = (bench_kernel_memory){.window = bench_kernel_window(), .threads = threads};
    if (bench_bandwidth_open(&memory->bandwidth, threads) != 0) {
        memory->bandwidth = (bench_bandwidth){0};
        return bench_format("cannot have memory to read: %s", strerror(errno));
    }
    size_t windows = memory->bandwidth.bytes / (4 * memory->window);
    memory->windows = windows < threads ? threads : windows;
    memory->output_stride = memory->window / 32 * 34; /* q8_0's, the largest */
    memory->cursor = bench_alloc(threads, sizeof *memory->cursor);
    memory->scales = bench_alloc(threads, scales_stride(memory));
    memory->output = map(threads * memory->output_stride);
    int mapped = memory->output != NULL;
    for (int i = 0; i < BENCH_KERNEL_SOURCES; i++) {
        size_t bytes = bench_kernel_source_bytes(bench_kernel_source[i]);
        memory->source[i] = map(memory->windows * memory->window * bytes);
        mapped &= memory->source[i] != NULL;
    }
    int wrong = mapped ? bench_team_run(threads, fill, memory) : ENOMEM;
    return wrong == 0 ? NULL : bench_format("cannot have weights in memory: %s", strerror(wrong));
}

void bench_kernel_memory_close(bench_kernel_memory *memory)
{
    for (int i = 0; i < BENCH_KERNEL_SOURCES; i++)
        unmap(memory->source[i],
              memory->windows * memory->window * bench_kernel_source_bytes(bench_kernel_source[i]));
    unmap(memory->output, memory->threads * memory->output_stride);
    if (memory->bandwidth.data != NULL && memory->bandwidth.bytes > 0)
        bench_bandwidth_close(&memory->bandwidth);
    free(memory->cursor);
    free(memory->scales);
    *memory = (bench_kernel_memory){0};
}

/* ---- one window ---- */

static const uint8_t *source_of(const bench_kernel_memory *memory, aq_dtype dtype)
{
    for (int i = 0; i < BENCH_KERNEL_SOURCES; i++)
        if (bench_kernel_source[i] == dtype)
            return memory->source[i];
    return NULL;
}

static aq_status quantize(const bench_kernel_memory *memory, const bench_kernel *kernel, size_t at,
                          uint8_t *output, uint8_t *scales, aq_error *error)
{
    const uint8_t *in = source_of(memory, kernel->dtype) +
                        at * memory->window * bench_kernel_source_bytes(kernel->dtype);
    if (aq_type_block(kernel->type) != 0)
        return aq_quantize_rows(kernel->type, kernel->dtype, in, memory->window / ROW, ROW, output,
                                kernel->isa, error);
    return aq_quantize_packed_rows(kernel->type, kernel->dtype, in, memory->window / ROW, ROW,
                                   GROUP, (uint32_t *)(void *)output, scales, NULL, kernel->isa,
                                   error);
}

char *bench_kernel_once(const bench_kernel_memory *memory, const bench_kernel *kernel,
                        uint8_t *output)
{
    aq_error error;
    return quantize(memory, kernel, 0, output, memory->scales, &error) == AQ_OK
               ? NULL
               : bench_copy(error.message);
}

/* ---- many windows, in all threads ---- */

typedef struct worker {
    double wall, cpu, weights, core;
    aq_error error; /* status AQ_OK: none */
} worker;

typedef struct timing {
    bench_kernel_memory *memory;
    const bench_kernel *kernel;
    worker *worker;
} timing;

static double thread_cpu_s(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* The first of a thread's windows again and again, or all of them in turn, going on where the
 * sample before this one ended: before its turn comes again, the cache has forgotten it. The output
 * goes to the thread's own buffer, which stays in the cache, as in streaming mode. */
static void work(void *context, unsigned index)
{
    timing *t = context;
    bench_kernel_memory *memory = t->memory;
    worker *self = &t->worker[index];
    uint8_t *scales = memory->scales + index * scales_stride(memory);
    uint8_t *output = memory->output + index * memory->output_stride;
    size_t first, count, at;
    part(memory, t->kernel->threads, index, &first, &count);
    if (!t->kernel->streaming)
        (void)quantize(memory, t->kernel, first, output, scales, &self->error);
    double before = bench_core_rate(), begin = bench_now(), cpu = thread_cpu_s();
    do {
        at = first + (t->kernel->streaming ? memory->cursor[index]++ % count : 0);
        self->error.status = quantize(memory, t->kernel, at, output, scales, &self->error);
        self->weights += (double)memory->window;
        self->wall = bench_now() - begin;
    } while (self->error.status == AQ_OK && self->wall < bench_kernel_sample_s);
    self->cpu = thread_cpu_s() - cpu;
    self->core = fmin(before, bench_core_rate());
}

/* Every thread's own rate, since they end within a window of each other and not together. */
char *bench_kernel_time(bench_kernel_memory *memory, const bench_kernel *kernel,
                        bench_kernel_sample *sample)
{
    timing t = {memory, kernel, bench_alloc(kernel->threads, sizeof *t.worker)};
    int failed = bench_team_run(kernel->threads, work, &t);
    char *wrong = failed ? bench_format("cannot start threads: %s", strerror(failed)) : NULL;
    *sample = (bench_kernel_sample){.core = INFINITY};
    for (unsigned i = 0; i < kernel->threads && wrong == NULL; i++) {
        if (t.worker[i].error.status != AQ_OK)
            wrong = bench_copy(t.worker[i].error.message);
        sample->rate += t.worker[i].weights / t.worker[i].wall;
        sample->cores += t.worker[i].cpu / t.worker[i].wall;
        sample->core = fmin(sample->core, t.worker[i].core);
    }
    free(t.worker);
    return wrong;
}
