/* SPDX-License-Identifier: Apache-2.0
 * Speedup, efficiency, and where the rest went. */
#include <config.h>

#include "plot_parts.h"
#include "plots.h"

#include <math.h>

/* Which of the two curves is drawn. */
typedef struct curve {
    const bench_report *report;
    bench_section section;
    int efficiency;
    svg_axis x, y;
    FILE *out;
} curve;

static double height(const curve *c, double speedup, double threads)
{
    return svg_at(&c->y, c->efficiency ? 100 * speedup / threads : speedup);
}

static double most_threads(const curve *c)
{
    unsigned most = 2;
    for (size_t i = 0; i < c->report->matrix->count; i++)
        if (plot_shown(c->report, i, c->section) && c->report->matrix->cases[i].threads > most)
            most = c->report->matrix->cases[i].threads;
    return most;
}

static void grey_oversubscribed(const curve *c)
{
    /* Half a step beyond the last thread count that has its CPUs. */
    double from = c->report->env->usable_cpus * sqrt(2);
    if (from >= c->x.high)
        return;
    svg_rect(c->out, "region", svg_at(&c->x, from), SVG_TOP, SVG_RIGHT, SVG_BOTTOM);
    svg_text(c->out, "hint", SVG_RIGHT - 4, SVG_BOTTOM - 8, "end", "more threads than CPUs");
}

static void draw_ideal(const curve *c)
{
    double end = c->efficiency ? c->x.high : fmin(c->x.high, c->y.high);
    svg_line(c->out, "ideal", svg_at(&c->x, 1), height(c, 1, 1), svg_at(&c->x, end),
             height(c, end, end));
}

/* The fitted law with its band; beyond the points that it was fitted to it is a projection. */
static void draw_fit(const curve *c)
{
    const bench_fit *fit = c->report->fit;
    double x[BENCH_BAND], middle[BENCH_BAND], low[BENCH_BAND], high[BENCH_BAND];
    size_t count = 0;
    if (!fit->fitted || c->section != BENCH_SCALING)
        return;
    for (int i = 0; i < BENCH_BAND && fit->band_threads[i] <= c->x.high * (1 + 1e-9); i++) {
        double threads = fit->band_threads[i];
        x[count] = svg_at(&c->x, threads);
        middle[count] = height(c, fit->band[i].value, threads);
        low[count] = height(c, fit->band[i].low, threads);
        high[count++] = height(c, fit->band[i].high, threads);
    }
    svg_area(c->out, "band", x, low, high, count);
    svg_curve(c->out, "fit", x, middle, count);
    svg_text(c->out, "hint", SVG_LEFT + 6, c->efficiency ? SVG_BOTTOM - 8 : SVG_TOP + 12, "start",
             "curve and band: fitted law");
}

static void draw_points(const curve *c)
{
    char tip[PLOT_TEXT];
    double unit = c->efficiency ? 0.01 : 1;
    for (size_t i = 0; i < c->report->matrix->count; i++) {
        const bench_figures *f = &c->report->figures[i];
        const bench_summary *s = c->efficiency ? &f->efficiency : &f->speedup;
        unsigned threads = c->report->matrix->cases[i].threads;
        if (!plot_shown(c->report, i, c->section) || s->count == 0)
            continue;
        (void)snprintf(tip, sizeof tip, "%u threads: %.3g (%.3g to %.3g)%s", threads,
                       s->median / unit, s->low / unit, s->high / unit,
                       f->no_cores > 0 ? ", some samples did not have their cores" : "");
        plot_whisker(c->out, &c->y, svg_at(&c->x, threads), s, unit);
        svg_mark(c->out, f->no_cores > 0 ? "p s0 hollow" : "p s0", 0, svg_at(&c->x, threads),
                 svg_at(&c->y, s->median / unit), 5, tip);
    }
}

/* The height of the highest point; 0 where there is none. */
static double highest(const curve *c, double *lowest)
{
    double top = 0;
    for (size_t i = 0; i < c->report->matrix->count; i++) {
        const bench_figures *f = &c->report->figures[i];
        if (!plot_shown(c->report, i, c->section) || f->speedup.count == 0)
            continue;
        const bench_summary *s = c->efficiency ? &f->efficiency : &f->speedup;
        double unit = c->efficiency ? 0.01 : 1;
        top = fmax(top, (s->confidence > 0 ? s->high : s->median) / unit);
        *lowest = fmin(*lowest, (s->confidence > 0 ? s->low : s->median) / unit);
    }
    return top;
}

static void draw_limit(const curve *c)
{
    double limit = c->efficiency ? 50 : 4, at = svg_at(&c->y, limit);
    svg_line(c->out, "limit", SVG_LEFT, at, SVG_RIGHT, at);
    svg_text(c->out, "hint", SVG_RIGHT - 4, at - 5, "end", "target for 8 cores");
}

