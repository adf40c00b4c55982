/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "run.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/small.h"
#include "run_internal.h"

typedef struct buffers {
    void *src, *dst;
} buffers;

/* Shared by the workers; what has no other note is written before they start and only read then. */
typedef struct run {
    const aq_plan *plan;
    const aq_run_options *options;
    aq_sink *sink;
    /* By type and source dtype; the last of the types is aq_half_type. */
    const aq_kernel *kernel[AQ_TYPE_COUNT + 1][AQ_DTYPE_COUNT];
    aq_pool_costs costs;    /* of tiles that are quantized */
    buffers *own;           /* streaming: [threads], each for one place of the pool's */
    buffers whole;          /* batch: each byte its tile's */
    aq_thread_stats *stats; /* [threads], each its worker's */

    pthread_mutex_t lock; /* guards failed_tile, error and the calls of progress */
    uint64_t failed_tile; /* the first tile with an error so far */
    aq_error error;       /* its error */
    double last_progress; /* seconds */
    atomic_uint_fast64_t bytes_done;
} run;

/* Nobody is to wait for a tile that another worker took and gave up. */
static int end(const run *r, aq_status status)
{
    aq_reader_stop(r->options->reader);
    return (int)status;
}

/* Tiles start in order and none that has started is abandoned, so of all tiles with an error the
 * first always gets here: which one is reported does not depend on timing. */
static int report(run *r, uint64_t tile, const aq_error *error)
{
    (void)pthread_mutex_lock(&r->lock);
    if (tile < r->failed_tile) {
        r->failed_tile = tile;
        r->error = *error;
    }
    (void)pthread_mutex_unlock(&r->lock);
    return end(r, error->status);
}

static bool cancelled(const run *r)
{
    return r->options->cancel != NULL && *r->options->cancel != 0;
}

static void progress(run *r, uint64_t bytes)
{
    const double interval = 0.1;
    if (r->options->progress == NULL)
        return;
    uint64_t done = atomic_fetch_add_explicit(&r->bytes_done, bytes, memory_order_relaxed) + bytes;
    if (pthread_mutex_trylock(&r->lock) != 0)
        return;
    double t = aq_now();
    if (t - r->last_progress >= interval || done == r->plan->source_bytes) {
        r->last_progress = t;
        r->options->progress(r->options->progress_arg, done, r->plan->source_bytes);
    }
    (void)pthread_mutex_unlock(&r->lock);
}

/* ---- the three steps of a tile, timed ---- */

typedef struct work {
    uint64_t index;
    aq_tile tile;
    buffers own;
    const void *src; /* the tile's bytes: in own.src, or where the reader has them */
    aq_thread_stats *stats;
} work;

static work take(run *r, aq_worker worker, uint64_t index)
{
    work w = {
        .index = index, .tile = aq_plan_tile(r->plan, index), .stats = &r->stats[worker.index]};
    if (r->own != NULL)
        w.own = r->own[worker.place];
    else
        w.own = (buffers){.src = (char *)r->whole.src + w.tile.src_base,
                          .dst = (char *)r->whole.dst + w.tile.dst_base};
    w.src = w.own.src;
    return w;
}

typedef aq_status step(run *r, work *w, aq_error *e);

static aq_status load(run *r, work *w, aq_error *e)
{
    double begin = aq_now();
    aq_status status = AQ_OK;
    const void *there = aq_reader_acquire(r->options->reader, w->index);
    if (there != NULL)
        w->src = there;
    else
        status = aq_tile_load(r->plan, &w->tile, w->own.src, e);
    w->stats->read_s += aq_now() - begin;
    return status;
}

static const aq_kernel *kernel_of(const run *r, const aq_item *item)
{
    return r->kernel[item->type_id][item->tensor->dtype];
}

static void count_underflows(const run *r, const work *w)
{
    uint64_t lost = aq_tile_underflows(r->plan, &w->tile, w->src, w->own.dst);
    if (lost > 0)
        atomic_fetch_add_explicit(&r->options->underflows[w->tile.item - r->plan->items], lost,
                                  memory_order_relaxed);
}

static aq_status quantize(run *r, work *w, aq_error *e)
{
    const aq_kernel *kernel = kernel_of(r, w->tile.item);
    double begin = aq_now();
    aq_status status =
        aq_tile_quantize(r->plan, &w->tile, kernel, r->options->nonfinite, w->src, w->own.dst, e);
    if (status == AQ_OK && r->options->underflows != NULL)
        count_underflows(r, w);
    w->stats->kernel_s += aq_now() - begin;
    return status;
}

static aq_status store(run *r, work *w, aq_error *e)
{
    double begin = aq_now();
    aq_status status = aq_tile_store(r->plan, &w->tile, w->src, w->own.dst, r->sink, e);
    w->stats->write_s += aq_now() - begin;
    w->stats->tiles++;
    progress(r, w->tile.src_bytes);
    return status;
}

