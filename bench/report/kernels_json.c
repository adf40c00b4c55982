/* SPDX-License-Identifier: Apache-2.0
 * The kernels for programs. */
#include <config.h>

#include "google.h"
#include "json_parts.h"
#include "kernels_report.h"
#include "report_json.h"
#include "util.h"

#include <math.h>

static const double weights_of_a_time = 1e6;

static json_t *numbers(const double *value, size_t count)
{
    json_t *array = json_array();
    for (size_t i = 0; value != NULL && i < count; i++)
        (void)json_array_append_new(array, isfinite(value[i]) ? json_real(value[i]) : json_null());
    return array;
}

static json_t *one_kernel(const bench_kernels *all, const bench_kernel *k)
{
    size_t rounds = k->failure == NULL ? all->rounds : 0;
    json_t *object = json_object();
    set(object, "name", json_string(k->name));
    set(object, "type", json_string(aq_type_name(k->type)));
    set(object, "dtype", json_string(aq_dtype_name(k->dtype)));
    set(object, "isa", json_string(aq_isa_name(k->isa)));
    set(object, "num_threads", json_integer(k->threads));
    set(object, "where", json_string(k->streaming ? "memory" : "cache"));
    set(object, "failure", k->failure != NULL ? json_string(k->failure) : json_null());
    set(object, "weights_per_s", bench_json_summary(&k->weight_rate));
    set(object, "bytes_per_s", bench_json_summary(&k->byte_rate));
    set(object, "read_part", bench_json_summary(&k->read_part));
    set(object, "speedup", bench_json_summary(&k->speedup));
    set(object, "cpu_wall", bench_json_summary(&k->cpu_wall));
    set(object, "samples_without_cores", json_integer((json_int_t)k->no_cores));
    set(object, "full_cores_weights_per_s", bench_json_summary(&k->full_rate));
    set(object, "full_cores_speedup", bench_json_estimate(&k->full_speedup));
    set(object, "samples_weights_per_s", numbers(k->rate, rounds));
    set(object, "samples_cpu_wall", numbers(k->cores, rounds));
    set(object, "samples_core_rate", numbers(k->core, rounds));
    set(object, "core_rate_best", isfinite(k->core_best) ? json_real(k->core_best) : json_null());
    return object;
}

json_t *bench_kernels_json(const bench_report *report)
{
    const bench_kernels *all = report->kernels;
    if (all == NULL)
        return json_null();
    json_t *object = json_object(), *reads = json_array(), *results = json_array();
    for (unsigned team = 0; team < all->teams; team++) {
        json_t *read = json_object();
        set(read, "num_threads", json_integer(all->threads[team]));
        set(read, "bytes_per_s", bench_json_summary(&all->read_rate[team]));
        set(read, "samples_bytes_per_s", numbers(all->read[team], all->rounds));
        (void)json_array_append_new(reads, read);
    }
    for (size_t i = 0; i < all->count; i++)
        (void)json_array_append_new(results, one_kernel(all, &all->kernel[i]));
    set(object, "library", json_string(aq_version()));
    set(object, "window_weights", json_integer((json_int_t)all->window));
    set(object, "memory_weights", json_integer((json_int_t)(all->window * all->windows)));
    set(object, "rounds", json_integer(all->rounds));
    set(object, "time_s", json_real(all->spent_s));
    set(object, "stopped", json_string(bench_stop_text(all->stop)));
    set(object, "read_bandwidth", reads);
    set(object, "results", results);
    return object;
}

/* ---- other tools' forms ---- */

void bench_kernels_google(const bench_report *report, json_t *benchmarks)
{
    const bench_kernels *all = report->kernels;
    for (size_t i = 0; all != NULL && i < all->count; i++) {
        const bench_kernel *k = &all->kernel[i];
        const bench_google_run run = {k->name, k->weight_rate.count, k->threads, 1};
        if (run.repetitions == 0)
            continue;
        for (unsigned round = 0; round < all->rounds; round++) {
            double seconds = weights_of_a_time / k->rate[round];
            json_t *entry =
                bench_google_repetition(&run, round, seconds, seconds * k->cores[round]);
            set(entry, "items_per_second", json_real(k->rate[round]));
            (void)json_array_append_new(benchmarks, entry);
        }
        double seconds = weights_of_a_time / k->weight_rate.median;
        (void)json_array_append_new(
            benchmarks, bench_google_median(&run, seconds, seconds * k->cpu_wall.median));
    }
}

void bench_kernels_github(const bench_report *report, json_t *entries)
{
    const bench_kernels *all = report->kernels;
    for (size_t i = 0; all != NULL && i < all->count; i++) {
        const bench_summary *rate = &all->kernel[i].weight_rate;
        if (rate->count == 0)
            continue;
        json_t *entry = json_object();
        set(entry, "name", json_sprintf("%s time", all->kernel[i].name));
        set(entry, "unit", json_string("us per 10^6 weights"));
        set(entry, "value", json_real(1e6 * weights_of_a_time / rate->median));
        if (rate->confidence > 0)
            set(entry, "range",
                json_sprintf("%.6g..%.6g", 1e6 * weights_of_a_time / rate->high,
                             1e6 * weights_of_a_time / rate->low));
        set(entry, "extra",
            json_sprintf("%u threads, %zu samples", all->kernel[i].threads, rate->count));
        (void)json_array_append_new(entries, entry);
    }
}

void bench_kernels_bencher(const bench_report *report, json_t *root)
{
    const bench_kernels *all = report->kernels;
    for (size_t i = 0; all != NULL && i < all->count; i++) {
        const bench_summary *rate = &all->kernel[i].weight_rate;
        if (rate->count == 0)
            continue;
        json_t *measures = json_object(), *measure = json_object();
        set(measure, "value", json_real(rate->median));
        if (rate->confidence > 0) {
            set(measure, "lower_value", json_real(rate->low));
            set(measure, "upper_value", json_real(rate->high));
        }
        set(measures, "throughput", measure);
        set(root, all->kernel[i].name, measures);
    }
}
