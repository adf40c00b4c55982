/* SPDX-License-Identifier: Apache-2.0
 * Time over the size of the model, and memory. */
#include <config.h>

#include "plot_parts.h"
#include "plots.h"
#include "util.h"

#include <math.h>
#include <stdlib.h>

/* ---- sizes ---- */

static double input_gb(const bench_report *report, size_t at)
{
    return report->run->result[at].sample[0].in_bytes / 1e9;
}

static void draw_size(const bench_report *report, size_t at, size_t row, const svg_axis *x,
                      const svg_axis *y, FILE *out)
{
    const bench_figures *f = &report->figures[at];
    char label[PLOT_TEXT], name[PLOT_TEXT], rate[40];
    double to = svg_at(x, input_gb(report, at)), top = SVG_TOP + 12 + 18.0 * (double)row;
    plot_whisker(out, y, to, &f->time, 1);
    (void)snprintf(label, sizeof label, "%.64s: %s GB/s", plot_label(report, at, name),
                   bench_number(f->byte_rate.median / 1e9, rate, sizeof rate));
    svg_mark(out, plot_point(row), (int)(row % 4), to, svg_at(y, f->time.median), 5, label);
    svg_mark(out, plot_point(row), (int)(row % 4), SVG_LEFT + 12, top, 5, NULL);
    svg_text(out, "label", SVG_LEFT + 24, top + 4, "start", label);
}

/* The line of one rate through all sizes: that of the fastest. */
static void draw_rate(const svg_axis *x, const svg_axis *y, double rate, FILE *out)
{
    double from = fmax(x->low, y->low * rate), to = fmin(x->high, y->high * rate);
    if (from < to)
        svg_line(out, "ideal", svg_at(x, from), svg_at(y, from / rate), svg_at(x, to),
                 svg_at(y, to / rate));
}

void bench_plot_sizes(const bench_report *report, FILE *out)
{
    double low = INFINITY, high = 0, fast = INFINITY, slow = 0, rate = 0;
    size_t row = 0;
    for (size_t i = 0; i < report->matrix->count; i++) {
        const bench_figures *f = &report->figures[i];
        if (!plot_shown(report, i, BENCH_SIZES))
            continue;
        low = fmin(low, input_gb(report, i));
        high = fmax(high, input_gb(report, i));
        fast = fmin(fast, f->time.minimum);
        slow = fmax(slow, f->time.maximum);
        rate = fmax(rate, f->byte_rate.median / 1e9);
    }
    if (!(high > 0))
        return;
    svg_axis x = svg_axis_x(low, high, SVG_LOG10), y = svg_axis_y(fast, slow, SVG_LOG10);
    svg_begin(out, "sizes", "Time over size of the model",
              "Time against gigabytes of input, both logarithmic, labelled with the rate.");
    svg_frame(out, &x, &y, "input (GB)", "time (s)");
    draw_rate(&x, &y, rate, out);
    for (size_t i = 0; i < report->matrix->count; i++)
        if (plot_shown(report, i, BENCH_SIZES))
            draw_size(report, i, row++, &x, &y, out);
    svg_end(out, "Good: along the thin line, which is the rate of the fastest: it does not depend "
                 "on the size. Bad: above it with growing size: a model that no longer fits the "
                 "page cache waits for the disk.");
}

/* ---- memory ---- */

/* Peak of batch mode in MB; NaN where it was not measured. */
static double batch_peak(const bench_report *report)
{
    for (size_t i = 0; i < report->matrix->count; i++)
        if (plot_shown(report, i, BENCH_STREAMING) &&
            report->matrix->cases[i].mode == AQ_MODE_BATCH)
            return report->figures[i].memory.median / 1e6;
    return NAN;
}

static const bench_trace *trace_of(const bench_report *report, size_t at)
{
    const bench_trace *trace = report->run->result[at].trace;
    return plot_shown(report, at, BENCH_STREAMING) && trace != NULL && trace->count > 1 ? trace
                                                                                        : NULL;
}

