/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "baseline.h"
#include "util.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const double bench_change_limit = 1.05;

const char *bench_change_text(bench_change change)
{
    static const char *const text[] = {
        [BENCH_CHANGE_UNKNOWN] = "too few samples",
        [BENCH_CHANGE_WITHIN] = "within 5%",
        [BENCH_CHANGE_OPEN] = "open",
        [BENCH_CHANGE_BETTER] = "better",
        [BENCH_CHANGE_WORSE] = "worse",
    };
    return text[change];
}

bench_change bench_change_judge(const bench_estimate *ratio)
{
    double low = 1 / bench_change_limit;
    if (!isfinite(ratio->low) || !isfinite(ratio->high))
        return BENCH_CHANGE_UNKNOWN;
    if (ratio->low > bench_change_limit)
        return BENCH_CHANGE_WORSE;
    if (ratio->high < low)
        return BENCH_CHANGE_BETTER;
    return ratio->low >= low && ratio->high <= bench_change_limit ? BENCH_CHANGE_WITHIN
                                                                  : BENCH_CHANGE_OPEN;
}

/* ---- may they be compared? ---- */

static void add_difference(bench_baseline *baseline, char *text)
{
    baseline->difference =
        bench_grow(baseline->difference, baseline->differences + 1, sizeof *baseline->difference);
    baseline->difference[baseline->differences++] = text;
}

static const char *fact_text(const bench_env *env, const char *key)
{
    const bench_fact *fact = bench_env_find(env, key);
    return fact != NULL && fact->text != NULL ? fact->text : "unknown";
}

/* Why this machine is another one; NULL where it is the same, as far as one can tell. */
static char *other_machine(const bench_read_machine *was, const bench_env *env)
{
    const char *cpu = fact_text(env, "cpu_model"), *isa = fact_text(env, "isa");
    const bench_fact *quota = bench_env_find(env, "cpu_quota");
    double limit = quota != NULL && isfinite(quota->number) ? quota->number : NAN;
    if (strcmp(cpu, "unknown") == 0)
        return bench_copy("this system does not tell its CPU");
    if (strcmp(cpu, was->cpu_model) != 0)
        return bench_format("it is of another CPU, %s; this is %s", was->cpu_model, cpu);
    if (strcmp(isa, was->isa) != 0)
        return bench_format("it is of a CPU with %s; this one has %s", was->isa, isa);
    if (env->usable_cpus != was->usable_cpus)
        return bench_format("it is of %u usable CPUs; here are %u", was->usable_cpus,
                            env->usable_cpus);
    if (isnan(limit) != isnan(was->cpu_quota) || fabs(limit - was->cpu_quota) > 1e-6)
        return bench_copy("it is of another CPU quota");
    return NULL;
}

static const bench_read_result *find_result(const bench_results *results, const char *name)
{
    for (size_t i = 0; i < results->count; i++)
        if (strcmp(results->result[i].name, name) == 0)
            return &results->result[i];
    return NULL;
}

static int compared(const bench_case *item)
{
    return item->work == BENCH_QUANTIZE && !item->verify_only;
}

static int same_model(const bench_read_model *was, const bench_model *model)
{
    if (was->synthetic != (model->path == NULL) || strcmp(was->label, model->label) != 0)
        return 0;
    return strcmp(was->params != NULL ? was->params : "", model->params) == 0;
}

/* Why a run of this name is other work; NULL where it is the same. */
static char *other_work(const bench_read_result *was, const bench_results *results,
                        const bench_case *item, const bench_matrix *matrix)
{
    const bench_model *model = &matrix->model[item->model];
    const char *output = item->to_file ? "file" : "null";
    if (!same_model(&results->model[was->model], model))
        return bench_format("%s: its model was %s, this one is %s", item->name, was->model_size,
                            model->label);
    if (was->threads != item->threads)
        return bench_format("%s: it had %u threads, this one has %u", item->name, was->threads,
                            item->threads);
    if (was->streaming != (item->mode == AQ_MODE_STREAMING))
        return bench_format("%s: it was in the other mode", item->name);
    if (strcmp(was->output, output) != 0)
        return bench_format("%s: its output was %s, this one's is %s", item->name, was->output,
                            output);
    return NULL;
}

static char *other_workload(const bench_results *results, const bench_options *options,
                            const bench_matrix *matrix)
{
    const char *type = aq_type_name(options->type), *dtype = aq_dtype_name(options->dtype);
    size_t common = 0;
    if (strcmp(results->type, type) != 0)
        return bench_format("it is of --type %s, this run is of %s", results->type, type);
    if (strcmp(results->dtype, dtype) != 0)
        return bench_format("it is of --dtype %s, this run is of %s", results->dtype, dtype);
    for (size_t i = 0; i < matrix->count; i++) {
        const bench_case *item = &matrix->cases[i];
        const bench_read_result *was = compared(item) ? find_result(results, item->name) : NULL;
        char *wrong = was == NULL ? NULL : other_work(was, results, item, matrix);
        if (wrong != NULL)
            return wrong;
        common += was != NULL && was->status == BENCH_READ_OK;
    }
    return common > 0 ? NULL : bench_copy("it has figures of none of the runs asked for");
}

