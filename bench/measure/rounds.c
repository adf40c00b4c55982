/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "child.h"
#include "measure_internal.h"
#include "once.h"
#include "roof.h"
#include "util.h"

#include <math.h>
#include <stdlib.h>

enum { FEWEST_ROUNDS = 6, FEWEST_OUT_OF_BUDGET = 3, MOST_ROUNDS = 40, MOST_QUICK_ROUNDS = 15 };
/* In the order of a round: the machine's bandwidth instead of a configuration. */
static const size_t ROOF = SIZE_MAX;
/* An interval is narrow where half its width is under this part of the median. */
static const double narrow = 0.015;

/* ---- samples ---- */

static void keep_sample(bench_context *ctx, size_t at, bench_sample *sample)
{
    bench_result *result = &ctx->run->result[at];
    result->sample = bench_grow(result->sample, result->samples + 1, sizeof *result->sample);
    result->sample[result->samples++] = *sample;
    if (!ctx->options->verbose)
        return;
    char time[32];
    bench_progress_clear(ctx->progress);
    (void)fprintf(stderr, "round %u  %s  %s s  CPU/wall %.2f%s\n", sample->round,
                  ctx->matrix->cases[at].name, bench_number(sample->time_s, time, sizeof time),
                  sample->cpu_wall, sample->no_cores ? "  (did not have its cores)" : "");
}

/* One sample of a configuration. */
static void take_sample(bench_context *ctx, size_t at, unsigned round)
{
    bench_sample sample;
    char *wrong = bench_once(ctx->store, ctx->cpus, &ctx->matrix->cases[at], 0, NULL, &sample);
    sample.round = round;
    if (wrong == NULL)
        keep_sample(ctx, at, &sample);
    else
        bench_sample_free(&sample);
    if (wrong != NULL && bench_interrupted() == 0)
        bench_fail_case(ctx, at, wrong);
    else
        free(wrong);
}

/* ---- the bandwidth of the same round ---- */

/* More threads than CPUs read no faster than one for each CPU. */
static unsigned roof_threads(const bench_context *ctx, size_t at)
{
    unsigned threads = ctx->matrix->cases[at].threads;
    return threads < ctx->cpus ? threads : ctx->cpus;
}

static size_t collect_roofs(const bench_context *ctx, const size_t *order, size_t count,
                            unsigned *threads)
{
    size_t roofs = 0;
    for (size_t i = 0; i < count; i++) {
        size_t known = 0;
        if (order[i] == ROOF)
            continue;
        while (known < roofs && threads[known] != roof_threads(ctx, order[i]))
            known++;
        if (known == roofs)
            threads[roofs++] = roof_threads(ctx, order[i]);
    }
    return roofs;
}

/* Into rate[] for the configurations order[]. That the machine could not be measured is no failure
 * of what is measured on it: the first reason is kept for the report. */
static void measure_roof(bench_context *ctx, const size_t *order, size_t count, double *rate)
{
    unsigned *threads = bench_alloc(count, sizeof *threads);
    double *of = bench_alloc(count, sizeof *of);
    size_t roofs = collect_roofs(ctx, order, count, threads);
    char *wrong = bench_roof_measure(threads, roofs, ctx->options->timeout_s, of);
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < roofs && order[i] != ROOF; j++)
            if (threads[j] == roof_threads(ctx, order[i]))
                rate[i] = of[j];
    if (ctx->run->roof_failure == NULL && bench_interrupted() == 0)
        ctx->run->roof_failure = wrong;
    else
        free(wrong);
    free(of);
    free(threads);
}

static void set_roofs(bench_context *ctx, const size_t *order, size_t count, const double *rate,
                      unsigned round)
{
    for (size_t i = 0; i < count; i++) {
        bench_result *result = order[i] == ROOF ? NULL : &ctx->run->result[order[i]];
        if (result == NULL || result->samples == 0)
            continue;
        bench_sample *last = &result->sample[result->samples - 1];
        if (last->round == round)
            last->roof = rate[i];
    }
}

/* ---- rounds ---- */

