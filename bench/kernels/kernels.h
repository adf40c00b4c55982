/* SPDX-License-Identifier: Apache-2.0
 * The kernels alone, in memory: every source dtype, type and instruction set of the library that
 * this program is linked to, beside the read bandwidth of the same round. */
#ifndef BENCH_KERNELS_H
#define BENCH_KERNELS_H

#include "cases.h"
#include "measure/measure.h"
#include "measure/progress.h"
#include "stats/stats.h"

enum { BENCH_KERNEL_THREADS = 2 /* numbers of threads, at most: one and all */ };

/* One kernel at one number of threads, on weights that stay in L2 or come from memory. */
typedef struct bench_kernel {
    char name[64];
    aq_type type;
    aq_dtype dtype;
    aq_isa isa;
    unsigned team; /* index into bench_kernels.threads */
    unsigned threads;
    int streaming;
    char *failure; /* there are no figures then */
    /* Of each round: weights per second of all threads together, CPU time / wall time, and the
     * least rate of its cores (bench_core_rate). */
    double *rate, *cores, *core;
    double core_best; /* the most that core is in any round, whatever the threads; NaN: no round */
    /* A summary with count 0 stands for a figure that does not exist. */
    bench_summary weight_rate, byte_rate, cpu_wall;
    bench_summary read_part; /* bytes read per second / the read bandwidth of the same round */
    bench_summary speedup;   /* against one thread, within rounds */
    size_t no_cores;         /* rounds with CPU/wall under 0.9 x threads */
    /* Of the rounds whose cores did what cores did at best: weight_rate, and against one thread,
     * the ratio of the medians; NaN where there are none. */
    bench_summary full_rate;
    bench_estimate full_speedup;
} bench_kernel;

typedef struct bench_kernels {
    bench_kernel *kernel;
    size_t count;
    unsigned threads[BENCH_KERNEL_THREADS], teams;
    unsigned usable_cpus;
    double *read[BENCH_KERNEL_THREADS]; /* bytes per second, of each round */
    bench_summary read_rate[BENCH_KERNEL_THREADS];
    size_t window; /* weights that are quantized at once: with their output, half of L2 or less */
    size_t windows;
    unsigned rounds;
    double spent_s;
    bench_stop stop;
} bench_kernels;

/* What the options select. */
void bench_kernels_build(const bench_options *options, const bench_machine *machine,
                         bench_kernels *kernels);
void bench_kernels_list(const bench_kernels *kernels, FILE *out);

/* Checks that all instruction sets give the same bytes, then makes rounds until the budget is spent
 * or all are made, or when interrupted. Failures are added to run. */
void bench_kernels_measure(const bench_options *options, uint64_t seed, double budget_s,
                           bench_progress *progress, bench_run *run, bench_kernels *kernels);
void bench_kernels_free(bench_kernels *kernels);

#endif
