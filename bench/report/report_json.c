/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "baseline_report.h"
#include "json_parts.h"
#include "json_samples.h"
#include "kernels_report.h"
#include "report.h"
#include "report_gate.h"
#include "report_json.h"
#include "util.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

json_t *bench_json_summary(const bench_summary *s)
{
    if (s->count == 0)
        return json_null();
    json_t *object = json_object();
    set(object, "count", json_integer((json_int_t)s->count));
    set(object, "median", number(s->median));
    set(object, "mad", number(s->mad));
    set(object, "minimum", number(s->minimum));
    set(object, "maximum", number(s->maximum));
    set(object, "low", number(s->low));
    set(object, "high", number(s->high));
    set(object, "confidence", number(s->confidence));
    set(object, "fence_low", number(s->fence_low));
    set(object, "fence_high", number(s->fence_high));
    set(object, "outliers", json_integer((json_int_t)s->outliers));
    return object;
}

/* ---- results ---- */

static json_t *intervals(const bench_figures *f)
{
    const struct {
        const char *key;
        const bench_summary *value;
    } all[] = {
        {"time_s", &f->time},
        {"wall_s", &f->wall},
        {"cpu_s", &f->cpu},
        {"peak_memory_bytes", &f->memory},
        {"accounted_bytes", &f->accounted},
        {"cpu_wall", &f->cpu_wall},
        {"balance", &f->balance},
        {"bytes_per_s", &f->byte_rate},
        {"weights_per_s", &f->weight_rate},
        {"roof_bytes_per_s", &f->roof},
        {"roof_part", &f->roof_part},
        {"speedup", &f->speedup},
        {"efficiency", &f->efficiency},
        {"time_ratio", &f->time_ratio},
        {"wall_ratio", &f->wall_ratio},
        {"memory_ratio", &f->memory_ratio},
        {"accounted_ratio", &f->accounted_ratio},
    };
    json_t *object = json_object();
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        set(object, all[i].key, bench_json_summary(all[i].value));
    return object;
}

static void set_setting(json_t *object, const bench_report *report, size_t at)
{
    const bench_case *item = &report->matrix->cases[at];
    const bench_matrix *matrix = report->matrix;
    set(object, "name", text(item->name));
    set(object, "group", text(bench_section_name(item->section)));
    set(object, "model_size", text(matrix->model[item->model].label));
    set(object, "num_threads", json_integer(item->threads));
    set(object, "streaming", json_boolean(item->mode == AQ_MODE_STREAMING));
    set(object, "isa", text(aq_isa_name(item->isa)));
    set(object, "output", text(item->to_file ? "file" : "null"));
    set(object, "paired_with",
        text(item->pair == BENCH_NO_PAIR ? NULL : matrix->cases[item->pair].name));
}

static json_t *losses(const bench_figures *f)
{
    json_t *object = json_object();
    if (f->loss[0].count == 0) {
        json_decref(object);
        return json_null();
    }
    for (int i = 0; i < BENCH_LOSSES; i++)
        set(object, bench_loss_key((bench_loss)i), bench_json_summary(&f->loss[i]));
    return object;
}

static void set_figures(json_t *object, const bench_figures *f)
{
    set(object, "quantization_time_s", number(f->time.median));
    set(object, "peak_memory_mb", number(f->memory.median / 1e6));
    set(object, "baseline_memory_mb", number(f->baseline.median / 1e6));
    set(object, "quantization_memory_mb", number(f->added.median / 1e6));
    set(object, "speedup", number(f->speedup.median));
    set(object, "efficiency", number(f->efficiency.median));
    set(object, "karp_flatt", number(f->karp_flatt));
    set(object, "losses", losses(f));
    set(object, "limit",
        f->limit == BENCH_LIMIT_UNKNOWN ? json_null() : text(bench_limit_text(f->limit)));
    set(object, "intervals", intervals(f));
    set(object, "samples_without_cores", json_integer((json_int_t)f->no_cores));
    set(object, "samples_oversubscribed", json_integer((json_int_t)f->oversubscribed));
}

