/* SPDX-License-Identifier: Apache-2.0
 * Threads that take numbered tasks from one atomic counter. Knows nothing of quantization. */
#ifndef AQ_POOL_H
#define AQ_POOL_H

#include <stdint.h>

#include "arrowquant.h"

typedef struct aq_pool aq_pool;

/* The caller is worker 0; threads - 1 more are started; 0 threads stand for aq_usable_cpus(). Where
 * starting one fails the pool goes on with fewer (aq_pool_threads tells). NULL when out of memory.
 */
aq_pool *aq_pool_create(unsigned threads);
unsigned aq_pool_threads(const aq_pool *pool);
void aq_pool_destroy(aq_pool *pool);

/* Who does a task. Workers with tasks at the same time differ in `place`, too. Where there are more
 * workers than CPUs they take turns in few places, so what a task needs only while it runs belongs
 * to its place and not to its worker. Both are below aq_pool_threads. */
typedef struct aq_worker {
    unsigned index, place;
} aq_worker;

/* Runs task(arg, worker, i) for every i in [0, tasks), each once, in increasing order of start, on
 * whichever worker is free, and returns when all are done. A task that returns non-zero stops the
 * run: no further task starts, and the first such value is returned. One run at a time per pool. */
typedef int aq_pool_task(void *arg, aq_worker worker, uint64_t i);
int aq_pool_run(aq_pool *pool, uint64_t tasks, aq_pool_task *task, void *arg);

/* What tasks cost beside one another, in any unit: `total` all of them, of(arg, i) task i. Workers
 * that outnumber the CPUs have equal parts of the work in the end only where that is known. */
typedef struct aq_pool_costs {
    double total;
    double (*of)(const void *arg, uint64_t i);
    const void *arg;
} aq_pool_costs;

/* aq_pool_run of tasks that are not all alike. */
int aq_pool_run_costly(aq_pool *pool, uint64_t tasks, aq_pool_task *task, void *arg,
                       const aq_pool_costs *costs);

/* CPU seconds that a worker has spent in tasks of the last run. */
double aq_pool_cpu_seconds(const aq_pool *pool, unsigned worker);

#endif
