/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "plots.h"
#include "report_gate.h"
#include "svg.h"
#include "text_cells.h"

#include <math.h>

static void percent_cell(double d, FILE *out)
{
    char cell[BENCH_CELL];
    (void)fprintf(out, "<td>%s</td>", bench_cell_slower(d, "–", cell));
}

static void print_row(const bench_gate *gate, size_t at, FILE *out)
{
    const bench_judged *judged = &gate->rule.judged[at];
    int known = judged->look > 0;
    (void)fprintf(out, "<tr><td>%s</td><td class=\"%s\">%s</td>", gate->metric[at].label,
                  judged->decision == BENCH_PASS         ? "good"
                  : judged->decision == BENCH_REGRESSION ? "bad"
                                                         : "open",
                  bench_judged_text(judged));
    percent_cell(known ? judged->median : NAN, out);
    percent_cell(known ? judged->lower : NAN, out);
    percent_cell(known ? judged->upper : NAN, out);
    percent_cell(known ? gate->rule.control[at].median : NAN, out);
    (void)fprintf(out, "<td>%zu</td></tr>\n", gate->metric[at].rounds);
}

static void print_table(const bench_gate *gate, FILE *out)
{
    fputs("<div class=\"scroll\"><table><thead><tr><th>metric</th><th>outcome</th><th>median</th>"
          "<th>at least</th><th>at most</th><th>control</th><th>rounds</th></tr></thead><tbody>\n",
          out);
    for (size_t i = 0; i < gate->metrics; i++)
        print_row(gate, i, out);
    fputs("</tbody></table></div>\n", out);
}

void bench_report_gate_html(const bench_gate *gate, FILE *out)
{
    if (gate == NULL)
        return;
    fputs("<h2 id=\"comparison\">Comparison with Another Build</h2>\n<p><strong>Verdict: ", out);
    svg_escape(out, bench_gate_verdict(gate));
    fputs("</strong></p>\n<p class=\"dim\">New: ", out);
    svg_escape(out, gate->new_path != NULL ? gate->new_path : "unknown");
    fputs("<br/>Old: ", out);
    svg_escape(out, gate->old_path != NULL ? gate->old_path : "unknown");
    fputs("</p>\n", out);
    if (gate->failure != NULL) {
        fputs("<p class=\"bad\">", out);
        svg_escape(out, gate->failure);
        fputs("</p>\n", out);
        return;
    }
    print_table(gate, out);
    fputs("<div class=\"plots\">\n", out);
    bench_plot_gate_forest(gate, out);
    for (size_t i = 0; i < gate->metrics; i++)
        bench_plot_gate_ratios(gate, i, out);
    fputs("</div>\n<p class=\"dim\">Percentages are how much slower the new build is. At least: "
          "the lower bound that a regression needs above 0, beside a median of 3%. At most: the "
          "95% upper bound that a pass needs below 5%. Many-thread wall time is dependable only "
          "from +10%.</p>\n",
          out);
}
