/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "json_parts.h"
#include "json_samples.h"

static json_t *workers(const bench_sample *sample)
{
    json_t *array = json_array();
    for (unsigned i = 0; sample->worker != NULL && i < sample->threads; i++) {
        const bench_worker *w = &sample->worker[i];
        json_t *object = json_object();
        set(object, "cpu_s", number(w->cpu_s));
        set(object, "read_s", number(w->read_s));
        set(object, "kernel_s", number(w->kernel_s));
        set(object, "write_s", number(w->write_s));
        set(object, "tiles", json_integer((json_int_t)w->tiles));
        (void)json_array_append_new(array, object);
    }
    return array;
}

static json_t *one_sample(const bench_sample *s)
{
    const struct {
        const char *key;
        double value;
    } numbers[] = {
        {"wall_s", s->wall_s},
        {"time_s", s->time_s},
        {"open_s", s->open_s},
        {"run_s", s->run_s},
        {"commit_s", s->commit_s},
        {"load_s", s->load_s},
        {"kernel_s", s->kernel_s},
        {"store_s", s->store_s},
        {"user_s", s->user_s},
        {"system_s", s->system_s},
        {"cpu_wall", s->cpu_wall},
        {"balance", s->balance},
        {"weights", s->weights},
        {"in_bytes", s->in_bytes},
        {"out_bytes", s->out_bytes},
        {"accounted_bytes", s->accounted_bytes},
        {"rss_before_bytes", s->rss_before_bytes},
        {"rss_peak_bytes", s->rss_peak_bytes},
        {"voluntary_switches", s->voluntary_switches},
        {"involuntary_switches", s->involuntary_switches},
        {"steal_s", s->steal_s},
        {"throttled_s", s->throttled_s},
        {"input_resident", s->resident},
        {"roof_bytes_per_s", s->roof},
    };
    json_t *object = json_object();
    set(object, "round", json_integer(s->round));
    set(object, "threads", json_integer(s->threads));
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        set(object, numbers[i].key, number(numbers[i].value));
    set(object, "no_cores", json_boolean(s->no_cores));
    set(object, "oversubscribed", json_boolean(s->oversubscribed));
    set(object, "workers", workers(s));
    return object;
}

json_t *bench_json_samples(const bench_result *result)
{
    json_t *array = json_array();
    for (size_t i = 0; i < result->samples; i++)
        (void)json_array_append_new(array, one_sample(&result->sample[i]));
    return array;
}

json_t *bench_json_trace(const bench_trace *trace)
{
    if (trace == NULL)
        return json_null();
    json_t *object = json_object(), *time = json_array(), *bytes = json_array();
    for (size_t i = 0; i < trace->count; i++) {
        (void)json_array_append_new(time, number(trace->time_s[i]));
        (void)json_array_append_new(bytes, number(trace->bytes[i]));
    }
    set(object, "time_s", time);
    set(object, "resident_bytes", bytes);
    return object;
}
