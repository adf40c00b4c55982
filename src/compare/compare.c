/* SPDX-License-Identifier: Apache-2.0
 * aq_compare: two models, tile by tile, and the figures that come of it. */
#include <config.h>

#include "compare_internal.h"

#include <string.h>

#include "base/error.h"
#include "base/pool.h"
#include "base/sized.h"
#include "formats/files.h"

/* Tiles between two looks at the sums: what has to be remembered does not grow with the model. */
enum { ROUND = 4096 };

/* A thread's own: written by it alone, read when all are done. */
typedef struct worker {
    void *buffer; /* of the place with its number; its first use puts it into memory */
    uint64_t failed_tile;
    aq_error error;
} worker;

typedef struct job {
    aq_compare_options options;
    aq_model *a, *b;
    aq_matches matches;
    aq_pool *pool;
    worker *workers;
    aq_sums *sums;  /* of the round's tiles */
    uint64_t first; /* tile of the round */
} job;

typedef struct keepsake {
    aq_arena arena;
} keepsake;

void aq_compare_options_init(aq_compare_options *options, size_t size)
{
    const aq_compare_options defaults = {.size = sizeof defaults};
    aq_sized_give(options, size, &defaults);
}

/* ---- tiles ---- */

static bool cancelled(const job *j)
{
    return j->options.cancel != NULL && *j->options.cancel != 0;
}

static int task(void *arg, aq_worker self, uint64_t i)
{
    job *j = arg;
    worker *w = &j->workers[self.index];
    void *buffer = j->workers[self.place].buffer;
    if (cancelled(j))
        return AQ_CANCELLED;
    aq_status status = aq_compare_tile(&j->matches, j->first + i, buffer, &j->sums[i], &w->error);
    if (status != AQ_OK)
        w->failed_tile = j->first + i;
    return status;
}

/* The error of the first tile that has one. */
static aq_status first_error(const job *j, aq_status status, aq_error *err)
{
    const worker *first = NULL;
    for (unsigned i = 0; i < aq_pool_threads(j->pool); i++) {
        const worker *w = &j->workers[i];
        if (w->failed_tile != UINT64_MAX && (first == NULL || w->failed_tile < first->failed_tile))
            first = w;
    }
    if (first == NULL)
        return aq_fail(err, status, "cancelled");
    if (err != NULL)
        *err = first->error;
    return first->error.status;
}

/* The sums of the round's tiles go to their tensors, in the order of the tiles. */
static void collect(const job *j, uint64_t tiles, aq_sums *tensors)
{
    for (uint64_t i = 0; i < tiles; i++) {
        const aq_match *m = aq_matches_at(&j->matches, j->first + i);
        aq_sums_add(&tensors[m - j->matches.match], &j->sums[i]);
    }
}

/* Tiles are nearly of one size, so their number tells the bytes well enough. */
static void report(const job *j, uint64_t tiles)
{
    double bytes = 0;
    if (j->options.progress == NULL)
        return;
    for (size_t i = 0; i < j->matches.count; i++)
        bytes += (double)j->matches.match[i].a->bytes;
    double share = (double)tiles / (double)j->matches.tiles;
    j->options.progress(j->options.progress_arg, (uint64_t)(bytes * share), (uint64_t)bytes);
}

static aq_status run(job *j, aq_sums *tensors, aq_error *err)
{
    uint64_t all = j->matches.tiles;
    for (j->first = 0; j->first < all; j->first += ROUND) {
        uint64_t tiles = all - j->first < ROUND ? all - j->first : ROUND;
        int failed = aq_pool_run(j->pool, tiles, task, j);
        if (failed != 0)
            return first_error(j, (aq_status)failed, err);
        collect(j, tiles, tensors);
        report(j, j->first + tiles);
    }
    aq_status status = aq_files_unchanged(j->a->source, err);
    return status == AQ_OK ? aq_files_unchanged(j->b->source, err) : status;
}

/* ---- set up and take down ---- */

