/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "cli.h"
#include "repeat.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static aq_status fail(aq_error *err, const char *message)
{
    err->status = AQ_FAILURE;
    (void)snprintf(err->message, sizeof err->message, "%s", message);
    return AQ_FAILURE;
}

static void add_times(aq_quantize_result *sum, const aq_quantize_result *r)
{
    sum->time_s += r->time_s;
    sum->open_s += r->open_s;
    sum->run_s += r->run_s;
    sum->commit_s += r->commit_s;
    sum->load_s += r->load_s;
    sum->kernel_s += r->kernel_s;
    sum->store_s += r->store_s;
    sum->user_s += r->user_s;
    sum->system_s += r->system_s;
    sum->voluntary_switches += r->voluntary_switches;
    sum->involuntary_switches += r->involuntary_switches;
}

static void add_workers(repeat_runs *runs, const aq_quantize_result *r)
{
    for (unsigned i = 0; i < runs->result.threads; i++) {
        runs->thread[i].cpu_s += r->thread[i].cpu_s;
        runs->thread[i].read_s += r->thread[i].read_s;
        runs->thread[i].kernel_s += r->thread[i].kernel_s;
        runs->thread[i].write_s += r->thread[i].write_s;
        runs->thread[i].tiles += r->thread[i].tiles;
    }
}

static aq_status add(repeat_runs *runs, const aq_quantize_result *r, aq_error *err)
{
    aq_quantize_result *sum = &runs->result;
    if (r->checksum != sum->checksum)
        return fail(err, "two runs of --repeat gave different bytes");
    if (r->threads < sum->threads)
        sum->threads = r->threads;
    if (r->accounted_bytes > sum->accounted_bytes)
        sum->accounted_bytes = r->accounted_bytes;
    if (r->allocations > sum->allocations)
        sum->allocations = r->allocations;
    sum->rss_peak = r->rss_peak;
    add_times(sum, r);
    add_workers(runs, r);
    return AQ_OK;
}

/* Before the first run: once there is an output, nothing may fail any more. */
static aq_status make_room(repeat_runs *runs, unsigned count, unsigned threads, aq_error *err)
{
    runs->time_s = calloc(count, sizeof *runs->time_s);
    runs->thread = calloc(threads, sizeof *runs->thread);
    if (runs->time_s == NULL || runs->thread == NULL)
        return fail(err, "out of memory for the times of --repeat");
    return AQ_OK;
}

static void keep_first(repeat_runs *runs)
{
    aq_quantize_result *r = &runs->result;
    memcpy(runs->thread, r->thread, r->threads * sizeof *r->thread);
    r->thread = runs->thread;
    runs->time_s[runs->count++] = r->time_s;
}

aq_status repeat_quantize(const char *input, const char *output, const aq_quantize_options *options,
                          unsigned count, repeat_runs *runs, aq_error *err)
{
    *runs = (repeat_runs){.result.size = sizeof runs->result};
    unsigned threads = cli_thread_count(options->threads);
    aq_status status = make_room(runs, count, threads, err);
    if (status == AQ_OK)
        status = aq_quantize(input, output, options, &runs->result, err);
    if (status == AQ_OK)
        keep_first(runs);
    while (status == AQ_OK && runs->count < count) {
        aq_quantize_result next = {.size = sizeof next};
        status = aq_quantize(input, output, options, &next, err);
        if (status == AQ_OK) {
            runs->time_s[runs->count++] = next.time_s;
            status = add(runs, &next, err);
            aq_quantize_result_free(&next);
        }
    }
    if (status != AQ_OK)
        repeat_free(runs);
    return status;
}

void repeat_free(repeat_runs *runs)
{
    aq_quantize_result_free(&runs->result);
    free(runs->time_s);
    free(runs->thread);
    *runs = (repeat_runs){.count = 0};
}
