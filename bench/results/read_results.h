/* SPDX-License-Identifier: Apache-2.0
 * Results of an earlier run, or of another machine, read back from JSON. Nothing in it is believed:
 * what is missing, not finite, not positive, or does not follow from its own samples is refused. */
#ifndef BENCH_READ_RESULTS_H
#define BENCH_READ_RESULTS_H

#include "measure/sample.h"
#include "stats/stats.h"

#include <stddef.h>

/* Of the results' JSON; bench/results.schema.json describes it. */
enum { BENCH_SCHEMA_VERSION = 1 };

typedef struct bench_read_model {
    char *label;
    char *params; /* NULL where the model is no synthetic one */
    int synthetic;
} bench_read_model;

typedef enum bench_read_status {
    BENCH_READ_OK,
    BENCH_READ_SKIPPED,
    BENCH_READ_FAILED
} bench_read_status;

typedef struct bench_read_result {
    char *name, *group, *model_size, *isa, *output;
    size_t model; /* index, by model_size */
    unsigned threads;
    int streaming;
    bench_read_status status;
    char *note;           /* why it is not ok; NULL where it is */
    char *checksum;       /* of the output; NULL where not known */
    bench_sample *sample; /* round, threads, times, peak memory, input and weights */
    size_t samples, no_cores, oversubscribed;
    /* As they were reported. count is 0 where the figure does not exist. */
    bench_summary time, cpu, memory, byte_rate, weight_rate, speedup, efficiency, wall_ratio,
        memory_ratio;
} bench_read_result;

typedef struct bench_read_target {
    char *id, *label, *outcome;
    double value;
} bench_read_target;

typedef struct bench_read_machine {
    char *date, *cpu_model, *isa, *kernel, *system, *compiler, *cflags, *revision;
    unsigned usable_cpus;
    double cpu_quota, memory_bytes; /* NaN: none, unknown */
    char **doubt;
    size_t doubts;
} bench_read_machine;

typedef struct bench_results {
    char *command, *type, *dtype;
    char *version; /* of the arrowquant that was measured; NULL where no run succeeded */
    double seed;
    int quick;
    unsigned exit_code;
    bench_read_machine machine;
    bench_read_model *model;
    size_t models;
    bench_read_result *result;
    size_t count;
    bench_read_target *target;
    size_t targets;
    char **failure;
    size_t failures;
} bench_results;

/* More than any run writes, and less than a reader's memory. */
#define BENCH_RESULTS_MOST (64u << 20)

/* Parse the bytes of a results file. Returns NULL, or what is wrong with them in words that the
 * caller frees; *results is to be freed either way. */
char *bench_results_parse(const char *bytes, size_t length, bench_results *results);
void bench_results_free(bench_results *results);

#endif
