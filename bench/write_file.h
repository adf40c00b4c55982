/* SPDX-License-Identifier: Apache-2.0
 * Files that a reader never finds half written. */
#ifndef BENCH_WRITE_FILE_H
#define BENCH_WRITE_FILE_H

#include <stdio.h>

/* Returns 0, or -1 where it could not be written whole. */
typedef int bench_writer(const void *what, FILE *out);

/* Through a temporary name; a pipe or a device as it is; "-" is standard output. Returns NULL, or
 * what went wrong, which the caller frees. */
char *bench_write_file(const char *path, bench_writer *write, const void *what);

#endif
