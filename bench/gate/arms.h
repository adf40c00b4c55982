/* SPDX-License-Identifier: Apache-2.0
 * The programs that take part in a comparison, each copied with its library into a directory of its
 * own: fresh files of one file system under paths of one length, so that nothing but their contents
 * tells them apart, and so that a build that goes on meanwhile changes none of them. */
#ifndef BENCH_ARMS_H
#define BENCH_ARMS_H

#include "measure/program.h"
#include "stats/stats.h"

typedef enum bench_arm { BENCH_OLD, BENCH_NEW, BENCH_COPY_OF_OLD, BENCH_ARMS } bench_arm;

typedef struct bench_arms {
    char *program[BENCH_ARMS];
    char *environment[BENCH_ARMS]; /* "LD_LIBRARY_PATH=..." to run it with */
    int repeats;                   /* both builds know quantize --repeat */
    int identical;                 /* program and library have the same bytes in both */
} bench_arms;

/* The orders in which the arms of a round may run: old and new are always neighbours, the copy is
 * first or last. Bit 0 of an index: new before old; bit 1: the copy first. */
enum { BENCH_ORDERS = 4 };
extern const bench_arm bench_order[BENCH_ORDERS][BENCH_ARMS];

/* The order of the next round, given that of the last. It is drawn for every pair of rounds, in
 * whose second new and old change places: they run as ABBA or BAAB, so that a place within the
 * round favours neither. */
unsigned bench_next_order(bench_rng *rng, size_t round, unsigned last);

/* "old", "new", "copy" */
const char *bench_arm_name(bench_arm arm);

/* Makes the directories below `directory`. Returns NULL, or what went wrong, which the caller
 * frees. Free *arms either way; the files stay. */
char *bench_arms_stage(const char *directory, const bench_program *old_program,
                       const bench_program *new_program, bench_arms *arms);
void bench_arms_free(bench_arms *arms);

#endif
