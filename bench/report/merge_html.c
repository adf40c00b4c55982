/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "html_parts.h"
#include "results/merge.h"
#include "svg.h"

#include <math.h>
#include <string.h>

static void print_machines(const bench_merge *merge, FILE *out)
{
    fputs("<h2 id=\"machines\">Machines</h2>\n<div class=\"scroll\"><table><thead><tr><th>no</th>"
          "<th>CPU</th><th>CPUs</th><th>ISA</th><th>memory (GB)</th><th>version</th>"
          "<th>revision</th><th>date</th><th>exit</th><th>file</th></tr></thead><tbody>\n",
          out);
    for (size_t i = 0; i < merge->machines; i++) {
        const bench_results *r = &merge->machine[i];
        (void)fprintf(out, "<tr><td>%zu</td>", i + 1);
        bench_html_text(out, "note", r->machine.cpu_model);
        (void)fprintf(out, "<td>%u</td>", r->machine.usable_cpus);
        bench_html_text(out, "", r->machine.isa);
        bench_html_number(out, r->machine.memory_bytes / 1e9, "");
        bench_html_text(out, "", r->version != NULL ? r->version : "–");
        bench_html_text(out, "", r->machine.revision);
        bench_html_text(out, "", r->machine.date);
        (void)fprintf(out, "<td>%u</td>", r->exit_code);
        bench_html_text(out, "note", merge->file[i]);
        fputs("</tr>\n", out);
    }
    fputs("</tbody></table></div>\n", out);
}

static void print_row(const bench_merge *merge, const bench_merged_case *c, size_t at, FILE *out)
{
    const bench_read_result *r = c->on[at];
    (void)fprintf(out, "<tr><td>%zu</td>", at + 1);
    bench_html_text(out, "note", merge->machine[at].machine.cpu_model);
    if (r == NULL || r->status != BENCH_READ_OK) {
        (void)fprintf(out, "<td colspan=\"7\" class=\"%s\">%s ",
                      r != NULL && r->status == BENCH_READ_FAILED ? "bad" : "dim",
                      bench_merge_status(r));
        svg_escape(out, r != NULL && r->note != NULL ? r->note : "");
        fputs("</td></tr>\n", out);
        return;
    }
    bench_html_number(out, r->time.median, "");
    bench_html_range(out, r->time.low, r->time.high);
    bench_html_number(out, r->speedup.median, "x");
    bench_html_number(out, 100 * r->efficiency.median, "%");
    bench_html_number(out, r->memory.median / 1e6, "");
    bench_html_number(out, r->byte_rate.median / 1e9, "");
    bench_html_number(out, r->weight_rate.median / 1e9, "");
    fputs("</tr>\n", out);
}

static double longest(const bench_merge *merge, const bench_merged_case *c, size_t *rows)
{
    double most = 0;
    *rows = 0;
    for (size_t i = 0; i < merge->machines; i++) {
        const bench_read_result *r = c->on[i];
        if (r == NULL || r->status != BENCH_READ_OK)
            continue;
        ++*rows;
        most = fmax(most, isfinite(r->time.high) ? r->time.high : r->time.median);
    }
    return most;
}

