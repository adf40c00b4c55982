/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "child.h"
#include "once.h"
#include "system.h"
#include "util.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static char *run_child(const bench_store *store, char *const argv[], bench_trace *trace,
                       bench_child *child)
{
    bench_child_task task = {.argv = argv, .timeout_s = store->options->timeout_s, .trace = trace};
    if (bench_child_start(&task, child) != 0)
        return bench_format("cannot run %s: %s", argv[0], strerror(errno));
    return bench_child_failure(child);
}

static char *run_copy(const bench_store *store, const bench_case *item, const char *output,
                      bench_sample *sample)
{
    const bench_files *files = &store->files[item->model];
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
        wrong = run_child(store, (char *const *)argv, NULL, &child);
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

static char *run_quantize(const bench_store *store, unsigned cpus, const bench_case *item,
                          const char *output, int checksum, bench_trace *trace,
                          bench_sample *sample)
{
    char threads[16];
    (void)snprintf(threads, sizeof threads, "%u", item->threads);
    const char *argv[] = {store->binary,
                          "quantize",
                          "--json",
                          "--quiet",
                          "--force",
                          "--no-sync",
                          "--type",
                          aq_type_name(store->options->type),
                          "--threads",
                          threads,
                          "--mode",
                          item->mode == AQ_MODE_BATCH ? "batch" : "streaming",
                          "--isa",
                          aq_isa_name(item->isa),
                          checksum ? "--checksum" : "--",
                          checksum ? "--" : store->files[item->model].input,
                          checksum ? store->files[item->model].input : output,
                          checksum ? output : NULL,
                          NULL};
    bench_child child = {0};
    char *wrong = run_child(store, (char *const *)argv, trace, &child);
    if (wrong == NULL)
        wrong = bench_sample_parse(child.out, child.out_length, sample);
    if (wrong == NULL) {
        sample->wall_s = child.wall_s;
        bench_sample_derive(sample, cpus);
    }
    bench_child_free(&child);
    return wrong;
}

char *bench_once(const bench_store *store, unsigned cpus, const bench_case *item, int checksum,
                 bench_trace *trace, bench_sample *sample)
{
    char *output = bench_store_output(store, item), *wrong;
    bench_sample_clear(sample);
    double resident = bench_store_warm(store, item->model);
    double steal = bench_steal_s(), throttled = bench_throttled_s();
    if (item->work == BENCH_COPY)
        wrong = run_copy(store, item, output, sample);
    else
        wrong = run_quantize(store, cpus, item, output, checksum, trace, sample);
    sample->steal_s = bench_steal_s() - steal;
    sample->throttled_s = bench_throttled_s() - throttled;
    sample->resident = resident;
    bench_store_discard(store);
    free(output);
    return wrong;
}
