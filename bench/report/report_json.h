/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_REPORT_JSON_H
#define BENCH_REPORT_JSON_H

#include "figures.h"

#include <jansson.h>

/* As results.schema.json has it; null where there is no figure. */
json_t *bench_json_summary(const bench_summary *s);
json_t *bench_json_estimate(const bench_estimate *e);

#endif