#if AQ_EXTRA_WORK > 0
/* A library made slower on purpose (configure --with-extra-work), to judge the gate of the
 * benchmark: of every 100 tiles, AQ_EXTRA_WORK are loaded and quantized once more and thrown away.
 * The worker of a tile half the model away does it, so that the bytes are as cold as at first. A
 * failure is left to the tile's own turn. */
static void work_more(run *r, const work *own)
{
    uint64_t tiles = r->plan->tiles, index = own->index;
    uint64_t more = (index + 1) * AQ_EXTRA_WORK / 100 - index * AQ_EXTRA_WORK / 100;
    work w = *own;
    aq_error ignored;
    w.tile = aq_plan_tile(r->plan, (index + tiles / 2) % tiles);
    for (uint64_t i = 0; i < more; i++)
        if (aq_tile_load(r->plan, &w.tile, w.own.src, &ignored) == AQ_OK)
            (void)quantize(r, &w, &ignored);
}
#else
static void work_more(run *r, const work *own)
{
    (void)r, (void)own;
}
#endif

static int stream_task(void *arg, aq_worker worker, uint64_t index)
{
    run *r = arg;
    if (cancelled(r))
        return end(r, AQ_CANCELLED);
    aq_error error;
    work w = take(r, worker, index);
    work_more(r, &w);
    aq_status status = load(r, &w, &error);
    if (status == AQ_OK)
        status = quantize(r, &w, &error);
    if (status == AQ_OK)
        status = store(r, &w, &error);
    aq_reader_release(r->options->reader, index);
    return status == AQ_OK ? 0 : report(r, index, &error);
}

/* Batch mode keeps what the reader needs back. */
static aq_status batch_load(run *r, work *w, aq_error *e)
{
    aq_status status = load(r, w, e);
    if (status == AQ_OK && w->src != w->own.src)
        memcpy(w->own.src, w->src, (size_t)w->tile.src_bytes);
    aq_reader_release(r->options->reader, w->index);
    return status;
}

typedef struct batch_pass {
    run *r;
    step *step;
} batch_pass;

static int batch_task(void *arg, aq_worker worker, uint64_t index)
{
    const batch_pass *p = arg;
    if (cancelled(p->r))
        return end(p->r, AQ_CANCELLED);
    aq_error error;
    work w = take(p->r, worker, index);
    aq_status status = p->step(p->r, &w, &error);
    return status == AQ_OK ? 0 : report(p->r, index, &error);
}

/* ---- the run ---- */

static double cost_of_tile(const void *arg, uint64_t index)
{
    aq_tile tile = aq_plan_tile(arg, index);
    return aq_source_cost(tile.item, tile.src_bytes);
}

static aq_pool_costs costs_of(const aq_plan *plan)
{
    aq_pool_costs costs = {.of = cost_of_tile, .arg = plan};
    for (size_t i = 0; i < plan->item_count; i++)
        if (plan->items[i].tiles > 0)
            costs.total += aq_source_cost(&plan->items[i], plan->items[i].tensor->bytes);
    return costs;
}

/* One pass of all workers over all tiles, with its wall time; costs NULL: tiles are all alike. */
static aq_status pass(run *r, aq_pool *pool, aq_pool_task *task, void *arg,
                      const aq_pool_costs *costs, double *seconds)
{
    double begin = aq_now();
    int failure = aq_pool_run_costly(pool, r->plan->tiles, task, arg, costs);
    *seconds = aq_now() - begin;
    for (unsigned i = 0; i < aq_pool_threads(pool); i++)
        r->stats[i].cpu_s += aq_pool_cpu_seconds(pool, i);
    if (failure == 0)
        return AQ_OK;
    if (r->failed_tile == UINT64_MAX)
        return aq_fail(&r->error, AQ_CANCELLED, "cancelled");
    return r->error.status;
}

static aq_status run_streaming(run *r, aq_pool *pool)
{
    unsigned threads = aq_pool_threads(pool);
    aq_status status = AQ_OK;
    double seconds;
    r->own = aq_calloc(threads, sizeof *r->own);
    if (r->own == NULL)
        return aq_fail_memory(&r->error, "the workers");
    size_t src = (size_t)r->plan->max_src, dst = (size_t)r->plan->max_dst;
    for (unsigned i = 0; i < threads && status == AQ_OK; i++) {
        r->own[i].src = src == 0 ? NULL : aq_buffer_alloc(src);
        r->own[i].dst = dst == 0 ? NULL : aq_buffer_alloc(dst);
        if ((src != 0 && r->own[i].src == NULL) || (dst != 0 && r->own[i].dst == NULL))
            status = aq_fail_memory(&r->error, "the workers' buffers");
    }
    if (status == AQ_OK)
        status = pass(r, pool, stream_task, r, &r->costs, &seconds);
    for (unsigned i = 0; i < threads; i++) {
        aq_buffer_free(r->own[i].src, src);
        aq_buffer_free(r->own[i].dst, dst);
    }
    aq_free(r->own);
    return status;
}

