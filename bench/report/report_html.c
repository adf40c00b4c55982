/* SPDX-License-Identifier: Apache-2.0
 * One page that stands alone: no script, no font, no image, nothing from the network. */
#include <config.h>

#include "baseline_report.h"
#include "html_parts.h"
#include "kernels_report.h"
#include "plots.h"
#include "report.h"
#include "report_gate.h"
#include "svg.h"
#include "util.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

static const char *outcome_class(bench_outcome outcome)
{
    switch (outcome) {
    case BENCH_MET:
        return "good";
    case BENCH_MISSED:
    case BENCH_FAILED:
        return "bad";
    case BENCH_INCONCLUSIVE:
        return "open";
    default:
        return "dim";
    }
}

/* ---- head and verdict ---- */

static void print_verdict(const bench_report *report, FILE *out)
{
    size_t counts[BENCH_FAILED + 1] = {0};
    for (int i = 0; i < BENCH_TARGETS; i++)
        counts[report->verdict->target[i].outcome]++;
    fputs("<p>Targets:", out);
    for (int i = BENCH_MET; i <= BENCH_FAILED; i++)
        if (counts[i] > 0)
            (void)fprintf(out, " <strong class=\"%s\">%zu %s</strong>",
                          outcome_class((bench_outcome)i), counts[i],
                          bench_outcome_text((bench_outcome)i));
    (void)fprintf(out, ". %zu failure%s.</p>\n", report->run->failures,
                  report->run->failures == 1 ? "" : "s");
    for (size_t i = 0; i < report->run->failures; i++) {
        fputs("<p class=\"bad\">Failed: ", out);
        svg_escape(out, report->run->failure[i]);
        fputs("</p>\n", out);
    }
    for (size_t i = 0; i < report->env->doubts; i++) {
        fputs("<p class=\"open\">Doubt: ", out);
        svg_escape(out, report->env->doubt[i]);
        fputs("</p>\n", out);
    }
}

static void print_targets(const bench_report *report, FILE *out)
{
    fputs("<div class=\"scroll\"><table><thead><tr><th>target</th><th>outcome</th><th>measured</th>"
          "<th>limit</th><th>interval</th><th></th></tr></thead><tbody>\n",
          out);
    for (int i = 0; i < BENCH_TARGETS; i++) {
        const bench_target *t = &report->verdict->target[i];
        (void)fprintf(out, "<tr><td>%s</td>", t->label);
        bench_html_text(out, outcome_class(t->outcome), bench_outcome_text(t->outcome));
        bench_html_number(out, t->value, "");
        (void)fprintf(out, "<td>%s %g%s%s</td>", t->at_least ? "at least" : "under", t->limit,
                      t->unit[0] == 's' ? " " : "", t->unit);
        bench_html_range(out, t->low, t->high);
        bench_html_text(out, "note", t->note != NULL ? t->note : "");
        fputs("</tr>\n", out);
    }
    fputs("</tbody></table></div>\n", out);
}

/* ---- sections ---- */

static void print_row(const bench_report *report, size_t at, FILE *out)
{
    const bench_case *item = &report->matrix->cases[at];
    const bench_figures *f = &report->figures[at];
    const char *note;
    const char *status = bench_report_status(report, at, &note);
    fputs("<tr>", out);
    bench_html_text(out, "", item->name);
    bench_html_number(out, f->time.median, "");
    bench_html_range(out, f->time.low, f->time.high);
    bench_html_number(out, f->memory.median / 1e6, "");
    bench_html_number(out, item->section == BENCH_SIZES ? f->wall_ratio.median : f->speedup.median,
                      "x");
    bench_html_number(out, 100 * f->efficiency.median, "%");
    bench_html_number(out, f->cpu_wall.median, "");
    bench_html_number(out, 100 * f->balance.median, "%");
    bench_html_number(out, f->byte_rate.median / 1e9, "");
    bench_html_number(out, f->weight_rate.median / 1e9, "");
    bench_html_number(out, 100 * f->roof_part.median, "%");
    bench_html_text(out, "", f->limit != BENCH_LIMIT_UNKNOWN ? bench_limit_text(f->limit) : "–");
    (void)fprintf(out, "<td>%zu</td>", f->time.outliers);
    bench_html_text(out, note != NULL ? "note bad" : "note", note != NULL ? note : status);
    fputs("</tr>\n", out);
}

static void print_table(const bench_report *report, bench_section section, FILE *out)
{
    (void)fprintf(
        out,
        "<div class=\"scroll\"><table><thead><tr><th>run</th><th>time (s)</th>"
        "<th>interval</th><th>memory (MB)</th><th>%s</th><th>efficiency</th>"
        "<th>CPU/wall</th><th>balance</th><th>GB/s in</th><th>Gw/s</th>"
        "<th>of roof</th><th>limited by</th><th>outliers</th><th></th></tr></thead><tbody>\n",
        section == BENCH_SIZES ? "ratio to cp" : "speedup");
    for (size_t i = 0; i < report->matrix->count; i++)
        if (report->matrix->cases[i].section == section && !report->matrix->cases[i].verify_only)
            print_row(report, i, out);
    fputs("</tbody></table></div>\n", out);
}

static int has_section(const bench_report *report, bench_section section)
{
    for (size_t i = 0; i < report->matrix->count; i++)
        if (report->matrix->cases[i].section == section)
            return 1;
    return 0;
}

