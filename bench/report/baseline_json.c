/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "baseline_report.h"
#include "json_parts.h"
#include "results/baseline_file.h"

#include <stdlib.h>

static json_t *ratio(const bench_ratio *r)
{
    json_t *object = json_object();
    set(object, "value", number(r->estimate.value));
    set(object, "low", number(r->estimate.low));
    set(object, "high", number(r->estimate.high));
    set(object, "change", text(bench_change_text(r->change)));
    return object;
}

static json_t *row(const bench_report *report, const bench_baseline_row *r)
{
    json_t *object = json_object();
    set(object, "name", text(report->matrix->cases[r->at].name));
    set(object, "compared", json_boolean(r->was != NULL));
    set(object, "time", ratio(&r->time));
    set(object, "cpu", ratio(&r->cpu));
    set(object, "peak_memory", ratio(&r->memory));
    return object;
}

static json_t *texts(char *const *value, size_t count)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++)
        (void)json_array_append_new(array, text(value[i]));
    return array;
}

json_t *bench_baseline_json(const bench_report *report)
{
    const bench_baseline *b = report->baseline;
    if (b == NULL)
        return json_null();
    json_t *object = json_object(), *rows = json_array();
    for (size_t i = 0; i < b->rows; i++)
        (void)json_array_append_new(rows, row(report, &b->row[i]));
    set(object, "name", text(b->name));
    set(object, "date", text(b->results.machine.date));
    set(object, "revision", text(b->results.machine.revision));
    set(object, "results", rows);
    set(object, "worse", json_integer((json_int_t)b->worse));
    set(object, "differences", texts(b->difference, b->differences));
    set(object, "doubts", texts(b->results.machine.doubt, b->results.machine.doubts));
    return object;
}

int bench_report_baseline(const bench_report *report, FILE *out)
{
    char *bytes = NULL;
    size_t length = 0;
    FILE *memory = open_memstream(&bytes, &length);
    int failed = memory == NULL || bench_report_json(report, memory) != 0;
    if (memory != NULL)
        failed |= fclose(memory);
    if (!failed)
        failed = bench_baseline_write(bytes, length, out);
    free(bytes);
    return failed ? -1 : 0;
}
