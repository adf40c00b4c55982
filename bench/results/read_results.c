/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "read_fields.h"
#include "read_results.h"
#include "util.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_THREADS = 4096, MOST_ROUNDS = 100000, MOST_CPUS = 1 << 20, MOST_ITEMS = 4096 };

/* What an array called `key` is made of, and how one of it is read into *out, which is zeroed. */
typedef struct elements {
    const char *key;
    size_t least, most, size;
    void (*read)(bench_reader *reader, const json_t *element, void *out);
} elements;

/* For the caller to free with what they hold; *count are there, the last of them not wholly where
 * something is wrong. */
static void *read_array(bench_reader *reader, const json_t *object, const elements *of,
                        size_t *count)
{
    const json_t *array = bench_field_array(reader, object, of->key, of->least, of->most);
    size_t most = json_array_size(array);
    char *all = bench_alloc(most, of->size), place[sizeof reader->place];
    memcpy(place, reader->place, sizeof place);
    for (*count = 0; *count < most && reader->wrong == NULL; ++*count) {
        bench_field_place(reader, "%.40s%s%s[%zu]", place, place[0] != '\0' ? "." : "", of->key,
                          *count);
        of->read(reader, json_array_get(array, *count), all + *count * of->size);
    }
    memcpy(reader->place, place, sizeof place);
    return all;
}

static char **read_texts(bench_reader *reader, const json_t *object, const char *key, size_t *count)
{
    const json_t *array = bench_field_array(reader, object, key, 0, MOST_ITEMS);
    size_t size = json_array_size(array);
    char **text = bench_alloc(size, sizeof *text);
    for (*count = 0; *count < size && reader->wrong == NULL; ++*count)
        text[*count] = bench_field_item(reader, json_array_get(array, *count), key);
    return text;
}

/* ---- figures ---- */

/* Whether the numbers can be those of one set of samples. */
static void check_summary(bench_reader *reader, const char *key, const bench_summary *s)
{
    if (s->minimum > s->median || s->median > s->maximum)
        bench_field_wrong(reader, key, "its median %g is not between minimum %g and maximum %g",
                          s->median, s->minimum, s->maximum);
    else if (isnan(s->low) != isnan(s->high) || (isnan(s->low) && s->confidence > 0))
        bench_field_wrong(reader, key, "its interval has one end");
    else if (s->low > s->high || s->low < s->minimum || s->high > s->maximum)
        bench_field_wrong(reader, key, "its interval %g to %g is not within %g to %g", s->low,
                          s->high, s->minimum, s->maximum);
}

static bench_summary read_summary(bench_reader *reader, const json_t *all, const char *key)
{
    bench_summary none = bench_summarize(NULL, 0, 0);
    const json_t *object = json_object_get(all, key);
    if (json_is_null(object))
        return none;
    object = bench_field_object(reader, all, key);
    char place[sizeof reader->place];
    memcpy(place, reader->place, sizeof place);
    bench_field_place(reader, "%.60s.%s", place, key);
    bench_summary s = none;
    s.count = bench_field_count(reader, object, "count", 1, MOST_ROUNDS);
    s.median = bench_field_number(reader, object, "median", BENCH_NOT_NEGATIVE);
    s.mad = bench_field_number(reader, object, "mad", BENCH_NOT_NEGATIVE);
    s.minimum = bench_field_number(reader, object, "minimum", BENCH_NOT_NEGATIVE);
    s.maximum = bench_field_number(reader, object, "maximum", BENCH_NOT_NEGATIVE);
    s.low = bench_field_number_or_null(reader, object, "low", BENCH_NOT_NEGATIVE);
    s.high = bench_field_number_or_null(reader, object, "high", BENCH_NOT_NEGATIVE);
    s.confidence = bench_field_number(reader, object, "confidence", BENCH_NOT_NEGATIVE);
    memcpy(reader->place, place, sizeof place);
    check_summary(reader, key, &s);
    return reader->wrong != NULL ? none : s;
}

