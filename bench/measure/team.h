/* SPDX-License-Identifier: Apache-2.0
 * Threads that begin together. */
#ifndef BENCH_TEAM_H
#define BENCH_TEAM_H

enum { BENCH_TEAM_THREADS = 1024 };

/* Runs work(context, index) in so many threads (1 to BENCH_TEAM_THREADS; the caller is number 0),
 * none of them before all are there. Returns 0 when all have returned, else what pthread_create
 * returned; then none of them worked. */
int bench_team_run(unsigned threads, void (*work)(void *context, unsigned index), void *context);

#endif