static void draw_trace(const bench_trace *trace, size_t series, const svg_axis *x,
                       const svg_axis *y, double unit, FILE *out)
{
    double *to_x = bench_alloc(trace->count, sizeof *to_x);
    double *to_y = bench_alloc(trace->count, sizeof *to_y);
    for (size_t i = 0; i < trace->count; i++) {
        to_x[i] = svg_at(x, trace->time_s[i] / unit);
        to_y[i] = svg_at(y, trace->bytes[i] / 1e6);
    }
    svg_curve(out, plot_curve(series), to_x, to_y, trace->count);
    free(to_y);
    free(to_x);
}

void bench_plot_memory_time(const bench_report *report, FILE *out)
{
    double batch = batch_peak(report), time = 0, least = INFINITY, most = 0, unit;
    size_t count = 0, series = 0;
    char label[PLOT_TEXT];
    for (size_t i = 0; i < report->matrix->count; i++) {
        const bench_trace *trace = trace_of(report, i);
        if (trace == NULL)
            continue;
        count++;
        time = fmax(time, trace->time_s[trace->count - 1]);
        for (size_t j = 0; j < trace->count; j++) {
            least = fmin(least, trace->bytes[j] / 1e6);
            most = fmax(most, trace->bytes[j] / 1e6);
        }
    }
    if (count == 0 || !(batch > 0))
        return;
    const char *name = plot_time_unit(time, &unit);
    svg_axis x = svg_axis_x(0, time / unit, SVG_LINEAR);
    svg_axis y = svg_axis_y(fmin(least, batch / 2), 2 * fmax(most, batch), SVG_LOG10);
    svg_begin(out, "memory-time", "Memory over time, batch and streaming",
              "The resident set of one run of each mode, looked at from outside while it ran, on a "
              "logarithmic axis, and a line at half of the peak of batch mode.");
    svg_frame(out, &x, &y, name, "resident set (MB)");
    svg_line(out, "limit", SVG_LEFT, svg_at(&y, batch / 2), SVG_RIGHT, svg_at(&y, batch / 2));
    svg_text(out, "hint", SVG_RIGHT - 4, svg_at(&y, batch / 2) + 14, "end", "50% of batch");
    for (size_t i = 0; i < report->matrix->count; i++) {
        if (trace_of(report, i) == NULL)
            continue;
        draw_trace(trace_of(report, i), series, &x, &y, unit, out);
        plot_legend(out, series++, count, plot_label(report, i, label));
    }
    svg_end(out, "Good: streaming is level, and far below the dashed line at half of batch mode's "
                 "peak. Bad: a line that rises while it runs: something grows with the model.");
}

static void draw_memory(const bench_report *report, size_t at, size_t row, size_t rows,
                        const svg_axis *x, FILE *out)
{
    char label[PLOT_TEXT], value[40], text[PLOT_TEXT];
    const bench_summary *memory = &report->figures[at].memory;
    double y = plot_row(row, rows) + 6;
    (void)snprintf(text, sizeof text, "%.64s: %s MB", plot_label(report, at, label),
                   bench_number(memory->median / 1e6, value, sizeof value));
    svg_rect(out, plot_bar(row), svg_at(x, 0), y - 16, svg_at(x, memory->median / 1e6), y + 16);
    svg_text(out, "label", SVG_LEFT + 6, y - 22, "start", text);
}

void bench_plot_memory(const bench_report *report, FILE *out)
{
    double batch = batch_peak(report), most = batch;
    size_t rows = plot_count(report, BENCH_STREAMING), row = 0;
    if (rows == 0 || !(batch > 0))
        return;
    for (size_t i = 0; i < report->matrix->count; i++)
        if (plot_shown(report, i, BENCH_STREAMING))
            most = fmax(most, report->figures[i].memory.median / 1e6);
    svg_axis x = svg_axis_x(0, most, SVG_LINEAR);
    svg_begin(out, "memory", "Peak memory, batch and streaming",
              "A bar for the peak memory of each mode, and a line at half of that of batch mode.");
    svg_frame(out, &x, &x, "peak memory (MB)", NULL);
    for (size_t i = 0; i < report->matrix->count; i++)
        if (plot_shown(report, i, BENCH_STREAMING))
            draw_memory(report, i, row++, rows, &x, out);
    svg_line(out, "limit", svg_at(&x, batch / 2), SVG_TOP, svg_at(&x, batch / 2), SVG_BOTTOM);
    svg_end(out,
            "Good: the bar of streaming ends left of the dashed line at 50% of batch. Bad: right "
            "of it.");
}
