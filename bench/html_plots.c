/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "html_plots.h"
#include "svg.h"
#include "util.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SERIES = 6 };
static const char *const point_class[SERIES] = {"p s0", "p s1", "p s2", "p s3", "p s4", "p s5"};
static const char *const bar_class[SERIES] = {"b s0", "b s1", "b s2", "b s3", "b s4", "b s5"};

/* Names the shapes and colours of the series, in a row at the top. */
static void legend(FILE *out, int series, size_t of, const char *label)
{
    double x = SVG_LEFT + 10 + series * (SVG_RIGHT - SVG_LEFT - 10) / (double)of;
    svg_mark(out, point_class[series % SERIES], series % 4, x, SVG_TOP + 8, 4, NULL);
    svg_text(out, "hint", x + 8, SVG_TOP + 12, "start", label);
}

/* ---- which configurations ---- */

static int shown(const bench_report *report, size_t at, bench_section section)
{
    const bench_case *item = &report->matrix->cases[at];
    return item->section == section && item->work == BENCH_QUANTIZE && report->figures[at].measured;
}

static size_t count_shown(const bench_report *report, bench_section section)
{
    size_t count = 0;
    for (size_t i = 0; i < report->matrix->count; i++)
        count += (size_t)shown(report, i, section);
    return count;
}

static void figure_id(const char *what, bench_section section, char *out, size_t size)
{
    (void)snprintf(out, size, "%s-%s", what, bench_section_name(section));
}

static void whisker(FILE *out, const char *class_name, const svg_axis *y, double x,
                    const bench_summary *s, double unit)
{
    if (s->confidence > 0)
        svg_line(out, class_name, x, svg_at(y, s->low / unit), x, svg_at(y, s->high / unit));
}

/* ---- targets ---- */

static const char *target_class(bench_outcome outcome)
{
    return outcome == BENCH_MET ? "p good" : outcome == BENCH_MISSED ? "p bad" : "p s0";
}

/* Both kinds of target on one axis: how many times better than the limit. */
static double margin(const bench_target *target, double value)
{
    return target->at_least ? value / target->limit : target->limit / value;
}

void bench_plot_targets(const bench_report *report, FILE *out)
{
    double most = 2, least = 0.5;
    int row = 0;
    for (int i = 0; i < BENCH_TARGETS; i++) {
        const bench_target *t = &report->verdict->target[i];
        if (!(t->value > 0))
            continue;
        row++;
        most = fmax(most, margin(t, t->value));
        least = fmin(least, margin(t, t->value));
    }
    if (row == 0)
        return;
    svg_begin(out, "targets-plot", "Margin to each target",
              "For each target that was measured, how many times better than its limit, on a "
              "logarithmic axis, with its interval.");
    svg_axis x = svg_axis_x(least, most, 1);
    svg_rect(out, "region", svg_at(&x, x.low), SVG_TOP, svg_at(&x, 1), SVG_BOTTOM);
    svg_frame(out, &x, &x, "times better than the limit", NULL);
    svg_line(out, "limit", svg_at(&x, 1), SVG_TOP, svg_at(&x, 1), SVG_BOTTOM);
    double pitch = (SVG_BOTTOM - SVG_TOP) / (double)row;
    row = 0;
    for (int i = 0; i < BENCH_TARGETS; i++) {
        const bench_target *t = &report->verdict->target[i];
        if (!(t->value > 0))
            continue;
        double y = SVG_TOP + (row++ + 0.6) * pitch;
        if (t->confidence > 0)
            svg_line(out, "whisker", svg_at(&x, margin(t, t->low)), y,
                     svg_at(&x, margin(t, t->high)), y);
        svg_mark(out, target_class(t->outcome), 2, svg_at(&x, margin(t, t->value)), y, 5,
                 bench_outcome_text(t->outcome));
        svg_text(out, "label", SVG_LEFT + 6, y - 12, "start", t->label);
    }
    svg_end(out,
            "Good: every diamond and its whole interval right of the line. Bad: left of it, in "
            "the shaded part. An interval across the line decides nothing.");
}

