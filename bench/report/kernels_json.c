/* SPDX-License-Identifier: Apache-2.0
 * The kernels for programs. */
#include <config.h>

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
    set(object, "samples_weights_per_s", numbers(k->rate, rounds));
    set(object, "samples_cpu_wall", numbers(k->cores, rounds));
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

static json_t *google_entry(const bench_kernel *k, const char *suffix, double rate, double cores)
{
    json_t *entry = json_object();
    double seconds = weights_of_a_time / rate;
    set(entry, "name", json_sprintf("%s%s", k->name, suffix));
    set(entry, "run_name", json_string(k->name));
    set(entry, "repetitions", json_integer((json_int_t)k->weight_rate.count));
    set(entry, "threads", json_integer(k->threads));
    set(entry, "iterations", json_integer(1));
    set(entry, "real_time", json_real(1e3 * seconds));
    set(entry, "cpu_time", json_real(1e3 * seconds * cores));
    set(entry, "time_unit", json_string("ms"));
    return entry;
}

void bench_kernels_google(const bench_report *report, json_t *benchmarks)
{
    const bench_kernels *all = report->kernels;
    for (size_t i = 0; all != NULL && i < all->count; i++) {
        const bench_kernel *k = &all->kernel[i];
        if (k->weight_rate.count == 0)
            continue;
        for (unsigned round = 0; round < all->rounds; round++) {
            json_t *entry = google_entry(k, "", k->rate[round], k->cores[round]);
            set(entry, "run_type", json_string("iteration"));
            set(entry, "repetition_index", json_integer(round));
            set(entry, "items_per_second", json_real(k->rate[round]));
            (void)json_array_append_new(benchmarks, entry);
        }
        json_t *median = google_entry(k, "_median", k->weight_rate.median, k->cpu_wall.median);
        set(median, "run_type", json_string("aggregate"));
        set(median, "aggregate_name", json_string("median"));
        set(median, "aggregate_unit", json_string("time"));
        (void)json_array_append_new(benchmarks, median);
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
