/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "baseline_report.h"
#include "util.h"

#include <math.h>

enum { CELL = 48 };

static const char *ratio_cell(const bench_ratio *ratio, char cell[CELL])
{
    const bench_estimate *e = &ratio->estimate;
    if (!isfinite(e->value))
        (void)snprintf(cell, CELL, "N/A");
    else if (isfinite(e->low))
        (void)snprintf(cell, CELL, "%.3f (%.3f-%.3f)", e->value, e->low, e->high);
    else
        (void)snprintf(cell, CELL, "%.3f", e->value);
    return cell;
}

static void print_row(const bench_report *report, const bench_baseline_row *row, FILE *out)
{
    char time[CELL], cpu[CELL], memory[CELL];
    const char *name = report->matrix->cases[row->at].name;
    if (row->was == NULL)
        (void)fprintf(out, "%-24s not compared\n", name);
    else
        (void)fprintf(out, "%-24s %-22s %-22s %-22s %s\n", name, ratio_cell(&row->time, time),
                      ratio_cell(&row->cpu, cpu), ratio_cell(&row->memory, memory),
                      bench_change_text(row->time.change));
}

void bench_baseline_text(const bench_report *report, FILE *out)
{
    const bench_baseline *b = report->baseline;
    if (b == NULL)
        return;
    (void)fprintf(out, "\nAgainst baseline %s of %s:\n", b->name, b->results.machine.date);
    fputs("--------------------------------------------------------------------------------\n"
          "Run                      Time now/then          CPU time               Peak memory"
          "            Time is\n"
          "--------------------------------------------------------------------------------\n",
          out);
    for (size_t i = 0; i < b->rows; i++)
        print_row(report, &b->row[i], out);
    (void)fputc('\n', out);
    for (size_t i = 0; i < b->differences; i++)
        (void)fprintf(out, "Changed since: %s\n", b->difference[i]);
    for (size_t i = 0; i < b->results.machine.doubts; i++)
        (void)fprintf(out, "Doubt then: %s\n", b->results.machine.doubt[i]);
    if (b->worse > 0)
        (void)fprintf(out, "Warning: %zu run%s worse by more than %.0f%%.\n", b->worse,
                      b->worse == 1 ? " is" : "s are", 100 * (bench_change_limit - 1));
    fputs("Ratios of medians with 95% bootstrap intervals. The machine may have changed between\n"
          "the two, so this is no verdict and fails nothing: --compare is one.\n",
          out);
}
