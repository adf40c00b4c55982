/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "gate_internal.h"
#include "measure/child.h"
#include "measure/system.h"
#include "util.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* An observation takes at least 0.2 s; a fifth more is aimed at, since speeds vary. */
static const double aimed_s = 0.25;
static const uint64_t layer_weights = UINT64_C(1024) * 4096;
/* Models larger than a cache, small enough for the page cache of any machine: 128 MB of f16, with
 * --quick 64 MB. Without --repeat a model may take up to 2 GB, since it must last by itself. */
static const uint64_t most_layers = 16, most_quick_layers = 8, most_layers_alone = 256;

/* ---- one process ---- */

char *bench_gate_observe(bench_gate_context *ctx, bench_arm arm, unsigned threads, unsigned repeat,
                         int checksum, bench_sample *sample)
{
    char count[16], times[16];
    const char *argv[20] = {"env",
                            ctx->arms.environment[arm],
                            ctx->arms.program[arm],
                            "quantize",
                            "--json",
                            "--quiet",
                            "--type",
                            aq_type_name(ctx->options->type)};
    size_t n = 8;
    (void)snprintf(count, sizeof count, "%u", threads);
    (void)snprintf(times, sizeof times, "%u", repeat);
    argv[n++] = "--threads";
    argv[n++] = count;
    argv[n++] = "--mode";
    argv[n++] = ctx->options->mode == AQ_MODE_BATCH ? "batch" : "streaming";
    if (repeat > 1) {
        argv[n++] = "--repeat";
        argv[n++] = times;
    }
    if (checksum)
        argv[n++] = "--checksum";
    argv[n++] = "--";
    argv[n++] = ctx->store.files[ctx->model].input;
    argv[n++] = "null:";
    bench_child child = {0};
    char *wrong = NULL;
    bench_sample_clear(sample);
    if (bench_child_run((char *const *)argv, ctx->options->timeout_s, &child) != 0)
        wrong = bench_format("cannot be run: %s", strerror(errno));
    if (wrong == NULL)
        wrong = bench_child_failure(&child);
    if (wrong == NULL)
        wrong = bench_sample_parse(child.out, child.out_length, sample);
    if (wrong == NULL)
        bench_sample_derive(sample, ctx->cpus);
    bench_child_free(&child);
    if (wrong == NULL)
        return NULL;
    char *named = bench_format("the %s build with %u thread%s: %s", bench_arm_name(arm), threads,
                               threads == 1 ? "" : "s", wrong);
    free(wrong);
    return named;
}

/* ---- the model ---- */

static void set_synthetic(bench_model *model, uint64_t layers)
{
    (void)snprintf(model->label, sizeof model->label, "%llux1024x4096", (unsigned long long)layers);
    strcpy(model->params, model->label);
    model->weights = layers * layer_weights;
}

/* What there is room for where the whole model must last for an observation. */
static double layers_with_room(const bench_gate_context *ctx)
{
    double layer = (double)layer_weights * (ctx->options->dtype == AQ_DTYPE_F32 ? 4 : 2);
    double room = fmin(bench_memory_available() / 2, bench_memory_limit() / 2);
    double disk = bench_disk_free(ctx->store.directory) / 2;
    return floor(fmin(isnan(room) ? INFINITY : room, isnan(disk) ? INFINITY : disk) / layer);
}

/* As many layers as one thread quantizes in an observation, or as all threads do where a single
 * quantization must last that long. */
static uint64_t choose_layers(const bench_gate_context *ctx, double layers_per_s)
{
    double most = (double)(ctx->options->quick ? most_quick_layers : most_layers);
    double wanted = layers_per_s * aimed_s;
    if (!ctx->arms.repeats) {
        wanted *= ctx->gate->config[ctx->gate->configs - 1].threads;
        most = fmin((double)most_layers_alone, layers_with_room(ctx));
    }
    return (uint64_t)fmax(fmin(wanted, most), 1);
}

static char *make_synthetic(bench_gate_context *ctx)
{
    enum { PROBES = 4 };
    bench_sample sample;
    unsigned repeat = ctx->arms.repeats ? PROBES : 1;
    set_synthetic(&ctx->matrix.model[0], 1);
    char *wrong = bench_store_prepare(&ctx->store, 0);
    ctx->model = 0;
    double least = INFINITY;
    for (int i = 0; i < 2 && wrong == NULL; i++) {
        wrong = bench_gate_observe(ctx, BENCH_OLD, 1, repeat, 0, &sample);
        if (wrong == NULL)
            least = fmin(least, sample.time_s / repeat);
        bench_sample_free(&sample);
    }
    if (wrong != NULL)
        return wrong;
    bench_store_release(&ctx->store, 0);
    set_synthetic(&ctx->matrix.model[1], choose_layers(ctx, 1 / least));
    ctx->model = 1;
    return bench_store_prepare(&ctx->store, 1);
}

