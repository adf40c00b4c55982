/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "results/merge.h"
#include "text_cells.h"
#include "util.h"

#include <math.h>
#include <string.h>

enum { WIDTH = 96 };

static void rule(FILE *out, char line)
{
    for (int i = 0; i < WIDTH; i++)
        (void)fputc(line, out);
    (void)fputc('\n', out);
}

static void print_machines(const bench_merge *merge, FILE *out)
{
    fputs("\nMachines:\n", out);
    rule(out, '-');
    (void)fprintf(out, "%-4s%-30s %5s %-7s %-9s %-10s %-21s %s\n", "No", "CPU", "CPUs", "ISA",
                  "Memory", "Version", "Date", "File");
    rule(out, '-');
    for (size_t i = 0; i < merge->machines; i++) {
        const bench_results *r = &merge->machine[i];
        char memory[24];
        (void)fprintf(out, "%-4zu%-30.30s %5u %-7s %-9s %-10s %-21s %s\n", i + 1,
                      r->machine.cpu_model, r->machine.usable_cpus, r->machine.isa,
                      isfinite(r->machine.memory_bytes)
                          ? bench_bytes(r->machine.memory_bytes, memory, sizeof memory)
                          : "unknown",
                      r->version != NULL ? r->version : "unknown", r->machine.date, merge->file[i]);
    }
}

static void print_row(const bench_read_result *r, size_t machine, FILE *out)
{
    char time[BENCH_CELL], range[BENCH_CELL], speedup[BENCH_CELL], efficiency[BENCH_CELL];
    char memory[BENCH_CELL], bytes[BENCH_CELL], weights[BENCH_CELL];
    if (r == NULL || r->status != BENCH_READ_OK) {
        (void)fprintf(out, "%-4zu%s%s%s\n", machine + 1, bench_merge_status(r),
                      r != NULL && r->note != NULL ? ": " : "",
                      r != NULL && r->note != NULL ? r->note : "");
        return;
    }
    (void)fprintf(
        out, "%-4zu%-11s%-22s%-10s%-11s%-12s%-9s%-9s%s%s\n", machine + 1,
        bench_cell_number(&r->time, 1, time), bench_cell_range(&r->time, range),
        bench_cell_factor(&r->speedup, speedup), bench_cell_percent(&r->efficiency, efficiency),
        bench_cell_number(&r->memory, 1e6, memory), bench_cell_number(&r->byte_rate, 1e9, bytes),
        bench_cell_number(&r->weight_rate, 1e9, weights), r->oversubscribed > 0 ? "o" : "",
        r->no_cores > 0 ? "c" : "");
}

static void print_case(const bench_merge *merge, const bench_merged_case *c, FILE *out)
{
    const bench_read_result *r = c->first;
    const char *params = c->of->model[r->model].params;
    (void)fprintf(out, "\n%s: %s%s%s%s, %s to %s, %u thread%s, %s, output %s\n", r->name,
                  r->model_size, params != NULL ? " (" : "", params != NULL ? params : "",
                  params != NULL ? ")" : "", c->of->dtype, c->of->type, r->threads,
                  r->threads == 1 ? "" : "s", r->streaming ? "streaming" : "batch", r->output);
    rule(out, '-');
    (void)fprintf(out, "%-4s%-11s%-22s%-10s%-11s%-12s%-9s%-9s%s\n", "No", "Time (s)", "Interval",
                  "Speedup", "Efficiency", "Memory (MB)", "GB/s in", "Gw/s", "Marks");
    for (size_t i = 0; i < merge->machines; i++)
        print_row(c->on[i], i, out);
}

static void print_targets(const bench_merge *merge, FILE *out)
{
    fputs("\nTargets:\n", out);
    rule(out, '-');
    for (size_t i = 0; i < merge->machine[0].targets; i++) {
        const bench_read_target *t = &merge->machine[0].target[i];
        (void)fprintf(out, "%-28s", t->label);
        for (size_t j = 0; j < merge->machines; j++) {
            const char *outcome = bench_merge_outcome(&merge->machine[j], t->id);
            (void)fprintf(out, "%s%zu %s", j == 0 ? " " : ", ", j + 1,
                          outcome != NULL ? outcome : "not judged");
        }
        (void)fputc('\n', out);
    }
}

static void print_notes(const bench_merge *merge, FILE *out)
{
    if (merge->failures > 0) {
        fputs("\nFailures:\n", out);
        rule(out, '-');
    }
    for (size_t i = 0; i < merge->failures; i++)
        (void)fprintf(out, "%s\n", merge->failure[i]);
    if (merge->doubts > 0) {
        fputs("\nDoubts:\n", out);
        rule(out, '-');
    }
    for (size_t i = 0; i < merge->machines; i++)
        for (size_t j = 0; j < merge->machine[i].machine.doubts; j++)
            (void)fprintf(out, "%-4zu%s\n", i + 1, merge->machine[i].machine.doubt[j]);
    fputs("\nMedians with their intervals, as each machine reported them. Marks, where any sample\n"
          "has them: o more threads than usable CPUs; c did not have its cores.\n",
          out);
}

int bench_merge_text(const bench_merge *merge, FILE *out)
{
    rule(out, '=');
    (void)fprintf(out, "ArrowQuant Benchmark Report of %zu Machine%s\n", merge->machines,
                  merge->machines == 1 ? "" : "s");
    rule(out, '=');
    print_machines(merge, out);
    for (size_t i = 0; i < merge->count; i++)
        print_case(merge, &merge->cases[i], out);
    print_targets(merge, out);
    print_notes(merge, out);
    return ferror(out) ? -1 : 0;
}
