/* SPDX-License-Identifier: Apache-2.0
 * Results of many machines as one report. Each was judged where it was made; what is judged here is
 * that they are of different runs, and that one model came out as the same bytes everywhere. */
#ifndef BENCH_MERGE_H
#define BENCH_MERGE_H

#include "baseline_file.h"
#include "options.h"

/* One configuration, on every machine. */
typedef struct bench_merged_case {
    const bench_read_result *first; /* on the first machine that has it */
    const bench_results *of;        /* that machine's */
    const bench_read_result **on;   /* [machines]; NULL where it was not asked for */
} bench_merged_case;

typedef struct bench_merge {
    const bench_options *options;
    const char *const *file; /* [machines] */
    bench_results *machine;  /* [machines] */
    size_t machines;
    bench_merged_case *cases;
    size_t count;
    char **failure; /* "FILE: what" */
    size_t failures, doubts;
    int exit_code;
} bench_merge;

/* Reads the files of --merge, reports, and returns the exit code. */
int bench_merge_run(const bench_options *options, FILE *err);

/* "met" and so on, or NULL where a machine's results have no such target. */
const char *bench_merge_outcome(const bench_results *machine, const char *target);
/* "ok", "skipped", "failed", or "not run". */
const char *bench_merge_status(const bench_read_result *result);

/* Each returns 0, or -1 where it could not be written whole. */
int bench_merge_text(const bench_merge *merge, FILE *out);
int bench_merge_json(const bench_merge *merge, FILE *out);
int bench_merge_html(const bench_merge *merge, FILE *out);
int bench_merge_csv(const bench_merge *merge, FILE *out);
int bench_merge_markdown(const bench_merge *merge, FILE *out);

#endif
