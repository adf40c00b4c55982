/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "child.h"
#include "measure_internal.h"
#include "once.h"
#include "system.h"
#include "util.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *bench_stop_text(bench_stop stop)
{
    switch (stop) {
    case BENCH_STOP_ROUNDS:
        return "all rounds made";
    case BENCH_STOP_PRECISE:
        return "intervals narrow enough";
    case BENCH_STOP_BUDGET:
        return "time budget spent";
    case BENCH_STOP_FAILURE:
        return "nothing left to run";
    default:
        return "not sampled";
    }
}

/* ---- failures ---- */

void bench_fail_case(bench_context *ctx, size_t at, char *what)
{
    bench_run *run = ctx->run;
    bench_run_fail(run, ctx->matrix->cases[at].name, what);
    if (run->result[at].failure == NULL)
        run->result[at].failure = what;
    else
        free(what);
}

int bench_runnable(const bench_context *ctx, size_t at)
{
    return ctx->run->result[at].failure == NULL && ctx->run->result[at].skip == NULL;
}

void bench_show_progress(bench_context *ctx, unsigned group, double part, size_t at)
{
    bench_progress_show(ctx->progress, (group + fmin(part, 1)) / ctx->matrix->groups,
                        ctx->matrix->cases[at].name);
}

/* ---- warm-up and verification ---- */

static void fail_model(bench_context *ctx, size_t model)
{
    for (size_t i = 0; i < ctx->matrix->count; i++)
        if (ctx->matrix->cases[i].model == model && ctx->run->result[i].failure == NULL &&
            ctx->run->result[i].checksum[0] != '\0')
            ctx->run->result[i].failure =
                bench_copy("outputs of this model differ between runs, so no time counts");
}

/* All outputs of one model have the same bytes, whatever made them. */
static void check_output(bench_context *ctx, size_t at)
{
    const bench_case *item = &ctx->matrix->cases[at];
    const bench_result *result = &ctx->run->result[at];
    for (size_t i = 0; i < ctx->matrix->count; i++) {
        const bench_result *other = &ctx->run->result[i];
        if (i == at || ctx->matrix->cases[i].model != item->model || other->checksum[0] == '\0')
            continue;
        if (strcmp(other->checksum, result->checksum) == 0 && other->out_bytes == result->out_bytes)
            continue;
        bench_fail_case(
            ctx, at,
            bench_format("its output (checksum %s, %.0f bytes) is not that of %s (%s, %.0f)",
                         result->checksum, result->out_bytes, ctx->matrix->cases[i].name,
                         other->checksum, other->out_bytes));
        fail_model(ctx, item->model);
        return;
    }
}

static void warm_up(bench_context *ctx, size_t at)
{
    bench_result *result = &ctx->run->result[at];
    bench_sample sample;
    char *wrong = bench_once(ctx->store, ctx->cpus, &ctx->matrix->cases[at], 1, NULL, &sample);
    if (wrong == NULL && ctx->matrix->cases[at].work == BENCH_QUANTIZE) {
        if (sample.checksum[0] == '\0')
            wrong = bench_copy("printed no checksum, so its output cannot be verified");
        memcpy(result->checksum, sample.checksum, sizeof result->checksum);
        memcpy(ctx->run->version, sample.version, sizeof ctx->run->version);
        result->out_bytes = sample.out_bytes;
    }
    bench_sample_free(&sample);
    if (bench_interrupted() != 0)
        free(wrong);
    else if (wrong != NULL)
        bench_fail_case(ctx, at, wrong);
    else if (result->checksum[0] != '\0')
        check_output(ctx, at);
}

/* ---- groups ---- */

static void skip_lacking(bench_context *ctx, unsigned group)
{
    for (size_t i = 0; i < ctx->matrix->count; i++)
        if (ctx->matrix->cases[i].group == group && bench_runnable(ctx, i))
            ctx->run->result[i].skip = bench_store_lack(ctx->store, &ctx->matrix->cases[i]);
}

static size_t count_runnable(const bench_context *ctx, unsigned group)
{
    size_t count = 0;
    for (size_t i = 0; i < ctx->matrix->count; i++)
        count += ctx->matrix->cases[i].group == group && bench_runnable(ctx, i);
    return count;
}

static size_t group_model(const bench_matrix *matrix, unsigned group)
{
    for (size_t i = 0; i < matrix->count; i++)
        if (matrix->cases[i].group == group)
            return matrix->cases[i].model;
    return 0;
}

static int needed_later(const bench_matrix *matrix, size_t model, unsigned group)
{
    for (size_t i = 0; i < matrix->count; i++)
        if (matrix->cases[i].model == model && matrix->cases[i].group > group)
            return 1;
    return 0;
}