static void print_plot(const bench_merge *merge, const bench_merged_case *c, size_t number,
                       FILE *out)
{
    size_t rows, at = 0;
    double most = longest(merge, c, &rows);
    char id[32], label[80];
    if (rows == 0)
        return;
    (void)snprintf(id, sizeof id, "times-%zu", number);
    fputs("<div class=\"plots\">\n", out);
    svg_begin(out, id, "Time on each machine",
              "The median time of this run on each machine, with its interval.");
    svg_axis x = svg_axis_x(0, most, 0);
    svg_frame(out, &x, &x, "time (s)", NULL);
    double pitch = (SVG_BOTTOM - SVG_TOP) / (double)rows;
    for (size_t i = 0; i < merge->machines; i++) {
        const bench_read_result *r = c->on[i];
        if (r == NULL || r->status != BENCH_READ_OK)
            continue;
        double y = SVG_TOP + ((double)at++ + 0.6) * pitch;
        if (isfinite(r->time.low))
            svg_line(out, "whisker", svg_at(&x, r->time.low), y, svg_at(&x, r->time.high), y);
        svg_mark(out, "p s0", 2, svg_at(&x, r->time.median), y, 5, NULL);
        (void)snprintf(label, sizeof label, "%zu: %.48s", i + 1,
                       merge->machine[i].machine.cpu_model);
        svg_text(out, "hint", SVG_LEFT + 6, y - 8, "start", label);
    }
    svg_end(out, "Good: far left, with a short line. Lines that overlap tell no difference between "
                 "these machines; one that does not have its cores has a long one.");
    fputs("</div>\n", out);
}

static void print_case(const bench_merge *merge, size_t number, FILE *out)
{
    const bench_merged_case *c = &merge->cases[number];
    fputs("<h2>", out);
    svg_escape(out, c->first->name);
    fputs(": ", out);
    svg_escape(out, c->first->model_size);
    (void)fprintf(out,
                  ", %s to %s</h2>\n<div class=\"scroll\"><table><thead><tr><th>no</th>"
                  "<th>CPU</th><th>time (s)</th><th>interval</th><th>speedup</th>"
                  "<th>efficiency</th><th>memory (MB)</th><th>GB/s in</th><th>Gw/s</th></tr>"
                  "</thead><tbody>\n",
                  c->of->dtype, c->of->type);
    for (size_t i = 0; i < merge->machines; i++)
        print_row(merge, c, i, out);
    fputs("</tbody></table></div>\n", out);
    print_plot(merge, c, number, out);
}

static void print_targets(const bench_merge *merge, FILE *out)
{
    fputs("<h2 id=\"targets\">Targets</h2>\n<div class=\"scroll\"><table><thead><tr>"
          "<th>target</th>",
          out);
    for (size_t i = 0; i < merge->machines; i++)
        (void)fprintf(out, "<th>%zu</th>", i + 1);
    fputs("</tr></thead><tbody>\n", out);
    for (size_t i = 0; i < merge->machine[0].targets; i++) {
        const bench_read_target *t = &merge->machine[0].target[i];
        fputs("<tr>", out);
        bench_html_text(out, "", t->label);
        for (size_t j = 0; j < merge->machines; j++) {
            const char *outcome = bench_merge_outcome(&merge->machine[j], t->id);
            const char *shown = outcome != NULL ? outcome : "–";
            bench_html_text(out,
                            strcmp(shown, "met") == 0      ? "good"
                            : strcmp(shown, "missed") == 0 ? "bad"
                                                           : "dim",
                            shown);
        }
        fputs("</tr>\n", out);
    }
    fputs("</tbody></table></div>\n", out);
}

int bench_merge_html(const bench_merge *merge, FILE *out)
{
    bench_html_begin(out, "arrowquant benchmark: machines");
    for (size_t i = 0; i < merge->failures; i++) {
        fputs("<p class=\"bad\">Failed: ", out);
        svg_escape(out, merge->failure[i]);
        fputs("</p>\n", out);
    }
    for (size_t i = 0; i < merge->machines; i++)
        for (size_t j = 0; j < merge->machine[i].machine.doubts; j++) {
            (void)fprintf(out, "<p class=\"open\">Doubt about %zu: ", i + 1);
            svg_escape(out, merge->machine[i].machine.doubt[j]);
            fputs("</p>\n", out);
        }
    print_machines(merge, out);
    for (size_t i = 0; i < merge->count; i++)
        print_case(merge, i, out);
    print_targets(merge, out);
    fputs("<p class=\"dim\">Medians with their intervals, as each machine reported them.</p>\n",
          out);
    bench_html_end(out);
    return ferror(out) ? -1 : 0;
}
