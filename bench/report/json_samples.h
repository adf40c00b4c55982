/* SPDX-License-Identifier: Apache-2.0
 * What was measured, as JSON. */
#ifndef BENCH_JSON_SAMPLES_H
#define BENCH_JSON_SAMPLES_H

#include "measure/measure.h"

#include <jansson.h>

json_t *bench_json_samples(const bench_result *result);
json_t *bench_json_trace(const bench_trace *trace); /* null where it is NULL */

#endif
