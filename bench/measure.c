/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "child.h"
#include "measure.h"
#include "stats.h"
#include "system.h"
#include "util.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { FEWEST_ROUNDS = 6, FEWEST_OUT_OF_BUDGET = 3, MOST_ROUNDS = 40, MOST_QUICK_ROUNDS = 15 };
/* An interval is narrow where half its width is under this part of the median. */
static const double narrow = 0.015;

typedef struct context {
    bench_store *store;
    const bench_options *options;
    const bench_matrix *matrix;
    bench_progress *progress;
    bench_run *run;
    bench_rng rng;
    unsigned cpus;
    double budget_left;
} context;

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

/* Takes over `what`. */
static void fail_case(context *ctx, size_t at, char *what)
{
    bench_run *run = ctx->run;
    run->failure = bench_grow(run->failure, run->failures + 1, sizeof *run->failure);
    run->failure[run->failures++] = bench_format("%s: %s", ctx->matrix->cases[at].name, what);
    if (run->result[at].failure == NULL)
        run->result[at].failure = what;
    else
        free(what);
}

static int runnable(const context *ctx, size_t at)
{
    return ctx->run->result[at].failure == NULL && ctx->run->result[at].skip == NULL;
}

/* ---- one run ---- */

static char *run_child(context *ctx, char *const argv[], bench_child *child)
{
    if (bench_child_run(argv, ctx->options->timeout_s, child) != 0)
        return bench_format("cannot run %s: %s", argv[0], strerror(errno));
    return bench_child_failure(child);
}

static char *run_copy(context *ctx, const bench_case *item, const char *output,
                      bench_sample *sample)
{
    const bench_files *files = &ctx->store->files[item->model];
    /* No reflinks or holes: the bytes must be copied, or there is nothing to compare with. */
    const char **argv = bench_alloc(files->count + 6, sizeof *argv);
    size_t n = 0;
    argv[n++] = "cp";
    argv[n++] = "--reflink=never";
    argv[n++] = "--sparse=never";
    argv[n++] = "--";
    for (size_t i = 0; i < files->count; i++)
        argv[n++] = files->file[i];
    argv[n++] = output;
    bench_child child = {0};
    char *wrong = NULL;
    if (files->count > 1 && mkdir(output, 0777) != 0)
        wrong = bench_format("cannot make %s: %s", output, strerror(errno));
    if (wrong == NULL)
        wrong = run_child(ctx, (char *const *)argv, &child);
    sample->wall_s = sample->time_s = child.wall_s;
    sample->user_s = child.user_s;
    sample->system_s = child.system_s;
    sample->in_bytes = sample->out_bytes = files->bytes;
    sample->threads = 1;
    sample->cpu_wall = (child.user_s + child.system_s) / child.wall_s;
    free(argv);
    bench_child_free(&child);
    return wrong;
}

static char *run_quantize(context *ctx, const bench_case *item, const char *output, int checksum,
                          bench_sample *sample)
{
    char threads[16];
    (void)snprintf(threads, sizeof threads, "%u", item->threads);
    const char *argv[] = {ctx->store->binary,
                          "quantize",
                          "--json",
                          "--quiet",
                          "--force",
                          "--no-sync",
                          "--type",
                          aq_type_name(ctx->options->type),
                          "--threads",
                          threads,
                          "--mode",
                          item->mode == AQ_MODE_BATCH ? "batch" : "streaming",
                          "--isa",
                          aq_isa_name(item->isa),
                          checksum ? "--checksum" : "--",
                          checksum ? "--" : ctx->store->files[item->model].input,
                          checksum ? ctx->store->files[item->model].input : output,
                          checksum ? output : NULL,
                          NULL};
    bench_child child = {0};
    char *wrong = run_child(ctx, (char *const *)argv, &child);
    if (wrong == NULL)
        wrong = bench_sample_parse(child.out, child.out_length, sample);
    if (wrong == NULL) {
        sample->wall_s = child.wall_s;
        bench_sample_derive(sample, ctx->cpus);
    }
    bench_child_free(&child);
    return wrong;
}