/* Returns how many configurations ran. */
static size_t make_round(bench_context *ctx, unsigned group, unsigned round, double part)
{
    size_t *order = bench_alloc(ctx->matrix->count + 1, sizeof *order), count = 0;
    for (size_t i = 0; i < ctx->matrix->count; i++)
        if (ctx->matrix->cases[i].group == group && !ctx->matrix->cases[i].verify_only &&
            bench_runnable(ctx, i))
            order[count++] = i;
    size_t ran = count;
    if (count > 0)
        order[count++] = ROOF;
    double *rate = bench_alloc(count, sizeof *rate);
    for (size_t i = 0; i < count; i++)
        rate[i] = NAN;
    bench_shuffle(&ctx->rng, order, count);
    for (size_t i = 0; i < count && bench_interrupted() == 0; i++) {
        if (order[i] == ROOF) {
            measure_roof(ctx, order, count, rate);
            continue;
        }
        bench_show_progress(ctx, group, part, order[i]);
        take_sample(ctx, order[i], round);
    }
    set_roofs(ctx, order, count, rate, round);
    free(rate);
    free(order);
    return ran;
}

static int is_narrow(const bench_summary *summary)
{
    return summary->high - summary->low <= 2 * narrow * summary->median;
}

static double *times_of(const bench_result *result)
{
    double *time = bench_alloc(result->samples, sizeof *time);
    for (size_t i = 0; i < result->samples; i++)
        time[i] = result->sample[i].time_s;
    return time;
}

/* Whether the interval of every time and of every ratio in the group is narrow. */
static int precise(const bench_context *ctx, unsigned group)
{
    int all = 1;
    for (size_t i = 0; i < ctx->matrix->count && all; i++) {
        const bench_case *item = &ctx->matrix->cases[i];
        const bench_result *result = &ctx->run->result[i];
        if (item->group != group || item->verify_only || !bench_runnable(ctx, i))
            continue;
        double *time = times_of(result);
        bench_summary summary = bench_summarize(time, result->samples, 1);
        all = is_narrow(&summary);
        if (all && item->pair != BENCH_NO_PAIR && bench_runnable(ctx, (size_t)item->pair)) {
            double *base = times_of(&ctx->run->result[item->pair]);
            summary = bench_summarize_ratios(base, time, result->samples, 1);
            all = is_narrow(&summary);
            free(base);
        }
        free(time);
    }
    return all;
}

static bench_stop should_stop(const bench_context *ctx, unsigned group, unsigned rounds,
                              double spent, double share)
{
    unsigned asked = ctx->options->rounds;
    unsigned most = asked != 0 ? asked : ctx->options->quick ? MOST_QUICK_ROUNDS : MOST_ROUNDS;
    if (rounds >= most)
        return BENCH_STOP_ROUNDS;
    if (asked != 0)
        return BENCH_NOT_SAMPLED;
    if (rounds >= FEWEST_OUT_OF_BUDGET && spent >= ctx->budget_left)
        return BENCH_STOP_BUDGET;
    if (rounds < FEWEST_ROUNDS)
        return BENCH_NOT_SAMPLED;
    if (spent >= share)
        return BENCH_STOP_BUDGET;
    return precise(ctx, group) ? BENCH_STOP_PRECISE : BENCH_NOT_SAMPLED;
}

static double part_done(const bench_context *ctx, unsigned rounds, double spent, double share)
{
    unsigned asked = ctx->options->rounds;
    unsigned most = asked != 0 ? asked : ctx->options->quick ? MOST_QUICK_ROUNDS : MOST_ROUNDS;
    double by_rounds = (double)rounds / most;
    return asked != 0 ? by_rounds : fmax(by_rounds, spent / share);
}

void bench_sample_group(bench_context *ctx, unsigned group)
{
    bench_group *out = &ctx->run->group[group];
    double begin = bench_now();
    double share = fmax(ctx->budget_left / (ctx->matrix->groups - group), 1e-3);
    while (out->stop == BENCH_NOT_SAMPLED && bench_interrupted() == 0) {
        double part = part_done(ctx, out->rounds, out->spent_s, share);
        if (make_round(ctx, group, out->rounds + 1, part) == 0) {
            out->stop = BENCH_STOP_FAILURE;
            break;
        }
        out->rounds++;
        out->spent_s = bench_now() - begin;
        out->stop = should_stop(ctx, group, out->rounds, out->spent_s, share);
    }
    ctx->budget_left = fmax(ctx->budget_left - out->spent_s, 0);
}
