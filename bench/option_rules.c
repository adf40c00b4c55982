/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "option_rules.h"

#include <string.h>

void bench_options_select_all(bench_options *options)
{
    options->selected[BENCH_SCALING] = 1;
    options->selected[BENCH_SIZES] = 1;
    options->selected[BENCH_STREAMING] = 1;
}

void bench_options_defaults(bench_options *options)
{
    static const unsigned cores[] = {1, 2, 4, 8, 16};
    static const char *const sizes[] = {"100M", "600M", "7B"};
    memset(options, 0, sizeof *options);
    memcpy(options->cores, cores, sizeof cores);
    options->cores_count = sizeof cores / sizeof cores[0];
    strcpy(options->model_size, "100M");
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        strcpy(options->model_sizes[i], sizes[i]);
    options->model_sizes_count = sizeof sizes / sizeof sizes[0];
    options->type = AQ_TYPE_Q8_0;
    options->dtype = AQ_DTYPE_F16;
    options->mode = AQ_MODE_STREAMING;
    options->timeout_s = 3600;
    options->output_dir = ".benchmarks/parallel";
}

void bench_options_finish(bench_options *options)
{
    int any = options->kernels;
    for (int i = 0; i < BENCH_SECTIONS; i++)
        any |= options->selected[i];
    int other = options->compare != NULL || options->selftest;
    if (!any && (!other || options->list)) {
        bench_options_select_all(options);
        if (options->list)
            options->selected[BENCH_SPEEDUP] = 1;
        else
            options->quick = 1;
    }
    /* The comparison ends by itself, and what it needs is no smaller with --quick. */
    options->compare_budget_s = options->budget_s != 0 ? options->budget_s : 300;
    if (options->budget_s == 0)
        options->budget_s = options->quick ? 15 : 300;
}
