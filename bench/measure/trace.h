/* SPDX-License-Identifier: Apache-2.0
 * The resident set of a process over time, looked at from outside while it runs. */
#ifndef BENCH_TRACE_H
#define BENCH_TRACE_H

#include <stddef.h>
#include <sys/types.h>

enum { BENCH_TRACE_MOST = 512 };

/* However long the process runs there are at most BENCH_TRACE_MOST points, evenly spaced: when they
 * are full every second one is dropped, and the step doubles. */
typedef struct bench_trace {
    double time_s[BENCH_TRACE_MOST]; /* since the trace began */
    double bytes[BENCH_TRACE_MOST];
    size_t count;
    double step_s;
    double begin;
    int fd; /* of /proc/PID/statm; -1 where it cannot be read */
} bench_trace;

void bench_trace_begin(bench_trace *trace, pid_t pid);
/* Looks, if it is time to. Returns the seconds until the next look. */
double bench_trace_look(bench_trace *trace);
void bench_trace_end(bench_trace *trace);

/* Adds a point; for bench_trace_look, and for tests. */
void bench_trace_add(bench_trace *trace, double time_s, double bytes);

#endif
