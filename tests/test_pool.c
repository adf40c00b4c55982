/* SPDX-License-Identifier: Apache-2.0
 * Every task once, whatever the threads; failures stop the run and lose no started task. */
#include <config.h>

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/pool.h"
#include "base/thread.h"
#include "suite.h"

enum { TASKS = 10000 };

typedef struct counts {
    atomic_uint done[TASKS];
    atomic_uint worker_out_of_range, place_shared;
    atomic_int taken[64]; /* by place: how many are there */
    unsigned workers;
} counts;

static int count_task(void *arg, aq_worker worker, uint64_t i)
{
    counts *c = arg;
    atomic_fetch_add(&c->done[i], 1);
    if (worker.index >= c->workers || worker.place >= c->workers) {
        atomic_fetch_add(&c->worker_out_of_range, 1);
        return 0;
    }
    if (atomic_fetch_add(&c->taken[worker.place], 1) != 0)
        atomic_fetch_add(&c->place_shared, 1);
    if (i % 64 == 0)
        (void)sched_yield();
    atomic_fetch_sub(&c->taken[worker.place], 1);
    return 0;
}

START_TEST(every_task_runs_once)
{
    static const unsigned threads[] = {1, 2, 3, 8, 64};
    for (size_t t = 0; t < sizeof threads / sizeof threads[0]; t++) {
        aq_pool *pool = aq_pool_create(threads[t]);
        ck_assert_ptr_nonnull(pool);
        ck_assert_uint_eq(aq_pool_threads(pool), threads[t]);
        counts *c = calloc(1, sizeof *c);
        c->workers = threads[t];
        for (unsigned round = 1; round <= 3; round++) {
            ck_assert_int_eq(aq_pool_run(pool, TASKS, count_task, c), 0);
            for (size_t i = 0; i < TASKS; i++)
                ck_assert_uint_eq(atomic_load(&c->done[i]), round);
        }
        ck_assert_uint_eq(atomic_load(&c->worker_out_of_range), 0);
        ck_assert_uint_eq(atomic_load(&c->place_shared), 0);
        free(c);
        aq_pool_destroy(pool);
    }
}
END_TEST

START_TEST(none_asked_for_is_one_for_each_cpu)
{
    aq_pool *pool = aq_pool_create(0);
    ck_assert_uint_eq(aq_pool_threads(pool), aq_usable_cpus());
    aq_pool_destroy(pool);
}
END_TEST

START_TEST(no_tasks_is_no_work)
{
    aq_pool *pool = aq_pool_create(4);
    ck_assert_int_eq(aq_pool_run(pool, 0, count_task, NULL), 0);
    aq_pool_destroy(pool);
}
END_TEST

typedef struct failing {
    atomic_uint_fast64_t started, finished;
    uint64_t fail_from;
} failing;

static int failing_task(void *arg, aq_worker worker, uint64_t i)
{
    failing *f = arg;
    (void)worker;
    atomic_fetch_add(&f->started, 1);
    int code = i >= f->fail_from ? (int)(i - f->fail_from) + 1 : 0;
    atomic_fetch_add(&f->finished, 1);
    return code;
}

START_TEST(a_failure_stops_the_run)
{
    aq_pool *pool = aq_pool_create(4);
    failing f = {.fail_from = 100};
    int code = aq_pool_run(pool, UINT64_C(1) << 40, failing_task, &f);
    ck_assert_int_ge(code, 1);
    ck_assert_uint_eq(f.started, f.finished);
    ck_assert_uint_gt(f.started, 100);
    /* And the pool is good for another run. */
    f = (failing){.fail_from = UINT64_MAX};
    ck_assert_int_eq(aq_pool_run(pool, 50, failing_task, &f), 0);
    ck_assert_uint_eq(f.finished, 50);
    aq_pool_destroy(pool);
}
END_TEST

static int busy_task(void *arg, aq_worker worker, uint64_t i)
{
    (void)arg, (void)worker;
    volatile double x = (double)i;
    for (int k = 0; k < 2000000; k++)
        x = x * 1.0000001 + 1.0;
    return 0;
}

START_TEST(cpu_time_is_counted_per_worker)
{
    aq_pool *pool = aq_pool_create(2);
    ck_assert_int_eq(aq_pool_run(pool, 8, busy_task, NULL), 0);
    double total = aq_pool_cpu_seconds(pool, 0) + aq_pool_cpu_seconds(pool, 1);
    ck_assert_double_gt(total, 0.0);
    ck_assert_double_eq(aq_pool_cpu_seconds(pool, 2), 0.0);
    aq_pool_destroy(pool);
}
END_TEST

/* One that is held up does not hold up the others for long. */
typedef struct held {
    atomic_uint_fast64_t done;
    atomic_int first; /* 0 until a worker is the one that is held up */
} held;

static int held_task(void *arg, aq_worker worker, uint64_t i)
{
    held *h = arg;
    int none = 0;
    (void)i;
    /* Waits for all the other tasks, which nobody can do if the others wait for this one. */
    if (atomic_compare_exchange_strong(&h->first, &none, (int)worker.index + 1))
        while (atomic_load(&h->done) < TASKS - 1)
            (void)sched_yield();
    atomic_fetch_add(&h->done, 1);
    return 0;
}

START_TEST(nobody_waits_for_good)
{
    aq_pool *pool = aq_pool_create(4 * aq_usable_cpus());
    held h = {.done = 0};
    ck_assert_int_eq(aq_pool_run(pool, TASKS, held_task, &h), 0);
    ck_assert_uint_eq(h.done, TASKS);
    aq_pool_destroy(pool);
}
END_TEST

static int measure_stack(void *arg, aq_worker worker, uint64_t i)
{
    atomic_size_t *bytes = arg;
    (void)i;
    if (worker.index == 0) {
        while (atomic_load(bytes) == 0)
            (void)sched_yield();
        return 0;
    }
    pthread_attr_t attributes;
    size_t size = 0;
    ck_assert_int_eq(pthread_getattr_np(pthread_self(), &attributes), 0);
    ck_assert_int_eq(pthread_attr_getstacksize(&attributes, &size), 0);
    (void)pthread_attr_destroy(&attributes);
    atomic_store(bytes, size);
    return 0;
}

/* Not what the C library happens to give: musl's is too small, glibc's is a limit of the shell's.
 */
START_TEST(workers_have_the_stack_of_kernels)
{
    aq_pool *pool = aq_pool_create(2);
    atomic_size_t bytes = 0;
    ck_assert_int_eq(aq_pool_run(pool, TASKS, measure_stack, &bytes), 0);
    ck_assert_uint_ge(bytes, AQ_KERNEL_STACK);
    ck_assert_uint_lt(bytes, 2 * AQ_KERNEL_STACK);
    aq_pool_destroy(pool);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("pool");
    tcase_add_test(tests, every_task_runs_once);
    tcase_add_test(tests, none_asked_for_is_one_for_each_cpu);
    tcase_add_test(tests, no_tasks_is_no_work);
    tcase_add_test(tests, a_failure_stops_the_run);
    tcase_add_test(tests, nobody_waits_for_good);
    tcase_add_test(tests, workers_have_the_stack_of_kernels);
    tcase_add_test(tests, cpu_time_is_counted_per_worker);
    return RUN_SUITE("pool", tests);
}
