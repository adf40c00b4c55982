/* SPDX-License-Identifier: Apache-2.0
 * The matrix of configurations that the options ask for. Nothing is run here. */
#ifndef BENCH_CASES_H
#define BENCH_CASES_H

#include "options.h"

/* What the matrix depends on beside the options. */
typedef struct bench_machine {
    unsigned cpus;
    int isa_usable[AQ_ISA_COUNT];
    aq_isa isa_best;
} bench_machine;

typedef struct bench_model {
    char label[64];   /* "100M", or the file's name */
    char params[64];  /* for `arrowquant synth`; empty where the model is the user's */
    const char *path; /* of the user's model; NULL where it is synthetic */
    uint64_t weights; /* of a synthetic model, else 0 */
    int scaled;       /* has fewer layers than its label says */
} bench_model;

typedef enum bench_work {
    BENCH_QUANTIZE,
    BENCH_COPY /* cp of the model's files, to compare with */
} bench_work;

enum { BENCH_NO_PAIR = -1 };

/* One configuration. Those of one group share their rounds and one model; ratios are taken only
 * within a group. */
typedef struct bench_case {
    char name[96];
    bench_section section;
    unsigned group;
    size_t model; /* index */
    bench_work work;
    unsigned threads;
    aq_mode mode;
    aq_isa isa;
    int to_file;     /* the output is written, not discarded */
    int verify_only; /* its output is checked, its time is not taken */
    int pair;        /* index of the case that it is compared with, or BENCH_NO_PAIR */
} bench_case;

typedef struct bench_matrix {
    bench_model *model;
    size_t models;
    bench_case *cases;
    size_t count;
    unsigned groups;
    unsigned threads; /* of the size and streaming runs */
} bench_matrix;

/* The last component of a path, without the slashes that may follow it. */
void bench_set_label(const char *path, char *label, size_t size);

void bench_machine_read(bench_machine *machine);

void bench_matrix_build(const bench_options *options, const bench_machine *machine,
                        bench_matrix *matrix);
void bench_matrix_free(bench_matrix *matrix);

/* For --list: groups, models and configurations. */
void bench_matrix_list(const bench_matrix *matrix, FILE *out);

#endif
