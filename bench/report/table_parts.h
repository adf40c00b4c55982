/* SPDX-License-Identifier: Apache-2.0
 * Cells of tables for programs and for people. */
#ifndef BENCH_TABLE_PARTS_H
#define BENCH_TABLE_PARTS_H

#include "stats/stats.h"

#include <stdio.h>

/* The figures of a row of CSV, in their order; the names that stand above them are in
 * bench_report_csv. */
typedef enum bench_csv_column {
    BENCH_CSV_TIME,
    BENCH_CSV_TIME_LOW,
    BENCH_CSV_TIME_HIGH,
    BENCH_CSV_WALL,
    BENCH_CSV_CPU,
    BENCH_CSV_PEAK_MB,
    BENCH_CSV_BASELINE_MB,
    BENCH_CSV_ADDED_MB,
    BENCH_CSV_ACCOUNTED_MB,
    BENCH_CSV_SPEEDUP,
    BENCH_CSV_SPEEDUP_LOW,
    BENCH_CSV_SPEEDUP_HIGH,
    BENCH_CSV_EFFICIENCY,
    BENCH_CSV_CPU_WALL,
    BENCH_CSV_BALANCE,
    BENCH_CSV_BYTE_RATE,
    BENCH_CSV_WEIGHT_RATE,
    BENCH_CSV_TIME_RATIO,
    BENCH_CSV_WALL_RATIO,
    BENCH_CSV_MEMORY_RATIO,
    BENCH_CSV_ROOF,
    BENCH_CSV_ROOF_PART,
    BENCH_CSV_COLUMNS
} bench_csv_column;

/* What a row begins with: what was measured, and how often. */
typedef struct bench_csv_head {
    const char *name, *model; /* model: NULL where there is none */
    unsigned threads;
    int streaming;
    const char *status;
    size_t samples;
} bench_csv_head;

/* Sets all to NaN: a row that has some of the figures begins so. */
void bench_csv_clear(double figure[BENCH_CSV_COLUMNS]);

/* A whole row; NaN and NULL stand for what there is not. */
void bench_csv_row(const bench_csv_head *head, const double figure[BENCH_CSV_COLUMNS],
                   const char *limit, const char *note, FILE *out);

void bench_csv_text(const char *text, FILE *out); /* nothing where it is NULL */
/* A comma, and the number where it is known. */
void bench_csv_number(double value, FILE *out);

void bench_markdown_text(const char *text, FILE *out);
/* " VALUE |" */
void bench_markdown_cell(double value, const char *suffix, FILE *out);
void bench_markdown_interval(const bench_summary *s, FILE *out);

#endif
