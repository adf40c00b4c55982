/* SPDX-License-Identifier: Apache-2.0
 * What the plots share. */
#ifndef BENCH_PLOT_PARTS_H
#define BENCH_PLOT_PARTS_H

#include "report.h"
#include "svg.h"

/* Colours, and shapes, before they begin again. */
enum { PLOT_SERIES = 6, PLOT_TEXT = 160 };
const char *plot_point(size_t series); /* class names */
const char *plot_bar(size_t series);
const char *plot_curve(size_t series);

/* Names a shape and colour in a row at the top: the series-th of so many. */
void plot_legend(FILE *out, size_t series, size_t of, const char *label);
/* The same for what is filled, with a class of its own. */
void plot_legend_fill(FILE *out, const char *class_name, size_t at, size_t of, const char *label);

/* Whether a configuration is a quantization of this section that was measured. */
int plot_shown(const bench_report *report, size_t at, bench_section section);
size_t plot_count(const bench_report *report, bench_section section);

/* An id of the figure that no other section has. */
const char *plot_id(const char *what, bench_section section, char *out);
/* What tells the configurations of a section apart: threads, model, or mode. */
const char *plot_label(const bench_report *report, size_t at, char *out);

/* The interval as an upright line, in this unit. */
void plot_whisker(FILE *out, const svg_axis *y, double x, const bench_summary *s, double unit);

/* The unit in which times up to so many seconds are easy to read: its name, and its seconds. */
const char *plot_time_unit(double most_s, double *unit);

/* Upright places of rows from top to bottom. */
double plot_row(size_t row, size_t rows);

#endif