static void print_section(const bench_report *report, bench_section section, FILE *out)
{
    if (!has_section(report, section))
        return;
    (void)fprintf(out, "<h2 id=\"%s\">%s</h2>\n", bench_section_name(section),
                  bench_section_title(section));
    print_table(report, section, out);
    fputs("<div class=\"plots\">\n", out);
    if (section == BENCH_SIZES)
        bench_plot_sizes(report, out);
    if (section == BENCH_STREAMING) {
        bench_plot_memory_time(report, out);
        bench_plot_memory(report, out);
    }
    bench_plot_speedup(report, section, out);
    bench_plot_efficiency(report, section, out);
    bench_plot_losses(report, section, out);
    bench_plot_roof(report, section, out);
    bench_plot_ratios(report, section, out);
    bench_plot_samples(report, section, out);
    bench_plot_order(report, section, out);
    bench_plot_density(report, section, out);
    bench_plot_workers(report, section, out);
    fputs("</div>\n", out);
}

/* ---- the rest ---- */

static void fact_row(FILE *out, const char *label, const char *value)
{
    fputs("<tr>", out);
    bench_html_text(out, "", label);
    bench_html_text(out, "note", value);
    fputs("</tr>\n", out);
}

static void percent_row(FILE *out, const char *label, double part)
{
    char value[32];
    (void)snprintf(value, sizeof value, "%.1f%%", 100 * part);
    fact_row(out, label, isfinite(part) ? value : "unknown");
}

static void print_environment(const bench_report *report, FILE *out)
{
    char value[64];
    fputs("<h2 id=\"environment\">Environment</h2>\n<div class=\"scroll\"><table><tbody>\n", out);
    fact_row(out, "Date", report->env->date);
    if (report->run->version[0] != '\0') {
        fact_row(out, "arrowquant", report->run->version);
        fact_row(out, "Program", report->binary);
    }
    if (report->kernels != NULL)
        fact_row(out, "libarrowquant", aq_version());
    (void)snprintf(value, sizeof value, "%" PRIu64, report->seed);
    fact_row(out, "Seed", value);
    for (size_t i = 0; i < report->env->facts; i++) {
        const bench_fact *fact = &report->env->fact[i];
        fact_row(out, fact->label, bench_env_words(fact, value, sizeof value));
    }
    percent_row(out, "CPU used by others", report->run->seen.other_part);
    percent_row(out, "CPU taken by hypervisor", report->run->seen.steal_part);
    for (size_t i = 0; i < report->run->models; i++) {
        (void)snprintf(value, sizeof value, "Cached before: %.40s", report->matrix->model[i].label);
        percent_row(out, value, report->run->resident_before[i]);
    }
    fputs("</tbody></table></div>\n", out);
}

static void print_samples(const bench_report *report, FILE *out)
{
    fputs("<h2 id=\"samples\">All samples</h2>\n<details><summary>Every sample, in the order of "
          "rounds</summary><div class=\"scroll\"><table><thead><tr><th>run</th><th>round</th>"
          "<th>time (s)</th><th>wall (s)</th><th>user (s)</th><th>system (s)</th><th>CPU/wall</th>"
          "<th>balance</th><th>peak (MB)</th><th>invol. switches</th><th>steal (s)</th>"
          "<th>input cached</th></tr></thead><tbody>\n",
          out);
    for (size_t i = 0; i < report->matrix->count; i++)
        for (size_t j = 0; j < report->run->result[i].samples; j++) {
            const bench_sample *s = &report->run->result[i].sample[j];
            fputs("<tr>", out);
            bench_html_text(out, "", report->matrix->cases[i].name);
            (void)fprintf(out, "<td>%u</td>", s->round);
            bench_html_number(out, s->time_s, "");
            bench_html_number(out, s->wall_s, "");
            bench_html_number(out, s->user_s, "");
            bench_html_number(out, s->system_s, "");
            bench_html_number(out, s->cpu_wall, s->no_cores ? " c" : "");
            bench_html_number(out, 100 * s->balance, "%");
            bench_html_number(out, s->rss_peak_bytes / 1e6, "");
            bench_html_number(out, s->involuntary_switches, "");
            bench_html_number(out, s->steal_s, "");
            bench_html_number(out, 100 * s->resident, "%");
            fputs("</tr>\n", out);
        }
    fputs("</tbody></table></div></details>\n", out);
}

static void print_key(FILE *out)
{
    fputs(
        "<p class=\"dim\">Times are medians over rounds; intervals are 95% bootstrap intervals of "
        "the median, or, with fewer than six rounds, the range of the samples. Speedups and "
        "ratios are paired within rounds. Memory is the peak resident set, MB are 10<sup>6</sup> "
        "bytes, Gw/s 10<sup>9</sup> weights per second. CPU/wall is CPU time over time; a c there "
        "says that it is under 0.9 x threads. Balance is total CPU time over threads x that of "
        "the busiest. Outliers lie outside Tukey's fences; none was dropped.</p>\n",
        out);
}

int bench_report_html(const bench_report *report, FILE *out)
{
    bench_html_begin(out, "arrowquant benchmark");
    (void)fprintf(out, "<p class=\"dim\">%s, to %s%s</p>\n", report->env->date,
                  aq_type_name(report->options->type),
                  report->options->quick ? "; a quick run: large models are scaled down" : "");
    print_verdict(report, out);
    print_targets(report, out);
    fputs("<div class=\"plots\">\n", out);
    bench_plot_targets(report, out);
    fputs("</div>\n", out);
    bench_baseline_html(report, out);
    bench_report_gate_html(report->gate, out);
    for (int section = 0; section < BENCH_SECTIONS; section++)
        print_section(report, (bench_section)section, out);
    bench_kernels_html(report, out);
    print_environment(report, out);
    print_samples(report, out);
    fputs("<h2 id=\"again\">To run it again</h2>\n<p><code>", out);
    svg_escape(out, report->command);
    (void)fprintf(out, "</code></p>\n");
    print_key(out);
    bench_html_end(out);
    return ferror(out) ? -1 : 0;
}
