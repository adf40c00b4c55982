/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "baseline_report.h"
#include "kernels_report.h"
#include "report.h"
#include "report_gate.h"
#include "text_cells.h"
#include "text_section.h"
#include "util.h"

#include <math.h>
#include <string.h>

enum { CELL = BENCH_CELL };

typedef bench_text_writer writer;

/* ---- targets ---- */

static void print_targets(const writer *w)
{
    bench_text_heading(w, "Targets",
                       "Target                     Limit      Measured               Outcome");
    for (int i = 0; i < BENCH_TARGETS; i++) {
        const bench_target *t = &w->report->verdict->target[i];
        char value[CELL] = "-", low[CELL], high[CELL], measured[3 * CELL + 16], limit[CELL];
        (void)snprintf(limit, sizeof limit, "%s%g%s%s", t->at_least ? ">= " : "< ", t->limit,
                       t->unit[0] == 's' ? " " : "", t->unit);
        (void)snprintf(measured, sizeof measured, "-");
        if (isfinite(t->value))
            (void)snprintf(measured, sizeof measured, "%s", bench_number(t->value, value, CELL));
        if (t->confidence > 0)
            (void)snprintf(measured, sizeof measured, "%s (%s-%s)", value,
                           bench_number(t->low, low, CELL), bench_number(t->high, high, CELL));
        (void)fprintf(w->out, "%-26s %-10s %-22s %s%s%s%s%s\n", t->label, limit, measured,
                      w->color ? bench_text_color(t->outcome) : "", bench_outcome_text(t->outcome),
                      w->color ? "\033[0m" : "", t->note != NULL ? ": " : "",
                      t->note != NULL ? t->note : "");
    }
}

/* ---- sections ---- */

static void print_sizes(const writer *w)
{
    const bench_matrix *matrix = w->report->matrix;
    char time[CELL], memory[CELL], ratio[CELL], range[CELL], label[80];
    bench_text_heading(w, bench_section_title(BENCH_SIZES),
                       "Model      Time (s)     Memory (MB)     Ratio to cp  Interval");
    for (size_t i = 0; i < matrix->count; i++) {
        const bench_figures *f = &w->report->figures[i];
        const bench_model *model = &matrix->model[matrix->cases[i].model];
        if (!bench_text_in(w, i, BENCH_SIZES) || matrix->cases[i].work != BENCH_QUANTIZE)
            continue;
        (void)snprintf(label, sizeof label, "%s%s", model->label, model->scaled ? "*" : "");
        if (!bench_text_absent(w, i, label))
            (void)fprintf(
                w->out, "%-10s %-12s %-15s %-12s %s\n", label, bench_cell_number(&f->time, 1, time),
                bench_cell_number(&f->memory, 1e6, memory),
                bench_cell_factor(&f->wall_ratio, ratio), bench_cell_range(&f->wall_ratio, range));
    }
    (void)fputc('\n', w->out);
    bench_text_target(w, "time_100M", "for 100M", 1, " s", "<2 minutes");
    bench_text_target(w, "time_600M", "for 600M", 1, " s", "<10 minutes");
    bench_text_target(w, "time_7B", "for 7B", 1, " s", "<30 minutes");
    (void)fputc('\n', w->out);
    for (size_t i = 0; i < matrix->count; i++) {
        const bench_model *model = &matrix->model[matrix->cases[i].model];
        if (bench_text_in(w, i, BENCH_SIZES) && matrix->cases[i].work == BENCH_QUANTIZE &&
            model->scaled)
            (void)fprintf(w->out, "* %s was scaled down to %s.\n", model->label, model->params);
    }
    bench_text_setting(w, BENCH_SIZES);
    fputs("The ratio to cp is that of the whole processes' wall times, paired within rounds.\n",
          w->out);
    bench_text_rounds(w, BENCH_SIZES);
    bench_text_detail(w, BENCH_SIZES, "Run");
}

static void print_streaming(const writer *w)
{
    const bench_matrix *matrix = w->report->matrix;
    char time[CELL], memory[CELL], time_ratio[CELL], memory_ratio[CELL], accounted[CELL];
    bench_text_heading(
        w, bench_section_title(BENCH_STREAMING),
        "Mode       Time (s)     Memory (MB)     Time ratio Memory ratio  Accounted (MB)");
    for (size_t i = 0; i < matrix->count; i++) {
        const bench_figures *f = &w->report->figures[i];
        if (!bench_text_in(w, i, BENCH_STREAMING))
            continue;
        const char *mode = matrix->cases[i].mode == AQ_MODE_BATCH ? "batch" : "streaming";
        if (!bench_text_absent(w, i, mode))
            (void)fprintf(w->out, "%-10s %-12s %-15s %-10s %-13s %s\n", mode,
                          bench_cell_number(&f->time, 1, time),
                          bench_cell_number(&f->memory, 1e6, memory),
                          bench_cell_factor(&f->time_ratio, time_ratio),
                          bench_cell_percent(&f->memory_ratio, memory_ratio),
                          bench_cell_number(&f->accounted, 1e6, accounted));
    }
    (void)fputc('\n', w->out);
    bench_text_target(w, "memory_ratio", "of the memory of batch mode", 100, "%", "<50%");
    (void)fputc('\n', w->out);
    bench_text_setting(w, BENCH_STREAMING);
    bench_text_rounds(w, BENCH_STREAMING);
    bench_text_detail(w, BENCH_STREAMING, "Run");
}

int bench_report_text(const bench_report *report, int color, FILE *out)
{
    const writer w = {report, out, color};
    bench_text_rule(&w, '=');
    (void)fprintf(out, "ArrowQuant Parallelization Benchmark Report\n");
    bench_text_rule(&w, '=');
    if (report->options->quick)
        (void)fprintf(out,
                      "\nQuick run: large models are scaled down, and fewer rounds are made.\n");
    if (bench_text_has(&w, BENCH_SCALING))
        bench_text_scaling(&w, BENCH_SCALING);
    if (bench_text_has(&w, BENCH_SPEEDUP))
        bench_text_scaling(&w, BENCH_SPEEDUP);
    if (bench_text_has(&w, BENCH_SIZES))
        print_sizes(&w);
    if (bench_text_has(&w, BENCH_STREAMING))
        print_streaming(&w);
    bench_kernels_text(report, out);
    bench_report_gate_text(&w);
    if (report->matrix->count > 0)
        print_targets(&w);
    bench_baseline_text(report, out);
    bench_text_failures(&w);
    if (report->matrix->count > 0)
        bench_text_verification(&w);
    bench_text_environment(&w);
    if (report->matrix->count > 0)
        bench_text_key(&w);
    return ferror(out) ? -1 : 0;
}
