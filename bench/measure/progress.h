/* SPDX-License-Identifier: Apache-2.0
 * The line on a terminal that says what runs, how far it is, and how long it may take. */
#ifndef BENCH_PROGRESS_H
#define BENCH_PROGRESS_H

#include <stdio.h>

typedef struct bench_progress {
    FILE *out; /* NULL: say nothing */
    double begin;
    double shown;
    int on_line;
} bench_progress;

/* Shows a line only if err is a terminal and quiet is 0. */
void bench_progress_begin(bench_progress *progress, FILE *err, int quiet);
/* part: how much of all work is done, 0 to 1. */
void bench_progress_show(bench_progress *progress, double part, const char *what);
/* Clears the line, so that something else can be printed. */
void bench_progress_clear(bench_progress *progress);

#endif