/* ---- scaling ---- */

static double most_threads(const bench_report *report, bench_section section)
{
    unsigned most = 1;
    for (size_t i = 0; i < report->matrix->count; i++)
        if (shown(report, i, section) && report->matrix->cases[i].threads > most)
            most = report->matrix->cases[i].threads;
    return most;
}

static void grey_oversubscribed(const bench_report *report, const svg_axis *x, FILE *out)
{
    double from = report->env->usable_cpus + 0.5;
    if (from >= x->high)
        return;
    svg_rect(out, "region", svg_at(x, from), SVG_TOP, svg_at(x, x->high), SVG_BOTTOM);
    svg_text(out, "hint", SVG_RIGHT - 4, SVG_TOP + 14, "end", "more threads than usable CPUs");
}

/* The fitted law; beyond the grey edge it is a projection. */
static void draw_fit(const bench_report *report, const svg_axis *x, const svg_axis *y,
                     int efficiency, FILE *out)
{
    enum { STEPS = 80 };
    const bench_fit *fit = report->fit;
    double at[STEPS], height[STEPS];
    for (int i = 0; i < STEPS; i++) {
        double threads = 1 + (x->high - 1) * i / (STEPS - 1);
        double speedup = bench_usl_speedup(fit->sigma.value, fit->kappa.value, threads);
        at[i] = svg_at(x, threads);
        height[i] = svg_at(y, efficiency ? 100 * speedup / threads : speedup);
    }
    svg_curve(out, "fit", at, height, STEPS);
    svg_text(out, "hint", SVG_RIGHT - 4, SVG_BOTTOM - 8, "end", "curve: fitted law");
}

static void plot_scaling(const bench_report *report, bench_section section, int efficiency,
                         FILE *out)
{
    const bench_matrix *matrix = report->matrix;
    double threads = most_threads(report, section), top = efficiency ? 110 : 2;
    size_t points = 0;
    for (size_t i = 0; i < matrix->count; i++) {
        const bench_figures *f = &report->figures[i];
        if (!shown(report, i, section) || f->speedup.count == 0)
            continue;
        points++;
        top = fmax(top, efficiency ? 100 * f->efficiency.high : f->speedup.high);
    }
    if (points == 0)
        return;
    svg_axis x = svg_axis_x(0, threads, 0), y = svg_axis_y(0, top * 1.02, 0);
    char id[64], tip[128];
    figure_id(efficiency ? "efficiency" : "speedup", section, id, sizeof id);
    svg_begin(out, id, efficiency ? "Efficiency" : "Speedup",
              efficiency ? "Speedup divided by threads, in percent, against the number of threads."
                         : "Speedup over one thread against the number of threads.");
    grey_oversubscribed(report, &x, out);
    svg_frame(out, &x, &y, "threads", efficiency ? "efficiency (%)" : "speedup");
    double end = efficiency ? x.high : fmin(x.high, y.high);
    svg_line(out, "ideal", svg_at(&x, 0), svg_at(&y, efficiency ? 100 : 0), svg_at(&x, end),
             svg_at(&y, efficiency ? 100 : end));
    if (report->fit->fitted && section == BENCH_SCALING)
        draw_fit(report, &x, &y, efficiency, out);
    double limit = efficiency ? 50 : 4;
    if (limit <= y.high)
        svg_line(out, "limit", SVG_LEFT, svg_at(&y, limit), SVG_RIGHT, svg_at(&y, limit));
    for (size_t i = 0; i < matrix->count; i++) {
        const bench_figures *f = &report->figures[i];
        const bench_summary *s = efficiency ? &f->efficiency : &f->speedup;
        double unit = efficiency ? 0.01 : 1, at = svg_at(&x, matrix->cases[i].threads);
        if (!shown(report, i, section) || s->count == 0)
            continue;
        (void)snprintf(tip, sizeof tip, "%u threads: %.3g (%.3g to %.3g)", matrix->cases[i].threads,
                       s->median / unit, s->low / unit, s->high / unit);
        whisker(out, "whisker", &y, at, s, unit);
        svg_mark(out, f->no_cores > 0 ? "p s0 hollow" : "p s0", 0, at, svg_at(&y, s->median / unit),
                 5, tip);
    }
    svg_end(out,
            efficiency
                ? "Good: near the thin line at 100%. Bad: under the dashed line at 50% left of "
                  "the grey part. A hollow point has samples that did not have their cores."
                : "Good: along the thin line, one more core for each thread; the dashed line is "
                  "the target for 8 cores. Bad: flat left of the grey part. A hollow point has "
                  "samples that did not have their cores.");
}

