/* SPDX-License-Identifier: Apache-2.0
 * Turns: who is to have one, decided with made-up seconds; and with real threads, that all tasks
 * are done and nobody waits for what does not come. */
#include <config.h>

#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/turns.h"
#include "base/turns_rule.h"
#include "suite.h"

enum { MOST = 64 };

typedef struct fixture {
    aq_turns_rule rule;
    aq_turn_share share[MOST];
} fixture;

static void begin(fixture *f, unsigned workers, unsigned running, double work)
{
    f->rule = (aq_turns_rule){.workers = workers, .share = f->share};
    aq_rule_begin(&f->rule, running, work);
}

static void expect_grant(fixture *f, unsigned worker)
{
    ck_assert_uint_eq(aq_rule_grant(&f->rule), worker);
    if (worker < f->rule.workers)
        ck_assert_int_eq(f->share[worker].state, AQ_TURN_RUNNING);
}

START_TEST(as_many_work_as_there_are_cpus)
{
    fixture f;
    begin(&f, 5, 2, 100);
    expect_grant(&f, 5); /* nobody is there */
    for (unsigned i = 0; i < 5; i++)
        aq_rule_wait(&f.rule, i);
    expect_grant(&f, 0);
    expect_grant(&f, 1);
    expect_grant(&f, 5);
    /* One gives its turn back, and has it again only after all that have had less. */
    aq_rule_done(&f.rule, 0, 1, 1.0, false);
    aq_rule_wait(&f.rule, 0);
    expect_grant(&f, 2);
    expect_grant(&f, 5);
}
END_TEST

START_TEST(the_one_that_has_had_least_is_next)
{
    static const double used[] = {4, 2, 3, 1};
    fixture f;
    begin(&f, 4, 4, 1000);
    for (unsigned i = 0; i < 4; i++)
        aq_rule_wait(&f.rule, i);
    for (unsigned i = 0; i < 4; i++)
        expect_grant(&f, i);
    for (unsigned i = 0; i < 4; i++) {
        aq_rule_done(&f.rule, i, 1, used[i], false);
        aq_rule_wait(&f.rule, i);
    }
    static const unsigned order[] = {3, 1, 2, 0};
    for (unsigned i = 0; i < 4; i++)
        expect_grant(&f, order[i]);
}
END_TEST

/* Of 100 tasks of 1 s, 2 workers have 50 s each. After 25 there are 37.5 s left for each, of which
 * seven tenths are 26.25; after 26 they are 25.9. */
START_TEST(a_turn_is_kept_for_one_that_is_still_to_come)
{
    fixture f;
    begin(&f, 2, 1, 100);
    aq_rule_wait(&f.rule, 0);
    expect_grant(&f, 0);
    for (unsigned i = 1; i <= 25; i++) {
        aq_rule_done(&f.rule, 0, 1, 1.0, false);
        ck_assert(!aq_rule_is_ahead(&f.rule, 0));
    }
    aq_rule_done(&f.rule, 0, 1, 1.0, false);
    ck_assert(aq_rule_is_ahead(&f.rule, 0));
    aq_rule_wait(&f.rule, 0);
    expect_grant(&f, 2);
    aq_rule_wait(&f.rule, 1);
    expect_grant(&f, 1);
    expect_grant(&f, 2);
}
END_TEST

START_TEST(one_that_waited_lets_another_work)
{
    fixture f;
    begin(&f, 3, 1, 100);
    for (unsigned i = 0; i < 3; i++)
        aq_rule_wait(&f.rule, i);
    expect_grant(&f, 0);
    expect_grant(&f, 3);
    aq_rule_done(&f.rule, 0, 1, 0.001, true);
    expect_grant(&f, 1);
    expect_grant(&f, 3);
    ck_assert_int_eq(f.share[0].state, AQ_TURN_RUNNING);
}
END_TEST