static aq_status run_batch(run *r, aq_pool *pool, aq_run_stats *stats)
{
    size_t src = (size_t)r->plan->total_src, dst = (size_t)r->plan->total_dst;
    aq_status status = AQ_OK;
    r->whole.src = src == 0 ? NULL : aq_buffer_alloc(src);
    r->whole.dst = dst == 0 ? NULL : aq_buffer_alloc(dst);
    if ((src != 0 && r->whole.src == NULL) || (dst != 0 && r->whole.dst == NULL))
        status = aq_fail(&r->error, AQ_FAILURE,
                         "out of memory: batch mode needs %llu bytes at once; streaming mode does "
                         "not (--mode streaming)",
                         (unsigned long long)src + dst);
    if (status == AQ_OK)
        status = pass(r, pool, batch_task, &(batch_pass){r, batch_load}, NULL, &stats->load_s);
    if (status == AQ_OK)
        status = pass(r, pool, batch_task, &(batch_pass){r, quantize}, &r->costs, &stats->kernel_s);
    if (status == AQ_OK)
        status = pass(r, pool, batch_task, &(batch_pass){r, store}, NULL, &stats->store_s);
    aq_buffer_free(r->whole.src, src);
    aq_buffer_free(r->whole.dst, dst);
    return status;
}

static aq_status write_fixed_parts(run *r)
{
    const aq_layout *layout = &r->plan->layout;
    aq_status status = AQ_OK;
    for (uint32_t i = 0; status == AQ_OK && i < layout->file_count; i++)
        if (!layout->files[i].elsewhere)
            status = r->sink->write_at(r->sink, i, 0, layout->files[i].header,
                                       (size_t)layout->files[i].header_size, &r->error);
    for (size_t i = 0; status == AQ_OK && i < r->plan->constant_count; i++) {
        const aq_constant *c = &r->plan->constants[i];
        const aq_out_tensor *out = &layout->tensors[c->out];
        status = r->sink->write_at(r->sink, out->file, out->offset, c->bytes, (size_t)out->bytes,
                                   &r->error);
    }
    return status;
}

static void find_kernels(run *r, aq_run_stats *stats)
{
    stats->isa = AQ_ISA_SCALAR;
    for (size_t i = 0; i < r->plan->item_count; i++) {
        const aq_item *item = &r->plan->items[i];
        if (item->reason != NULL)
            continue;
        aq_dtype dtype = item->tensor->dtype;
        const aq_kernel **kernel = &r->kernel[item->type_id][dtype];
        *kernel = item->type == &aq_half_type
                      ? aq_kernel_half(dtype)
                      : aq_kernel_find(item->type_id, dtype, r->options->isa);
        if ((*kernel)->isa > stats->isa)
            stats->isa = (*kernel)->isa;
    }
}

static bool range_of_tile(const void *arg, uint64_t index, aq_range *range)
{
    aq_tile tile = aq_plan_tile(arg, index);
    return aq_tile_range(&tile, range);
}

aq_reader *aq_run_reader(const aq_plan *plan, unsigned threads, uint64_t memory)
{
    aq_reader_options o = {.model = plan->model,
                           .range = range_of_tile,
                           .arg = plan,
                           .tiles = plan->tiles,
                           .max_tile = plan->max_src,
                           .threads = threads,
                           .memory = memory};
    return aq_reader_open(&o);
}

uint64_t aq_run_memory(const aq_plan *plan, aq_mode mode, unsigned threads)
{
    if (mode == AQ_MODE_BATCH)
        return plan->total_src + plan->total_dst;
    return (plan->max_src + plan->max_dst + sizeof(buffers) + sizeof(aq_thread_stats)) * threads;
}

aq_status aq_run(const aq_plan *plan, aq_sink *sink, aq_pool *pool, const aq_run_options *options,
                 aq_run_stats *stats, aq_error *err)
{
    run r = {.plan = plan,
             .options = options,
             .sink = sink,
             .failed_tile = UINT64_MAX,
             .costs = costs_of(plan)};
    *stats = (aq_run_stats){.threads = aq_pool_threads(pool)};
    stats->thread = r.stats = aq_calloc(stats->threads, sizeof *r.stats);
    if (r.stats == NULL)
        return aq_fail_memory(err, "the workers");
    (void)pthread_mutex_init(&r.lock, NULL);
    find_kernels(&r, stats);
    aq_status status = write_fixed_parts(&r);
    if (status == AQ_OK)
        status =
            options->mode == AQ_MODE_BATCH ? run_batch(&r, pool, stats) : run_streaming(&r, pool);
    (void)pthread_mutex_destroy(&r.lock);
    if (status != AQ_OK) {
        aq_free(stats->thread);
        stats->thread = NULL;
        if (err != NULL)
            *err = r.error;
    }
    return status;
}
