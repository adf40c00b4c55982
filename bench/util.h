/* SPDX-License-Identifier: Apache-2.0
 * Allocation that cannot fail (the program ends with one line and exit 1), and small helpers. */
#ifndef BENCH_UTIL_H
#define BENCH_UTIL_H

#include <stddef.h>

void *bench_alloc(size_t count, size_t size); /* zeroed */
void *bench_grow(void *block, size_t count, size_t size);
char *bench_copy(const char *text);
char *bench_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Seconds of CLOCK_MONOTONIC. */
double bench_now(void);

/* The whole of a small file (from /proc or /sys) without its last newline; NULL where it cannot be
 * read. The caller frees it. */
char *bench_read_text(const char *path);

/* Make a directory and those above it. Returns NULL, or what went wrong, which the caller frees. */
char *bench_make_directories(const char *path);

/* "1.26 GB", decimal units. */
const char *bench_bytes(double bytes, char *out, size_t size);
/* Four significant digits without an exponent: "0.02541", "120.5". "N/A" for NaN. */
const char *bench_number(double value, char *out, size_t size);

#endif
