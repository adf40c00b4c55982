/* SPDX-License-Identifier: Apache-2.0
 * Figures as cells of a text table; "N/A" where there is none. Each returns `out`. */
#ifndef BENCH_TEXT_CELLS_H
#define BENCH_TEXT_CELLS_H

#include "stats/stats.h"

enum { BENCH_CELL = 40 /* characters of a cell */ };

/* The median in this unit. */
const char *bench_cell_number(const bench_summary *summary, double unit, char *out);
const char *bench_cell_factor(const bench_summary *summary, char *out);  /* "1.57x" */
const char *bench_cell_percent(const bench_summary *summary, char *out); /* "78.3%" */
/* The interval, and the same in this unit. */
const char *bench_cell_range(const bench_summary *summary, char *out);
const char *bench_cell_range_in(const bench_summary *summary, double unit, char *out);
const char *bench_cell_percents(const bench_summary *summary, char *out);

/* A log-ratio of times as what it is slower by, "+3.21%"; `unknown` where it is not finite. */
const char *bench_cell_slower(double log_ratio, const char *unknown, char *out);

#endif
