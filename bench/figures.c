/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "figures.h"
#include "util.h"

#include <math.h>
#include <stdlib.h>

static double get_wall(const bench_sample *s)
{
    return s->wall_s;
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

static double get_roof(const bench_sample *s)
{
    return s->roof;
}
static double get_roof_part(const bench_sample *s)
{
    return s->in_bytes / s->time_s / s->roof;
}

static bench_summary summarize(const bench_result *result, bench_getter *get, uint64_t seed)
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
static bench_summary ratios(const bench_result *top, const bench_result *bottom, bench_getter *get,
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
    out->time = summarize(result, bench_sample_time, seed);
    out->wall = summarize(result, get_wall, seed);
    out->memory = summarize(result, bench_sample_memory, seed);
    out->baseline = summarize(result, get_baseline, seed);
    out->added = summarize(result, get_added, seed);
    out->accounted = summarize(result, get_accounted, seed);
    out->cpu = summarize(result, bench_sample_cpu, seed);
    out->cpu_wall = summarize(result, get_cpu_wall, seed);
    out->balance = summarize(result, get_balance, seed);
    out->byte_rate = summarize(result, get_byte_rate, seed);
    out->weight_rate = summarize(result, get_weight_rate, seed);
    out->roof = summarize(result, get_roof, seed);
    out->roof_part = summarize(result, get_roof_part, seed);
}

static void make_losses(const bench_result *result, const bench_result *base, uint64_t seed,
                        bench_figures *out)
{
    double *part[BENCH_LOSSES], of[BENCH_LOSSES], median[BENCH_LOSSES];
    size_t rounds = 0;
    for (int i = 0; i < BENCH_LOSSES; i++)
        part[i] = bench_alloc(result->samples, sizeof *part[i]);
    for (size_t j = 0; j < result->samples; j++) {
        const bench_sample *one = of_round(base, result->sample[j].round);
        if (one == NULL)
            continue;
        bench_losses_of(one, &result->sample[j], of);
        for (int i = 0; i < BENCH_LOSSES && isfinite(of[0]); i++)
            part[i][rounds] = of[i];
        rounds += isfinite(of[0]) != 0;
    }
    for (int i = 0; i < BENCH_LOSSES; i++) {
        out->loss[i] = bench_summarize(part[i], rounds, seed);
        median[i] = out->loss[i].median;
        free(part[i]);
    }
    out->limit = bench_limit_of(out->efficiency.median, median, out->roof_part.median,
                                out->oversubscribed > 0);
}

static void make_paired(const bench_case *item, const bench_result *result,
                        const bench_result *base, uint64_t seed, bench_figures *out)
{
    if (item->section == BENCH_SCALING || item->section == BENCH_SPEEDUP) {
        out->speedup = ratios(base, result, bench_sample_time, 1, seed);
        out->efficiency = ratios(base, result, bench_sample_time, item->threads, seed);
        out->karp_flatt = bench_karp_flatt(out->speedup.median, item->threads);
        make_losses(result, base, seed, out);
    }
    out->time_ratio = ratios(result, base, bench_sample_time, 1, seed);
    out->wall_ratio = ratios(result, base, get_wall, 1, seed);
    out->memory_ratio = ratios(result, base, bench_sample_memory, 1, seed);
    out->accounted_ratio = ratios(result, base, get_accounted, 1, seed);
}

static bench_figures no_figures(void)
{
    bench_summary none = bench_summarize(NULL, 0, 0);
    bench_figures figures = {.karp_flatt = NAN};
    bench_summary *const all[] = {
        &figures.time,
        &figures.wall,
        &figures.memory,
        &figures.baseline,
        &figures.added,
        &figures.accounted,
        &figures.cpu,
        &figures.cpu_wall,
        &figures.balance,
        &figures.byte_rate,
        &figures.weight_rate,
        &figures.roof,
        &figures.roof_part,
        &figures.speedup,
        &figures.efficiency,
        &figures.time_ratio,
        &figures.wall_ratio,
        &figures.memory_ratio,
        &figures.accounted_ratio,
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        *all[i] = none;
    for (int i = 0; i < BENCH_LOSSES; i++)
        figures.loss[i] = none;
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

const char *bench_disturbed(const bench_sample *sample, const bench_figures *figures)
{
    if (sample->throttled_s > 0)
        return "throttled by the cgroup";
    if (sample->steal_s > 0.02 * sample->wall_s)
        return "the hypervisor took CPU time";
    /* With more threads than CPUs that is no disturbance. */
    if (sample->no_cores && !sample->oversubscribed)
        return "did not have its cores";
    if (sample->resident < 0.99)
        return "its input was not cached";
    if (sample->time_s < figures->time.fence_low || sample->time_s > figures->time.fence_high)
        return "outside the fences";
    return NULL;
}

/* ---- laws of scaling ---- */

int bench_scaling_valid(const bench_case *item, const bench_figures *figures, unsigned usable_cpus)
{
    return item->section == BENCH_SCALING && figures->speedup.count > 0 &&
           item->threads <= usable_cpus && 2 * figures->no_cores <= figures->time.count;
}

static int in_round(const bench_run *run, const size_t *at, size_t count, unsigned round)
{
    for (size_t i = 0; i < count; i++)
        if (of_round(&run->result[at[i]], round) == NULL)
            return 0;
    return 1;
}

/* Ratios of the points at[] to base, [count][base's samples]; returns how many rounds there are. */
static size_t collect_rounds(const bench_run *run, const bench_result *base, const size_t *at,
                             size_t count, double *ratio)
{
    size_t rounds = 0;
    for (size_t j = 0; j < base->samples; j++) {
        unsigned round = base->sample[j].round;
        if (!in_round(run, at, count, round))
            continue;
        for (size_t i = 0; i < count; i++)
            ratio[i * base->samples + rounds] =
                of_round(&run->result[at[i]], round)->time_s / base->sample[j].time_s;
        rounds++;
    }
    return rounds;
}

bench_fit bench_scaling_fit(const bench_matrix *matrix, const bench_run *run,
                            const bench_figures *figures, unsigned usable_cpus, uint64_t seed)
{
    size_t at[BENCH_FIT_MOST], count = 0;
    const bench_result *base = NULL;
    for (size_t i = 0; i < matrix->count && count < BENCH_FIT_MOST; i++)
        if (bench_scaling_valid(&matrix->cases[i], &figures[i], usable_cpus)) {
            at[count++] = i;
            base = &run->result[matrix->cases[i].pair];
        }
    if (base == NULL)
        return bench_fit_scaling(NULL, 0, 0, seed);
    double *ratio = bench_alloc(count * base->samples, sizeof *ratio);
    size_t rounds = collect_rounds(run, base, at, count, ratio);
    bench_fit_point point[BENCH_FIT_MOST];
    for (size_t i = 0; i < count; i++)
        point[i] = (bench_fit_point){matrix->cases[at[i]].threads, ratio + i * base->samples};
    bench_fit fit = bench_fit_scaling(point, count, rounds, seed);
    free(ratio);
    return fit;
}
