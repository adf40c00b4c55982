/* SPDX-License-Identifier: Apache-2.0
 * How samples and paired ratios are distributed. */
#include <config.h>

#include "plot_parts.h"
#include "plots.h"
#include "stats/stats.h"
#include "util.h"

#include <math.h>
#include <stdlib.h>

/* ---- density ---- */

enum { STEPS = 120 };

static void draw_curve(const double *value, size_t count, const svg_axis *x, double base,
                       double height, size_t series, FILE *out)
{
    double point[STEPS], density[STEPS], at[STEPS], low[STEPS], high[STEPS], most = 0;
    for (int i = 0; i < STEPS; i++)
        point[i] = x->low + (x->high - x->low) * i / (STEPS - 1);
    bench_density(value, count, point, STEPS, density);
    for (int i = 0; i < STEPS; i++)
        most = fmax(most, density[i]);
    for (int i = 0; i < STEPS; i++) {
        at[i] = svg_at(x, point[i]);
        low[i] = base;
        high[i] = base - (most > 0 ? height * density[i] / most : 0);
    }
    svg_area(out, plot_bar(series), at, low, high, STEPS);
}

static void draw_fence(double fence, const svg_axis *x, double base, double height, FILE *out)
{
    if (fence >= x->low && fence <= x->high)
        svg_line(out, "limit", svg_at(x, fence), base - height, svg_at(x, fence), base + 7);
}

/* A row: the curve, under it a stroke for each sample, and the fences. */
static void draw_density(const bench_report *report, size_t at, size_t series, const svg_axis *x,
                         double base, double height, FILE *out)
{
    const bench_result *result = &report->run->result[at];
    const bench_summary *time = &report->figures[at].time;
    double *value = bench_alloc(result->samples, sizeof *value);
    for (size_t i = 0; i < result->samples; i++)
        value[i] = result->sample[i].time_s / time->median;
    draw_curve(value, result->samples, x, base, height, series, out);
    for (size_t i = 0; i < result->samples; i++) {
        double to = svg_at(x, value[i]);
        svg_line(out, "rug", to, base + 1, to, base + 6);
    }
    draw_fence(time->fence_low / time->median, x, base, height, out);
    draw_fence(time->fence_high / time->median, x, base, height, out);
    free(value);
}

static void density_range(const bench_report *report, bench_section section, double *low,
                          double *high)
{
    for (size_t i = 0; i < report->matrix->count; i++) {
        const bench_summary *time = &report->figures[i].time;
        if (!plot_shown(report, i, section))
            continue;
        *low = fmin(*low, fmin(time->minimum, time->fence_low) / time->median);
        *high = fmax(*high, fmax(time->maximum, time->fence_high) / time->median);
    }
}

void bench_plot_density(const bench_report *report, bench_section section, FILE *out)
{
    double low = 0.98, high = 1.02;
    size_t rows = plot_count(report, section), row = 0;
    char id[PLOT_TEXT], label[PLOT_TEXT];
    if (rows == 0)
        return;
    density_range(report, section, &low, &high);
    svg_begin(out, plot_id("density", section, id), "Density of the samples",
              "How the times of each configuration lie around their median: a curve, a stroke for "
              "each sample, and dashed lines at Tukey's fences.");
    svg_axis x = svg_axis_x(low, high, SVG_LINEAR);
    double pitch = (SVG_BOTTOM - SVG_TOP) / (double)rows, height = fmin(0.7 * pitch, 90);
    svg_frame(out, &x, &x, "time / median", NULL);
    for (size_t i = 0; i < report->matrix->count; i++) {
        if (!plot_shown(report, i, section))
            continue;
        double base = SVG_TOP + (double)(row + 1) * pitch - 8;
        draw_density(report, i, row++, &x, base, height, out);
        svg_text(out, "tick", SVG_LEFT - 6, base, "end", plot_label(report, i, label));
    }
    svg_end(out, "Good: one narrow hill. Bad: two hills (the machine has two states), a long tail, "
                 "or strokes outside the dashed fences: outliers, which were kept.");
}

