/* SPDX-License-Identifier: Apache-2.0
 * What machine and what build a report is about. */
#ifndef BENCH_ENV_H
#define BENCH_ENV_H

#include <stddef.h>

/* A number where text is NULL (NaN: unknown). */
typedef struct bench_fact {
    const char *key;   /* in JSON */
    const char *label; /* in text */
    char *text;
    double number;
} bench_fact;

typedef struct bench_env {
    bench_fact *fact;
    size_t facts;
    /* Why a verdict from this machine is to be doubted. */
    char **doubt;
    size_t doubts;
    unsigned usable_cpus;
    unsigned cores; /* that these are hardware threads of; 0 where the system does not tell */
    char date[32];  /* UTC, ISO 8601; SOURCE_DATE_EPOCH is honoured */
} bench_env;

/* work_dir: where models and outputs lie. Listens to this machine for a moment, and doubts it where
 * it is not fit. */
void bench_env_read(const char *work_dir, bench_env *env);
void bench_env_free(bench_env *env);

/* NULL where there is no such fact. */
const bench_fact *bench_env_find(const bench_env *env, const char *key);

/* A fact as words: its text, or its number in the unit that its key names. Returns `out`, or the
 * text. */
const char *bench_env_words(const bench_fact *fact, char *out, size_t size);

/* How many threads can have a core of their own. */
unsigned bench_env_cores(const bench_env *env);

/* The environment takes over the text. */
void bench_env_doubt(bench_env *env, char *text);

#endif
