/* SPDX-License-Identifier: Apache-2.0
 * The forms that other tools read. What was not measured is left out: none of them has a word for
 * it, and a zero would be taken for a result. */
#include <config.h>

#include "google.h"
#include "json_parts.h"
#include "kernels_report.h"
#include "report.h"
#include "report_gate.h"

#include <jansson.h>

static void set_number(json_t *object, const char *key, double value)
{
    if (isfinite(value))
        set(object, key, json_real(value));
}

static int write_and_free(json_t *root, FILE *out)
{
    int failed = json_dumpf(root, out, JSON_INDENT(1) | JSON_REAL_PRECISION(12));
    (void)fputc('\n', out);
    json_decref(root);
    return failed != 0 || ferror(out) ? -1 : 0;
}

static int exported(const bench_report *report, size_t at)
{
    return report->figures[at].measured && report->matrix->cases[at].work == BENCH_QUANTIZE;
}

/* ---- Google Benchmark: its compare.py takes the repetitions apart by name ---- */

static void google_result(const bench_report *report, size_t at, json_t *all)
{
    const bench_case *item = &report->matrix->cases[at];
    const bench_result *result = &report->run->result[at];
    const bench_figures *f = &report->figures[at];
    const bench_google_run run = {item->name, result->samples, item->threads, 1};
    for (size_t i = 0; i < result->samples; i++) {
        const bench_sample *s = &result->sample[i];
        json_t *entry = bench_google_repetition(&run, i, s->time_s, s->user_s + s->system_s);
        set(entry, "bytes_per_second", json_real(s->in_bytes / s->time_s));
        set(entry, "items_per_second", json_real(s->weights / s->time_s));
        (void)json_array_append_new(all, entry);
    }
    (void)json_array_append_new(all, bench_google_median(&run, f->time.median, f->cpu.median));
}

int bench_report_google(const bench_report *report, FILE *out)
{
    json_t *root = json_object(), *context = json_object(), *all = json_array();
    const bench_fact *cpu = bench_env_find(report->env, "cpu_model");
    const bench_fact *load = bench_env_find(report->env, "load");
    const bench_fact *governor = bench_env_find(report->env, "governor");
    json_t *loads = json_array();
    if (load != NULL && isfinite(load->number))
        (void)json_array_append_new(loads, json_real(load->number));
    set(context, "date", json_string(report->env->date));
    set(context, "executable", json_string(report->binary));
    set(context, "num_cpus", json_integer(report->env->usable_cpus));
    set(context, "cpu_model", json_string(cpu != NULL ? cpu->text : "unknown"));
    if (governor != NULL && strcmp(governor->text, "unknown") != 0)
        set(context, "cpu_scaling_enabled",
            json_boolean(strcmp(governor->text, "performance") != 0));
    set(context, "caches", json_array());
    set(context, "load_avg", loads);
    for (size_t i = 0; i < report->matrix->count; i++)
        if (exported(report, i))
            google_result(report, i, all);
    bench_kernels_google(report, all);
    bench_gate_google(report->gate, all);
    set(root, "context", context);
    set(root, "benchmarks", all);
    return write_and_free(root, out);
}

/* ---- github-action-benchmark: customSmallerIsBetter ---- */

static void github_entry(json_t *all, const char *name, const char *what, const char *unit,
                         double scale, const bench_summary *s, const char *extra)
{
    if (s->count == 0)
        return;
    json_t *entry = json_object();
    set(entry, "name", json_sprintf("%s %s", name, what));
    set(entry, "unit", json_string(unit));
    set_number(entry, "value", s->median * scale);
    if (s->confidence > 0)
        set(entry, "range", json_sprintf("%.6g..%.6g", s->low * scale, s->high * scale));
    set(entry, "extra", json_string(extra));
    (void)json_array_append_new(all, entry);
}

int bench_report_github(const bench_report *report, FILE *out)
{
    json_t *all = json_array();
    for (size_t i = 0; i < report->matrix->count; i++) {
        const bench_case *item = &report->matrix->cases[i];
        const bench_figures *f = &report->figures[i];
        char extra[256];
        if (!exported(report, i))
            continue;
        (void)snprintf(extra, sizeof extra, "model %s, %u threads, %s, %zu samples",
                       report->matrix->model[item->model].label, item->threads,
                       item->mode == AQ_MODE_BATCH ? "batch" : "streaming", f->time.count);
        github_entry(all, item->name, "time", "ms", 1e3, &f->time, extra);
        github_entry(all, item->name, "CPU time", "ms", 1e3, &f->cpu, extra);
        github_entry(all, item->name, "peak memory", "MB", 1e-6, &f->memory, extra);
    }
    bench_kernels_github(report, all);
    bench_gate_github(report->gate, all);
    return write_and_free(all, out);
}

/* ---- Bencher Metric Format: nanoseconds are its unit of latency ---- */

static void bencher_measure(json_t *measures, const char *name, double scale,
                            const bench_summary *s)
{
    if (s->count == 0)
        return;
    json_t *measure = json_object();
    set_number(measure, "value", s->median * scale);
    set_number(measure, "lower_value", s->low * scale);
    set_number(measure, "upper_value", s->high * scale);
    set(measures, name, measure);
}

int bench_report_bencher(const bench_report *report, FILE *out)
{
    json_t *root = json_object();
    for (size_t i = 0; i < report->matrix->count; i++) {
        const bench_figures *f = &report->figures[i];
        if (!exported(report, i))
            continue;
        json_t *measures = json_object();
        bencher_measure(measures, "latency", 1e9, &f->time);
        bencher_measure(measures, "cpu-time", 1e9, &f->cpu);
        bencher_measure(measures, "peak-memory", 1, &f->memory);
        bencher_measure(measures, "throughput", 1, &f->weight_rate);
        set(root, report->matrix->cases[i].name, measures);
    }
    bench_kernels_bencher(report, root);
    bench_gate_bencher(report->gate, root);
    return write_and_free(root, out);
}
