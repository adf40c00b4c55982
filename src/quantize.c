/* SPDX-License-Identifier: Apache-2.0
 * aq_quantize: model -> plan -> run -> output, and what came of it. */
#include <config.h>

#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "arrowquant.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/process.h"
#include "base/sized.h"
#include "base/small.h"
#include "formats/files.h"
#include "io/output.h"
#include "parts/part.h"
#include "plan/plan.h"
#include "quantize_check.h"
#include "run/run.h"

void aq_quantize_options_init(aq_quantize_options *options, size_t size)
{
    const aq_quantize_options defaults = {.size = sizeof defaults,
                                          .type = AQ_TYPE_Q8_0,
                                          .mode = AQ_MODE_STREAMING,
                                          .isa = aq_isa_best(),
                                          .nonfinite = AQ_NONFINITE_ERROR,
                                          .group_size = 128,
                                          .sync = 1};
    aq_sized_give(options, size, &defaults);
}

/* What lives through a call; torn down in reverse by close_job. */
typedef struct job {
    aq_quantize_options options;
    aq_model *model;
    aq_imatrix *imatrix;
    aq_plan plan;
    bool planned;
    aq_part part; /* where options.shards says so */
    aq_sink *sink, *checksum;
    aq_pool *pool;
    aq_reader *reader;
    aq_run_stats stats;
    uint64_t available;               /* bytes of memory, before the run; asking takes time */
    atomic_uint_fast64_t *underflows; /* [items of the plan] */
} job;

static void close_job(job *j)
{
    aq_reader_close(j->reader);
    aq_pool_destroy(j->pool);
    if (j->sink != NULL)
        j->sink->close(j->sink);
    aq_free(j->stats.thread);
    aq_free(j->underflows);
    if (j->planned)
        aq_plan_free(&j->plan);
    aq_part_free(&j->part);
    aq_imatrix_close(j->imatrix);
    aq_model_close(j->model);
}

static aq_status make_plan(job *j, aq_target target, aq_error *err)
{
    const aq_quantize_options *o = &j->options;
    bool packed = aq_type_get(o->type)->packed;
    aq_plan_options p = {.format = packed ? AQ_FORMAT_SAFETENSORS : AQ_FORMAT_GGUF,
                         .directory =
                             target == AQ_TARGET_DIRECTORY ||
                             (target == AQ_TARGET_NULL && packed && j->model->is_directory),
                         .type = &o->type,
                         .group_size = o->group_size,
                         .asymmetric = o->asymmetric != 0,
                         .keep = o->keep,
                         .keep_count = o->keep_count,
                         .arch = o->arch,
                         .mixture = o->mixture,
                         .pure = o->pure != 0,
                         .imatrix = j->imatrix,
                         .tile_bytes = (size_t)o->tile_bytes,
                         .threads = o->threads};
    aq_status status = aq_plan_make(&j->plan, j->model, &p, err);
    j->planned = status == AQ_OK;
    return status;
}

static uint64_t memory_needed(const job *j)
{
    return aq_memory_now() + aq_run_memory(&j->plan, j->options.mode, aq_pool_threads(j->pool));
}

static aq_status check_memory(job *j, aq_error *err)
{
    const aq_quantize_options *o = &j->options;
    unsigned threads = aq_pool_threads(j->pool);
    uint64_t need = memory_needed(j);
    if (o->memory_limit != 0 && need > o->memory_limit)
        return aq_fail(
            err, AQ_FAILURE,
            "the memory limit of %llu bytes cannot be kept: %s mode with %u threads needs "
            "%llu; use %s",
            (unsigned long long)o->memory_limit, o->mode == AQ_MODE_BATCH ? "batch" : "streaming",
            threads, (unsigned long long)need,
            o->mode == AQ_MODE_BATCH ? "--mode streaming" : "fewer threads");
    j->available = aq_process_available_memory("");
    if (need <= j->available)
        return AQ_OK;
    return aq_fail(err, AQ_FAILURE,
                   "%s mode with %u threads needs %llu bytes and %llu are available, by what is "
                   "free and the limits of control groups; %s",
                   o->mode == AQ_MODE_BATCH ? "batch" : "streaming", threads,
                   (unsigned long long)need, (unsigned long long)j->available,
                   o->mode == AQ_MODE_BATCH ? "use --mode streaming"
                   : threads > 1            ? "use fewer threads"
                                            : "raise the limit, or free some memory");
}

/* The last to be opened: it begins to read. What it may hold is what the limits leave. */
static void open_reader(job *j)
{
    if (j->options.io != AQ_IO_AUTO)
        return;
    uint64_t limit = j->available, need = memory_needed(j);
    if (j->options.memory_limit != 0)
        limit = aq_least(limit, j->options.memory_limit);
    uint64_t room = limit > need ? limit - need : 0;
    j->reader = aq_run_reader(&j->plan, aq_pool_threads(j->pool), room);
}

