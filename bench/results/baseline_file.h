/* SPDX-License-Identifier: Apache-2.0
 * Results kept to compare with. A baseline is a file of results after one line that vouches for
 * them: {"arrowquant_baseline":1,"bytes":N,"checksum":"16 hexadecimal digits"}, the checksum being
 * FNV-1a of the N bytes that follow the line. It tells damage, not malice. */
#ifndef BENCH_BASELINE_FILE_H
#define BENCH_BASELINE_FILE_H

#include "read_results.h"

#include <stdio.h>

/* A plain name: letters, digits, dots, dashes and underscores, at most 64, no dot or dash first. */
int bench_baseline_name_valid(const char *name);

/* OUTPUT_DIR/baselines/NAME.json, for the caller to free. */
char *bench_baseline_path(const char *output_dir, const char *name);

/* Parse the bytes of a baseline, as bench_results_parse does. */
char *bench_baseline_parse(const char *bytes, size_t length, bench_results *results);

/* Writes results, which bench_results_parse accepts, as a baseline. Returns 0, or -1 where they
 * could not be written whole. */
int bench_baseline_write(const char *results, size_t length, FILE *out);

/* Read a baseline file. Returns NULL, or what is wrong in words that the caller frees and that name
 * the file. *results is to be freed either way. */
char *bench_baseline_read(const char *path, bench_results *results);

/* The same for a file that is results or a baseline. */
char *bench_results_read(const char *path, bench_results *results);

#endif