static json_t *one_result(const bench_report *report, size_t at)
{
    const bench_result *result = &report->run->result[at];
    const char *note;
    const char *status = bench_report_status(report, at, &note);
    json_t *object = json_object();
    set_setting(object, report, at);
    set(object, "status", text(status));
    set(object, "note", text(note));
    set_figures(object, &report->figures[at]);
    set(object, "checksum", text(result->checksum[0] != '\0' ? result->checksum : NULL));
    set(object, "samples", bench_json_samples(result));
    set(object, "memory_over_time", bench_json_trace(result->trace));
    return object;
}

static json_t *results(const bench_report *report, bench_work work)
{
    json_t *array = json_array();
    for (size_t i = 0; i < report->matrix->count; i++)
        if (report->matrix->cases[i].work == work && !report->matrix->cases[i].verify_only)
            (void)json_array_append_new(array, one_result(report, i));
    return array;
}

static json_t *one_group(const bench_report *report, unsigned group)
{
    const bench_matrix *matrix = report->matrix;
    const bench_group *run = &report->run->group[group];
    json_t *object = json_object(), *names = json_array();
    size_t at = 0;
    while (matrix->cases[at].group != group)
        at++;
    const bench_case *first = &matrix->cases[at];
    for (size_t i = 0; i < matrix->count; i++) {
        const bench_case *item = &matrix->cases[i];
        if (item->group != group || item->verify_only)
            continue;
        if (item->work == BENCH_QUANTIZE)
            (void)json_array_append_new(names, text(item->name));
    }
    set(object, "group", text(bench_section_name(first->section)));
    set(object, "title", text(bench_section_title(first->section)));
    set(object, "model_size", text(matrix->model[first->model].label));
    set(object, "rounds", json_integer(run->rounds));
    set(object, "time_s", number(run->spent_s));
    set(object, "stopped", text(bench_stop_text(run->stop)));
    set(object, "results", names);
    return object;
}

/* ---- the rest ---- */

json_t *bench_json_estimate(const bench_estimate *e)
{
    json_t *object = json_object();
    set(object, "value", number(e->value));
    set(object, "low", number(e->low));
    set(object, "high", number(e->high));
    return object;
}

static json_t *scaling_law(const bench_fit *fit)
{
    json_t *object = json_object(), *projections = json_array();
    set(object, "points", json_integer((json_int_t)fit->points));
    set(object, "fitted", json_boolean(fit->fitted));
    set(object, "amdahl_serial", bench_json_estimate(&fit->serial));
    set(object, "usl_sigma", bench_json_estimate(&fit->sigma));
    set(object, "usl_kappa", bench_json_estimate(&fit->kappa));
    set(object, "kappa_dropped", json_boolean(fit->kappa_dropped));
    set(object, "peak_threads", number(fit->peak));
    for (int i = 0; fit->fitted && i < BENCH_PROJECTIONS; i++) {
        json_t *projection = json_object();
        set(projection, "threads", number(fit->projected_threads[i]));
        set(projection, "speedup", bench_json_estimate(&fit->projected[i]));
        (void)json_array_append_new(projections, projection);
    }
    set(object, "projections", projections);
    return object;
}

static json_t *models(const bench_matrix *matrix, const bench_run *run)
{
    json_t *array = json_array();
    for (size_t i = 0; i < matrix->models; i++) {
        const bench_model *model = &matrix->model[i];
        json_t *object = json_object();
        set(object, "label", text(model->label));
        set(object, "params", text(model->params[0] != '\0' ? model->params : NULL));
        set(object, "synthetic", json_boolean(model->path == NULL));
        set(object, "scaled_down", json_boolean(model->scaled));
        set(object, "resident_before", number(i < run->models ? run->resident_before[i] : NAN));
        (void)json_array_append_new(array, object);
    }
    return array;
}