/* What may make a difference and is no reason to refuse: it may be what is to be looked at. */
static void note_differences(bench_baseline *baseline, const bench_env *env)
{
    const bench_read_machine *was = &baseline->results.machine;
    const struct {
        const char *key, *label, *was;
    } all[] = {{"kernel", "kernel", was->kernel},
               {"system", "system", was->system},
               {"compiler", "compiler", was->compiler},
               {"cflags", "compiler flags", was->cflags != NULL ? was->cflags : "unknown"},
               {"revision", "revision", was->revision}};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        const char *now = fact_text(env, all[i].key);
        if (strcmp(now, all[i].was) != 0)
            add_difference(baseline, bench_format("%s: %s, now %s", all[i].label, all[i].was, now));
    }
}

int bench_baseline_open(bench_baseline *baseline, const bench_options *options,
                        const bench_matrix *matrix, const bench_env *env, char **wrong)
{
    char *path = bench_baseline_path(options->output_dir, options->baseline), *why;
    int code = 1;
    baseline->name = options->baseline;
    *wrong = bench_baseline_read(path, &baseline->results);
    if (*wrong == NULL) {
        code = 6;
        why = other_machine(&baseline->results.machine, env);
        if (why == NULL) {
            code = 2;
            why = other_workload(&baseline->results, options, matrix);
        }
        if (why == NULL) {
            code = 0;
            note_differences(baseline, env);
        } else {
            *wrong = bench_format("%s: cannot be compared with: %s", path, why);
            free(why);
        }
    }
    free(path);
    return code;
}

/* ---- comparing ---- */

/* The figures above zero, [samples] of which *count are there, for the caller to free. */
static double *known(const bench_sample *sample, size_t samples, bench_getter *get, size_t *count)
{
    double *value = bench_alloc(samples, sizeof *value);
    *count = 0;
    for (size_t i = 0; i < samples; i++)
        if (get(&sample[i]) > 0)
            value[(*count)++] = get(&sample[i]);
    return value;
}

static bench_ratio ratio(const bench_result *now, const bench_read_result *was, bench_getter *get,
                         uint64_t seed)
{
    size_t a_count, b_count;
    double *a = known(now->sample, now->samples, get, &a_count);
    double *b = known(was->sample, was->samples, get, &b_count);
    bench_ratio out = {.estimate = bench_median_ratio(a, a_count, b, b_count, seed)};
    out.change = bench_change_judge(&out.estimate);
    free(a);
    free(b);
    return out;
}

/* What the two worked on and made; NULL where it is the same. */
static char *other_bytes(const bench_read_result *was, const bench_result *now)
{
    if (was->checksum != NULL && now->checksum[0] != '\0' &&
        strcmp(was->checksum, now->checksum) != 0)
        return bench_format("output has checksum %s, that of the baseline %s: another model or "
                            "another result; save a new baseline",
                            now->checksum, was->checksum);
    double bytes = was->sample[0].in_bytes;
    if (isfinite(bytes) && isfinite(now->sample[0].in_bytes) && bytes != now->sample[0].in_bytes)
        return bench_format("input has %.0f bytes, that of the baseline %.0f: another model",
                            now->sample[0].in_bytes, bytes);
    return NULL;
}

static void compare_row(bench_baseline *baseline, const bench_case *item, bench_run *run,
                        uint64_t seed, bench_baseline_row *row)
{
    const bench_result *now = &run->result[row->at];
    const bench_read_result *was = find_result(&baseline->results, item->name);
    if (was == NULL || was->status != BENCH_READ_OK || now->samples == 0 || now->failure != NULL)
        return;
    char *wrong = other_bytes(was, now);
    if (wrong != NULL) {
        bench_run_fail(run, item->name, wrong);
        free(wrong);
        return;
    }
    row->was = was;
    row->time = ratio(now, was, bench_sample_time, seed);
    row->cpu = ratio(now, was, bench_sample_cpu, seed);
    row->memory = ratio(now, was, bench_sample_memory, seed);
    baseline->worse += row->time.change == BENCH_CHANGE_WORSE ||
                       row->cpu.change == BENCH_CHANGE_WORSE ||
                       row->memory.change == BENCH_CHANGE_WORSE;
}

void bench_baseline_compare(bench_baseline *baseline, const bench_matrix *matrix, bench_run *run,
                            uint64_t seed)
{
    const bench_estimate unknown = {NAN, NAN, NAN};
    const char *version = baseline->results.version;
    if (version != NULL && run->version[0] != '\0' && strcmp(version, run->version) != 0)
        add_difference(baseline, bench_format("arrowquant: %s, now %s", version, run->version));
    baseline->row = bench_alloc(matrix->count, sizeof *baseline->row);
    for (size_t i = 0; i < matrix->count; i++) {
        if (!compared(&matrix->cases[i]))
            continue;
        bench_baseline_row *row = &baseline->row[baseline->rows++];
        *row = (bench_baseline_row){
            .at = i, .time = {unknown, 0}, .cpu = {unknown, 0}, .memory = {unknown, 0}};
        compare_row(baseline, &matrix->cases[i], run, seed, row);
    }
}

void bench_baseline_free(bench_baseline *baseline)
{
    bench_results_free(&baseline->results);
    for (size_t i = 0; i < baseline->differences; i++)
        free(baseline->difference[i]);
    free(baseline->difference);
    free(baseline->row);
    memset(baseline, 0, sizeof *baseline);
}
