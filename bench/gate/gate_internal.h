/* SPDX-License-Identifier: Apache-2.0
 * What the preparation and the sampling of the gate share. */
#ifndef BENCH_GATE_INTERNAL_H
#define BENCH_GATE_INTERNAL_H

#include "gate.h"
#include "measure/sample.h"
#include "measure/store.h"
#include "stats/stats.h"

typedef struct bench_gate_context {
    const bench_options *options;
    bench_store store;
    bench_matrix matrix; /* of models only */
    size_t model;        /* the one that is measured */
    bench_arms arms;
    bench_gate *gate;
    bench_progress *progress;
    bench_rng rng;
    unsigned cpus;
} bench_gate_context;

/* One process. Returns NULL or what went wrong; free *sample either way. */
char *bench_gate_observe(bench_gate_context *ctx, bench_arm arm, unsigned threads, unsigned repeat,
                         int checksum, bench_sample *sample);

/* Stages the arms, chooses and makes the model, verifies the outputs, settles how many
 * quantizations make an observation, and discards the first observation of each arm. Returns NULL
 * or what went wrong. */
char *bench_gate_prepare(bench_gate_context *ctx, const bench_program *old_program,
                         const bench_program *new_program);

#endif
