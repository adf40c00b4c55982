/* SPDX-License-Identifier: Apache-2.0
 * Sizes of synthetic models by name. */
#ifndef BENCH_SIZES_H
#define BENCH_SIZES_H

#include <stddef.h>
#include <stdint.h>

typedef struct bench_size {
    uint64_t layers, rows, columns; /* all 0 where only the number of weights is known */
    uint64_t weights;
} bench_size;

/* "100M", "600M", "7B", "7B-seed", "LAYERSxROWSxCOLUMNS", or a number of weights. Returns 0, or -1
 * where the text is none of these or the number of weights overflows. */
int bench_size_parse(const char *text, bench_size *size);

/* The size with fewer layers, so that at most `weights` are left (but one layer at least). */
bench_size bench_size_scaled(bench_size size, uint64_t weights);

/* What `arrowquant synth --params` takes. */
const char *bench_size_params(bench_size size, char *out, size_t room);

#endif