/* ---- paired ratios ---- */

static const bench_sample *partner(const bench_result *base, unsigned round)
{
    for (size_t i = 0; i < base->samples; i++)
        if (base->sample[i].round == round)
            return &base->sample[i];
    return NULL;
}

static int has_ratio(const bench_report *report, size_t at, bench_section section)
{
    return plot_shown(report, at, section) && report->figures[at].time_ratio.count > 0;
}

/* Sizes are paired with cp, whose time is that of the process. */
static const bench_summary *ratio_of(const bench_report *report, size_t at)
{
    const bench_figures *f = &report->figures[at];
    return report->matrix->cases[at].section == BENCH_SIZES ? &f->wall_ratio : &f->time_ratio;
}

static double one_ratio(const bench_report *report, size_t at, const bench_sample *s,
                        const bench_sample *base)
{
    if (report->matrix->cases[at].section == BENCH_SIZES)
        return s->wall_s / base->wall_s;
    return s->time_s / base->time_s;
}

static void draw_ratios(const bench_report *report, size_t at, size_t series, const svg_axis *x,
                        const svg_axis *y, FILE *out)
{
    const bench_result *result = &report->run->result[at];
    const bench_result *base = &report->run->result[report->matrix->cases[at].pair];
    const bench_summary *s = ratio_of(report, at);
    char tip[PLOT_TEXT];
    if (s->confidence > 0)
        svg_rect(out, "range", SVG_LEFT, svg_at(y, s->low), SVG_RIGHT, svg_at(y, s->high));
    svg_line(out, plot_curve(series), SVG_LEFT, svg_at(y, s->median), SVG_RIGHT,
             svg_at(y, s->median));
    for (size_t i = 0; i < result->samples; i++) {
        const bench_sample *other = partner(base, result->sample[i].round);
        if (other == NULL)
            continue;
        double ratio = one_ratio(report, at, &result->sample[i], other);
        (void)snprintf(tip, sizeof tip, "round %u: %.4g of %.90s", other->round, ratio,
                       report->matrix->cases[report->matrix->cases[at].pair].name);
        svg_mark(out, plot_point(series), (int)(series % 4), svg_at(x, other->round),
                 svg_at(y, ratio), 3, tip);
    }
}

void bench_plot_ratios(const bench_report *report, bench_section section, FILE *out)
{
    double low = 1, high = 1, rounds = 2;
    size_t count = 0, series = 0;
    char id[PLOT_TEXT], label[PLOT_TEXT];
    for (size_t i = 0; i < report->matrix->count; i++) {
        if (!has_ratio(report, i, section))
            continue;
        count++;
        low = fmin(low, ratio_of(report, i)->minimum);
        high = fmax(high, ratio_of(report, i)->maximum);
        rounds = fmax(rounds, (double)report->run->result[i].samples);
    }
    if (count == 0)
        return;
    svg_begin(out, plot_id("ratios", section, id), "Paired ratios, round by round",
              "The time of each run over that of the run it is paired with in the same round, on a "
              "logarithmic axis, with median and interval.");
    svg_axis x = svg_axis_x(0, rounds, SVG_LINEAR), y = svg_axis_y(low, high * 1.3, SVG_LOG2);
    svg_frame(out, &x, &y, "round",
              section == BENCH_SIZES       ? "time / cp (log)"
              : section == BENCH_STREAMING ? "streaming / batch (log)"
                                           : "time / 1 thread (log)");
    svg_line(out, "ideal", SVG_LEFT, svg_at(&y, 1), SVG_RIGHT, svg_at(&y, 1));
    for (size_t i = 0; i < report->matrix->count; i++) {
        if (!has_ratio(report, i, section))
            continue;
        draw_ratios(report, i, series, &x, &y, out);
        plot_legend(out, series++, count, plot_label(report, i, label));
    }
    svg_end(out, "Good: level rows of marks in a narrow band, below the thin line at 1: faster in "
                 "every round. Bad: marks on both sides of it, or a band that drifts: the ratio "
                 "depends on when it was taken.");
}