static void read_figures(bench_reader *reader, const json_t *object, bench_read_result *out)
{
    const json_t *all = bench_field_object(reader, object, "intervals");
    out->time = read_summary(reader, all, "time_s");
    out->cpu = read_summary(reader, all, "cpu_s");
    out->memory = read_summary(reader, all, "peak_memory_bytes");
    out->byte_rate = read_summary(reader, all, "bytes_per_s");
    out->weight_rate = read_summary(reader, all, "weights_per_s");
    out->speedup = read_summary(reader, all, "speedup");
    out->efficiency = read_summary(reader, all, "efficiency");
    out->wall_ratio = read_summary(reader, all, "wall_ratio");
    out->memory_ratio = read_summary(reader, all, "memory_ratio");
}

/* ---- samples ---- */

static void read_sample(bench_reader *reader, const json_t *object, void *out)
{
    bench_sample *s = out;
    bench_sample_clear(s);
    s->round = bench_field_count(reader, object, "round", 1, MOST_ROUNDS);
    s->threads = bench_field_count(reader, object, "threads", 1, MOST_THREADS);
    s->time_s = bench_field_number(reader, object, "time_s", BENCH_ABOVE_ZERO);
    s->wall_s = bench_field_number(reader, object, "wall_s", BENCH_ABOVE_ZERO);
    s->user_s = bench_field_number_or_null(reader, object, "user_s", BENCH_NOT_NEGATIVE);
    s->system_s = bench_field_number_or_null(reader, object, "system_s", BENCH_NOT_NEGATIVE);
    s->rss_peak_bytes =
        bench_field_number_or_null(reader, object, "rss_peak_bytes", BENCH_NOT_NEGATIVE);
    s->in_bytes = bench_field_number_or_null(reader, object, "in_bytes", BENCH_ABOVE_ZERO);
    s->weights = bench_field_number_or_null(reader, object, "weights", BENCH_ABOVE_ZERO);
}

static void read_samples(bench_reader *reader, const json_t *object, bench_read_result *out)
{
    static const elements samples = {"samples", 0, MOST_ROUNDS, sizeof *out->sample, read_sample};
    out->sample = read_array(reader, object, &samples, &out->samples);
    for (size_t i = 1; i < out->samples; i++) {
        char key[40];
        (void)snprintf(key, sizeof key, "samples[%zu].round", i);
        if (out->sample[i].round <= out->sample[i - 1].round)
            bench_field_wrong(reader, key, "does not follow that of the sample before");
    }
}

/* Twelve digits are written. */
static int same(double a, double b)
{
    return fabs(a - b) <= 1e-9 * fabs(b);
}

static double median_time(const bench_read_result *result)
{
    double *value = bench_alloc(result->samples, sizeof *value);
    for (size_t i = 0; i < result->samples; i++)
        value[i] = result->sample[i].time_s;
    double median = bench_median(value, result->samples);
    free(value);
    return median;
}

/* What is reported must follow from the samples beside it. */
static void check_result(bench_reader *reader, const bench_read_result *result, double reported)
{
    if (reader->wrong != NULL || result->status != BENCH_READ_OK)
        return;
    if (result->samples == 0)
        bench_field_wrong(reader, "samples", "is empty, and the status is ok");
    else if (result->time.count != result->samples)
        bench_field_wrong(reader, "intervals", "of %zu times, and there are %zu samples",
                          result->time.count, result->samples);
    else if (!same(result->time.median, median_time(result)) ||
             !same(reported, result->time.median))
        bench_field_wrong(reader, "quantization_time_s", "is not the median of the samples");
}

/* ---- results ---- */

static void find_model(bench_reader *reader, const bench_results *results, bench_read_result *out)
{
    if (reader->wrong != NULL)
        return;
    for (size_t i = 0; i < results->models; i++)
        if (strcmp(results->model[i].label, out->model_size) == 0) {
            out->model = i;
            return;
        }
    bench_field_wrong(reader, "model_size", "\"%.40s\" is none of the models", out->model_size);
}

