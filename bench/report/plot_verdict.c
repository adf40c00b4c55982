/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "plot_parts.h"
#include "plots.h"
#include "util.h"

#include <math.h>

static const char *target_class(bench_outcome outcome)
{
    return outcome == BENCH_MET ? "p good" : outcome == BENCH_MISSED ? "p bad" : "p open";
}

/* Both kinds of target on one axis: how many times better than the limit. */
static double margin(const bench_target *target, double value)
{
    return target->at_least ? value / target->limit : target->limit / value;
}

static void draw_target(const bench_target *t, const svg_axis *x, double y, FILE *out)
{
    char tip[PLOT_TEXT], times[40];
    double at = svg_at(x, margin(t, t->value));
    if (t->confidence > 0)
        svg_line(out, "whisker", svg_at(x, margin(t, t->low)), y, svg_at(x, margin(t, t->high)), y);
    (void)snprintf(tip, sizeof tip, "%s: %s, %s times better than the limit", t->label,
                   bench_outcome_text(t->outcome),
                   bench_number(margin(t, t->value), times, sizeof times));
    svg_mark(out, target_class(t->outcome), t->outcome == BENCH_MET ? 0 : 2, at, y, 5, tip);
    svg_text(out, "label", SVG_LEFT + 4, y - 11, "start", t->label);
}

void bench_plot_targets(const bench_report *report, FILE *out)
{
    double most = 2, least = 0.5;
    size_t rows = 0, row = 0;
    for (int i = 0; i < BENCH_TARGETS; i++) {
        const bench_target *t = &report->verdict->target[i];
        if (!(t->value > 0))
            continue;
        rows++;
        most = fmax(most, margin(t, t->value));
        least = fmin(least, margin(t, t->value));
    }
    if (rows == 0)
        return;
    svg_begin(out, "targets-plot", "Margin to each target",
              "For each target that was measured, how many times better than its limit, on a "
              "logarithmic axis, with its interval.");
    svg_axis x = svg_axis_x(least, most, SVG_LOG10);
    svg_rect(out, "region", svg_at(&x, x.low), SVG_TOP, svg_at(&x, 1), SVG_BOTTOM);
    svg_frame(out, &x, &x, "times better than the limit", NULL);
    svg_line(out, "limit", svg_at(&x, 1), SVG_TOP, svg_at(&x, 1), SVG_BOTTOM);
    for (int i = 0; i < BENCH_TARGETS; i++)
        if (report->verdict->target[i].value > 0)
            draw_target(&report->verdict->target[i], &x, plot_row(row++, rows) + 6, out);
    svg_end(out,
            "Good: every mark and its whole interval right of the dashed line. Bad: left of it, in "
            "the shaded part. An interval across the line decides nothing.");
}