static char *make_model(bench_gate_context *ctx)
{
    const char *path = ctx->options->model;
    char *wrong;
    if (path == NULL) {
        wrong = make_synthetic(ctx);
    } else {
        bench_model *model = &ctx->matrix.model[0];
        model->path = path;
        bench_set_label(path, model->label, sizeof model->label);
        wrong = bench_store_prepare(&ctx->store, 0);
    }
    if (wrong == NULL) {
        strcpy(ctx->gate->model, ctx->matrix.model[ctx->model].label);
        ctx->gate->model_bytes = ctx->store.files[ctx->model].bytes;
    }
    return wrong;
}

/* ---- outputs ---- */

static char *check_output(bench_gate *gate, bench_arm arm, unsigned threads,
                          const bench_sample *sample, double *out_bytes)
{
    if (sample->checksum[0] == '\0')
        return bench_format("the %s build printed no checksum, so its output cannot be verified",
                            bench_arm_name(arm));
    if (gate->checksum[0] == '\0') {
        strcpy(gate->checksum, sample->checksum);
        *out_bytes = sample->out_bytes;
    }
    if (strcmp(gate->checksum, sample->checksum) == 0 && sample->out_bytes == *out_bytes)
        return NULL;
    return bench_format("the outputs differ, so no time counts: the %s build with %u thread%s "
                        "gives checksum %s (%.0f bytes), the old one with 1 thread %s (%.0f bytes)",
                        bench_arm_name(arm), threads, threads == 1 ? "" : "s", sample->checksum,
                        sample->out_bytes, gate->checksum, *out_bytes);
}

static char *verify(bench_gate_context *ctx)
{
    char *wrong = NULL;
    double out_bytes = 0;
    for (size_t c = 0; c < ctx->gate->configs; c++)
        for (int arm = 0; arm < BENCH_ARMS && wrong == NULL; arm++) {
            bench_sample sample;
            unsigned threads = ctx->gate->config[c].threads;
            bench_progress_show(ctx->progress, 0, "verifying the outputs");
            wrong = bench_gate_observe(ctx, (bench_arm)arm, threads, 1, 1, &sample);
            if (wrong == NULL)
                wrong = check_output(ctx->gate, (bench_arm)arm, threads, &sample, &out_bytes);
            if (wrong == NULL && arm != BENCH_COPY_OF_OLD)
                strcpy(arm == BENCH_OLD ? ctx->gate->old_version : ctx->gate->new_version,
                       sample.version);
            bench_sample_free(&sample);
        }
    return wrong;
}

/* ---- the length of an observation ---- */

static char *settle_repeat(bench_gate_context *ctx, bench_gate_config *config)
{
    enum { PROBES = 2 };
    double least = INFINITY;
    char *wrong = NULL;
    config->repeat = 1;
    for (int arm = BENCH_OLD; arm <= BENCH_NEW && ctx->arms.repeats && wrong == NULL; arm++) {
        bench_sample sample;
        wrong = bench_gate_observe(ctx, (bench_arm)arm, config->threads, PROBES, 0, &sample);
        /* Where others have the CPUs, wall time says nothing of how long the work takes. */
        double cpu = (sample.user_s + sample.system_s) / config->threads;
        least = fmin(least, fmin(sample.time_s, cpu > 0 ? cpu : INFINITY) / PROBES);
        bench_sample_free(&sample);
    }
    if (isfinite(least))
        config->repeat = (unsigned)fmin(fmax(ceil(aimed_s / least), 1), 1e6);
    return wrong;
}

static char *discard_first(bench_gate_context *ctx, const bench_gate_config *config)
{
    char *wrong = NULL;
    for (int arm = 0; arm < BENCH_ARMS && wrong == NULL; arm++) {
        bench_sample sample;
        wrong =
            bench_gate_observe(ctx, (bench_arm)arm, config->threads, config->repeat, 0, &sample);
        bench_sample_free(&sample);
    }
    return wrong;
}

char *bench_gate_prepare(bench_gate_context *ctx, const bench_program *old_program,
                         const bench_program *new_program)
{
    bench_gate *gate = ctx->gate;
    bench_progress_show(ctx->progress, 0, "preparing the comparison");
    char *wrong = bench_arms_stage(ctx->store.directory, old_program, new_program, &ctx->arms);
    gate->identical = ctx->arms.identical;
    gate->repeats = ctx->arms.repeats;
    if (wrong == NULL)
        wrong = make_model(ctx);
    if (wrong == NULL)
        wrong = verify(ctx);
    for (size_t c = 0; c < gate->configs && wrong == NULL; c++) {
        wrong = settle_repeat(ctx, &gate->config[c]);
        if (wrong == NULL)
            wrong = discard_first(ctx, &gate->config[c]);
    }
    return wrong;
}
