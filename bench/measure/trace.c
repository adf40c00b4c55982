/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "trace.h"
#include "util.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const double first_step_s = 0.001;

void bench_trace_begin(bench_trace *trace, pid_t pid)
{
    char *path = bench_format("/proc/%ld/statm", (long)pid);
    trace->count = 0;
    trace->step_s = first_step_s;
    trace->begin = bench_now();
    trace->fd = open(path, O_RDONLY | O_CLOEXEC);
    free(path);
}

static void thin_out(bench_trace *trace)
{
    for (size_t i = 0; 2 * i < trace->count; i++) {
        trace->time_s[i] = trace->time_s[2 * i];
        trace->bytes[i] = trace->bytes[2 * i];
    }
    trace->count = (trace->count + 1) / 2;
    trace->step_s *= 2;
}

void bench_trace_add(bench_trace *trace, double time_s, double bytes)
{
    if (trace->count == BENCH_TRACE_MOST)
        thin_out(trace);
    trace->time_s[trace->count] = time_s;
    trace->bytes[trace->count++] = bytes;
}

/* Resident bytes: the second number of statm, in pages. NaN once the process has ended. */
static double resident(int fd)
{
    char text[128];
    unsigned long pages;
    ssize_t got = fd < 0 ? -1 : pread(fd, text, sizeof text - 1, 0);
    if (got <= 0)
        return NAN;
    text[got] = '\0';
    if (sscanf(text, "%*u %lu", &pages) != 1 || pages == 0)
        return NAN;
    return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

double bench_trace_look(bench_trace *trace)
{
    double now = bench_now() - trace->begin;
    double due =
        trace->count == 0 ? trace->step_s : trace->time_s[trace->count - 1] + trace->step_s;
    if (now < due)
        return due - now;
    double bytes = resident(trace->fd);
    if (isfinite(bytes))
        bench_trace_add(trace, now, bytes);
    return trace->step_s;
}

void bench_trace_end(bench_trace *trace)
{
    if (trace->fd >= 0)
        close(trace->fd);
    trace->fd = -1;
}