START_TEST(the_turn_of_one_that_waited_is_taken_back)
{
    fixture f;
    begin(&f, 3, 1, 10);
    for (unsigned i = 0; i < 3; i++)
        aq_rule_wait(&f.rule, i);
    expect_grant(&f, 0);
    aq_rule_done(&f.rule, 0, 1, 0.001, true);
    expect_grant(&f, 1);
    /* Worker 1 waits for nothing: it or another has to pause, and nobody gets its turn. */
    aq_rule_done(&f.rule, 1, 1, 0.001, false);
    ck_assert(aq_rule_is_ahead(&f.rule, 1));
    aq_rule_wait(&f.rule, 1);
    expect_grant(&f, 3);
    ck_assert(!aq_rule_is_ahead(&f.rule, 0));
    /* With the turn that was there at first it goes on as ever. */
    aq_rule_done(&f.rule, 0, 1, 100.0, false);
    ck_assert(aq_rule_is_ahead(&f.rule, 0));
    aq_rule_wait(&f.rule, 0);
    expect_grant(&f, 2);
    expect_grant(&f, 3);
    /* One that is owed and one that is added cancel out. */
    aq_rule_done(&f.rule, 2, 1, 0.001, true);
    expect_grant(&f, 1);
    aq_rule_done(&f.rule, 1, 1, 0.001, false);
    aq_rule_done(&f.rule, 2, 1, 0.001, true);
    expect_grant(&f, 3);
    ck_assert(!aq_rule_is_ahead(&f.rule, 1));
}
END_TEST

START_TEST(alone_one_is_never_ahead)
{
    fixture f;
    begin(&f, 1, 1, 10);
    aq_rule_wait(&f.rule, 0);
    expect_grant(&f, 0);
    for (unsigned i = 0; i < 10; i++) {
        aq_rule_done(&f.rule, 0, 1, 1.0, false);
        ck_assert(!aq_rule_is_ahead(&f.rule, 0));
    }
}
END_TEST

/* ---- whole runs, on CPUs that are all in the mind ---- */

typedef struct simulation {
    unsigned workers, cpus;
    uint64_t tasks, late; /* the last worker comes after so many tasks */
    uint64_t dear;        /* so many of the first take `times` as long as others, which is known */
    double times;
    fixture state;
    double now, began[MOST], ends[MOST]; /* of each worker's task; INFINITY without one */
    uint64_t started, changes, task[MOST];
} simulation;

/* Between 1 and 3 s, the same in every run. */
static double seconds_of(uint64_t task)
{
    uint64_t x = (task + 1) * UINT64_C(0x9E3779B97F4A7C15);
    return 1.0 + (double)(x >> 40) / (double)(1 << 23);
}

static double work_of(const simulation *s, uint64_t task)
{
    return task < s->dear ? s->times : 1;
}

static void start_task(simulation *s, unsigned worker)
{
    s->began[worker] = s->now;
    s->ends[worker] = INFINITY;
    if (s->started < s->tasks) {
        s->task[worker] = s->started++;
        s->ends[worker] = s->now + seconds_of(s->task[worker]) * work_of(s, s->task[worker]);
    }
}

static void grant_all(simulation *s)
{
    unsigned worker, running = 0;
    while ((worker = aq_rule_grant(&s->state.rule)) < s->workers) {
        start_task(s, worker);
        s->changes++;
    }
    for (unsigned i = 0; i < s->workers; i++)
        running += s->state.share[i].state == AQ_TURN_RUNNING;
    ck_assert_uint_le(running, s->cpus);
}

static void end_task(simulation *s, unsigned worker)
{
    aq_turns_rule *rule = &s->state.rule;
    s->now = s->ends[worker];
    aq_rule_done(rule, worker, work_of(s, s->task[worker]), s->now - s->began[worker], false);
    if (rule->done == s->late)
        aq_rule_wait(rule, s->workers - 1);
    if (aq_rule_is_ahead(rule, worker)) {
        aq_rule_wait(rule, worker);
        s->ends[worker] = INFINITY;
    } else {
        start_task(s, worker);
    }
}

