/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "sample.h"
#include "util.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

double bench_sample_time(const bench_sample *sample)
{
    return sample->time_s;
}

double bench_sample_cpu(const bench_sample *sample)
{
    return sample->user_s + sample->system_s;
}

double bench_sample_memory(const bench_sample *sample)
{
    return sample->rss_peak_bytes;
}

void bench_sample_clear(bench_sample *sample)
{
    memset(sample, 0, sizeof *sample);
    double *const number[] = {
        &sample->wall_s,
        &sample->time_s,
        &sample->open_s,
        &sample->run_s,
        &sample->commit_s,
        &sample->load_s,
        &sample->kernel_s,
        &sample->store_s,
        &sample->user_s,
        &sample->system_s,
        &sample->cpu_wall,
        &sample->balance,
        &sample->weights,
        &sample->in_bytes,
        &sample->out_bytes,
        &sample->steal_s,
        &sample->accounted_bytes,
        &sample->rss_before_bytes,
        &sample->throttled_s,
        &sample->rss_peak_bytes,
        &sample->voluntary_switches,
        &sample->resident,
        &sample->roof,
        &sample->involuntary_switches,
    };
    for (size_t i = 0; i < sizeof number / sizeof number[0]; i++)
        *number[i] = NAN;
}

void bench_sample_free(bench_sample *sample)
{
    free(sample->worker);
    bench_sample_clear(sample);
}

static char *read_number(const json_t *object, const char *key, double *out)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_number(value))
        return bench_format("printed no number \"%s\"", key);
    *out = json_number_value(value);
    if (!isfinite(*out) || *out < 0)
        return bench_format("printed \"%s\": %g", key, *out);
    return NULL;
}

static char *read_numbers(const json_t *object, bench_sample *sample)
{
    const struct {
        const char *key;
        double *out;
    } wanted[] = {
        {"time_s", &sample->time_s},
        {"open_s", &sample->open_s},
        {"run_s", &sample->run_s},
        {"commit_s", &sample->commit_s},
        {"load_s", &sample->load_s},
        {"kernel_s", &sample->kernel_s},
        {"store_s", &sample->store_s},
        {"user_s", &sample->user_s},
        {"system_s", &sample->system_s},
        {"weights", &sample->weights},
        {"in_bytes", &sample->in_bytes},
        {"out_bytes", &sample->out_bytes},
        {"accounted_bytes", &sample->accounted_bytes},
        {"rss_before_bytes", &sample->rss_before_bytes},
        {"rss_peak_bytes", &sample->rss_peak_bytes},
        {"voluntary_switches", &sample->voluntary_switches},
        {"involuntary_switches", &sample->involuntary_switches},
    };
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        char *wrong = read_number(object, wanted[i].key, wanted[i].out);
        if (wrong != NULL)
            return wrong;
    }
    /* A time of nothing, or no weights, would turn into an infinite rate. */
    if (sample->time_s <= 0 || sample->weights <= 0)
        return bench_format("reported %g s for %g weights", sample->time_s, sample->weights);
    return NULL;
}

static char *read_worker(const json_t *object, bench_worker *worker)
{
    double tiles = 0;
    char *wrong = read_number(object, "cpu_s", &worker->cpu_s);
    if (wrong == NULL)
        wrong = read_number(object, "read_s", &worker->read_s);
    if (wrong == NULL)
        wrong = read_number(object, "kernel_s", &worker->kernel_s);
    if (wrong == NULL)
        wrong = read_number(object, "write_s", &worker->write_s);
    if (wrong == NULL)
        wrong = read_number(object, "tiles", &tiles);
    /* More would not fit, and be no count that was ever made. */
    if (wrong == NULL && tiles > 0x1p53)
        wrong = bench_format("printed \"tiles\": %g", tiles);
    if (wrong == NULL)
        worker->tiles = (uint64_t)tiles;
    return wrong;
}

static char *read_workers(const json_t *object, bench_sample *sample)
{
    const json_t *workers = json_object_get(object, "workers");
    double threads = 0;
    char *wrong = read_number(object, "threads", &threads);
    if (wrong != NULL)
        return wrong;
    if (!json_is_array(workers) || json_array_size(workers) == 0 ||
        (double)json_array_size(workers) != threads)
        return bench_format("listed %zu workers for %g threads", json_array_size(workers), threads);
    sample->threads = (unsigned)json_array_size(workers);
    sample->worker = bench_alloc(sample->threads, sizeof *sample->worker);
    for (unsigned i = 0; i < sample->threads && wrong == NULL; i++)
        wrong = read_worker(json_array_get(workers, i), &sample->worker[i]);
    return wrong;
}

static char *read_text(const json_t *object, const char *key, char *out, size_t size)
{
    const char *text = json_string_value(json_object_get(object, key));
    if (text == NULL || strlen(text) >= size)
        return bench_format("printed no \"%s\"", key);
    strcpy(out, text);
    return NULL;
}

static char *read_object(const json_t *object, bench_sample *sample)
{
    char *wrong = read_text(object, "version", sample->version, sizeof sample->version);
    if (wrong == NULL)
        wrong = read_text(object, "isa", sample->isa, sizeof sample->isa);
    if (wrong == NULL && json_is_string(json_object_get(object, "checksum")))
        wrong = read_text(object, "checksum", sample->checksum, sizeof sample->checksum);
    if (wrong == NULL)
        wrong = read_numbers(object, sample);
    if (wrong == NULL)
        wrong = read_workers(object, sample);
    return wrong;
}

char *bench_sample_parse(const char *json, size_t length, bench_sample *sample)
{
    bench_sample_clear(sample);
    json_error_t error;
    json_t *object = json_loadb(json, length, JSON_REJECT_DUPLICATES, &error);
    if (object == NULL)
        return bench_format("printed no valid JSON (%s)", error.text);
    const json_t *schema = json_object_get(object, "schema_version");
    const char *status = json_string_value(json_object_get(object, "status"));
    char *wrong;
    if (!json_is_integer(schema) || json_integer_value(schema) != 1)
        wrong = bench_format("printed no JSON of schema_version 1");
    else if (status == NULL || strcmp(status, "ok") != 0)
        wrong = bench_format("exited with 0 but its status is not \"ok\"");
    else
        wrong = read_object(object, sample);
    json_decref(object);
    return wrong;
}

void bench_sample_derive(bench_sample *sample, unsigned usable_cpus)
{
    sample->cpu_wall = (sample->user_s + sample->system_s) / sample->time_s;
    double total = 0, busiest = 0;
    for (unsigned i = 0; i < sample->threads; i++) {
        total += sample->worker[i].cpu_s;
        busiest = fmax(busiest, sample->worker[i].cpu_s);
    }
    if (busiest > 0)
        sample->balance = total / (sample->threads * busiest);
    sample->no_cores = sample->cpu_wall < 0.9 * sample->threads;
    sample->oversubscribed = sample->threads > usable_cpus;
}
