/* SPDX-License-Identifier: Apache-2.0
 * The kernels for people: text, a table in the page, Markdown, and rows of CSV. */
#include <config.h>

#include "kernels_report.h"
#include "svg.h"
#include "table_parts.h"
#include "text_cells.h"
#include "util.h"

#include <math.h>

enum { CELL = BENCH_CELL };

static const char *place(const bench_kernel *kernel)
{
    return kernel->streaming ? "memory" : "cache";
}

static const char *marks(const bench_kernels *kernels, const bench_kernel *kernel)
{
    int over = kernel->threads > kernels->usable_cpus;
    if (kernel->no_cores > 0)
        return over ? "oc" : "c";
    return over ? "o" : "-";
}

/* "-" with one thread, "N/A" where no round had full cores. */
static const char *full_speedup_cell(const bench_kernel *k, char *out)
{
    if (k->threads == 1)
        (void)snprintf(out, CELL, "-");
    else if (!isfinite(k->full_speedup.value))
        (void)snprintf(out, CELL, "N/A");
    else
        (void)snprintf(out, CELL, "%.2fx", k->full_speedup.value);
    return out;
}

/* ---- text ---- */

static void print_row(const bench_kernels *all, const bench_kernel *k, FILE *out)
{
    char rate[CELL], range[CELL], bytes[CELL], part[CELL], speedup[CELL], cpu[CELL], full[CELL];
    char full_speedup[CELL];
    (void)fprintf(out, "%-5s %-5s %-7s %-7s %-7u ", aq_type_name(k->type), aq_dtype_name(k->dtype),
                  aq_isa_name(k->isa), place(k), k->threads);
    if (k->failure != NULL)
        (void)fprintf(out, "failed: %s\n", k->failure);
    else
        (void)fprintf(out, "%-8s %-16s %-8s %-8s %-8s %-8s %-6zu %-8s %-8s %s\n",
                      bench_cell_number(&k->weight_rate, 1e9, rate),
                      bench_cell_range_in(&k->weight_rate, 1e9, range),
                      bench_cell_number(&k->byte_rate, 1e9, bytes),
                      bench_cell_percent(&k->read_part, part),
                      k->threads > 1 ? bench_cell_factor(&k->speedup, speedup) : "-",
                      bench_cell_number(&k->cpu_wall, 1, cpu), k->full_rate.count,
                      bench_cell_number(&k->full_rate, 1e9, full),
                      full_speedup_cell(k, full_speedup), marks(all, k));
}

static void print_setting(const bench_kernels *all, FILE *out)
{
    char rate[CELL], range[CELL];
    (void)fputc('\n', out);
    for (unsigned team = 0; team < all->teams; team++)
        (void)fprintf(out, "Read bandwidth with %u thread%s: %s GB/s (%s).\n", all->threads[team],
                      all->threads[team] == 1 ? "" : "s",
                      bench_cell_number(&all->read_rate[team], 1e9, rate),
                      bench_cell_range_in(&all->read_rate[team], 1e9, range));
    (void)fprintf(
        out,
        "%zu weights at a time, the same ones (cache) or %.0f million in turn (memory); the\n"
        "output goes to a buffer of each thread that stays in the cache.\n"
        "%u round%s in %.1f s: %s.\n"
        "GB/s are of weights read. The share of the read bandwidth is paired within\n"
        "rounds and of the same number of threads; so is the speedup against one thread.\n"
        "Full: the rounds in which every core did 90%% of the arithmetic that one did at\n"
        "best beside the same kernel, just before and after; then their medians, not\n"
        "paired. In the others, what CPU time does not show, a neighbour had part of a\n"
        "core, or its clock was lower.\n",
        all->window, 1e-6 * (double)all->window * (double)all->windows, all->rounds,
        all->rounds == 1 ? "" : "s", all->spent_s, bench_stop_text(all->stop));
}

void bench_kernels_text(const bench_report *report, FILE *out)
{
    static const char rule[] =
        "--------------------------------------------------------------------------------";
    const bench_kernels *all = report->kernels;
    if (all == NULL)
        return;
    (void)fprintf(out,
                  "\nKernels, in memory:\n%s\n"
                  "Type  From  ISA     Where   Threads Gw/s     Interval         GB/s     "
                  "Of read  Speedup  CPU/wall Full   Gw/s     Speedup  Marks\n%s\n",
                  rule, rule);
    for (size_t i = 0; i < all->count; i++)
        print_row(all, &all->kernel[i], out);
    print_setting(all, out);
}

/* ---- the page ---- */

static void html_cell(double value, const char *suffix, FILE *out)
{
    char text[CELL];
    (void)fprintf(out, "<td>%s%s</td>",
                  isfinite(value) ? bench_number(value, text, sizeof text) : "–",
                  isfinite(value) ? suffix : "");
}

