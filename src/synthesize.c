/* SPDX-License-Identifier: Apache-2.0
 * aq_synthesize: a synthetic model, every tensor kept as it is, into a file. */
#include <config.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/sized.h"
#include "base/small.h"
#include "io/output.h"
#include "run/run.h"

void aq_synthesize_options_init(aq_synthesize_options *options, size_t size)
{
    const aq_synthesize_options defaults = {
        .size = sizeof defaults, .dtype = AQ_DTYPE_F16, .sync = 1};
    aq_sized_give(options, size, &defaults);
}

/* What lives through a call; torn down in reverse by close_job. */
typedef struct job {
    aq_synthesize_options options;
    aq_model *model;
    aq_plan plan;
    bool planned;
    aq_sink *sink;
    aq_pool *pool;
    aq_run_stats stats;
} job;

static void close_job(job *j)
{
    aq_pool_destroy(j->pool);
    if (j->sink != NULL)
        j->sink->close(j->sink);
    aq_free(j->stats.thread);
    if (j->planned)
        aq_plan_free(&j->plan);
    aq_model_close(j->model);
}

static aq_status open_model(job *j, const char *params, aq_error *err)
{
    char spec[160];
    const char *dtype = aq_dtype_name(j->options.dtype);
    if (dtype == NULL || !aq_dtype_is_weight(j->options.dtype))
        return aq_fail(err, AQ_USAGE, "%s is no dtype of a synthetic model: use F16, BF16 or F32",
                       dtype == NULL ? "this" : dtype);
    /* A params with a colon would bring a dtype of its own. */
    int length =
        snprintf(spec, sizeof spec, "synthetic:%s:%s:%" PRIu64, params, dtype, j->options.seed);
    if (strchr(params, ':') != NULL || (size_t)length >= sizeof spec)
        return aq_fail(err, AQ_USAGE,
                       "'%.40s' is no size of a synthetic model: use 100M, 600M, 7B, 7B-seed, "
                       "LAYERSxROWSxCOLUMNS or a number of weights such as 1.5B",
                       params);
    return aq_model_open(spec, &j->model, err);
}

static aq_status open_sink(job *j, const char *output, aq_error *err)
{
    static const char end[] = ".safetensors";
    if (!aq_sink_is_null(output) && !aq_ends_with(output, end))
        return aq_fail(err, AQ_USAGE, "%s: a synthetic model is written to a name that ends in %s",
                       output, end);
    return aq_sink_open(output, &j->plan.layout, j->model, j->options.force != 0,
                        j->options.sync != 0, &j->sink, err);
}

static aq_status open_job(job *j, const char *params, const char *output, aq_error *err)
{
    const aq_plan_options plan = {.format = AQ_FORMAT_SAFETENSORS};
    aq_status status = open_model(j, params, err);
    if (status != AQ_OK)
        return status;
    status = aq_plan_make(&j->plan, j->model, &plan, err);
    j->planned = status == AQ_OK;
    if (status != AQ_OK)
        return status;
    j->pool = aq_pool_create(j->options.threads);
    if (j->pool == NULL)
        return aq_fail_memory(err, "the threads");
    if (j->options.started != NULL)
        *j->options.started = aq_pool_threads(j->pool);
    return open_sink(j, output, err);
}

static aq_status run_job(job *j, aq_error *err)
{
    const aq_run_options run = {.mode = AQ_MODE_STREAMING,
                                .isa = aq_isa_best(),
                                .cancel = j->options.cancel,
                                .progress = j->options.progress,
                                .progress_arg = j->options.progress_arg};
    aq_status status = aq_run(&j->plan, j->sink, j->pool, &run, &j->stats, err);
    if (status == AQ_OK && j->options.cancel != NULL && *j->options.cancel != 0)
        status = aq_fail(err, AQ_CANCELLED, "cancelled");
    return status == AQ_OK ? j->sink->commit(j->sink, err) : status;
}

aq_status aq_synthesize(const char *params, const char *output,
                        const aq_synthesize_options *options, aq_error *err)
{
    job j = {0};
    aq_synthesize_options_init(&j.options, sizeof j.options);
    aq_status status = aq_sized_options(&j.options, options, offsetof(aq_synthesize_options, dtype),
                                        "aq_synthesize", err);
    if (status == AQ_OK)
        status = open_job(&j, params, output, err);
    if (status == AQ_OK)
        status = run_job(&j, err);
    close_job(&j);
    return status;
}