static aq_status open_job(job *j, const char *original, const char *quantized, aq_error *err)
{
    aq_status status = aq_model_open(original, &j->a, err);
    if (status == AQ_OK)
        status = aq_model_open(quantized, &j->b, err);
    if (status == AQ_OK)
        status = aq_matches_make(&j->matches, j->a, j->b, err);
    if (status != AQ_OK)
        return status;
    j->pool = aq_pool_create(j->options.threads);
    if (j->pool == NULL)
        return aq_fail_memory(err, "the threads");
    unsigned threads = aq_pool_threads(j->pool);
    j->sums = aq_calloc(ROUND, sizeof *j->sums);
    j->workers = aq_calloc(threads, sizeof *j->workers);
    if (j->sums == NULL || j->workers == NULL)
        return aq_fail_memory(err, "the comparison");
    for (unsigned i = 0; i < threads; i++) {
        j->workers[i].failed_tile = UINT64_MAX;
        j->workers[i].buffer = aq_buffer_alloc(aq_compare_buffer_size());
        if (j->workers[i].buffer == NULL)
            return aq_fail_memory(err, "the buffers of a thread");
    }
    return AQ_OK;
}

static void close_job(job *j)
{
    for (unsigned i = 0; j->workers != NULL && i < aq_pool_threads(j->pool); i++)
        aq_buffer_free(j->workers[i].buffer, aq_compare_buffer_size());
    aq_free(j->workers);
    aq_free(j->sums);
    if (j->pool != NULL)
        aq_pool_destroy(j->pool);
    aq_arena_free(&j->matches.arena);
    aq_model_close(j->b);
    aq_model_close(j->a);
}

/* ---- the result ---- */

static const char *keep(aq_arena *arena, const char *text, bool *ok)
{
    const char *copy = text == NULL ? NULL : aq_arena_strndup(arena, text, strlen(text));
    *ok = *ok && (text == NULL || copy != NULL);
    return copy;
}

static bool fill(aq_arena *arena, const job *j, const aq_sums *sums, aq_compare_result *r)
{
    size_t n = j->matches.count;
    aq_compare_tensor *list = aq_arena_alloc(arena, n * sizeof *list);
    aq_sums total = {0};
    bool ok = list != NULL;
    for (size_t i = 0; ok && i < n; i++) {
        const aq_match *m = &j->matches.match[i];
        if (m->skipped == NULL)
            aq_sums_finish(&sums[i], &list[i]);
        else
            list[i].weights = m->a->weights;
        list[i].name = keep(arena, m->a->name, &ok);
        list[i].type = keep(arena, m->type, &ok);
        list[i].skipped = keep(arena, m->skipped, &ok);
        aq_sums_add(&total, &sums[i]);
    }
    aq_sums_finish(&total, &r->total);
    r->total.name = "total";
    r->tensor = list;
    r->tensors = n;
    return ok;
}

static aq_status make_result(const job *j, const aq_sums *sums, aq_compare_result *out,
                             aq_error *err)
{
    aq_compare_result r = {.size = sizeof r, .threads = aq_pool_threads(j->pool)};
    keepsake *k = aq_calloc(1, sizeof *k);
    r.owner = k;
    if (k == NULL || !fill(&k->arena, j, sums, &r)) {
        aq_compare_result_free(&r);
        return aq_fail_memory(err, "the result");
    }
    aq_sized_give(out, out->size, &r);
    return AQ_OK;
}

void aq_compare_result_free(aq_compare_result *result)
{
    if (result == NULL || result->owner == NULL)
        return;
    keepsake *k = result->owner;
    aq_arena_free(&k->arena);
    aq_free(k);
    result->owner = NULL;
    result->tensor = NULL;
    result->tensors = 0;
}

aq_status aq_compare(const char *original, const char *quantized, const aq_compare_options *options,
                     aq_compare_result *result, aq_error *err)
{
    job j = {0};
    aq_sums *sums = NULL;
    aq_compare_options_init(&j.options, sizeof j.options);
    aq_status status = aq_sized_options(&j.options, options, offsetof(aq_compare_options, threads),
                                        "aq_compare", err);
    if (status == AQ_OK)
        status = aq_sized_result(result, offsetof(aq_compare_result, threads), "aq_compare", err);
    if (status == AQ_OK)
        status = open_job(&j, original, quantized, err);
    if (status == AQ_OK) {
        sums = aq_calloc(j.matches.count, sizeof *sums);
        status = sums == NULL ? aq_fail_memory(err, "the comparison") : run(&j, sums, err);
    }
    if (status == AQ_OK && result != NULL)
        status = make_result(&j, sums, result, err);
    aq_free(sums);
    close_job(&j);
    return status;
}
