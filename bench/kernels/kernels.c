/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "kernel_figures.h"
#include "kernel_memory.h"
#include "kernels.h"
#include "measure/child.h"
#include "util.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FEWEST_ROUNDS = 3, MOST_ROUNDS = 40, MOST_QUICK_ROUNDS = 15 };

/* ---- what there is to time ---- */

static void add_kernel(bench_kernels *kernels, bench_kernel item)
{
    for (unsigned team = 0; team < kernels->teams; team++)
        for (int streaming = 0; streaming < 2; streaming++) {
            item.team = team;
            item.threads = kernels->threads[team];
            item.streaming = streaming;
            (void)snprintf(item.name, sizeof item.name, "kernel_%s_%s_%s_%s_%u_threads",
                           aq_type_name(item.type), aq_dtype_name(item.dtype),
                           aq_isa_name(item.isa), streaming ? "memory" : "cache", item.threads);
            kernels->kernel = bench_grow(kernels->kernel, kernels->count + 1, sizeof item);
            kernels->kernel[kernels->count++] = item;
        }
}

void bench_kernels_build(const bench_options *options, const bench_machine *machine,
                         bench_kernels *kernels)
{
    memset(kernels, 0, sizeof *kernels);
    unsigned all = options->threads != 0 ? options->threads : machine->cpus;
    kernels->usable_cpus = machine->cpus;
    kernels->threads[kernels->teams++] = 1;
    if (all > 1)
        kernels->threads[kernels->teams++] = all;
    for (int type = 0; type < AQ_TYPE_COUNT; type++)
        for (int source = 0; source < BENCH_KERNEL_SOURCES; source++)
            for (int isa = AQ_ISA_COUNT - 1; isa >= 0; isa--) {
                bench_kernel item = {.type = (aq_type)type,
                                     .dtype = bench_kernel_source[source],
                                     .isa = (aq_isa)isa};
                if ((options->type_given && item.type != options->type) ||
                    (options->dtype_given && item.dtype != options->dtype))
                    continue;
                if (aq_kernel_isa(item.type, item.dtype, item.isa) == item.isa)
                    add_kernel(kernels, item);
            }
}

void bench_kernels_list(const bench_kernels *kernels, FILE *out)
{
    (void)fprintf(out, "\nkernels: Kernels, in memory\n");
    for (size_t i = 0; i < kernels->count; i++)
        (void)fprintf(out, "  %s\n", kernels->kernel[i].name);
}

void bench_kernels_free(bench_kernels *kernels)
{
    for (size_t i = 0; i < kernels->count; i++) {
        free(kernels->kernel[i].failure);
        free(kernels->kernel[i].rate);
        free(kernels->kernel[i].cores);
        free(kernels->kernel[i].core);
    }
    for (unsigned team = 0; team < kernels->teams; team++)
        free(kernels->read[team]);
    free(kernels->kernel);
    memset(kernels, 0, sizeof *kernels);
}

/* ---- before a time counts ---- */

/* Takes over `wrong`. */
static void fail_kernel(bench_run *run, bench_kernel *kernel, char *wrong)
{
    bench_run_fail(run, kernel->name, wrong);
    if (kernel->failure == NULL)
        kernel->failure = wrong;
    else
        free(wrong);
}

/* Every instruction set gives the scalar twin's bytes. */
static void verify(const bench_kernel_memory *memory, bench_run *run, bench_kernel *kernel,
                   uint8_t *expected, uint8_t *got)
{
    bench_kernel twin = *kernel;
    twin.isa = AQ_ISA_SCALAR;
    memset(expected, 0, memory->output_stride);
    memset(got, 0, memory->output_stride);
    char *wrong = bench_kernel_once(memory, &twin, expected);
    if (wrong == NULL)
        wrong = bench_kernel_once(memory, kernel, got);
    if (wrong == NULL && memcmp(got, expected, memory->output_stride) != 0)
        wrong = bench_copy("its output is not that of the scalar kernel");
    if (wrong != NULL)
        fail_kernel(run, kernel, wrong);
}

