/* SPDX-License-Identifier: Apache-2.0
 * Merged results as JSON, CSV and Markdown: one row for each machine and configuration. */
#include <config.h>

#include "json_parts.h"
#include "results/merge.h"
#include "table_parts.h"

/* ---- JSON ---- */

static json_t *texts(char *const *value, size_t count)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++)
        (void)json_array_append_new(array, text(value[i]));
    return array;
}

static json_t *targets(const bench_results *r)
{
    json_t *object = json_object();
    for (size_t i = 0; i < r->targets; i++)
        set(object, r->target[i].id, text(r->target[i].outcome));
    return object;
}

static json_t *machine(const bench_merge *merge, size_t at)
{
    const bench_results *r = &merge->machine[at];
    json_t *object = json_object();
    set(object, "file", text(merge->file[at]));
    set(object, "date", text(r->machine.date));
    set(object, "command", text(r->command));
    set(object, "cpu_model", text(r->machine.cpu_model));
    set(object, "usable_cpus", number(r->machine.usable_cpus));
    set(object, "isa", text(r->machine.isa));
    set(object, "memory_bytes", number(r->machine.memory_bytes));
    set(object, "kernel", text(r->machine.kernel));
    set(object, "system", text(r->machine.system));
    set(object, "compiler", text(r->machine.compiler));
    set(object, "revision", text(r->machine.revision));
    set(object, "arrowquant", text(r->version));
    set(object, "exit_code", number(r->exit_code));
    set(object, "targets", targets(r));
    set(object, "doubts", texts(r->machine.doubt, r->machine.doubts));
    return object;
}

static json_t *summary(const bench_summary *s)
{
    if (s->count == 0)
        return json_null();
    json_t *object = json_object();
    set(object, "count", number((double)s->count));
    set(object, "median", number(s->median));
    set(object, "low", number(s->low));
    set(object, "high", number(s->high));
    set(object, "confidence", number(s->confidence));
    return object;
}

static json_t *row(const bench_read_result *r, size_t at)
{
    json_t *object = json_object();
    set(object, "machine", number((double)at + 1));
    set(object, "status", text(bench_merge_status(r)));
    set(object, "note", text(r == NULL ? NULL : r->note));
    set(object, "time_s", r == NULL ? json_null() : summary(&r->time));
    set(object, "cpu_s", r == NULL ? json_null() : summary(&r->cpu));
    set(object, "peak_memory_bytes", r == NULL ? json_null() : summary(&r->memory));
    set(object, "bytes_per_s", r == NULL ? json_null() : summary(&r->byte_rate));
    set(object, "weights_per_s", r == NULL ? json_null() : summary(&r->weight_rate));
    set(object, "speedup", r == NULL ? json_null() : summary(&r->speedup));
    set(object, "efficiency", r == NULL ? json_null() : summary(&r->efficiency));
    set(object, "wall_ratio", r == NULL ? json_null() : summary(&r->wall_ratio));
    set(object, "memory_ratio", r == NULL ? json_null() : summary(&r->memory_ratio));
    set(object, "checksum", text(r == NULL ? NULL : r->checksum));
    return object;
}

static json_t *one_case(const bench_merge *merge, const bench_merged_case *c)
{
    const bench_read_result *r = c->first;
    json_t *object = json_object(), *rows = json_array();
    for (size_t i = 0; i < merge->machines; i++)
        (void)json_array_append_new(rows, row(c->on[i], i));
    set(object, "name", text(r->name));
    set(object, "group", text(r->group));
    set(object, "model_size", text(r->model_size));
    set(object, "params", text(c->of->model[r->model].params));
    set(object, "type", text(c->of->type));
    set(object, "dtype", text(c->of->dtype));
    set(object, "num_threads", number(r->threads));
    set(object, "streaming", json_boolean(r->streaming));
    set(object, "output", text(r->output));
    set(object, "machines", rows);
    return object;
}

int bench_merge_json(const bench_merge *merge, FILE *out)
{
    json_t *root = json_object(), *machines = json_array(), *results = json_array();
    for (size_t i = 0; i < merge->machines; i++)
        (void)json_array_append_new(machines, machine(merge, i));
    for (size_t i = 0; i < merge->count; i++)
        (void)json_array_append_new(results, one_case(merge, &merge->cases[i]));
    set(root, "merged_schema_version", number(1));
    set(root, "machines", machines);
    set(root, "results", results);
    set(root, "failures", texts(merge->failure, merge->failures));
    set(root, "exit_code", number(merge->exit_code));
    int failed = json_dumpf(root, out, JSON_INDENT(1) | JSON_REAL_PRECISION(12));
    (void)fputc('\n', out);
    json_decref(root);
    return failed != 0 || ferror(out) ? -1 : 0;
}