/* By how many seconds the CPU time of the workers differs in the end. */
static double simulate(simulation *s)
{
    begin(&s->state, s->workers, s->cpus, (double)s->tasks + (double)s->dear * (s->times - 1));
    for (unsigned i = 0; i < s->workers; i++) {
        s->ends[i] = INFINITY;
        if (i + 1 < s->workers || s->late == 0)
            aq_rule_wait(&s->state.rule, i);
    }
    for (;;) {
        grant_all(s);
        unsigned first = 0;
        for (unsigned i = 1; i < s->workers; i++)
            first = s->ends[i] < s->ends[first] ? i : first;
        if (isinf(s->ends[first]))
            break;
        end_task(s, first);
    }
    double least = INFINITY, most = 0;
    for (unsigned i = 0; i < s->workers; i++) {
        least = fmin(least, s->state.share[i].used);
        most = fmax(most, s->state.share[i].used);
    }
    ck_assert_uint_eq(s->state.rule.done, s->tasks);
    return most - least;
}

/* All tasks are done, by all workers in equal parts, and turns change hands a few times only. */
START_TEST(the_work_is_shared_evenly)
{
    static const struct {
        unsigned workers, cpus;
        uint64_t tasks;
    } runs[] = {{2, 1, 100}, {3, 2, 100}, {4, 2, 1000}, {8, 2, 1000}, {64, 3, 6400}, {5, 4, 37}};
    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) {
        simulation s = {.workers = runs[i].workers, .cpus = runs[i].cpus, .tasks = runs[i].tasks};
        double differ = simulate(&s);
        ck_assert_msg(differ <= 2 * 3.0, "%u workers on %u CPUs differ by %g s", s.workers, s.cpus,
                      differ);
        ck_assert_msg(s.changes <= 8 * s.workers, "%u workers on %u CPUs: %llu changes", s.workers,
                      s.cpus, (unsigned long long)s.changes);
    }
}
END_TEST

START_TEST(a_latecomer_makes_up_for_it)
{
    simulation s = {.workers = 4, .cpus = 2, .tasks = 1000, .late = 150};
    double differ = simulate(&s);
    ck_assert_msg(differ <= 2 * 3.0, "differ by %g s", differ);
}
END_TEST

/* As where a model begins with the one tensor that becomes another type. */
START_TEST(dear_tasks_at_the_beginning_are_shared_evenly)
{
    static const unsigned workers[] = {3, 8, 16};
    for (size_t i = 0; i < sizeof workers / sizeof *workers; i++) {
        simulation s = {.workers = workers[i],
                        .cpus = 2,
                        .tasks = 120 * workers[i],
                        .dear = 20 * workers[i],
                        .times = 20};
        double differ = simulate(&s), share = s.state.rule.used / s.workers;
        ck_assert_msg(differ <= 0.015 * share, "%u workers differ by %g of %g s", s.workers, differ,
                      share);
        ck_assert_msg(s.changes <= 8 * s.workers, "%u workers: %llu changes", s.workers,
                      (unsigned long long)s.changes);
    }
}
END_TEST

/* ---- threads ---- */

typedef struct crew {
    aq_turns *turns;
    atomic_uint_fast64_t next, done;
    atomic_int taken[MOST]; /* by place: how many are there */
    atomic_uint shared;
    uint64_t tasks;
    bool held_up; /* whoever has the first task waits for one that another does */
    unsigned workers;
} crew;

typedef struct member {
    crew *crew;
    unsigned index;
} member;

static void task(crew *c, unsigned place, uint64_t i)
{
    if (atomic_fetch_add(&c->taken[place], 1) != 0)
        (void)atomic_fetch_add(&c->shared, 1);
    volatile double x = (double)i;
    for (int k = 0; k < 2000; k++)
        x = x * 1.0000001 + 1.0;
    if (c->held_up && i == 0)
        while (atomic_load(&c->done) == 0)
            (void)sched_yield();
    (void)atomic_fetch_add(&c->done, 1);
    (void)atomic_fetch_sub(&c->taken[place], 1);
}

