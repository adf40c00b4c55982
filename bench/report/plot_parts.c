/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "plot_parts.h"

const char *plot_point(size_t series)
{
    static const char *const name[PLOT_SERIES] = {"p s0", "p s1", "p s2", "p s3", "p s4", "p s5"};
    return name[series % PLOT_SERIES];
}

const char *plot_bar(size_t series)
{
    static const char *const name[PLOT_SERIES] = {"b s0", "b s1", "b s2", "b s3", "b s4", "b s5"};
    return name[series % PLOT_SERIES];
}

const char *plot_curve(size_t series)
{
    static const char *const name[PLOT_SERIES] = {"c t0", "c t1", "c t2", "c t3", "c t4", "c t5"};
    return name[series % PLOT_SERIES];
}

static double legend_x(size_t at, size_t of)
{
    return SVG_LEFT + 10 + (double)at * (SVG_RIGHT - SVG_LEFT - 10) / (double)of;
}

void plot_legend(FILE *out, size_t series, size_t of, const char *label)
{
    double x = legend_x(series, of);
    svg_mark(out, plot_point(series), (int)(series % 4), x, SVG_TOP + 8, 4, NULL);
    svg_text(out, "hint", x + 8, SVG_TOP + 12, "start", label);
}

void plot_legend_fill(FILE *out, const char *class_name, size_t at, size_t of, const char *label)
{
    double x = legend_x(at, of);
    svg_rect(out, class_name, x - 5, SVG_TOP + 3, x + 5, SVG_TOP + 13);
    svg_text(out, "hint", x + 8, SVG_TOP + 12, "start", label);
}

int plot_shown(const bench_report *report, size_t at, bench_section section)
{
    const bench_case *item = &report->matrix->cases[at];
    return item->section == section && item->work == BENCH_QUANTIZE && report->figures[at].measured;
}

size_t plot_count(const bench_report *report, bench_section section)
{
    size_t count = 0;
    for (size_t i = 0; i < report->matrix->count; i++)
        count += (size_t)plot_shown(report, i, section);
    return count;
}

const char *plot_id(const char *what, bench_section section, char *out)
{
    (void)snprintf(out, PLOT_TEXT, "%s-%s", what, bench_section_name(section));
    return out;
}

const char *plot_label(const bench_report *report, size_t at, char *out)
{
    const bench_case *item = &report->matrix->cases[at];
    if (item->section == BENCH_SIZES)
        (void)snprintf(out, PLOT_TEXT, "%s", report->matrix->model[item->model].label);
    else if (item->section == BENCH_STREAMING)
        (void)snprintf(out, PLOT_TEXT, "%s", item->mode == AQ_MODE_BATCH ? "batch" : "stream");
    else
        (void)snprintf(out, PLOT_TEXT, "%u", item->threads);
    return out;
}

void plot_whisker(FILE *out, const svg_axis *y, double x, const bench_summary *s, double unit)
{
    if (s->confidence > 0)
        svg_line(out, "whisker", x, svg_at(y, s->low / unit), x, svg_at(y, s->high / unit));
}

const char *plot_time_unit(double most_s, double *unit)
{
    *unit = most_s < 1 ? 1e-3 : most_s < 600 ? 1 : 60;
    return most_s < 1 ? "time (ms)" : most_s < 600 ? "time (s)" : "time (min)";
}

double plot_row(size_t row, size_t rows)
{
    return SVG_TOP + ((double)row + 0.5) * (SVG_BOTTOM - SVG_TOP) / (double)rows;
}