/* ---- CSV ---- */

static void csv_row(const bench_merge *merge, const bench_merged_case *c, size_t at, FILE *out)
{
    const bench_read_result *r = c->on[at], *first = c->first;
    const bench_results *m = &merge->machine[at];
    bench_csv_text(merge->file[at], out);
    (void)fputc(',', out);
    bench_csv_text(m->machine.cpu_model, out);
    (void)fprintf(out, ",%u,%s,", m->machine.usable_cpus, m->machine.isa);
    bench_csv_text(first->name, out);
    (void)fputc(',', out);
    bench_csv_text(first->model_size, out);
    (void)fprintf(out, ",%s,%s,%u,%s,%s", c->of->type, c->of->dtype, first->threads,
                  first->streaming ? "true" : "false", bench_merge_status(r));
    const bench_summary none = bench_summarize(NULL, 0, 0);
    const bench_summary *time = r == NULL ? &none : &r->time;
    const double numbers[] = {
        (double)time->count,
        time->median,
        time->low,
        time->high,
        r == NULL ? NAN : r->cpu.median,
        r == NULL ? NAN : r->memory.median / 1e6,
        r == NULL ? NAN : r->speedup.median,
        r == NULL ? NAN : r->efficiency.median,
        r == NULL ? NAN : r->byte_rate.median,
        r == NULL ? NAN : r->weight_rate.median,
    };
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        bench_csv_number(numbers[i], out);
    (void)fputc(',', out);
    bench_csv_text(r == NULL ? NULL : r->checksum, out);
    fputs("\r\n", out);
}

int bench_merge_csv(const bench_merge *merge, FILE *out)
{
    fputs("file,cpu_model,usable_cpus,isa,name,model_size,type,dtype,num_threads,streaming,status,"
          "samples,quantization_time_s,time_low_s,time_high_s,cpu_s,peak_memory_mb,speedup,"
          "efficiency,bytes_per_s,weights_per_s,checksum\r\n",
          out);
    for (size_t i = 0; i < merge->count; i++)
        for (size_t j = 0; j < merge->machines; j++)
            csv_row(merge, &merge->cases[i], j, out);
    return ferror(out) ? -1 : 0;
}

/* ---- Markdown ---- */

static void markdown_row(const bench_merge *merge, const bench_merged_case *c, size_t at, FILE *out)
{
    const bench_read_result *r = c->on[at];
    (void)fprintf(out, "| %zu: ", at + 1);
    bench_markdown_text(merge->machine[at].machine.cpu_model, out);
    (void)fprintf(out, ", %u CPUs |", merge->machine[at].machine.usable_cpus);
    if (r == NULL || r->status != BENCH_READ_OK) {
        (void)fprintf(out, " %s | | | | | | |\n", bench_merge_status(r));
        return;
    }
    bench_markdown_cell(r->time.median, "", out);
    bench_markdown_interval(&r->time, out);
    bench_markdown_cell(r->speedup.median, "x", out);
    bench_markdown_cell(100 * r->efficiency.median, "%", out);
    bench_markdown_cell(r->memory.median / 1e6, "", out);
    bench_markdown_cell(r->byte_rate.median / 1e9, "", out);
    bench_markdown_cell(r->weight_rate.median / 1e9, "", out);
    (void)fputc('\n', out);
}

int bench_merge_markdown(const bench_merge *merge, FILE *out)
{
    for (size_t i = 0; i < merge->count; i++) {
        const bench_merged_case *c = &merge->cases[i];
        fputs(i == 0 ? "### " : "\n### ", out);
        bench_markdown_text(c->first->name, out);
        fputs(": ", out);
        bench_markdown_text(c->first->model_size, out);
        (void)fprintf(out, ", %s to %s\n\n", c->of->dtype, c->of->type);
        fputs("| machine | time (s) | interval | speedup | efficiency | memory (MB) | GB/s in | "
              "Gw/s |\n|---|--:|--:|--:|--:|--:|--:|--:|\n",
              out);
        for (size_t j = 0; j < merge->machines; j++)
            markdown_row(merge, c, j, out);
    }
    for (size_t i = 0; i < merge->failures; i++) {
        fputs("\nFailed: ", out);
        bench_markdown_text(merge->failure[i], out);
        (void)fputc('\n', out);
    }
    return ferror(out) ? -1 : 0;
}