/* Runs one configuration once. *sample is to be freed whatever is returned. */
static char *run_once(context *ctx, size_t at, int checksum, bench_sample *sample)
{
    const bench_case *item = &ctx->matrix->cases[at];
    char *output = bench_store_output(ctx->store, item);
    bench_sample_clear(sample);
    double resident = bench_store_warm(ctx->store, item->model);
    double steal = bench_steal_s(), throttled = bench_throttled_s();
    char *wrong = item->work == BENCH_COPY ? run_copy(ctx, item, output, sample)
                                           : run_quantize(ctx, item, output, checksum, sample);
    sample->steal_s = bench_steal_s() - steal;
    sample->throttled_s = bench_throttled_s() - throttled;
    sample->resident = resident;
    bench_store_discard(ctx->store);
    free(output);
    return wrong;
}

/* ---- warm-up and verification ---- */

static void fail_model(context *ctx, size_t model)
{
    for (size_t i = 0; i < ctx->matrix->count; i++)
        if (ctx->matrix->cases[i].model == model && ctx->run->result[i].failure == NULL &&
            ctx->run->result[i].checksum[0] != '\0')
            ctx->run->result[i].failure =
                bench_copy("outputs of this model differ between runs, so no time counts");
}

/* All outputs of one model have the same bytes, whatever made them. */
static void check_output(context *ctx, size_t at)
{
    const bench_case *item = &ctx->matrix->cases[at];
    const bench_result *result = &ctx->run->result[at];
    for (size_t i = 0; i < ctx->matrix->count; i++) {
        const bench_result *other = &ctx->run->result[i];
        if (i == at || ctx->matrix->cases[i].model != item->model || other->checksum[0] == '\0')
            continue;
        if (strcmp(other->checksum, result->checksum) == 0 && other->out_bytes == result->out_bytes)
            continue;
        fail_case(ctx, at,
                  bench_format("its output (checksum %s, %.0f bytes) is not that of %s (%s, %.0f)",
                               result->checksum, result->out_bytes, ctx->matrix->cases[i].name,
                               other->checksum, other->out_bytes));
        fail_model(ctx, item->model);
        return;
    }
}

static void warm_up(context *ctx, size_t at)
{
    bench_result *result = &ctx->run->result[at];
    bench_sample sample;
    char *wrong = run_once(ctx, at, 1, &sample);
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
        fail_case(ctx, at, wrong);
    else if (result->checksum[0] != '\0')
        check_output(ctx, at);
}

/* ---- rounds ---- */

static void keep_sample(context *ctx, size_t at, bench_sample *sample)
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

static void show_progress(context *ctx, unsigned group, double part, size_t at)
{
    bench_progress_show(ctx->progress, (group + fmin(part, 1)) / ctx->matrix->groups,
                        ctx->matrix->cases[at].name);
}

