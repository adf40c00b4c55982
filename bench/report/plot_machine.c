/* SPDX-License-Identifier: Apache-2.0
 * What the machine gave: its bandwidth, and its cores to each thread. */
#include <config.h>

#include "plot_parts.h"
#include "plots.h"
#include "util.h"

#include <math.h>

/* ---- roof ---- */

static int has_roof(const bench_report *report, size_t at, bench_section section)
{
    return plot_shown(report, at, section) && report->figures[at].roof.count > 0;
}

static void draw_roof(const bench_figures *f, const svg_axis *x, double y, double half, FILE *out)
{
    char text[PLOT_TEXT];
    double roof = f->roof.median / 1e9, rate = f->byte_rate.median / 1e9;
    svg_rect(out, "roof", svg_at(x, 0), y - half, svg_at(x, roof), y + half);
    svg_rect(out, "b s0", svg_at(x, 0), y - 0.6 * half, svg_at(x, rate), y + 0.6 * half);
    if (f->roof.confidence > 0)
        svg_line(out, "whisker", svg_at(x, f->roof.low / 1e9), y, svg_at(x, f->roof.high / 1e9), y);
    svg_line(out, "median", svg_at(x, roof), y - half, svg_at(x, roof), y + half);
    (void)snprintf(text, sizeof text, "%.3g of %.3g GB/s: %.0f%%", rate, roof,
                   100 * f->roof_part.median);
    svg_text(out, "hint", SVG_LEFT + 4, y - half - 4, "start", text);
}

void bench_plot_roof(const bench_report *report, bench_section section, FILE *out)
{
    size_t rows = 0, row = 0;
    double most = 0;
    char id[PLOT_TEXT], label[PLOT_TEXT];
    for (size_t i = 0; i < report->matrix->count; i++) {
        const bench_figures *f = &report->figures[i];
        if (!has_roof(report, i, section))
            continue;
        rows++;
        most = fmax(most, fmax(f->roof.confidence > 0 ? f->roof.high : f->roof.median,
                               f->byte_rate.median));
    }
    if (rows == 0)
        return;
    svg_begin(out, plot_id("roof", section, id), "Input rate under the roof of memory",
              "For each configuration the rate at which it read its input, and what as many "
              "threads of this machine read from memory in the same rounds.");
    svg_axis x = svg_axis_x(0, most / 1e9, SVG_LINEAR);
    svg_frame(out, &x, &x, "GB/s", NULL);
    double half = fmin(0.24 * (SVG_BOTTOM - SVG_TOP) / (double)rows, 16);
    for (size_t i = 0; i < report->matrix->count; i++) {
        if (!has_roof(report, i, section))
            continue;
        double y = plot_row(row++, rows) + 6;
        draw_roof(&report->figures[i], &x, y, half, out);
        svg_text(out, "tick", SVG_LEFT - 6, y + 4, "end", plot_label(report, i, label));
    }
    svg_end(out,
            "The frame is the read bandwidth with as many threads, at most one for each CPU. Good: "
            "a bar that fills it: memory sets the pace, and no more threads can help. Bad: a short "
            "bar that more threads do not lengthen: something else does.");
}

/* ---- workers ---- */

/* The run whose time is nearest to the median. */
static const bench_sample *typical(const bench_report *report, size_t at)
{
    const bench_result *result = &report->run->result[at];
    const bench_sample *best = &result->sample[0];
    double median = report->figures[at].time.median;
    for (size_t i = 1; i < result->samples; i++)
        if (fabs(result->sample[i].time_s - median) < fabs(best->time_s - median))
            best = &result->sample[i];
    return best;
}

/* The configuration with the most threads, of those with at most `limit`. */
static int widest(const bench_report *report, bench_section section, unsigned limit)
{
    int best = -1;
    for (size_t i = 0; i < report->matrix->count; i++) {
        unsigned threads = report->matrix->cases[i].threads;
        if (plot_shown(report, i, section) && threads <= limit &&
            (best < 0 || threads > report->matrix->cases[best].threads))
            best = (int)i;
    }
    return best;
}

static void draw_worker(const bench_sample *s, unsigned i, const svg_axis *x, const svg_axis *y,
                        double unit, FILE *out)
{
    const bench_worker *w = &s->worker[i];
    double left = svg_at(x, i + 0.1), right = svg_at(x, i + 0.9);
    double busy = fmax(w->read_s + w->kernel_s + w->write_s, w->cpu_s);
    svg_rect(out, "b s5", left, svg_at(y, 0), right, svg_at(y, s->run_s / unit));
    svg_rect(out, "b s1", left, svg_at(y, 0), right, svg_at(y, busy / unit));
    svg_rect(out, "b s0", left, svg_at(y, 0), right, svg_at(y, w->cpu_s / unit));
}

static void plot_workers_of(const bench_report *report, bench_section section, size_t at, FILE *out)
{
    const bench_sample *s = typical(report, at);
    char what[PLOT_TEXT], id[PLOT_TEXT], title[PLOT_TEXT], threads[PLOT_TEXT];
    double unit, most = s->run_s;
    if (s->worker == NULL)
        return;
    for (unsigned i = 0; i < s->threads; i++)
        most = fmax(most, s->worker[i].cpu_s);
    const char *name = plot_time_unit(most, &unit);
    (void)snprintf(what, sizeof what, "workers-%zu", at);
    (void)snprintf(title, sizeof title, "Time of each thread, of %u", s->threads);
    (void)snprintf(threads, sizeof threads, "%s of a typical run",
                   s->threads == 1 ? "the one thread" : "the threads");
    svg_begin(out, plot_id(what, section, id), title,
              "One bar for each thread of a typical run: its CPU time, the time in which it had a "
              "tile but no CPU, and the time in which it had no tile.");
    svg_axis x = {0, s->threads, SVG_LINEAR, SVG_LEFT, SVG_RIGHT};
    svg_axis y = svg_axis_y(0, 1.12 * most / unit, SVG_LINEAR);
    svg_frame(out, &x, &y, NULL, name);
    svg_text(out, "name", (SVG_LEFT + SVG_RIGHT) / 2.0, SVG_BOTTOM + 24, "middle", threads);
    for (unsigned i = 0; i < s->threads; i++)
        draw_worker(s, i, &x, &y, unit, out);
    plot_legend_fill(out, "b s0", 0, 3, "CPU");
    plot_legend_fill(out, "b s1", 1, 3, "no CPU");
    plot_legend_fill(out, "b s5", 2, 3, "no tile");
    svg_end(out, "Good: CPU to the top in every bar. Bad: one bar full and the others not: they "
                 "had no tile, and the run lasted as long as the full one; or a layer without CPU: "
                 "other work had it, or the disk was waited for.");
}

void bench_plot_workers(const bench_report *report, bench_section section, FILE *out)
{
    int fitting = widest(report, section, report->env->usable_cpus);
    int all = widest(report, section, BENCH_MAX_THREADS);
    /* One thread has no other to wait for, unless it is all there is. */
    if (fitting >= 0 && (fitting == all || report->matrix->cases[fitting].threads > 1))
        plot_workers_of(report, section, (size_t)fitting, out);
    if (all >= 0 && all != fitting)
        plot_workers_of(report, section, (size_t)all, out);
}
