/* SPDX-License-Identifier: Apache-2.0
 * The comparison with another build, in the reports. */
#ifndef BENCH_REPORT_GATE_H
#define BENCH_REPORT_GATE_H

#include "text_parts.h"

#include <jansson.h>

void bench_report_gate_text(const bench_text_writer *w);

/* Nothing where gate is NULL. */
void bench_report_gate_html(const bench_gate *gate, FILE *out);

/* null where gate is NULL. */
json_t *bench_report_gate_json(const bench_gate *gate);

#endif