void bench_plot_speedup(const bench_report *report, bench_section section, FILE *out)
{
    plot_scaling(report, section, 0, out);
}

void bench_plot_efficiency(const bench_report *report, bench_section section, FILE *out)
{
    plot_scaling(report, section, 1, out);
}

/* ---- samples ---- */

static double longest(const bench_report *report, bench_section section)
{
    double most = 0;
    for (size_t i = 0; i < report->matrix->count; i++)
        if (shown(report, i, section))
            most = fmax(most, report->figures[i].time.maximum);
    return most;
}

static void row_label(const bench_report *report, size_t at, char *out, size_t size)
{
    const bench_case *item = &report->matrix->cases[at];
    if (item->section == BENCH_SIZES)
        (void)snprintf(out, size, "%s", report->matrix->model[item->model].label);
    else if (item->section == BENCH_STREAMING)
        (void)snprintf(out, size, "%s", item->mode == AQ_MODE_BATCH ? "batch" : "streaming");
    else
        (void)snprintf(out, size, "%u", item->threads);
}

static void draw_row(const bench_report *report, size_t at, const svg_axis *x, double y,
                     double pitch, FILE *out)
{
    const bench_result *result = &report->run->result[at];
    const bench_summary *time = &report->figures[at].time;
    char tip[96];
    if (time->confidence > 0)
        svg_rect(out, "range", svg_at(x, time->low), y - 0.32 * pitch, svg_at(x, time->high),
                 y + 0.32 * pitch);
    for (size_t i = 0; i < result->samples; i++) {
        const bench_sample *s = &result->sample[i];
        /* Spread so that equal times can be told apart; the pattern is the same in each row. */
        double spread = ((double)((i * 7) % 11) / 10 - 0.5) * 0.5 * pitch;
        (void)snprintf(tip, sizeof tip, "round %u: %.4g s%s", s->round, s->time_s,
                       s->no_cores ? ", did not have its cores" : "");
        svg_mark(out, s->no_cores ? "p s0 hollow" : "p s0", 0, svg_at(x, s->time_s), y + spread, 3,
                 tip);
    }
    svg_line(out, "median", svg_at(x, time->median), y - 0.4 * pitch, svg_at(x, time->median),
             y + 0.4 * pitch);
}

void bench_plot_samples(const bench_report *report, bench_section section, FILE *out)
{
    size_t rows = count_shown(report, section), row = 0;
    if (rows == 0)
        return;
    char id[64], label[64];
    figure_id("samples", section, id, sizeof id);
    svg_begin(out, id, "Every sample",
              "The time of each sample, one row for each configuration, with median and interval.");
    svg_axis x = svg_axis_x(0, longest(report, section), 0);
    svg_frame(out, &x, &x, "time (s)", NULL);
    double pitch = (SVG_BOTTOM - SVG_TOP) / (double)rows;
    for (size_t i = 0; i < report->matrix->count; i++) {
        if (!shown(report, i, section))
            continue;
        double y = SVG_TOP + ((double)row++ + 0.5) * pitch;
        row_label(report, i, label, sizeof label);
        draw_row(report, i, &x, y, pitch, out);
        svg_text(out, "tick", SVG_LEFT - 6, y + 4, "end", label);
    }
    svg_end(out,
            "Good: tight clouds around the median (upright line; the band is its interval). Bad: "
            "two clouds in one row, or a long tail: something else ran on this machine. Hollow: "
            "did not have its cores.");
}