static void *take_part(void *arg)
{
    const member *self = arg;
    crew *c = self->crew;
    unsigned place = aq_turns_arrive(c->turns, self->index);
    for (uint64_t i; (i = atomic_fetch_add(&c->next, 1)) < c->tasks;) {
        task(c, place, i);
        place = aq_turns_next(c->turns, self->index, 1);
    }
    aq_turns_leave(c->turns);
    return NULL;
}

static void work_together(crew *c)
{
    pthread_t threads[MOST];
    member members[MOST];
    aq_turns_begin(c->turns, (double)c->tasks);
    atomic_store(&c->next, 0);
    atomic_store(&c->done, 0);
    for (unsigned i = 0; i < c->workers; i++) {
        members[i] = (member){c, i};
        ck_assert_int_eq(pthread_create(&threads[i], NULL, take_part, &members[i]), 0);
    }
    for (unsigned i = 0; i < c->workers; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    ck_assert_uint_eq(atomic_load(&c->done), c->tasks);
    ck_assert_uint_eq(atomic_load(&c->shared), 0);
}

START_TEST(all_tasks_are_done)
{
    static const struct {
        unsigned workers, running;
        uint64_t tasks;
    } runs[] = {{2, 1, 500}, {8, 2, 500}, {MOST, 1, 300}, {8, 7, 3}, {3, 1, 0}};
    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) {
        crew c = {.workers = runs[i].workers, .tasks = runs[i].tasks};
        c.turns = aq_turns_create(c.workers, runs[i].running);
        ck_assert_ptr_nonnull(c.turns);
        for (unsigned round = 0; round < 3; round++)
            work_together(&c);
        aq_turns_destroy(c.turns);
    }
    aq_turns_destroy(NULL);
}
END_TEST

START_TEST(one_that_is_held_up_does_not_keep_the_only_turn)
{
    crew c = {.workers = 4, .tasks = 100, .held_up = true, .turns = aq_turns_create(4, 1)};
    work_together(&c);
    aq_turns_destroy(c.turns);
}
END_TEST

START_TEST(nobody_waits_for_one_that_never_comes)
{
    aq_turns *turns = aq_turns_create(2, 1);
    aq_turns_begin(turns, 2);
    ck_assert_uint_eq(aq_turns_arrive(turns, 1), 0);
    ck_assert_uint_eq(aq_turns_next(turns, 1, 1), 0); /* the place that it has just left */
    ck_assert_uint_eq(aq_turns_next(turns, 1, 1), 0);
    aq_turns_leave(turns);
    aq_turns_destroy(turns);
}
END_TEST

int main(void)
{
    TCase *rule = tcase_create("rule"), *threads = tcase_create("threads");
    tcase_add_test(rule, as_many_work_as_there_are_cpus);
    tcase_add_test(rule, the_one_that_has_had_least_is_next);
    tcase_add_test(rule, a_turn_is_kept_for_one_that_is_still_to_come);
    tcase_add_test(rule, one_that_waited_lets_another_work);
    tcase_add_test(rule, the_turn_of_one_that_waited_is_taken_back);
    tcase_add_test(rule, alone_one_is_never_ahead);
    tcase_add_test(rule, the_work_is_shared_evenly);
    tcase_add_test(rule, a_latecomer_makes_up_for_it);
    tcase_add_test(rule, dear_tasks_at_the_beginning_are_shared_evenly);
    tcase_add_test(threads, all_tasks_are_done);
    tcase_add_test(threads, one_that_is_held_up_does_not_keep_the_only_turn);
    tcase_add_test(threads, nobody_waits_for_one_that_never_comes);
    return RUN_SUITE("turns", rule, threads);
}
