/* SPDX-License-Identifier: Apache-2.0
 * The models under test as files, and the directory for outputs. All that is made lies in one
 * private directory, which bench_store_close removes. */
#ifndef BENCH_STORE_H
#define BENCH_STORE_H

#include "cases.h"

typedef struct bench_files {
    char *input; /* what `arrowquant quantize` is given; NULL while the model is not there */
    char **file;
    size_t count;
    double bytes;           /* of all files */
    double resident_before; /* part that the page cache had before it was first read */
    int fits_memory;        /* all of it can stay in the page cache */
} bench_files;

typedef struct bench_store {
    char *directory;
    const char *binary;
    const bench_options *options;
    const bench_matrix *matrix;
    bench_files *files; /* [matrix->models] */
} bench_store;

/* Returns NULL, or what is wrong, which the caller frees. */
char *bench_store_open(bench_store *store, const char *parent, const char *binary,
                       const bench_options *options, const bench_matrix *matrix);
void bench_store_close(bench_store *store);

/* Why a configuration cannot be run for want of memory or disk; NULL where it can. */
char *bench_store_lack(const bench_store *store, const bench_case *item);

/* Make or find the model and read it once. Returns NULL, or what is wrong. */
char *bench_store_prepare(bench_store *store, size_t model);
/* Delete the model if it was made here. */
void bench_store_release(bench_store *store, size_t model);

/* Where this configuration's output goes, for the caller to free; "null:" where it is discarded. */
char *bench_store_output(const bench_store *store, const bench_case *item);
/* Remove what a run wrote. */
void bench_store_discard(const bench_store *store);

/* Bring a model that was evicted back into the page cache; the part that is there afterwards. */
double bench_store_warm(const bench_store *store, size_t model);

#endif
