/* SPDX-License-Identifier: Apache-2.0
 * One row per configuration: CSV for programs, Markdown for people. */
#include <config.h>

#include "kernels_report.h"
#include "report.h"
#include "report_gate.h"
#include "table_parts.h"
#include "util.h"

#include <math.h>
#include <string.h>

static void csv_row(const bench_report *report, size_t at, FILE *out)
{
    const bench_case *item = &report->matrix->cases[at];
    const bench_figures *f = &report->figures[at];
    const char *note;
    const char *status = bench_report_status(report, at, &note);
    const double figure[BENCH_CSV_COLUMNS] = {
        [BENCH_CSV_TIME] = f->time.median,
        [BENCH_CSV_TIME_LOW] = f->time.low,
        [BENCH_CSV_TIME_HIGH] = f->time.high,
        [BENCH_CSV_WALL] = f->wall.median,
        [BENCH_CSV_CPU] = f->cpu.median,
        [BENCH_CSV_PEAK_MB] = f->memory.median / 1e6,
        [BENCH_CSV_BASELINE_MB] = f->baseline.median / 1e6,
        [BENCH_CSV_ADDED_MB] = f->added.median / 1e6,
        [BENCH_CSV_ACCOUNTED_MB] = f->accounted.median / 1e6,
        [BENCH_CSV_SPEEDUP] = f->speedup.median,
        [BENCH_CSV_SPEEDUP_LOW] = f->speedup.low,
        [BENCH_CSV_SPEEDUP_HIGH] = f->speedup.high,
        [BENCH_CSV_EFFICIENCY] = f->efficiency.median,
        [BENCH_CSV_CPU_WALL] = f->cpu_wall.median,
        [BENCH_CSV_BALANCE] = f->balance.median,
        [BENCH_CSV_BYTE_RATE] = f->byte_rate.median,
        [BENCH_CSV_WEIGHT_RATE] = f->weight_rate.median,
        [BENCH_CSV_TIME_RATIO] = f->time_ratio.median,
        [BENCH_CSV_WALL_RATIO] = f->wall_ratio.median,
        [BENCH_CSV_MEMORY_RATIO] = f->memory_ratio.median,
        [BENCH_CSV_ROOF] = f->roof.median,
        [BENCH_CSV_ROOF_PART] = f->roof_part.median,
    };
    const bench_csv_head head = {item->name,    report->matrix->model[item->model].label,
                                 item->threads, item->mode == AQ_MODE_STREAMING,
                                 status,        report->run->result[at].samples};
    bench_csv_row(&head, figure,
                  f->limit != BENCH_LIMIT_UNKNOWN ? bench_limit_text(f->limit) : NULL, note, out);
}

int bench_report_csv(const bench_report *report, FILE *out)
{
    fputs("name,model_size,num_threads,streaming,status,samples,quantization_time_s,time_low_s,"
          "time_high_s,wall_s,cpu_s,peak_memory_mb,baseline_memory_mb,quantization_memory_mb,"
          "accounted_mb,speedup,speedup_low,speedup_high,efficiency,cpu_wall,balance,bytes_per_s,"
          "weights_per_s,time_ratio,wall_ratio,memory_ratio,"
          "roof_bytes_per_s,roof_part,limit,note\r\n",
          out);
    for (size_t i = 0; i < report->matrix->count; i++)
        if (!report->matrix->cases[i].verify_only)
            csv_row(report, i, out);
    bench_kernels_csv(report, out);
    bench_gate_csv(report, out);
    return ferror(out) ? -1 : 0;
}

/* ---- Markdown ---- */

static void markdown_row(const bench_report *report, size_t at, FILE *out)
{
    const bench_case *item = &report->matrix->cases[at];
    const bench_figures *f = &report->figures[at];
    const char *note;
    const char *status = bench_report_status(report, at, &note);
    fputs("| ", out);
    bench_markdown_text(item->name, out);
    fputs(" | ", out);
    bench_markdown_text(report->matrix->model[item->model].label, out);
    (void)fprintf(out, " | %u |", item->threads);
    bench_markdown_cell(f->time.median, "", out);
    bench_markdown_interval(&f->time, out);
    bench_markdown_cell(f->memory.median / 1e6, "", out);
    bench_markdown_cell(f->speedup.median, "x", out);
    bench_markdown_cell(100 * f->efficiency.median, "%", out);
    bench_markdown_cell(f->cpu_wall.median, "", out);
    bench_markdown_cell(f->byte_rate.median / 1e9, "", out);
    bench_markdown_cell(100 * f->roof_part.median, "%", out);
    (void)fprintf(out, " %s | %s",
                  f->limit != BENCH_LIMIT_UNKNOWN ? bench_limit_text(f->limit) : "", status);
    if (note != NULL)
        fputs(": ", out);
    bench_markdown_text(note, out);
    fputs(" |\n", out);
}

static void markdown_runs(const bench_report *report, FILE *out)
{
    fputs("\n| run | model | threads | time (s) | interval | memory (MB) | speedup | efficiency | "
          "CPU/wall | GB/s in | of roof | limited by | status |\n"
          "|---|---|--:|--:|---|--:|--:|--:|--:|--:|--:|---|---|\n",
          out);
    for (size_t i = 0; i < report->matrix->count; i++)
        if (!report->matrix->cases[i].verify_only)
            markdown_row(report, i, out);
}

static void markdown_targets(const bench_verdict *verdict, FILE *out)
{
    fputs("\n| target | limit | measured | interval | outcome |\n|---|--:|--:|---|---|\n", out);
    for (int i = 0; i < BENCH_TARGETS; i++) {
        const bench_target *t = &verdict->target[i];
        bench_summary interval = {.low = t->low, .high = t->high, .confidence = t->confidence};
        (void)fprintf(out, "| %s | %s %g%s%s |", t->label, t->at_least ? "at least" : "under",
                      t->limit, t->unit[0] == 's' ? " " : "", t->unit);
        bench_markdown_cell(t->value, "", out);
        bench_markdown_interval(&interval, out);
        (void)fprintf(out, " %s%s", bench_outcome_text(t->outcome), t->note != NULL ? ": " : "");
        bench_markdown_text(t->note, out);
        fputs(" |\n", out);
    }
}

int bench_report_markdown(const bench_report *report, FILE *out)
{
    fputs("# arrowquant benchmark\n", out);
    bench_gate_markdown(report->gate, out);
    if (report->matrix->count > 0)
        markdown_runs(report, out);
    bench_kernels_markdown(report, out);
    if (report->matrix->count > 0)
        markdown_targets(report->verdict, out);
    return ferror(out) ? -1 : 0;
}
