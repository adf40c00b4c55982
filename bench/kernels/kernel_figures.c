/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "kernel_figures.h"
#include "kernel_memory.h"
#include "util.h"

#include <math.h>
#include <stdlib.h>

/* A core is full where it did this part of the arithmetic that the best sample's cores did. A busy
 * hardware thread beside it leaves 0.6 to 0.8. Samples are compared with those of the same kernel
 * in the same place, since some CPUs lower their clock, by a quarter even, the more of wide
 * vectors' arithmetic there is in a cycle, and for a while after. */
static const double full_part = 0.9;

static int is_same_work(const bench_kernel *a, const bench_kernel *b)
{
    return a->type == b->type && a->dtype == b->dtype && a->isa == b->isa &&
           a->streaming == b->streaming;
}

static bench_kernel *find_single(bench_kernels *kernels, const bench_kernel *of)
{
    for (size_t i = 0; i < kernels->count; i++) {
        bench_kernel *k = &kernels->kernel[i];
        if (is_same_work(k, of) && k->threads == 1)
            return k;
    }
    return NULL;
}

static void find_core_best(const bench_kernels *kernels, bench_kernel *kernel)
{
    kernel->core_best = NAN;
    for (size_t i = 0; i < kernels->count; i++) {
        const bench_kernel *k = &kernels->kernel[i];
        if (k->failure != NULL || !is_same_work(k, kernel))
            continue;
        for (unsigned round = 0; round < kernels->rounds; round++)
            kernel->core_best = fmax(kernel->core_best, k->core[round]);
    }
}

/* The rates of the rounds whose cores were full, for the caller to free. */
static double *full_rates(const bench_kernels *kernels, const bench_kernel *kernel, size_t *count)
{
    double *rate = bench_alloc(kernels->rounds, sizeof *rate);
    *count = 0;
    for (unsigned i = 0; i < kernels->rounds; i++)
        if (kernel->core[i] >= full_part * kernel->core_best)
            rate[(*count)++] = kernel->rate[i];
    return rate;
}

/* Rounds with full cores are few on a busy host, and seldom the same for one thread and for many,
 * so that these are not paired. */
static void summarize_full(const bench_kernels *kernels, bench_kernel *kernel,
                           const bench_kernel *single, uint64_t seed)
{
    size_t count, single_count;
    double *rate = full_rates(kernels, kernel, &count);
    kernel->full_rate = bench_summarize(rate, count, seed);
    kernel->full_speedup = (bench_estimate){NAN, NAN, NAN};
    if (single != NULL) {
        double *single_rate = full_rates(kernels, single, &single_count);
        kernel->full_speedup = bench_median_ratio(rate, count, single_rate, single_count, seed);
        free(single_rate);
    }
    free(rate);
}

static void summarize(bench_kernels *kernels, bench_kernel *kernel, uint64_t seed)
{
    unsigned rounds = kernels->rounds;
    size_t size = bench_kernel_source_bytes(kernel->dtype);
    double *bytes = bench_alloc(rounds, sizeof *bytes);
    for (unsigned i = 0; i < rounds; i++) {
        bytes[i] = kernel->rate[i] * (double)size;
        kernel->no_cores += kernel->cores[i] < 0.9 * kernel->threads;
    }
    kernel->weight_rate = bench_summarize(kernel->rate, rounds, seed);
    kernel->byte_rate = bench_summarize(bytes, rounds, seed);
    kernel->cpu_wall = bench_summarize(kernel->cores, rounds, seed);
    kernel->read_part = bench_summarize_ratios(bytes, kernels->read[kernel->team], rounds, seed);
    const bench_kernel *single = kernel->threads > 1 ? find_single(kernels, kernel) : NULL;
    if (single != NULL && single->failure != NULL)
        single = NULL;
    if (single != NULL)
        kernel->speedup = bench_summarize_ratios(kernel->rate, single->rate, rounds, seed);
    summarize_full(kernels, kernel, single, seed);
    free(bytes);
}

void bench_kernels_make_figures(bench_kernels *kernels, uint64_t seed)
{
    for (unsigned team = 0; team < kernels->teams; team++)
        kernels->read_rate[team] = bench_summarize(kernels->read[team], kernels->rounds, seed);
    for (size_t i = 0; i < kernels->count; i++)
        find_core_best(kernels, &kernels->kernel[i]);
    for (size_t i = 0; i < kernels->count; i++)
        if (kernels->kernel[i].failure == NULL)
            summarize(kernels, &kernels->kernel[i], seed);
}
