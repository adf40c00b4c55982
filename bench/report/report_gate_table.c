/* SPDX-License-Identifier: Apache-2.0
 * The comparison in tables: CSV for programs, Markdown for people. */
#include <config.h>

#include "report_gate.h"
#include "table_parts.h"
#include "text_cells.h"

#include <math.h>
#include <stdio.h>

/* ---- CSV: a row for each build's times of a metric ---- */

static void csv_arm(const bench_report *report, size_t at, bench_arm arm, FILE *out)
{
    const bench_gate *gate = report->gate;
    const bench_gate_metric *metric = &gate->metric[at];
    const bench_judged *last =
        arm == BENCH_COPY_OF_OLD ? &gate->rule.control[at] : &gate->rule.judged[at];
    const bench_summary *time = &metric->summary[arm];
    char name[64];
    double figure[BENCH_CSV_COLUMNS];
    bench_csv_clear(figure);
    figure[BENCH_CSV_TIME] = time->median;
    figure[BENCH_CSV_TIME_LOW] = time->low;
    figure[BENCH_CSV_TIME_HIGH] = time->high;
    if (arm != BENCH_OLD && last->look > 0)
        figure[BENCH_CSV_TIME_RATIO] = exp(last->median);
    (void)snprintf(name, sizeof name, "compare_%s_%s", metric->id, bench_arm_name(arm));
    const bench_csv_head head = {name,
                                 gate->model,
                                 gate->config[metric->config].threads,
                                 report->options->mode == AQ_MODE_STREAMING,
                                 "ok",
                                 metric->rounds};
    bench_csv_row(&head, figure, NULL,
                  arm == BENCH_NEW ? bench_decision_name(last->decision) : NULL, out);
}

void bench_gate_csv(const bench_report *report, FILE *out)
{
    const bench_gate *gate = report->gate;
    if (gate == NULL || gate->failure != NULL)
        return;
    for (size_t i = 0; i < gate->metrics; i++)
        for (int arm = 0; arm < BENCH_ARMS && gate->metric[i].rounds > 0; arm++)
            csv_arm(report, i, (bench_arm)arm, out);
}

/* ---- Markdown ---- */

static void percent_cell(double d, FILE *out)
{
    char cell[BENCH_CELL];
    (void)fprintf(out, " %s |", bench_cell_slower(d, "", cell));
}

static void markdown_row(const bench_gate *gate, size_t at, FILE *out)
{
    const bench_judged *judged = &gate->rule.judged[at];
    int known = judged->look > 0;
    (void)fprintf(out, "| %s |", gate->metric[at].label);
    percent_cell(known ? judged->median : NAN, out);
    percent_cell(known ? judged->lower : NAN, out);
    percent_cell(known ? judged->upper : NAN, out);
    percent_cell(known ? gate->rule.control[at].median : NAN, out);
    (void)fprintf(out, " %zu | %s |\n", gate->metric[at].rounds, bench_judged_text(judged));
}

void bench_gate_markdown(const bench_gate *gate, FILE *out)
{
    if (gate == NULL)
        return;
    fputs("\n**Comparison with another build: ", out);
    bench_markdown_text(bench_gate_verdict(gate), out);
    fputs("**\n\n", out);
    if (gate->failure != NULL) {
        bench_markdown_text(gate->failure, out);
        (void)fputc('\n', out);
        return;
    }
    fputs("| metric | new/old | at least | at most | control | rounds | verdict |\n"
          "|---|--:|--:|--:|--:|--:|---|\n",
          out);
    for (size_t i = 0; i < gate->metrics; i++)
        markdown_row(gate, i, out);
}
