/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "baseline_report.h"
#include "svg.h"

#include <math.h>

static const char *change_class(bench_change change)
{
    switch (change) {
    case BENCH_CHANGE_WORSE:
        return "bad";
    case BENCH_CHANGE_BETTER:
    case BENCH_CHANGE_WITHIN:
        return "good";
    default:
        return "open";
    }
}

static void ratio_cell(const bench_ratio *ratio, FILE *out)
{
    const bench_estimate *e = &ratio->estimate;
    if (!isfinite(e->value))
        fputs("<td>–</td>", out);
    else if (isfinite(e->low))
        (void)fprintf(out, "<td class=\"%s\">%.3f (%.3f – %.3f)</td>", change_class(ratio->change),
                      e->value, e->low, e->high);
    else
        (void)fprintf(out, "<td class=\"open\">%.3f</td>", e->value);
}

static void print_table(const bench_report *report, FILE *out)
{
    const bench_baseline *b = report->baseline;
    fputs("<div class=\"scroll\"><table><thead><tr><th>run</th><th>time now / then</th>"
          "<th>CPU time</th><th>peak memory</th><th>time is</th></tr></thead><tbody>\n",
          out);
    for (size_t i = 0; i < b->rows; i++) {
        const bench_baseline_row *row = &b->row[i];
        fputs("<tr><td>", out);
        svg_escape(out, report->matrix->cases[row->at].name);
        fputs("</td>", out);
        ratio_cell(&row->time, out);
        ratio_cell(&row->cpu, out);
        ratio_cell(&row->memory, out);
        (void)fprintf(out, "<td>%s</td></tr>\n",
                      row->was == NULL ? "not compared" : bench_change_text(row->time.change));
    }
    fputs("</tbody></table></div>\n", out);
}

/* Ends of an axis that holds all intervals, and the limits. */
static size_t extent(const bench_baseline *b, double *least, double *most)
{
    size_t rows = 0;
    *most = bench_change_limit;
    for (size_t i = 0; i < b->rows; i++) {
        const bench_estimate *e = &b->row[i].time.estimate;
        if (!isfinite(e->value))
            continue;
        rows++;
        *most = fmax(*most, fmax(e->value, 1 / e->value));
        if (isfinite(e->low))
            *most = fmax(*most, fmax(e->high, 1 / e->low));
    }
    *least = 1 / *most;
    return rows;
}

static void print_plot(const bench_report *report, FILE *out)
{
    const bench_baseline *b = report->baseline;
    double least, most;
    size_t rows = extent(b, &least, &most), at = 0;
    if (rows == 0)
        return;
    fputs("<div class=\"plots\">\n", out);
    svg_begin(out, "baseline-plot", "Time now over time then",
              "For each run, the ratio of its median time to that of the baseline, with its "
              "interval.");
    svg_axis x = svg_axis_x(least, most, 0);
    svg_rect(out, "region", svg_at(&x, 1 / bench_change_limit), SVG_TOP,
             svg_at(&x, bench_change_limit), SVG_BOTTOM);
    svg_frame(out, &x, &x, "time now / time then", NULL);
    svg_line(out, "ideal", svg_at(&x, 1), SVG_TOP, svg_at(&x, 1), SVG_BOTTOM);
    double pitch = (SVG_BOTTOM - SVG_TOP) / (double)rows;
    for (size_t i = 0; i < b->rows; i++) {
        const bench_estimate *e = &b->row[i].time.estimate;
        if (!isfinite(e->value))
            continue;
        double y = SVG_TOP + ((double)at++ + 0.6) * pitch;
        if (isfinite(e->low))
            svg_line(out, "whisker", svg_at(&x, e->low), y, svg_at(&x, e->high), y);
        svg_mark(out, b->row[i].time.change == BENCH_CHANGE_WORSE ? "p bad" : "p s0", 2,
                 svg_at(&x, e->value), y, 5, bench_change_text(b->row[i].time.change));
        svg_text(out, "hint", SVG_LEFT + 6, y - 8, "start",
                 report->matrix->cases[b->row[i].at].name);
    }
    svg_end(out, "Good: every interval in the shaded part, 5% around 1, or left of it. A whole "
                 "interval right of it is worth a look, and no more: the machine may have changed "
                 "since.");
    fputs("</div>\n", out);
}

static void print_notes(const bench_baseline *b, FILE *out)
{
    for (size_t i = 0; i < b->differences; i++) {
        fputs("<p>Changed since: ", out);
        svg_escape(out, b->difference[i]);
        fputs("</p>\n", out);
    }
    for (size_t i = 0; i < b->results.machine.doubts; i++) {
        fputs("<p class=\"open\">Doubt then: ", out);
        svg_escape(out, b->results.machine.doubt[i]);
        fputs("</p>\n", out);
    }
    fputs("<p class=\"dim\">Ratios of medians with 95% bootstrap intervals. The machine may have "
          "changed between the two, so this is no verdict and fails nothing: <code>--compare"
          "</code> is one.</p>\n",
          out);
}

void bench_baseline_html(const bench_report *report, FILE *out)
{
    const bench_baseline *b = report->baseline;
    if (b == NULL)
        return;
    (void)fprintf(out, "<h2 id=\"baseline\">Against baseline %s</h2>\n<p>Saved on ", b->name);
    svg_escape(out, b->results.machine.date);
    fputs(", revision ", out);
    svg_escape(out, b->results.machine.revision);
    fputs("</p>\n", out);
    if (b->worse > 0)
        (void)fprintf(out, "<p class=\"bad\">Warning: %zu run%s worse by more than %.0f%%.</p>\n",
                      b->worse, b->worse == 1 ? " is" : "s are", 100 * (bench_change_limit - 1));
    print_table(report, out);
    print_plot(report, out);
    print_notes(b, out);
}
