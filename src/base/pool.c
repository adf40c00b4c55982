/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "pool.h"

#include <pthread.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>

#include "memory.h"
#include "placement.h"
#include "small.h"
#include "thread.h"
#include "turns.h"

typedef struct worker {
    /* Its own cache lines: workers write here while the others work. */
    alignas(128) aq_pool *pool;
    pthread_t thread;
    unsigned index;
    double cpu_seconds;
} worker;

struct aq_pool {
    /* The hot path: one counter, alone in its cache line. */
    alignas(128) atomic_uint_fast64_t next;
    alignas(128) atomic_int failure; /* first non-zero value of a task */

    pthread_mutex_t lock; /* guards what follows up to `workers` */
    pthread_cond_t start, done;
    uint64_t generation; /* grows by one per run */
    unsigned busy;       /* started workers that are not done with this run */
    bool quit;
    uint64_t tasks;
    aq_pool_task *task;
    void *arg;
    const aq_pool_costs *costs; /* NULL: all alike */

    worker *workers; /* written by their own threads during a run, read between runs */
    unsigned count;
    aq_turns *turns;         /* with more workers than CPUs; else NULL */
    aq_placement *placement; /* with more than one worker and no more than CPUs; else NULL */
};

static double cost_of(const aq_pool *pool, uint64_t i)
{
    return pool->costs == NULL ? 1 : pool->costs->of(pool->costs->arg, i);
}

static void work(worker *self)
{
    aq_pool *pool = self->pool;
    double begin = aq_clock_seconds(CLOCK_THREAD_CPUTIME_ID);
    aq_worker who = {self->index, self->index};
    if (pool->turns != NULL)
        who.place = aq_turns_arrive(pool->turns, self->index);
    while (atomic_load_explicit(&pool->failure, memory_order_relaxed) == 0) {
        uint64_t i = atomic_fetch_add_explicit(&pool->next, 1, memory_order_relaxed);
        if (i >= pool->tasks)
            break;
        int failure = pool->task(pool->arg, who, i);
        if (failure != 0) {
            int none = 0;
            atomic_compare_exchange_strong(&pool->failure, &none, failure);
        }
        if (pool->turns != NULL)
            who.place = aq_turns_next(pool->turns, self->index, cost_of(pool, i));
    }
    if (pool->turns != NULL)
        aq_turns_leave(pool->turns);
    self->cpu_seconds = aq_clock_seconds(CLOCK_THREAD_CPUTIME_ID) - begin;
}

static void *worker_main(void *arg)
{
    worker *self = arg;
    aq_pool *pool = self->pool;
    uint64_t seen = 0;
    (void)pthread_mutex_lock(&pool->lock);
    for (;;) {
        while (!pool->quit && pool->generation == seen)
            (void)pthread_cond_wait(&pool->start, &pool->lock);
        if (pool->quit)
            break;
        seen = pool->generation;
        (void)pthread_mutex_unlock(&pool->lock);
        aq_placement_enter(pool->placement);
        work(self);
        (void)pthread_mutex_lock(&pool->lock);
        if (--pool->busy == 0)
            (void)pthread_cond_signal(&pool->done);
    }
    (void)pthread_mutex_unlock(&pool->lock);
    return NULL;
}

aq_pool *aq_pool_create(unsigned threads)
{
    /* Asked once, and not for a lone thread: the answer is in files of control groups. */
    const unsigned cpus = threads == 1 ? 1 : aq_usable_cpus();
    if (threads == 0)
        threads = cpus;
    aq_pool *pool = aq_aligned_alloc(alignof(aq_pool), sizeof *pool);
    worker *workers = aq_aligned_alloc(alignof(worker), threads * sizeof *workers);
    if (pool == NULL || workers == NULL) {
        aq_free(pool);
        aq_free(workers);
        return NULL;
    }
    *pool = (aq_pool){.workers = workers,
                      .placement = threads > 1 ? aq_placement_create("", threads) : NULL};
    (void)pthread_mutex_init(&pool->lock, NULL);
    (void)pthread_cond_init(&pool->start, NULL);
    (void)pthread_cond_init(&pool->done, NULL);
    for (unsigned i = 0; i < threads; i++) {
        workers[i] = (worker){.pool = pool, .index = i};
        if (i > 0 &&
            aq_thread_start(&workers[i].thread, AQ_KERNEL_STACK, worker_main, &workers[i]) != 0)
            break;
        if (i > 0)
            aq_placement_begin(pool->placement, workers[i].thread, i);
        pool->count = i + 1;
    }
    /* Without memory for it they work all the same. */
    if (pool->count > cpus)
        pool->turns = aq_turns_create(pool->count, cpus);
    return pool;
}

unsigned aq_pool_threads(const aq_pool *pool)
{
    return pool->count;
}

void aq_pool_destroy(aq_pool *pool)
{
    if (pool == NULL)
        return;
    (void)pthread_mutex_lock(&pool->lock);
    pool->quit = true;
    (void)pthread_cond_broadcast(&pool->start);
    (void)pthread_mutex_unlock(&pool->lock);
    for (unsigned i = 1; i < pool->count; i++)
        (void)pthread_join(pool->workers[i].thread, NULL);
    (void)pthread_cond_destroy(&pool->done);
    (void)pthread_cond_destroy(&pool->start);
    (void)pthread_mutex_destroy(&pool->lock);
    aq_turns_destroy(pool->turns);
    aq_placement_destroy(pool->placement);
    aq_free(pool->workers);
    aq_free(pool);
}

int aq_pool_run(aq_pool *pool, uint64_t tasks, aq_pool_task *task, void *arg)
{
    return aq_pool_run_costly(pool, tasks, task, arg, NULL);
}

int aq_pool_run_costly(aq_pool *pool, uint64_t tasks, aq_pool_task *task, void *arg,
                       const aq_pool_costs *costs)
{
    (void)pthread_mutex_lock(&pool->lock);
    pool->tasks = tasks;
    pool->task = task;
    pool->arg = arg;
    pool->costs = costs;
    pool->busy = pool->count - 1;
    pool->generation++;
    if (pool->turns != NULL)
        aq_turns_begin(pool->turns, costs == NULL ? (double)tasks : costs->total);
    atomic_store_explicit(&pool->next, 0, memory_order_relaxed);
    atomic_store_explicit(&pool->failure, 0, memory_order_relaxed);
    (void)pthread_cond_broadcast(&pool->start);
    (void)pthread_mutex_unlock(&pool->lock);

    /* The caller's thread is only borrowed. */
    aq_placement_visit(pool->placement);
    work(&pool->workers[0]);
    aq_placement_leave(pool->placement);

    (void)pthread_mutex_lock(&pool->lock);
    while (pool->busy > 0)
        (void)pthread_cond_wait(&pool->done, &pool->lock);
    (void)pthread_mutex_unlock(&pool->lock);
    return atomic_load_explicit(&pool->failure, memory_order_relaxed);
}

double aq_pool_cpu_seconds(const aq_pool *pool, unsigned worker_index)
{
    return worker_index < pool->count ? pool->workers[worker_index].cpu_seconds : 0.0;
}