static void verify_all(const bench_kernel_memory *memory, bench_run *run, bench_kernels *kernels)
{
    uint8_t *expected = bench_alloc(memory->output_stride, 1);
    uint8_t *got = bench_alloc(memory->output_stride, 1);
    for (size_t i = 0; i < kernels->count && bench_interrupted() == 0; i++)
        verify(memory, run, &kernels->kernel[i], expected, got);
    free(expected);
    free(got);
}

/* ---- rounds: every kernel and the read bandwidth of every team once, in random order ---- */

static void sample_kernel(bench_kernel_memory *memory, bench_run *run, bench_kernel *kernel,
                          unsigned round)
{
    bench_kernel_sample sample;
    if (kernel->failure != NULL)
        return;
    char *wrong = bench_kernel_time(memory, kernel, &sample);
    if (wrong != NULL) {
        fail_kernel(run, kernel, wrong);
        return;
    }
    kernel->rate = bench_grow(kernel->rate, round + 1, sizeof *kernel->rate);
    kernel->cores = bench_grow(kernel->cores, round + 1, sizeof *kernel->cores);
    kernel->core = bench_grow(kernel->core, round + 1, sizeof *kernel->core);
    kernel->rate[round] = sample.rate;
    kernel->cores[round] = sample.cores;
    kernel->core[round] = sample.core;
}

static void sample_read(bench_kernel_memory *memory, bench_kernels *kernels, unsigned team,
                        unsigned round)
{
    kernels->read[team] = bench_grow(kernels->read[team], round + 1, sizeof(double));
    kernels->read[team][round] =
        bench_bandwidth_read(&memory->bandwidth, kernels->threads[team], bench_kernel_sample_s);
}

static void make_round(bench_kernel_memory *memory, bench_run *run, bench_kernels *kernels,
                       bench_rng *rng, bench_progress *progress, double part)
{
    size_t count = kernels->count + kernels->teams, *order = bench_alloc(count, sizeof *order);
    for (size_t i = 0; i < count; i++)
        order[i] = i;
    bench_shuffle(rng, order, count);
    for (size_t i = 0; i < count && bench_interrupted() == 0; i++) {
        if (i % 16 == 0)
            bench_progress_show(progress, part, "kernels");
        if (order[i] < kernels->count)
            sample_kernel(memory, run, &kernels->kernel[order[i]], kernels->rounds);
        else
            sample_read(memory, kernels, (unsigned)(order[i] - kernels->count), kernels->rounds);
    }
    free(order);
}

static bench_stop should_stop(const bench_options *options, const bench_kernels *kernels,
                              double budget_s)
{
    unsigned most = options->rounds != 0 ? options->rounds
                    : options->quick     ? MOST_QUICK_ROUNDS
                                         : MOST_ROUNDS;
    if (kernels->rounds >= most)
        return BENCH_STOP_ROUNDS;
    if (options->rounds == 0 && kernels->rounds >= FEWEST_ROUNDS && kernels->spent_s >= budget_s)
        return BENCH_STOP_BUDGET;
    return BENCH_NOT_SAMPLED;
}

void bench_kernels_measure(const bench_options *options, uint64_t seed, double budget_s,
                           bench_progress *progress, bench_run *run, bench_kernels *kernels)
{
    bench_kernel_memory memory;
    bench_rng rng = {seed};
    bench_progress_show(progress, 0, "kernels");
    char *wrong = bench_kernel_memory_open(&memory, kernels->threads[kernels->teams - 1]);
    for (size_t i = 0; i < kernels->count && wrong != NULL; i++)
        fail_kernel(run, &kernels->kernel[i], bench_copy(wrong));
    if (wrong == NULL) {
        kernels->window = memory.window;
        kernels->windows = memory.windows;
        verify_all(&memory, run, kernels);
        double begin = bench_now();
        while (kernels->stop == BENCH_NOT_SAMPLED && bench_interrupted() == 0) {
            make_round(&memory, run, kernels, &rng, progress, fmin(kernels->spent_s / budget_s, 1));
            kernels->rounds++;
            kernels->spent_s = bench_now() - begin;
            kernels->stop = should_stop(options, kernels, budget_s);
        }
    }
    free(wrong);
    bench_kernel_memory_close(&memory);
    bench_progress_clear(progress);
    if (bench_interrupted() == 0)
        bench_kernels_make_figures(kernels, seed);
}
