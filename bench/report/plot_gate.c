/* SPDX-License-Identifier: Apache-2.0
 * The comparison with another build: how much slower each metric is, and round by round. */
#include <config.h>

#include "plot_parts.h"
#include "plots.h"

#include <math.h>

/* Slower by so many percent. */
static double slower(double d)
{
    return 100 * expm1(d);
}

static size_t judged_metrics(const bench_gate *gate)
{
    size_t count = 0;
    for (size_t i = 0; i < gate->metrics; i++)
        count += gate->rule.judged[i].look > 0;
    return count;
}

static const char *decision_class(bench_decision decision)
{
    return decision == BENCH_PASS ? "p good" : decision == BENCH_REGRESSION ? "p bad" : "p open";
}

/* ---- forest ---- */

/* A bound that few rounds do not give reaches to the edge of the plot. */
static void draw_bounds(const bench_judged *judged, const svg_axis *x, double y, FILE *out)
{
    double low = isfinite(judged->lower) ? slower(judged->lower) : x->low;
    double high = isfinite(judged->upper) ? slower(judged->upper) : x->high;
    svg_line(out, "whisker", svg_at(x, low), y, svg_at(x, high), y);
}

static void draw_metric(const bench_gate *gate, size_t at, const svg_axis *x, double y, FILE *out)
{
    const bench_judged *judged = &gate->rule.judged[at], *control = &gate->rule.control[at];
    char tip[PLOT_TEXT];
    draw_bounds(judged, x, y, out);
    (void)snprintf(tip, sizeof tip, "%s: %+.2f%% after %zu rounds", gate->metric[at].label,
                   slower(judged->median), judged->rounds);
    svg_mark(out, decision_class(judged->decision), judged->decision == BENCH_PASS ? 0 : 2,
             svg_at(x, slower(judged->median)), y, 5, tip);
    draw_bounds(control, x, y + 16, out);
    svg_mark(out, "p s0 hollow", 1, svg_at(x, slower(control->median)), y + 16, 4,
             "control: the old build against a copy of itself");
    svg_text(out, "label", SVG_LEFT + 4, y - 11, "start", gate->metric[at].label);
}

void bench_plot_gate_forest(const bench_gate *gate, FILE *out)
{
    double low = -6, high = 6;
    size_t rows = judged_metrics(gate), row = 0;
    if (rows == 0)
        return;
    for (size_t i = 0; i < gate->metrics; i++)
        if (gate->rule.judged[i].look > 0) {
            low = fmin(low, slower(gate->rule.judged[i].median));
            high = fmax(high, slower(gate->rule.judged[i].median));
        }
    svg_begin(out, "gate-forest", "How much slower than the old build",
              "For each metric the median of the paired ratios in percent with the bounds that "
              "judge it, and below it the control: the old build against a copy of itself.");
    svg_axis x = svg_axis_x(low - 1, high + 1, SVG_LINEAR);
    double edge = svg_at(&x, slower(bench_most_passing()));
    svg_rect(out, "region", edge, SVG_TOP, SVG_RIGHT, SVG_BOTTOM);
    svg_frame(out, &x, &x, "slower by (%)", NULL);
    svg_line(out, "ideal", svg_at(&x, 0), SVG_TOP, svg_at(&x, 0), SVG_BOTTOM);
    svg_line(out, "limit", edge, SVG_TOP, edge, SVG_BOTTOM);
    for (size_t i = 0; i < gate->metrics; i++)
        if (gate->rule.judged[i].look > 0)
            draw_metric(gate, i, &x, plot_row(row++, rows), out);
    svg_end(out, "Good: round marks, whose line ends left of the dashed one at +5%. Bad: a diamond "
                 "with its whole line right of 0. Hollow squares are the control: the old build "
                 "against a copy of itself; away from 0, this machine is at fault.");
}

/* ---- round by round ---- */

static double widest_ratio(const bench_gate_metric *metric)
{
    double most = 6;
    for (size_t i = 0; i < metric->rounds; i++)
        most = fmax(most, fmax(fabs(slower(metric->d[i])), fabs(slower(metric->control[i]))));
    return most;
}

void bench_plot_gate_ratios(const bench_gate *gate, size_t at, FILE *out)
{
    const bench_gate_metric *metric = &gate->metric[at];
    const bench_judged *judged = &gate->rule.judged[at];
    char id[PLOT_TEXT], tip[PLOT_TEXT], title[PLOT_TEXT];
    if (metric->rounds == 0)
        return;
    double most = widest_ratio(metric);
    (void)snprintf(id, sizeof id, "gate-ratios-%zu", at);
    (void)snprintf(title, sizeof title, "Paired ratios: %s", metric->label);
    svg_begin(out, id, title,
              "In each round, by how many percent the new build was slower than the old one, and "
              "the copy of the old one than the old one.");
    svg_axis x = svg_axis_x(0, fmax((double)metric->rounds, 2), SVG_LINEAR);
    svg_axis y = svg_axis_y(-most, 1.25 * most, SVG_LINEAR);
    svg_frame(out, &x, &y, "round", "slower by (%)");
    svg_line(out, "ideal", SVG_LEFT, svg_at(&y, 0), SVG_RIGHT, svg_at(&y, 0));
    if (judged->look > 0)
        svg_line(out, plot_curve(0), SVG_LEFT, svg_at(&y, slower(judged->median)), SVG_RIGHT,
                 svg_at(&y, slower(judged->median)));
    for (size_t i = 0; i < metric->rounds; i++) {
        double to = svg_at(&x, (double)i + 1);
        (void)snprintf(tip, sizeof tip, "round %zu: %+.2f%%, control %+.2f%%", i + 1,
                       slower(metric->d[i]), slower(metric->control[i]));
        svg_mark(out, "p s0 hollow", 1, to, svg_at(&y, slower(metric->control[i])), 2.5, tip);
        svg_mark(out, plot_point(0), 0, to, svg_at(&y, slower(metric->d[i])), 3, tip);
    }
    plot_legend(out, 0, 2, "new build");
    svg_mark(out, "p s0 hollow", 1, SVG_LEFT + 10 + (SVG_RIGHT - SVG_LEFT - 10) / 2.0, SVG_TOP + 8,
             4, NULL);
    svg_text(out, "hint", SVG_LEFT + 18 + (SVG_RIGHT - SVG_LEFT - 10) / 2.0, SVG_TOP + 12, "start",
             "control");
    svg_end(out, "Good: marks on both sides of 0, as those of the control. Bad: nearly all above 0 "
                 "while the control is not.");
}