/* Returns how many configurations ran. */
static size_t make_round(context *ctx, unsigned group, unsigned round, double part)
{
    size_t *order = bench_alloc(ctx->matrix->count, sizeof *order), count = 0;
    for (size_t i = 0; i < ctx->matrix->count; i++)
        if (ctx->matrix->cases[i].group == group && !ctx->matrix->cases[i].verify_only &&
            runnable(ctx, i))
            order[count++] = i;
    bench_shuffle(&ctx->rng, order, count);
    for (size_t i = 0; i < count && bench_interrupted() == 0; i++) {
        bench_sample sample;
        show_progress(ctx, group, part, order[i]);
        char *wrong = run_once(ctx, order[i], 0, &sample);
        sample.round = round;
        if (wrong == NULL)
            keep_sample(ctx, order[i], &sample);
        else
            bench_sample_free(&sample);
        if (wrong != NULL && bench_interrupted() == 0)
            fail_case(ctx, order[i], wrong);
        else
            free(wrong);
    }
    free(order);
    return count;
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
static int precise(const context *ctx, unsigned group)
{
    int all = 1;
    for (size_t i = 0; i < ctx->matrix->count && all; i++) {
        const bench_case *item = &ctx->matrix->cases[i];
        const bench_result *result = &ctx->run->result[i];
        if (item->group != group || item->verify_only || !runnable(ctx, i))
            continue;
        double *time = times_of(result);
        bench_summary summary = bench_summarize(time, result->samples, 1);
        all = is_narrow(&summary);
        if (all && item->pair != BENCH_NO_PAIR && runnable(ctx, (size_t)item->pair)) {
            double *base = times_of(&ctx->run->result[item->pair]);
            summary = bench_summarize_ratios(base, time, result->samples, 1);
            all = is_narrow(&summary);
            free(base);
        }
        free(time);
    }
    return all;
}

static bench_stop should_stop(const context *ctx, unsigned group, unsigned rounds, double spent,
                              double share)
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

static double part_done(const context *ctx, unsigned rounds, double spent, double share)
{
    unsigned asked = ctx->options->rounds;
    unsigned most = asked != 0 ? asked : ctx->options->quick ? MOST_QUICK_ROUNDS : MOST_ROUNDS;
    double by_rounds = (double)rounds / most;
    return asked != 0 ? by_rounds : fmax(by_rounds, spent / share);
}

static void sample_group(context *ctx, unsigned group)
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

/* ---- groups ---- */

static void skip_lacking(context *ctx, unsigned group)
{
    for (size_t i = 0; i < ctx->matrix->count; i++)
        if (ctx->matrix->cases[i].group == group && runnable(ctx, i))
            ctx->run->result[i].skip = bench_store_lack(ctx->store, &ctx->matrix->cases[i]);
}

static size_t count_runnable(const context *ctx, unsigned group)
{
    size_t count = 0;
    for (size_t i = 0; i < ctx->matrix->count; i++)
        count += ctx->matrix->cases[i].group == group && runnable(ctx, i);
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

static void fail_group(context *ctx, unsigned group, const char *what)
{
    for (size_t i = 0; i < ctx->matrix->count; i++) {
        if (ctx->matrix->cases[i].group != group || !runnable(ctx, i))
            continue;
        if (ctx->matrix->cases[i].verify_only)
            ctx->run->result[i].skip = bench_copy(what);
        else
            fail_case(ctx, i, bench_copy(what));
    }
}

static void run_group(context *ctx, unsigned group)
{
    size_t model = group_model(ctx->matrix, group);
    int synthetic = ctx->matrix->model[model].path == NULL;
    if (synthetic)
        skip_lacking(ctx, group);
    if (count_runnable(ctx, group) == 0)
        return;
    bench_progress_show(ctx->progress, (double)group / ctx->matrix->groups, "preparing the model");
    char *wrong = bench_store_prepare(ctx->store, model);
    if (wrong != NULL && bench_interrupted() == 0)
        fail_group(ctx, group, wrong);
    free(wrong);
    if (!synthetic)
        skip_lacking(ctx, group);
    for (size_t i = 0; i < ctx->matrix->count && bench_interrupted() == 0; i++)
        if (ctx->matrix->cases[i].group == group && runnable(ctx, i)) {
            show_progress(ctx, group, 0, i);
            warm_up(ctx, i);
        }
    if (bench_interrupted() == 0 && count_runnable(ctx, group) > 0)
        sample_group(ctx, group);
    if (!needed_later(ctx->matrix, model, group))
        bench_store_release(ctx->store, model);
}

void bench_measure(bench_store *store, uint64_t seed, unsigned cpus, bench_progress *progress,
                   bench_run *run)
{
    const bench_matrix *matrix = store->matrix;
    context ctx = {store, store->options, matrix, progress,
                   run,   {seed},         cpus,   store->options->budget_s};
    memset(run, 0, sizeof *run);
    run->result = bench_alloc(matrix->count, sizeof *run->result);
    run->group = bench_alloc(matrix->groups, sizeof *run->group);
    run->cases = matrix->count;
    double begin = bench_now(), steal = bench_steal_s(), throttled = bench_throttled_s();
    for (unsigned group = 0; group < matrix->groups && bench_interrupted() == 0; group++)
        run_group(&ctx, group);
    run->steal_part = (bench_steal_s() - steal) / ((bench_now() - begin) * cpus);
    run->throttled_s = bench_throttled_s() - throttled;
    bench_progress_clear(progress);
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
    }
    for (size_t i = 0; i < run->failures; i++)
        free(run->failure[i]);
    free(run->result);
    free(run->group);
    free(run->failure);
    memset(run, 0, sizeof *run);
}
