/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "figures.h"
#include "util.h"

#include <math.h>
#include <stdlib.h>

typedef double getter(const bench_sample *sample);

static double get_time(const bench_sample *s)
{
    return s->time_s;
}
static double get_wall(const bench_sample *s)
{
    return s->wall_s;
}
static double get_memory(const bench_sample *s)
{
    return s->rss_peak_bytes;
}
static double get_baseline(const bench_sample *s)
{
    return s->rss_before_bytes;
}
static double get_added(const bench_sample *s)
{
    return s->rss_peak_bytes - s->rss_before_bytes;
}
static double get_accounted(const bench_sample *s)
{
    return s->accounted_bytes;
}
static double get_cpu(const bench_sample *s)
{
    return s->user_s + s->system_s;
}
static double get_cpu_wall(const bench_sample *s)
{
    return s->cpu_wall;
}
static double get_balance(const bench_sample *s)
{
    return s->balance;
}
static double get_byte_rate(const bench_sample *s)
{
    return s->in_bytes / s->time_s;
}
static double get_weight_rate(const bench_sample *s)
{
    return s->weights / s->time_s;
}

static bench_summary summarize(const bench_result *result, getter *get, uint64_t seed)
{
    double *value = bench_alloc(result->samples, sizeof *value);
    size_t known = 0;
    for (size_t i = 0; i < result->samples; i++)
        if (isfinite(get(&result->sample[i])))
            value[known++] = get(&result->sample[i]);
    bench_summary summary = bench_summarize(value, known, seed);
    free(value);
    return summary;
}

static const bench_sample *of_round(const bench_result *result, unsigned round)
{
    for (size_t i = 0; i < result->samples; i++)
        if (result->sample[i].round == round)
            return &result->sample[i];
    return NULL;
}

/* Ratios top / bottom over the rounds in which both were sampled, divided by `scale`. */
static bench_summary ratios(const bench_result *top, const bench_result *bottom, getter *get,
                            double scale, uint64_t seed)
{
    double *a = bench_alloc(top->samples, sizeof *a), *b = bench_alloc(top->samples, sizeof *b);
    size_t pairs = 0;
    for (size_t i = 0; i < top->samples; i++) {
        const bench_sample *other = of_round(bottom, top->sample[i].round);
        if (other == NULL)
            continue;
        a[pairs] = get(&top->sample[i]);
        b[pairs++] = get(other) * scale;
    }
    bench_summary summary = bench_summarize_ratios(a, b, pairs, seed);
    free(a);
    free(b);
    return summary;
}

static void count_marks(const bench_case *item, const bench_result *result, bench_figures *out)
{
    for (size_t i = 0; i < result->samples; i++) {
        out->no_cores += (size_t)result->sample[i].no_cores;
        out->oversubscribed += (size_t)result->sample[i].oversubscribed;
        out->fewer_threads += result->sample[i].threads < item->threads;
        out->evicted += result->sample[i].resident < 0.99;
    }
}

static void make_own(const bench_result *result, uint64_t seed, bench_figures *out)
{
    out->time = summarize(result, get_time, seed);
    out->wall = summarize(result, get_wall, seed);
    out->memory = summarize(result, get_memory, seed);
    out->baseline = summarize(result, get_baseline, seed);
    out->added = summarize(result, get_added, seed);
    out->accounted = summarize(result, get_accounted, seed);
    out->cpu = summarize(result, get_cpu, seed);
    out->cpu_wall = summarize(result, get_cpu_wall, seed);
    out->balance = summarize(result, get_balance, seed);
    out->byte_rate = summarize(result, get_byte_rate, seed);
    out->weight_rate = summarize(result, get_weight_rate, seed);
}

static void make_paired(const bench_case *item, const bench_result *result,
                        const bench_result *base, uint64_t seed, bench_figures *out)
{
    if (item->section == BENCH_SCALING || item->section == BENCH_SPEEDUP) {
        out->speedup = ratios(base, result, get_time, 1, seed);
        out->efficiency = ratios(base, result, get_time, item->threads, seed);
    }
    out->time_ratio = ratios(result, base, get_time, 1, seed);
    out->wall_ratio = ratios(result, base, get_wall, 1, seed);
    out->memory_ratio = ratios(result, base, get_memory, 1, seed);
    out->accounted_ratio = ratios(result, base, get_accounted, 1, seed);
}

static bench_figures no_figures(void)
{
    bench_summary none = bench_summarize(NULL, 0, 0);
    bench_figures figures = {0,    none, none, none, none, none, none, none, none, none, none,
                             none, none, none, none, none, none, none, 0,    0,    0,    0};
    return figures;
}

bench_figures *bench_figures_make(const bench_matrix *matrix, const bench_run *run, uint64_t seed)
{
    bench_figures *all = bench_alloc(matrix->count, sizeof *all);
    for (size_t i = 0; i < matrix->count; i++) {
        const bench_case *item = &matrix->cases[i];
        const bench_result *result = &run->result[i];
        all[i] = no_figures();
        all[i].measured = result->samples > 0 && result->failure == NULL && result->skip == NULL;
        if (!all[i].measured)
            continue;
        make_own(result, seed, &all[i]);
        count_marks(item, result, &all[i]);
        if (item->pair != BENCH_NO_PAIR && run->result[item->pair].failure == NULL)
            make_paired(item, result, &run->result[item->pair], seed, &all[i]);
    }
    return all;
}