static void read_result(bench_reader *reader, const json_t *object, void *result)
{
    bench_read_result *out = result;
    static const char *const statuses[] = {"ok", "skipped", "failed"};
    out->name = bench_field_text(reader, object, "name");
    out->group = bench_field_text(reader, object, "group");
    out->model_size = bench_field_text(reader, object, "model_size");
    out->isa = bench_field_text(reader, object, "isa");
    out->output = bench_field_text(reader, object, "output");
    out->threads = bench_field_count(reader, object, "num_threads", 1, MOST_THREADS);
    out->streaming = bench_field_boolean(reader, object, "streaming");
    out->status = (bench_read_status)bench_field_word(reader, object, "status", statuses, 3);
    out->note = bench_field_text_or_null(reader, object, "note");
    out->checksum = bench_field_text_or_null(reader, object, "checksum");
    out->no_cores = bench_field_count(reader, object, "samples_without_cores", 0, MOST_ROUNDS);
    out->oversubscribed =
        bench_field_count(reader, object, "samples_oversubscribed", 0, MOST_ROUNDS);
    double time =
        bench_field_number_or_null(reader, object, "quantization_time_s", BENCH_ABOVE_ZERO);
    read_figures(reader, object, out);
    read_samples(reader, object, out);
    check_result(reader, out, time);
}

static void check_result_names(bench_reader *reader, const bench_results *results, size_t at)
{
    for (size_t i = 0; i < at && reader->wrong == NULL; i++)
        if (strcmp(results->result[i].name, results->result[at].name) == 0)
            bench_field_wrong(reader, "name", "stands twice");
}

static void read_all_results(bench_reader *reader, const json_t *root, bench_results *results)
{
    static const elements all = {"all_results", 1, MOST_ITEMS, sizeof *results->result,
                                 read_result};
    results->result = read_array(reader, root, &all, &results->count);
    for (size_t i = 0; i < results->count && reader->wrong == NULL; i++) {
        bench_field_place(reader, "all_results[%zu]", i);
        find_model(reader, results, &results->result[i]);
        check_result_names(reader, results, i);
    }
    bench_field_place(reader, "%s", "");
}

static void read_model(bench_reader *reader, const json_t *object, void *out)
{
    bench_read_model *model = out;
    model->label = bench_field_text(reader, object, "label");
    model->params = bench_field_text_or_null(reader, object, "params");
    model->synthetic = bench_field_boolean(reader, object, "synthetic");
}

static void read_target(bench_reader *reader, const json_t *object, void *out)
{
    bench_read_target *target = out;
    target->id = bench_field_text(reader, object, "id");
    target->label = bench_field_text(reader, object, "label");
    target->outcome = bench_field_text(reader, object, "outcome");
    target->value = bench_field_number_or_null(reader, object, "value", BENCH_ABOVE_ZERO);
}

static void read_machine(bench_reader *reader, const json_t *root, bench_read_machine *out)
{
    const json_t *object = bench_field_object(reader, root, "environment");
    bench_field_place(reader, "environment");
    out->date = bench_field_text(reader, object, "date");
    out->cpu_model = bench_field_text(reader, object, "cpu_model");
    out->isa = bench_field_text(reader, object, "isa");
    out->kernel = bench_field_text(reader, object, "kernel");
    out->system = bench_field_text(reader, object, "system");
    out->compiler = bench_field_text(reader, object, "compiler");
    out->cflags = bench_field_text_or_null(reader, object, "cflags");
    out->revision = bench_field_text(reader, object, "revision");
    out->usable_cpus = bench_field_count(reader, object, "usable_cpus", 1, MOST_CPUS);
    out->cpu_quota = bench_field_number_or_null(reader, object, "cpu_quota", BENCH_ABOVE_ZERO);
    out->memory_bytes =
        bench_field_number_or_null(reader, object, "memory_bytes", BENCH_ABOVE_ZERO);
    out->doubt = read_texts(reader, object, "doubts", &out->doubts);
    bench_field_place(reader, "%s", "");
}