static void plot_curve_of(const bench_report *report, bench_section section, int efficiency,
                          FILE *out)
{
    curve c = {.report = report, .section = section, .efficiency = efficiency, .out = out};
    char id[PLOT_TEXT];
    double lowest = 1, top = highest(&c, &lowest);
    if (top == 0)
        return;
    c.x = svg_axis_x(1, most_threads(&c), SVG_LOG2);
    if (efficiency)
        c.y = svg_axis_y(0, fmax(top, 100), SVG_LINEAR);
    else
        c.y = svg_axis_y(lowest, fmax(top, 8), SVG_LOG2);
    svg_begin(out, plot_id(efficiency ? "efficiency" : "speedup", section, id),
              efficiency ? "Efficiency" : "Speedup",
              efficiency ? "Speedup divided by threads, in percent, against the number of threads."
                         : "Speedup over one thread against the number of threads, both "
                           "logarithmic.");
    grey_oversubscribed(&c);
    svg_frame(out, &c.x, &c.y, "threads", efficiency ? "efficiency (%)" : "speedup");
    draw_fit(&c);
    draw_ideal(&c);
    draw_limit(&c);
    draw_points(&c);
    svg_end(out, efficiency ? "Good: near the thin line at 100%. Bad: under the dashed line left "
                              "of the grey part, where each thread has a CPU. A hollow point has "
                              "samples that did not have their cores."
                            : "Good: along the thin line, one more core for each thread. Bad: flat "
                              "left of the grey part, where each thread has a CPU. A hollow point "
                              "has samples that did not have their cores.");
}

void bench_plot_speedup(const bench_report *report, bench_section section, FILE *out)
{
    plot_curve_of(report, section, 0, out);
}

void bench_plot_efficiency(const bench_report *report, bench_section section, FILE *out)
{
    plot_curve_of(report, section, 1, out);
}

/* ---- losses ---- */

static const char *const loss_class[BENCH_LOSSES] = {
    [BENCH_LOSS_SERIAL] = "b s3",
    [BENCH_LOSS_IDLE] = "b s5",
    [BENCH_LOSS_OFF_CPU] = "b s1",
    [BENCH_LOSS_SLOWER] = "b s4",
};
static const char *const loss_name[BENCH_LOSSES] = {
    [BENCH_LOSS_SERIAL] = "serial",
    [BENCH_LOSS_IDLE] = "no tile",
    [BENCH_LOSS_OFF_CPU] = "no CPU",
    [BENCH_LOSS_SLOWER] = "slower",
};

/* Medians do not add up to all exactly, and one below nothing is drawn as nothing. */
static void draw_losses(const bench_figures *f, const svg_axis *x, double y, double half, FILE *out)
{
    double at = 100 * fmin(f->efficiency.median, 1);
    svg_rect(out, "b s0", svg_at(x, 0), y - half, svg_at(x, at), y + half);
    for (int i = 0; i < BENCH_LOSSES; i++) {
        double part = 100 * fmax(f->loss[i].median, 0);
        svg_rect(out, loss_class[i], svg_at(x, at), y - half, svg_at(x, at + part), y + half);
        at += part;
    }
}

static void draw_loss_rows(const bench_report *report, bench_section section, size_t rows,
                           const svg_axis *x, FILE *out)
{
    size_t row = 0;
    char label[PLOT_TEXT], text[PLOT_TEXT];
    /* One row more than there are, for the legend. */
    double half = 0.28 * (SVG_BOTTOM - SVG_TOP) / (double)(rows + 1);
    for (size_t i = 0; i < report->matrix->count; i++) {
        const bench_figures *f = &report->figures[i];
        if (!plot_shown(report, i, section) || f->loss[0].count == 0)
            continue;
        double y = plot_row(++row, rows + 1);
        draw_losses(f, x, y, fmin(half, 16), out);
        svg_text(out, "tick", SVG_LEFT - 6, y + 4, "end", plot_label(report, i, label));
        (void)snprintf(text, sizeof text, "limited by: %s", bench_limit_text(f->limit));
        svg_text(out, "hint", SVG_LEFT + 4, y - fmin(half, 16) - 4, "start", text);
    }
}

void bench_plot_losses(const bench_report *report, bench_section section, FILE *out)
{
    size_t rows = 0;
    char id[PLOT_TEXT];
    for (size_t i = 0; i < report->matrix->count; i++)
        rows += plot_shown(report, i, section) && report->figures[i].loss[0].count > 0;
    if (rows == 0)
        return;
    svg_begin(out, plot_id("losses", section, id), "Where the threads' time went",
              "For each number of threads a bar of threads times time: the part that made the run "
              "faster, and what the rest was lost to.");
    svg_axis x = svg_axis_x(0, 100, SVG_LINEAR);
    svg_frame(out, &x, &x, "part of threads x time (%)", NULL);
    plot_legend_fill(out, "b s0", 0, BENCH_LOSSES + 1, "useful");
    for (int i = 0; i < BENCH_LOSSES; i++)
        plot_legend_fill(out, loss_class[i], (size_t)i + 1, BENCH_LOSSES + 1, loss_name[i]);
    draw_loss_rows(report, section, rows, &x, out);
    svg_end(out, "Good: useful to the end. Bad: serial (one thread works, the others wait), no "
                 "tile (threads began late or were done early), no CPU (it was taken, or there are "
                 "fewer than threads), slower (the same tiles took more CPU time: memory bandwidth "
                 "or contention).");
}
