/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "bandwidth.h"
#include "child.h"
#include "roof.h"
#include "util.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Four passes over 128 MB at 25 GB/s. */
static const double read_s = 0.02;

typedef struct order {
    const unsigned *threads;
    size_t count;
} order;

static int complain(const char *what)
{
    (void)fprintf(stderr, "%s: %s\n", what, strerror(errno));
    return 1;
}

/* In the child: one line with a rate for each number of threads. */
static int read_memory(void *argument)
{
    const order *wanted = argument;
    bench_bandwidth bandwidth;
    unsigned most = 1;
    for (size_t i = 0; i < wanted->count; i++)
        most = wanted->threads[i] > most ? wanted->threads[i] : most;
    if (bench_bandwidth_open(&bandwidth, most) != 0)
        return complain("cannot have memory to read");
    for (size_t i = 0; i < wanted->count; i++) {
        double rate = bench_bandwidth_read(&bandwidth, wanted->threads[i], read_s);
        if (!isfinite(rate))
            return complain("cannot start threads that read");
        (void)printf("%.0f\n", rate);
    }
    bench_bandwidth_close(&bandwidth);
    return fflush(stdout) != 0 ? complain("cannot write") : 0;
}

static char *parse_rates(const char *text, size_t count, double *rate)
{
    for (size_t i = 0; i < count; i++) {
        char *end;
        rate[i] = strtod(text, &end);
        if (end == text || !(rate[i] > 0))
            return bench_format("printed %zu of %zu rates", i, count);
        text = end;
    }
    return NULL;
}

char *bench_roof_measure(const unsigned *threads, size_t count, double timeout_s, double *rate)
{
    order wanted = {threads, count};
    bench_child child;
    bench_child_task task = {.work = read_memory, .argument = &wanted, .timeout_s = timeout_s};
    char *wrong;
    if (bench_child_start(&task, &child) != 0)
        wrong = bench_format("cannot start a process: %s", strerror(errno));
    else
        wrong = bench_child_failure(&child);
    if (wrong == NULL)
        wrong = parse_rates(child.out, count, rate);
    for (size_t i = 0; i < count && wrong != NULL; i++)
        rate[i] = NAN;
    bench_child_free(&child);
    return wrong;
}