static void html_row(const bench_kernels *all, const bench_kernel *k, FILE *out)
{
    char range[CELL];
    (void)fprintf(out, "<tr><td>%s</td><td>%s</td><td>%s</td><td>%s</td><td>%u</td>",
                  aq_type_name(k->type), aq_dtype_name(k->dtype), aq_isa_name(k->isa), place(k),
                  k->threads);
    html_cell(k->weight_rate.median / 1e9, "", out);
    (void)fprintf(out, "<td>%s</td>", bench_cell_range_in(&k->weight_rate, 1e9, range));
    html_cell(k->byte_rate.median / 1e9, "", out);
    html_cell(100 * k->read_part.median, "%", out);
    html_cell(k->speedup.median, "x", out);
    html_cell(k->cpu_wall.median, "", out);
    (void)fprintf(out, "<td>%zu</td>", k->full_rate.count);
    html_cell(k->full_rate.median / 1e9, "", out);
    html_cell(k->full_speedup.value, "x", out);
    (void)fprintf(out, "<td class=\"note%s\">", k->failure != NULL ? " bad" : "");
    svg_escape(out, k->failure != NULL ? k->failure : marks(all, k));
    fputs("</td></tr>\n", out);
}

void bench_kernels_html(const bench_report *report, FILE *out)
{
    const bench_kernels *all = report->kernels;
    char rate[CELL];
    if (all == NULL)
        return;
    fputs("<h2 id=\"kernels\">Kernels, in memory</h2>\n<p>Read bandwidth:", out);
    for (unsigned team = 0; team < all->teams; team++)
        (void)fprintf(out, "%s %s GB/s with %u thread%s", team > 0 ? "," : "",
                      bench_cell_number(&all->read_rate[team], 1e9, rate), all->threads[team],
                      all->threads[team] == 1 ? "" : "s");
    (void)fprintf(out,
                  ". %u rounds; full cores: those in which every core did 90%% of the "
                  "arithmetic that one did at best beside the same kernel.</p>\n",
                  all->rounds);
    fputs("<div class=\"scroll\"><table><thead><tr><th>type</th><th>from</th><th>ISA</th>"
          "<th>where</th><th>threads</th><th>Gw/s</th><th>interval</th><th>GB/s in</th>"
          "<th>of read</th><th>speedup</th><th>CPU/wall</th><th>full cores</th><th>Gw/s</th>"
          "<th>speedup</th><th></th></tr></thead><tbody>\n",
          out);
    for (size_t i = 0; i < all->count; i++)
        html_row(all, &all->kernel[i], out);
    fputs("</tbody></table></div>\n", out);
}

/* ---- tables ---- */

static void csv_row(const bench_kernels *all, const bench_kernel *k, FILE *out)
{
    double figure[BENCH_CSV_COLUMNS];
    bench_csv_clear(figure);
    if (k->speedup.count > 0) {
        figure[BENCH_CSV_SPEEDUP] = k->speedup.median;
        figure[BENCH_CSV_SPEEDUP_LOW] = k->speedup.low;
        figure[BENCH_CSV_SPEEDUP_HIGH] = k->speedup.high;
        figure[BENCH_CSV_EFFICIENCY] = k->speedup.median / k->threads;
    }
    if (k->weight_rate.count > 0) {
        figure[BENCH_CSV_CPU_WALL] = k->cpu_wall.median;
        figure[BENCH_CSV_BYTE_RATE] = k->byte_rate.median;
        figure[BENCH_CSV_WEIGHT_RATE] = k->weight_rate.median;
    }
    if (k->read_part.count > 0) {
        figure[BENCH_CSV_ROOF] = all->read_rate[k->team].median;
        figure[BENCH_CSV_ROOF_PART] = k->read_part.median;
    }
    const bench_csv_head head = {k->name,
                                 NULL,
                                 k->threads,
                                 k->streaming,
                                 k->failure != NULL ? "failed" : "ok",
                                 k->weight_rate.count};
    bench_csv_row(&head, figure, NULL, k->failure, out);
}

/* In the columns of bench_report_csv: those that a kernel has no figure for are empty. */
void bench_kernels_csv(const bench_report *report, FILE *out)
{
    const bench_kernels *all = report->kernels;
    for (size_t i = 0; all != NULL && i < all->count; i++)
        csv_row(all, &all->kernel[i], out);
}

void bench_kernels_markdown(const bench_report *report, FILE *out)
{
    const bench_kernels *all = report->kernels;
    char rate[CELL], range[CELL], bytes[CELL], part[CELL], speedup[CELL], full[CELL];
    char full_speedup[CELL];
    if (all == NULL)
        return;
    fputs("\n| type | from | ISA | where | threads | Gw/s | interval | GB/s in | of read | speedup "
          "| full cores | Gw/s | speedup |\n"
          "|---|---|---|---|--:|--:|---|--:|--:|--:|--:|--:|--:|\n",
          out);
    for (size_t i = 0; i < all->count; i++) {
        const bench_kernel *k = &all->kernel[i];
        (void)fprintf(
            out, "| %s | %s | %s | %s | %u | %s | %s | %s | %s | %s | %zu | %s | %s |\n",
            aq_type_name(k->type), aq_dtype_name(k->dtype), aq_isa_name(k->isa), place(k),
            k->threads, bench_cell_number(&k->weight_rate, 1e9, rate),
            bench_cell_range_in(&k->weight_rate, 1e9, range),
            bench_cell_number(&k->byte_rate, 1e9, bytes), bench_cell_percent(&k->read_part, part),
            k->threads > 1 ? bench_cell_factor(&k->speedup, speedup) : "", k->full_rate.count,
            bench_cell_number(&k->full_rate, 1e9, full), full_speedup_cell(k, full_speedup));
    }
}