void bench_plot_order(const bench_report *report, bench_section section, FILE *out)
{
    double top = 1.1, bottom = 0.9, rounds = 2;
    if (count_shown(report, section) == 0)
        return;
    for (size_t i = 0; i < report->matrix->count; i++) {
        const bench_summary *time = &report->figures[i].time;
        if (!shown(report, i, section))
            continue;
        top = fmax(top, time->maximum / time->median);
        bottom = fmin(bottom, time->minimum / time->median);
        rounds = fmax(rounds, (double)report->run->result[i].samples);
    }
    char id[64], tip[160], label[64];
    figure_id("order", section, id, sizeof id);
    svg_begin(out, id, "Time in the order of rounds",
              "Each sample's time over the median of its configuration, against its round.");
    svg_axis x = svg_axis_x(0, rounds, 0), y = svg_axis_y(bottom, top + 0.2 * (top - bottom), 0);
    svg_frame(out, &x, &y, "round", "time / median");
    svg_line(out, "ideal", SVG_LEFT, svg_at(&y, 1), SVG_RIGHT, svg_at(&y, 1));
    int series = 0;
    for (size_t i = 0; i < report->matrix->count; i++) {
        if (!shown(report, i, section))
            continue;
        for (size_t j = 0; j < report->run->result[i].samples; j++) {
            const bench_sample *s = &report->run->result[i].sample[j];
            (void)snprintf(tip, sizeof tip, "%s: %.4g s", report->matrix->cases[i].name, s->time_s);
            svg_mark(out, point_class[series % SERIES], series % 4, svg_at(&x, s->round),
                     svg_at(&y, s->time_s / report->figures[i].time.median), 3, tip);
        }
        row_label(report, i, label, sizeof label);
        legend(out, series++, count_shown(report, section), label);
    }
    svg_end(out,
            "Good: a level band. Bad: a slope (the machine warmed up or slowed down), a step, or "
            "a burst in which all shapes rise: compare within rounds only, as the ratios do.");
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

static int widest(const bench_report *report, bench_section section)
{
    int best = -1;
    for (size_t i = 0; i < report->matrix->count; i++)
        if (shown(report, i, section) &&
            (best < 0 || report->matrix->cases[i].threads > report->matrix->cases[best].threads))
            best = (int)i;
    return best;
}

void bench_plot_workers(const bench_report *report, bench_section section, FILE *out)
{
    int at = widest(report, section);
    if (at < 0)
        return;
    const bench_sample *s = typical(report, (size_t)at);
    double top = 0;
    for (unsigned i = 0; i < s->threads; i++)
        top = fmax(top, s->worker[i].cpu_s);
    if (!(top > 0))
        return;
    char id[64], tip[64], title[96];
    figure_id("workers", section, id, sizeof id);
    (void)snprintf(title, sizeof title, "CPU time of each of %u threads", s->threads);
    svg_begin(out, id, title, "One bar for each thread of a typical run.");
    svg_axis x = {0, s->threads, 0, SVG_LEFT, SVG_RIGHT}, y = svg_axis_y(0, 1e3 * top, 0);
    svg_frame(out, &x, &y, NULL, "CPU time (ms)");
    svg_text(out, "name", (SVG_LEFT + SVG_RIGHT) / 2.0, SVG_BOTTOM + 24, "middle", "threads");
    for (unsigned i = 0; i < s->threads; i++) {
        (void)snprintf(tip, sizeof tip, "%u", i);
        svg_rect(out, bar_class[0], svg_at(&x, i + 0.1), svg_at(&y, 0), svg_at(&x, i + 0.9),
                 svg_at(&y, 1e3 * s->worker[i].cpu_s));
    }
    svg_end(out, "Good: bars of one height. Bad: a few high ones: the others waited, and the run "
                 "lasted as long as the highest.");
}

/* ---- sizes and memory ---- */

void bench_plot_sizes(const bench_report *report, FILE *out)
{
    double low = INFINITY, high = 0, fast = INFINITY, slow = 0;
    int row = 0;
    for (size_t i = 0; i < report->matrix->count; i++) {
        if (!shown(report, i, BENCH_SIZES))
            continue;
        double bytes = report->run->result[i].sample[0].in_bytes / 1e9;
        low = fmin(low, bytes);
        high = fmax(high, bytes);
        fast = fmin(fast, report->figures[i].time.minimum);
        slow = fmax(slow, report->figures[i].time.maximum);
    }
    if (!(high > 0))
        return;
    svg_axis x = svg_axis_x(low, high, 1), y = svg_axis_y(fast, slow, 1);
    svg_begin(out, "sizes", "Time over size of the model",
              "Time against gigabytes of input, both logarithmic, labelled with the rate.");
    svg_frame(out, &x, &y, "input (GB)", "time (s)");
    for (size_t i = 0; i < report->matrix->count; i++) {
        const bench_figures *f = &report->figures[i];
        char label[128], rate[32];
        if (!shown(report, i, BENCH_SIZES))
            continue;
        double at = svg_at(&x, report->run->result[i].sample[0].in_bytes / 1e9);
        whisker(out, "whisker", &y, at, &f->time, 1);
        (void)snprintf(label, sizeof label, "%s: %s GB/s",
                       report->matrix->model[report->matrix->cases[i].model].label,
                       bench_number(f->byte_rate.median / 1e9, rate, sizeof rate));
        svg_mark(out, point_class[row % SERIES], row % 4, at, svg_at(&y, f->time.median), 5, label);
        svg_mark(out, point_class[row % SERIES], row % 4, SVG_LEFT + 12, SVG_TOP + 12 + 18 * row, 5,
                 NULL);
        svg_text(out, "label", SVG_LEFT + 24, SVG_TOP + 16 + 18 * row, "start", label);
        row++;
    }
    svg_end(out,
            "Good: a line of slope one: the rate does not depend on the size. Bad: a steeper part: "
            "a model that no longer fits the page cache waits for the disk.");
}

void bench_plot_memory(const bench_report *report, FILE *out)
{
    double batch = NAN;
    size_t rows = count_shown(report, BENCH_STREAMING), row = 0;
    for (size_t i = 0; i < report->matrix->count; i++)
        if (shown(report, i, BENCH_STREAMING) && report->matrix->cases[i].mode == AQ_MODE_BATCH)
            batch = report->figures[i].memory.median / 1e6;
    if (rows == 0 || !(batch > 0))
        return;
    svg_axis x = svg_axis_x(0, batch, 0);
    svg_begin(out, "memory", "Peak memory, batch and streaming",
              "A bar for the peak memory of each mode, and a line at half of that of batch mode.");
    svg_frame(out, &x, &x, "peak memory (MB)", NULL);
    double pitch = (SVG_BOTTOM - SVG_TOP) / (double)rows;
    for (size_t i = 0; i < report->matrix->count; i++) {
        char label[64], value[32], text[128];
        if (!shown(report, i, BENCH_STREAMING))
            continue;
        double y = SVG_TOP + ((double)row + 0.5) * pitch;
        double memory = report->figures[i].memory.median / 1e6;
        row_label(report, i, label, sizeof label);
        (void)snprintf(text, sizeof text, "%s: %s MB", label,
                       bench_number(memory, value, sizeof value));
        svg_rect(out, bar_class[row++ % SERIES], svg_at(&x, 0), y - 0.25 * pitch,
                 svg_at(&x, memory), y + 0.25 * pitch);
        svg_text(out, "label", SVG_LEFT + 8, y - 0.25 * pitch - 6, "start", text);
    }
    svg_line(out, "limit", svg_at(&x, batch / 2), SVG_TOP, svg_at(&x, batch / 2), SVG_BOTTOM);
    svg_end(out,
            "Good: the bar of streaming ends left of the dashed line at 50% of batch. Bad: right "
            "of it.");
}
