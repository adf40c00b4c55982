/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "text_cells.h"
#include "text_section.h"
#include "util.h"

#include <math.h>

enum { CELL = BENCH_CELL };

typedef bench_text_writer writer;

static void print_estimate(const writer *w, const char *label, const bench_estimate *e)
{
    char value[CELL], low[CELL], high[CELL];
    (void)fprintf(w->out, "%-22s %-10s (%s-%s)\n", label, bench_number(e->value, value, CELL),
                  bench_number(e->low, low, CELL), bench_number(e->high, high, CELL));
}

static void print_fit(const writer *w)
{
    const bench_fit *fit = w->report->fit;
    char label[CELL];
    if (!fit->fitted) {
        (void)fprintf(w->out,
                      "\nLaws of scaling: not fitted, for want of points that had a CPU for each "
                      "thread: %zu of %d.\n",
                      fit->points, BENCH_FIT_FEWEST);
        return;
    }
    (void)fprintf(w->out, "\nLaws of scaling, fitted to %zu points (95%% bootstrap intervals):\n",
                  fit->points);
    print_estimate(w, "Amdahl: serial part", &fit->serial);
    print_estimate(w, "USL: sigma", &fit->sigma);
    if (fit->kappa_dropped)
        (void)fprintf(w->out, "%-22s dropped: its interval holds 0\n", "USL: kappa");
    else
        print_estimate(w, "USL: kappa", &fit->kappa);
    if (isfinite(fit->peak))
        (void)fprintf(w->out, "%-22s %.0f threads\n", "Most speedup at", fit->peak);
    for (int i = 0; i < BENCH_PROJECTIONS; i++) {
        (void)snprintf(label, sizeof label, "Projected, %g cores", fit->projected_threads[i]);
        print_estimate(w, label, &fit->projected[i]);
    }
    fputs("A projection is no measurement, and no target is judged by it.\n", w->out);
}

/* ---- why it does not scale further ---- */

static void print_loss_row(const writer *w, size_t at)
{
    const bench_figures *f = &w->report->figures[at];
    char cell[BENCH_LOSSES][CELL], efficiency[CELL], roof[CELL], part[CELL];
    for (int i = 0; i < BENCH_LOSSES; i++)
        bench_cell_percent(&f->loss[i], cell[i]);
    (void)fprintf(w->out, "%-20s %-10s %-7s %-7s %-8s %-7s %-10s %-6s %s\n",
                  w->report->matrix->cases[at].name, bench_cell_percent(&f->efficiency, efficiency),
                  cell[BENCH_LOSS_SERIAL], cell[BENCH_LOSS_IDLE], cell[BENCH_LOSS_OFF_CPU],
                  cell[BENCH_LOSS_SLOWER], bench_cell_number(&f->roof, 1e9, roof),
                  bench_cell_percent(&f->roof_part, part), bench_limit_text(f->limit));
}

static void print_limits(const writer *w, bench_section section)
{
    int rows = 0;
    for (size_t i = 0; i < w->report->matrix->count; i++) {
        if (!bench_text_in(w, i, section) || w->report->figures[i].loss[0].count == 0)
            continue;
        if (rows++ == 0)
            fputs("\nWhat threads x time went to (with the efficiency: 100%), and what the memory "
                  "gives:\n"
                  "Run                  Efficiency Serial  Idle    No CPU   Slower  Read GB/s  "
                  "Used   "
                  "Limited by\n",
                  w->out);
        print_loss_row(w, i);
    }
}

void bench_text_scaling(const writer *w, bench_section section)
{
    const bench_matrix *matrix = w->report->matrix;
    char label[16], time[CELL], memory[CELL], speedup[CELL], efficiency[CELL];
    bench_text_heading(w, bench_section_title(section),
                       "Threads    Time (s)     Memory (MB)     Speedup    Efficiency");
    for (size_t i = 0; i < matrix->count; i++) {
        const bench_figures *f = &w->report->figures[i];
        if (!bench_text_in(w, i, section))
            continue;
        (void)snprintf(label, sizeof label, "%u", matrix->cases[i].threads);
        if (!bench_text_absent(w, i, label))
            (void)fprintf(
                w->out, "%-10s %-12s %-15s %-10s %s\n", label, bench_cell_number(&f->time, 1, time),
                bench_cell_number(&f->memory, 1e6, memory), bench_cell_factor(&f->speedup, speedup),
                bench_cell_percent(&f->efficiency, efficiency));
    }
    (void)fputc('\n', w->out);
    bench_text_target(w, "speedup_8_cores", "speedup on 8 cores", 1, "x", "4-8x");
    (void)fputc('\n', w->out);
    bench_text_setting(w, section);
    bench_text_rounds(w, section);
    bench_text_detail(w, section, "Run");
    (void)fprintf(w->out, "\n%-22s %-22s %-22s %s\n", "Run", "Speedup interval",
                  "Efficiency interval", "Serial part");
    for (size_t i = 0; i < matrix->count; i++) {
        const bench_figures *f = &w->report->figures[i];
        if (bench_text_in(w, i, section) && f->measured && f->speedup.count > 0)
            (void)fprintf(w->out, "%-22s %-22s %-22s %s\n", matrix->cases[i].name,
                          bench_cell_range(&f->speedup, speedup),
                          bench_cell_percents(&f->efficiency, efficiency),
                          bench_number(f->karp_flatt, time, CELL));
    }
    print_limits(w, section);
    if (section == BENCH_SCALING)
        print_fit(w);
}
