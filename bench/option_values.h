/* SPDX-License-Identifier: Apache-2.0
 * What stands after an option: one parser per kind of value. Each takes the text and returns -1 to
 * go on or, after one line on err about what is wrong, the exit code. */
#ifndef BENCH_OPTION_VALUES_H
#define BENCH_OPTION_VALUES_H

#include "options.h"

/* "arrowquant-bench: MESSAGE (try --help)" on err; returns the exit code of a usage error. */
int bench_usage(FILE *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* These two know no option's name and leave the complaint to the caller: -1 for anything but a
 * number in the range, else 0. */
int bench_parse_count(const char *text, uint64_t least, uint64_t most, uint64_t *value);
int bench_parse_seconds(const char *text, double *value);

int bench_parse_cores(const char *text, bench_options *options, FILE *err);
/* The first `length` characters of text, into out[room]. */
int bench_parse_size_name(const char *name, const char *text, size_t length, char *out, size_t room,
                          FILE *err);
int bench_parse_model_sizes(const char *text, bench_options *options, FILE *err);
int bench_parse_group(const char *text, bench_options *options, FILE *err);
int bench_parse_dtype(const char *text, bench_options *options, FILE *err);
int bench_parse_export(const char *text, bench_options *options, FILE *err);
int bench_parse_sink(const char *text, bench_options *options, FILE *err);
int bench_parse_mode(const char *text, bench_options *options, FILE *err);
int bench_parse_baseline(const char *name, const char *text, const char **value, FILE *err);
int bench_parse_path(const char *name, const char *text, const char **path, FILE *err);

#endif