static void read_head(bench_reader *reader, const json_t *root, bench_results *results)
{
    const json_t *version = json_object_get(root, "schema_version");
    if (!json_is_integer(version))
        bench_field_wrong(reader, "schema_version", "missing: not results of arrowquant-bench");
    else if (json_integer_value(version) != BENCH_SCHEMA_VERSION)
        bench_field_wrong(reader, "schema_version",
                          "%" JSON_INTEGER_FORMAT ", and this program reads %d",
                          json_integer_value(version), BENCH_SCHEMA_VERSION);
    results->command = bench_field_text(reader, root, "command");
    results->type = bench_field_text(reader, root, "type");
    results->dtype = bench_field_text(reader, root, "dtype");
    results->seed = bench_field_number(reader, root, "seed", BENCH_NOT_NEGATIVE);
    results->quick = bench_field_boolean(reader, root, "quick");
    results->exit_code = bench_field_count(reader, root, "exit_code", 0, 255);
    const json_t *versions = bench_field_object(reader, root, "versions");
    results->version = bench_field_text_or_null(reader, versions, "arrowquant");
    results->failure = read_texts(reader, root, "failures", &results->failures);
}

char *bench_results_parse(const char *bytes, size_t length, bench_results *results)
{
    static const elements models = {"models", 1, MOST_ITEMS, sizeof *results->model, read_model},
                          targets = {"targets", 1, MOST_ITEMS, sizeof *results->target,
                                     read_target};
    memset(results, 0, sizeof *results);
    if (length == 0)
        return bench_copy("is empty");
    if (length > BENCH_RESULTS_MOST)
        return bench_format("has more than %u bytes", BENCH_RESULTS_MOST);
    json_error_t why;
    json_t *root = json_loadb(bytes, length, JSON_REJECT_DUPLICATES, &why);
    if (root == NULL)
        return bench_format("is not JSON: line %d, column %d", why.line, why.column);
    bench_reader reader = {0};
    if (!json_is_object(root))
        bench_field_wrong(&reader, "results", "is not a JSON object");
    read_head(&reader, root, results);
    read_machine(&reader, root, &results->machine);
    results->model = read_array(&reader, root, &models, &results->models);
    read_all_results(&reader, root, results);
    results->target = read_array(&reader, root, &targets, &results->targets);
    json_decref(root);
    return reader.wrong;
}

/* ---- freeing ---- */

static void free_texts(char **text, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(text[i]);
    free(text);
}

static void free_machine(bench_read_machine *machine)
{
    char *const text[] = {machine->date,   machine->cpu_model, machine->isa,    machine->kernel,
                          machine->system, machine->compiler,  machine->cflags, machine->revision};
    for (size_t i = 0; i < sizeof text / sizeof text[0]; i++)
        free(text[i]);
    free_texts(machine->doubt, machine->doubts);
}

static void free_result(bench_read_result *result)
{
    char *const text[] = {result->name,   result->group, result->model_size, result->isa,
                          result->output, result->note,  result->checksum};
    for (size_t i = 0; i < sizeof text / sizeof text[0]; i++)
        free(text[i]);
    free(result->sample);
}

void bench_results_free(bench_results *results)
{
    free(results->command);
    free(results->type);
    free(results->dtype);
    free(results->version);
    free_machine(&results->machine);
    for (size_t i = 0; i < results->models; i++) {
        free(results->model[i].label);
        free(results->model[i].params);
    }
    free(results->model);
    for (size_t i = 0; i < results->count; i++)
        free_result(&results->result[i]);
    free(results->result);
    for (size_t i = 0; i < results->targets; i++) {
        free(results->target[i].id);
        free(results->target[i].label);
        free(results->target[i].outcome);
    }
    free(results->target);
    free_texts(results->failure, results->failures);
    memset(results, 0, sizeof *results);
}
