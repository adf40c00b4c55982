/* SPDX-License-Identifier: Apache-2.0
 * Cells of tables for programs and for people. */
#ifndef BENCH_TABLE_PARTS_H
#define BENCH_TABLE_PARTS_H

#include "stats/stats.h"

#include <stdio.h>

void bench_csv_text(const char *text, FILE *out); /* nothing where it is NULL */
/* A comma, and the number where it is known. */
void bench_csv_number(double value, FILE *out);

void bench_markdown_text(const char *text, FILE *out);
/* " VALUE |" */
void bench_markdown_cell(double value, const char *suffix, FILE *out);
void bench_markdown_interval(const bench_summary *s, FILE *out);

#endif