static aq_status open_sink(job *j, const char *output, aq_error *err)
{
    const aq_quantize_options *o = &j->options;
    aq_status status =
        aq_sink_open(output, &j->plan.layout, j->model, o->force != 0, o->sync != 0, &j->sink, err);
    if (status == AQ_OK && (o->checksum || o->shards > 0)) {
        j->checksum = aq_checksum_sink(j->sink);
        if (j->checksum == NULL)
            return aq_fail_memory(err, "the checksum");
        j->sink = j->checksum;
    }
    return status;
}

static aq_status open_job(job *j, const char *input, const char *output, aq_error *err)
{
    const aq_quantize_options *o = &j->options;
    aq_target target = aq_target_of(output);
    aq_settle_type(&j->options);
    aq_status status = aq_check_options(o, err);
    if (status == AQ_OK)
        status = aq_model_open(input, &j->model, err);
    if (status == AQ_OK)
        status = aq_check_target(o, j->model, target, output, err);
    if (status == AQ_OK)
        status = aq_check_imatrix_is_not(o, output, err);
    if (status == AQ_OK && o->imatrix != NULL)
        status = aq_imatrix_open(o->imatrix, &j->imatrix, err);
    if (status == AQ_OK)
        status = make_plan(j, target, err);
    if (status == AQ_OK && o->shards > 0)
        status = aq_part_take(&j->part, &j->plan, o, output, err);
    if (status != AQ_OK)
        return status;
    j->pool = aq_pool_create(o->threads);
    if (j->pool == NULL)
        return aq_fail_memory(err, "the threads");
    j->underflows = aq_calloc(j->plan.item_count, sizeof *j->underflows);
    if (j->underflows == NULL)
        return aq_fail_memory(err, "the counters");
    status = check_memory(j, err);
    if (status == AQ_OK)
        status = open_sink(j, output, err);
    if (status == AQ_OK)
        open_reader(j);
    return status;
}

static aq_status run_job(job *j, aq_error *err)
{
    const aq_quantize_options *o = &j->options;
    aq_run_options r = {.mode = o->mode,
                        .isa = o->isa,
                        .nonfinite = o->nonfinite,
                        .reader = j->reader,
                        .cancel = o->cancel,
                        .progress = o->progress,
                        .progress_arg = o->progress_arg,
                        .underflows = j->underflows};
    aq_status status = aq_run(&j->plan, j->sink, j->pool, &r, &j->stats, err);
    if (status == AQ_OK)
        status = aq_files_unchanged(j->model->source, err);
    if (status == AQ_OK && o->cancel != NULL && *o->cancel != 0)
        status = aq_fail(err, AQ_CANCELLED, "cancelled");
    return status;
}

/* ---- the result ---- */

/* The strings and arrays of a result. */
typedef struct keepsake {
    aq_arena arena;
} keepsake;

static uint64_t out_bytes_of(const aq_plan *plan, const aq_item *item)
{
    const aq_out_tensor *out = plan->layout.tensors;
    uint64_t bytes = out[item->out].bytes;
    if (item->action == AQ_ACTION_PACK) {
        bytes += out[item->out_scale].bytes;
        if (plan->asymmetric)
            bytes += out[item->out_zero].bytes;
    }
    return bytes;
}

static bool describe_tensors(const job *j, keepsake *k, aq_quantize_result *result)
{
    const aq_plan *plan = &j->plan;
    size_t n = plan->item_count;
    aq_tensor_result *list = aq_arena_alloc(&k->arena, n * sizeof *list);
    if (list == NULL)
        return false;
    for (size_t i = 0; i < n; i++) {
        const aq_item *item = &plan->items[i];
        const aq_tensor *t = item->tensor;
        bool quantized = item->reason == NULL;
        list[i] =
            (aq_tensor_result){.name = aq_arena_strndup(&k->arena, t->name, strlen(t->name)),
                               .dtype = t->dtype,
                               .out_type = quantized ? item->type->name : aq_dtype_name(t->dtype),
                               .quantized = quantized,
                               .reason = item->reason,
                               .weights = t->weights,
                               .in_bytes = t->bytes,
                               .out_bytes = out_bytes_of(plan, item),
                               .underflows = atomic_load(&j->underflows[i])};
        if (list[i].name == NULL)
            return false;
        result->underflows += list[i].underflows;
        result->tensors_quantized += quantized;
        result->tensors_substituted += item->substituted;
        result->tensors_weighted += item->importance != NULL;
        result->tensors_short_group +=
            item->action == AQ_ACTION_PACK && item->cols % item->group != 0;
    }
    result->tensor = list;
    result->tensors = n;
    return true;
}