static json_t *verifications(const bench_report *report)
{
    json_t *array = json_array();
    for (size_t i = 0; i < report->matrix->count; i++) {
        const bench_case *item = &report->matrix->cases[i];
        const char *note;
        const char *status = bench_report_status(report, i, &note);
        if (item->work != BENCH_QUANTIZE)
            continue;
        const bench_result *result = &report->run->result[i];
        json_t *object = json_object();
        set(object, "name", text(item->name));
        set(object, "model_size", text(report->matrix->model[item->model].label));
        set(object, "status",
            text(result->checksum[0] != '\0' && strcmp(status, "skipped") != 0
                     ? (result->failure == NULL ? "ok" : "failed")
                     : status));
        set(object, "note", text(note));
        set(object, "checksum", text(result->checksum[0] != '\0' ? result->checksum : NULL));
        (void)json_array_append_new(array, object);
    }
    return array;
}

static json_t *targets(const bench_verdict *verdict)
{
    json_t *array = json_array();
    for (int i = 0; i < BENCH_TARGETS; i++) {
        const bench_target *t = &verdict->target[i];
        json_t *object = json_object();
        set(object, "id", text(t->id));
        set(object, "label", text(t->label));
        set(object, "direction", text(t->at_least ? "at_least" : "below"));
        set(object, "limit", number(t->limit));
        set(object, "unit", text(t->unit));
        set(object, "outcome", text(bench_outcome_text(t->outcome)));
        set(object, "value", number(t->value));
        set(object, "low", number(t->low));
        set(object, "high", number(t->high));
        set(object, "confidence", number(t->confidence));
        set(object, "note", text(t->note));
        (void)json_array_append_new(array, object);
    }
    return array;
}

static json_t *strings(char *const *value, size_t count)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++)
        (void)json_array_append_new(array, text(value[i]));
    return array;
}

static json_t *environment(const bench_report *report)
{
    const bench_env *env = report->env;
    json_t *object = json_object();
    set(object, "date", text(env->date));
    for (size_t i = 0; i < env->facts; i++)
        set(object, env->fact[i].key,
            env->fact[i].text != NULL ? text(env->fact[i].text) : number(env->fact[i].number));
    set(object, "other_part", number(report->run->seen.other_part));
    set(object, "steal_part", number(report->run->seen.steal_part));
    set(object, "throttled_s", number(report->run->seen.throttled_s));
    set(object, "heat_slowdowns", number(report->run->seen.heat));
    set(object, "roof_failure", text(report->run->roof_failure));
    set(object, "doubts", strings(env->doubt, env->doubts));
    return object;
}

static json_t *versions(const bench_report *report)
{
    json_t *object = json_object();
    set(object, "arrowquant_bench", text(PACKAGE_VERSION));
    set(object, "arrowquant", text(report->run->version[0] != '\0' ? report->run->version : NULL));
    set(object, "binary", text(report->binary));
    return object;
}

int bench_report_json(const bench_report *report, FILE *out)
{
    json_t *root = json_object(), *groups = json_array();
    for (unsigned group = 0; group < report->matrix->groups; group++)
        (void)json_array_append_new(groups, one_group(report, group));
    set(root, "schema_version", json_integer(BENCH_SCHEMA_VERSION));
    set(root, "command", text(report->command));
    set(root, "seed", json_integer((json_int_t)report->seed));
    set(root, "quick", json_boolean(report->options->quick));
    set(root, "type", text(aq_type_name(report->options->type)));
    set(root, "dtype", text(aq_dtype_name(report->options->dtype)));
    set(root, "versions", versions(report));
    set(root, "environment", environment(report));
    set(root, "models", models(report->matrix, report->run));
    set(root, "reports", groups);
    set(root, "all_results", results(report, BENCH_QUANTIZE));
    set(root, "scaling_law", scaling_law(report->fit));
    set(root, "references", results(report, BENCH_COPY));
    set(root, "verification", verifications(report));
    set(root, "targets", targets(report->verdict));
    set(root, "baseline", bench_baseline_json(report));
    set(root, "comparison", bench_report_gate_json(report->gate));
    set(root, "kernels", bench_kernels_json(report));
    set(root, "failures", strings(report->run->failure, report->run->failures));
    set(root, "exit_code", json_integer(report->verdict->exit_code));
    int failed = json_dumpf(root, out, JSON_INDENT(1) | JSON_REAL_PRECISION(12));
    (void)fputc('\n', out);
    json_decref(root);
    return failed != 0 || ferror(out) ? -1 : 0;
}
