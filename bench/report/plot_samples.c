/* SPDX-License-Identifier: Apache-2.0
 * Every sample: by configuration, and in the order in which they were taken. */
#include <config.h>

#include "plot_parts.h"
#include "plots.h"

#include <math.h>
#include <string.h>

/* ---- by configuration ---- */

typedef struct strip {
    const bench_report *report;
    svg_axis x;
    double unit, pitch;
    FILE *out;
} strip;

static const char *sample_tip(const bench_sample *s, const char *disturbed, char *tip)
{
    (void)snprintf(tip, PLOT_TEXT, "round %u: %.4g s%s%s", s->round, s->time_s,
                   disturbed != NULL ? ", " : "", disturbed != NULL ? disturbed : "");
    return tip;
}

static void draw_row(const strip *plot, size_t at, double y)
{
    const bench_result *result = &plot->report->run->result[at];
    const bench_figures *f = &plot->report->figures[at];
    const bench_summary *time = &f->time;
    char tip[PLOT_TEXT];
    if (time->confidence > 0)
        svg_rect(plot->out, "range", svg_at(&plot->x, time->low / plot->unit),
                 y - 0.34 * plot->pitch, svg_at(&plot->x, time->high / plot->unit),
                 y + 0.34 * plot->pitch);
    for (size_t i = 0; i < result->samples; i++) {
        const bench_sample *s = &result->sample[i];
        const char *disturbed = bench_disturbed(s, f);
        /* Spread so that equal times can be told apart; the pattern is the same in each row. */
        double spread = ((double)((i * 7) % 11) / 10 - 0.5) * 0.5 * plot->pitch;
        svg_mark(plot->out, disturbed != NULL ? "p s0 hollow" : "p s0", 0,
                 svg_at(&plot->x, s->time_s / plot->unit), y + spread, 3,
                 sample_tip(s, disturbed, tip));
    }
    double at_median = svg_at(&plot->x, time->median / plot->unit);
    svg_line(plot->out, "median", at_median, y - 0.4 * plot->pitch, at_median,
             y + 0.4 * plot->pitch);
}

static double longest(const bench_report *report, bench_section section)
{
    double most = 0;
    for (size_t i = 0; i < report->matrix->count; i++)
        if (plot_shown(report, i, section))
            most = fmax(most, report->figures[i].time.maximum);
    return most;
}

void bench_plot_samples(const bench_report *report, bench_section section, FILE *out)
{
    size_t rows = plot_count(report, section), row = 0;
    char id[PLOT_TEXT], label[PLOT_TEXT];
    if (rows == 0)
        return;
    strip plot = {.report = report, .out = out};
    double most = longest(report, section);
    const char *name = plot_time_unit(most, &plot.unit);
    plot.x = svg_axis_x(0, most / plot.unit, SVG_LINEAR);
    plot.pitch = fmin((SVG_BOTTOM - SVG_TOP) / (double)rows, 70);
    svg_begin(out, plot_id("samples", section, id), "Every sample",
              "The time of each sample, one row for each configuration, with median and interval.");
    svg_frame(out, &plot.x, &plot.x, name, NULL);
    for (size_t i = 0; i < report->matrix->count; i++) {
        if (!plot_shown(report, i, section))
            continue;
        double y = plot_row(row++, rows);
        draw_row(&plot, i, y);
        svg_text(out, "tick", SVG_LEFT - 6, y + 4, "end", plot_label(report, i, label));
    }
    svg_end(out,
            "Good: tight clouds around the median (upright line; the band is its interval). Bad: "
            "two clouds in one row, or a long tail: something else ran on this machine. Hollow: "
            "disturbed, by what this machine told.");
}

/* ---- in order ---- */

static void draw_series(const bench_report *report, size_t at, size_t series, const svg_axis *x,
                        const svg_axis *y, FILE *out)
{
    const bench_figures *f = &report->figures[at];
    char tip[PLOT_TEXT], all[2 * PLOT_TEXT];
    for (size_t j = 0; j < report->run->result[at].samples; j++) {
        const bench_sample *s = &report->run->result[at].sample[j];
        const char *disturbed = bench_disturbed(s, f);
        double to_x = svg_at(x, s->round), to_y = svg_at(y, s->time_s / f->time.median);
        (void)snprintf(all, sizeof all, "%s, %s", report->matrix->cases[at].name,
                       sample_tip(s, disturbed, tip));
        if (disturbed != NULL)
            svg_mark(out, "ring", 0, to_x, to_y, 5.5, NULL);
        svg_mark(out, plot_point(series), (int)(series % 4), to_x, to_y, 3, all);
    }
}

static void find_range(const bench_report *report, bench_section section, double *low, double *high,
                       double *rounds)
{
    *low = 0.95;
    *high = 1.05;
    *rounds = 2;
    for (size_t i = 0; i < report->matrix->count; i++) {
        const bench_summary *time = &report->figures[i].time;
        if (!plot_shown(report, i, section))
            continue;
        *high = fmax(*high, time->maximum / time->median);
        *low = fmin(*low, time->minimum / time->median);
        *rounds = fmax(*rounds, (double)report->run->result[i].samples);
    }
}

void bench_plot_order(const bench_report *report, bench_section section, FILE *out)
{
    double low, high, rounds;
    size_t count = plot_count(report, section), series = 0;
    char id[PLOT_TEXT], label[PLOT_TEXT];
    if (count == 0)
        return;
    find_range(report, section, &low, &high, &rounds);
    svg_begin(out, plot_id("order", section, id), "Time in the order of rounds",
              "Each sample's time over the median of its configuration, against its round.");
    /* Room above for the legend. */
    svg_axis x = svg_axis_x(0, rounds, SVG_LINEAR);
    svg_axis y = svg_axis_y(low, high + 0.15 * (high - low), SVG_LINEAR);
    svg_frame(out, &x, &y, "round", "time / median");
    svg_line(out, "ideal", SVG_LEFT, svg_at(&y, 1), SVG_RIGHT, svg_at(&y, 1));
    for (size_t i = 0; i < report->matrix->count; i++) {
        if (!plot_shown(report, i, section))
            continue;
        draw_series(report, i, series, &x, &y, out);
        plot_legend(out, series++, count, plot_label(report, i, label));
    }
    svg_end(out,
            "Good: a level band. Bad: a slope (the machine warmed up or slowed down), a step, or "
            "a burst in which all shapes rise: compare within rounds only, as the ratios do. A "
            "ring marks a disturbed sample: it did not have its cores, the hypervisor or a cgroup "
            "took time, its input was not cached, or it lies outside the fences.");
}
