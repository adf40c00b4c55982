/* SPDX-License-Identifier: Apache-2.0
 * Drawing plots as SVG inside a page. Colours come from the page's style sheet, by class. */
#ifndef BENCH_SVG_H
#define BENCH_SVG_H

#include <stddef.h>
#include <stdio.h>

/* The drawing, in its own units; the page scales it. Narrow, so that text stays legible on a
 * phone. */
enum {
    SVG_WIDTH = 400,
    SVG_HEIGHT = 280,
    SVG_LEFT = 54,
    SVG_RIGHT = 378,
    SVG_TOP = 12,
    SVG_BOTTOM = 232
};

typedef enum svg_scale { SVG_LINEAR = 0, SVG_LOG2 = 2, SVG_LOG10 = 10 } svg_scale;

/* From data to a coordinate: low lies at `from`, high at `to`. */
typedef struct svg_axis {
    double low, high;
    svg_scale scale;
    double from, to;
} svg_axis;

/* Axes over the plot's area whose ends are round numbers. low < high; 0 < low where logarithmic. */
svg_axis svg_axis_x(double low, double high, svg_scale scale);
svg_axis svg_axis_y(double low, double high, svg_scale scale);
/* Cut to the axis. */
double svg_at(const svg_axis *axis, double value);

/* A figure with a title and a description for those who cannot see it. id: unique in the page. */
void svg_begin(FILE *out, const char *id, const char *title, const char *description);
/* caption: what good and bad look like. */
void svg_end(FILE *out, const char *caption);

/* Ticks, grid and names of both axes. */
void svg_frame(FILE *out, const svg_axis *x, const svg_axis *y, const char *x_name,
               const char *y_name);

/* Below, coordinates are the drawing's. */
void svg_line(FILE *out, const char *class_name, double x1, double y1, double x2, double y2);
void svg_rect(FILE *out, const char *class_name, double x1, double y1, double x2, double y2);
/* A smooth line through count points. */
void svg_curve(FILE *out, const char *class_name, const double *x, const double *y, size_t count);
/* What lies between two such lines. */
void svg_area(FILE *out, const char *class_name, const double *x, const double *low,
              const double *high, size_t count);
/* Shapes tell series apart where colours do not: 0 circle, 1 square, 2 diamond, 3 triangle.
 * tip: shown on hovering; may be NULL. */
void svg_mark(FILE *out, const char *class_name, int shape, double x, double y, double radius,
              const char *tip);
/* anchor: "start", "middle" or "end". */
void svg_text(FILE *out, const char *class_name, double x, double y, const char *anchor,
              const char *text);

/* Text of a page: with &, <, > and quotes escaped. */
void svg_escape(FILE *out, const char *text);

#endif
