/* SPDX-License-Identifier: Apache-2.0
 * The command line of arrowquant-bench. */
#ifndef BENCH_OPTIONS_H
#define BENCH_OPTIONS_H

#include "arrowquant.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* What can be selected. The order is that of the report. */
typedef enum bench_section {
    BENCH_SCALING,
    BENCH_SPEEDUP,
    BENCH_SIZES,
    BENCH_STREAMING,
    BENCH_SECTIONS
} bench_section;

typedef enum bench_sink { BENCH_SINK_DEFAULT, BENCH_SINK_NULL, BENCH_SINK_FILE } bench_sink;
typedef enum bench_export_format {
    BENCH_JSON,
    BENCH_CSV,
    BENCH_MARKDOWN,
    BENCH_HTML,
    BENCH_GOOGLE,
    BENCH_GITHUB,
    BENCH_BENCHER,
    BENCH_FORMATS
} bench_export_format;

enum {
    BENCH_MAX_CORES = 64,
    BENCH_MAX_SIZES = 16,
    BENCH_MAX_EXPORTS = 16,
    BENCH_MAX_MERGED = 256,
    BENCH_MAX_THREADS = 1024
};

typedef struct bench_export {
    bench_export_format format;
    const char *path;
} bench_export;

/* Strings point into argv or are constants. */
typedef struct bench_options {
    int selected[BENCH_SECTIONS];
    int quick, list, check_targets, strict, quiet, verbose;
    unsigned cores[BENCH_MAX_CORES];
    size_t cores_count;
    char model_size[32];
    char model_sizes[BENCH_MAX_SIZES][32];
    size_t model_sizes_count;
    const char *model; /* NULL: synthetic models */
    aq_type type;
    aq_dtype dtype;
    int kernels, type_given, dtype_given; /* kernels: of these alone, if given */
    aq_mode mode;                         /* of the scaling, speedup and size runs */
    unsigned threads; /* of the size and streaming runs; 0: the usable CPUs, at most 8 */
    bench_sink sink;
    unsigned rounds; /* exactly so many; 0: until precise enough or out of budget */
    double budget_s;
    double compare_budget_s; /* of the comparison with another build */
    double timeout_s;        /* of one run */
    uint64_t seed;
    int seed_given;
    const char *output_dir;
    const char *work_dir;                 /* NULL: TMPDIR, or output_dir */
    const char *binary;                   /* NULL: the arrowquant beside this program, or in PATH */
    const char *baseline, *save_baseline; /* names; NULL: none */
    int selftest;
    const char *traces;  /* for the self-test; NULL: those that came with this program */
    const char *compare; /* another build; NULL: no comparison */
    int merge;           /* nothing is measured: these files are joined */
    const char *merge_file[BENCH_MAX_MERGED];
    size_t merge_count;
    bench_export exports[BENCH_MAX_EXPORTS];
    size_t exports_count;
} bench_options;

/* The name of a section as --group takes it, and its title in the report. */
const char *bench_section_name(bench_section section);
const char *bench_section_title(bench_section section);

/* Returns -1 to go on, or the exit code: 0 after --help or --version (on out), 2 after one line on
 * err about what is wrong. */
int bench_options_parse(int argc, char **argv, bench_options *options, FILE *out, FILE *err);

#endif
