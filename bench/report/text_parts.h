/* SPDX-License-Identifier: Apache-2.0
 * What every text report ends with, whatever was measured. */
#ifndef BENCH_TEXT_PARTS_H
#define BENCH_TEXT_PARTS_H

#include "report.h"

typedef struct bench_text_writer {
    const bench_report *report;
    FILE *out;
    int color;
} bench_text_writer;

/* A line as wide as the report. */
void bench_text_rule(const bench_text_writer *w, char line);

void bench_text_failures(const bench_text_writer *w);
void bench_text_verification(const bench_text_writer *w);
void bench_text_environment(const bench_text_writer *w);
void bench_text_key(const bench_text_writer *w);

#endif