static void fail_group(bench_context *ctx, unsigned group, const char *what)
{
    for (size_t i = 0; i < ctx->matrix->count; i++) {
        if (ctx->matrix->cases[i].group != group || !bench_runnable(ctx, i))
            continue;
        if (ctx->matrix->cases[i].verify_only)
            ctx->run->result[i].skip = bench_copy(what);
        else
            bench_fail_case(ctx, i, bench_copy(what));
    }
}

/* What the two modes are compared for is shown over time, from one more run of each: looking at it
 * takes CPU time, which no timed run is to lose. */
static void trace_group(bench_context *ctx, unsigned group)
{
    for (size_t i = 0; i < ctx->matrix->count && bench_interrupted() == 0; i++) {
        const bench_case *item = &ctx->matrix->cases[i];
        bench_result *result = &ctx->run->result[i];
        if (item->group != group || item->section != BENCH_STREAMING || item->verify_only ||
            result->samples == 0 || !bench_runnable(ctx, i))
            continue;
        bench_sample sample;
        result->trace = bench_alloc(1, sizeof *result->trace);
        char *wrong = bench_once(ctx->store, ctx->cpus, item, 0, result->trace, &sample);
        bench_sample_free(&sample);
        if (wrong != NULL && bench_interrupted() == 0)
            bench_fail_case(ctx, i, wrong);
        else
            free(wrong);
    }
}

static void run_group(bench_context *ctx, unsigned group)
{
    size_t model = group_model(ctx->matrix, group);
    int synthetic = ctx->matrix->model[model].path == NULL;
    if (synthetic)
        skip_lacking(ctx, group);
    if (count_runnable(ctx, group) == 0)
        return;
    bench_progress_show(ctx->progress, (double)group / ctx->matrix->groups, "preparing the model");
    char *wrong = bench_store_prepare(ctx->store, model);
    if (wrong == NULL)
        ctx->run->resident_before[model] = ctx->store->files[model].resident_before;
    if (wrong != NULL && bench_interrupted() == 0)
        fail_group(ctx, group, wrong);
    free(wrong);
    if (!synthetic)
        skip_lacking(ctx, group);
    for (size_t i = 0; i < ctx->matrix->count && bench_interrupted() == 0; i++)
        if (ctx->matrix->cases[i].group == group && bench_runnable(ctx, i)) {
            bench_show_progress(ctx, group, 0, i);
            warm_up(ctx, i);
        }
    if (bench_interrupted() == 0 && count_runnable(ctx, group) > 0)
        bench_sample_group(ctx, group);
    trace_group(ctx, group);
    if (!needed_later(ctx->matrix, model, group))
        bench_store_release(ctx->store, model);
}

void bench_measure(bench_store *store, uint64_t seed, unsigned cpus, bench_progress *progress,
                   bench_run *run)
{
    const bench_matrix *matrix = store->matrix;
    bench_context ctx = {store, store->options, matrix, progress,
                         run,   {seed},         cpus,   store->options->budget_s};
    memset(run, 0, sizeof *run);
    run->result = bench_alloc(matrix->count, sizeof *run->result);
    run->group = bench_alloc(matrix->groups, sizeof *run->group);
    run->cases = matrix->count;
    run->models = matrix->models;
    run->resident_before = bench_alloc(matrix->models, sizeof *run->resident_before);
    for (size_t i = 0; i < matrix->models; i++)
        run->resident_before[i] = NAN;
    bench_counters from, to;
    bench_counters_read(&from);
    for (unsigned group = 0; group < matrix->groups && bench_interrupted() == 0; group++)
        run_group(&ctx, group);
    bench_counters_read(&to);
    run->seen = bench_counters_between(&from, &to);
    bench_progress_clear(progress);
}

void bench_run_fail(bench_run *run, const char *name, const char *what)
{
    run->failure = bench_grow(run->failure, run->failures + 1, sizeof *run->failure);
    run->failure[run->failures++] = bench_format("%s: %s", name, what);
}

void bench_run_free(bench_run *run)
{
    for (size_t i = 0; i < run->cases; i++) {
        bench_result *result = &run->result[i];
        for (size_t j = 0; j < result->samples; j++)
            bench_sample_free(&result->sample[j]);
        free(result->sample);
        free(result->failure);
        free(result->skip);
        free(result->trace);
    }
    for (size_t i = 0; i < run->failures; i++)
        free(run->failure[i]);
    free(run->result);
    free(run->group);
    free(run->failure);
    free(run->roof_failure);
    free(run->resident_before);
    memset(run, 0, sizeof *run);
}
