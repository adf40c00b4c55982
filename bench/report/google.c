/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "google.h"
#include "json_parts.h"

static json_t *entry(const bench_google_run *run, double real_s, double cpu_s)
{
    json_t *object = json_object();
    set(object, "name", text(run->name));
    set(object, "run_name", text(run->name));
    set(object, "repetitions", json_integer((json_int_t)run->repetitions));
    set(object, "threads", json_integer(run->threads));
    set(object, "iterations", json_integer(run->iterations));
    set(object, "real_time", json_real(1e3 * real_s));
    set(object, "cpu_time", json_real(1e3 * cpu_s));
    set(object, "time_unit", text("ms"));
    return object;
}

json_t *bench_google_repetition(const bench_google_run *run, size_t index, double real_s,
                                double cpu_s)
{
    json_t *object = entry(run, real_s, cpu_s);
    set(object, "run_type", text("iteration"));
    set(object, "repetition_index", json_integer((json_int_t)index));
    return object;
}

json_t *bench_google_median(const bench_google_run *run, double real_s, double cpu_s)
{
    json_t *object = entry(run, real_s, cpu_s);
    set(object, "name", json_sprintf("%s_median", run->name));
    set(object, "run_type", text("aggregate"));
    set(object, "aggregate_name", text("median"));
    set(object, "aggregate_unit", text("time"));
    return object;
}