static uint64_t output_size(const aq_plan *plan)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < plan->layout.file_count; i++)
        if (!plan->layout.files[i].elsewhere)
            sum += plan->layout.files[i].size;
    return sum;
}

static aq_status fill_result(const job *j, aq_quantize_result *r, aq_error *err)
{
    keepsake *k = aq_calloc(1, sizeof *k);
    unsigned threads = j->stats.threads;
    aq_thread_stats *thread =
        k == NULL ? NULL : aq_arena_alloc(&k->arena, threads * sizeof *thread);
    r->owner = k;
    if (thread == NULL || !describe_tensors(j, k, r)) {
        aq_quantize_result_free(r);
        return aq_fail_memory(err, "the result");
    }
    memcpy(thread, j->stats.thread, threads * sizeof *thread);
    r->thread = thread;
    r->threads = threads;
    r->load_s = j->stats.load_s;
    r->kernel_s = j->stats.kernel_s;
    r->store_s = j->stats.store_s;
    r->isa = j->stats.isa;
    r->mixture = j->plan.ruled && !j->options.pure ? aq_mixture_name(j->options.mixture) : NULL;
    r->direct_bytes = aq_reader_bytes(j->reader);
    r->weights = j->plan.weights;
    r->in_bytes = j->plan.source_bytes;
    r->out_bytes = output_size(&j->plan);
    if (j->options.checksum)
        r->checksum = aq_checksum_sink_value(j->checksum);
    return AQ_OK;
}

void aq_quantize_result_free(aq_quantize_result *result)
{
    if (result == NULL || result->owner == NULL)
        return;
    keepsake *k = result->owner;
    aq_arena_free(&k->arena);
    aq_free(k);
    result->owner = NULL;
    result->tensor = NULL;
    result->thread = NULL;
}

/* ---- the call ---- */

/* Last, so that it vouches for what is there. */
static aq_status record_part(job *j, const char *output, aq_error *err)
{
    const aq_quantize_options *o = &j->options;
    return aq_part_record(&j->part, &j->plan, output, aq_checksum_sink_value(j->checksum),
                          o->force != 0, o->sync != 0, err);
}

static aq_status quantize(job *j, const char *input, const char *output, bool want_result,
                          aq_quantize_result *r, aq_error *err)
{
    double begin = aq_now();
    aq_status status = open_job(j, input, output, err);
    double opened = aq_now();
    if (status == AQ_OK)
        status = run_job(j, err);
    double ran = aq_now();
    /* Before the output appears, since it can fail. */
    if (status == AQ_OK && want_result)
        status = fill_result(j, r, err);
    if (status == AQ_OK)
        status = j->sink->commit(j->sink, err);
    if (status == AQ_OK && j->options.shards > 0)
        status = record_part(j, output, err);
    double end = aq_now();
    r->time_s = end - begin;
    r->open_s = opened - begin;
    r->run_s = ran - opened;
    r->commit_s = end - ran;
    return status;
}

static void take_usage(aq_quantize_result *r, const aq_process_usage *before)
{
    aq_process_usage after = aq_process_usage_now();
    r->user_s = after.user_s - before->user_s;
    r->system_s = after.system_s - before->system_s;
    r->voluntary_switches = after.voluntary_switches - before->voluntary_switches;
    r->involuntary_switches = after.involuntary_switches - before->involuntary_switches;
    r->rss_before = before->rss;
    r->rss_peak = after.rss_peak;
    r->accounted_bytes = aq_memory_peak();
}

aq_status aq_quantize(const char *input, const char *output, const aq_quantize_options *options,
                      aq_quantize_result *result, aq_error *err)
{
    job j = {0};
    aq_quantize_result r = {.size = sizeof r};
    aq_quantize_options_init(&j.options, sizeof j.options);
    aq_status status = aq_sized_options(&j.options, options, offsetof(aq_quantize_options, type),
                                        "aq_quantize", err);
    if (status == AQ_OK)
        status = aq_sized_result(result, offsetof(aq_quantize_result, mixture), "aq_quantize", err);
    if (status != AQ_OK)
        return status;
    aq_process_usage before = aq_process_usage_now();
    uint64_t allocations = aq_memory_count();
    aq_memory_reset_peak();
    status = quantize(&j, input, output, result != NULL, &r, err);
    if (status == AQ_OK && result != NULL) {
        take_usage(&r, &before);
        r.allocations = aq_memory_count() - allocations;
        aq_sized_give(result, result->size, &r);
    } else {
        aq_quantize_result_free(&r);
    }
    close_job(&j);
    return status;
}

const char *aq_version(void)
{
    return PACKAGE_VERSION;
}
