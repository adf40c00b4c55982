/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "turns.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <time.h>

#include "memory.h"
#include "small.h"
#include "turns_rule.h"

typedef struct meter {
    double cpu, wall; /* seconds */
    long voluntary_switches;
} meter;

typedef struct turn {
    pthread_cond_t granted;
    unsigned place; /* while it works */
    meter last;     /* when its task began; its own thread's alone, as is the next */
    double counted; /* its CPU time up to here is in its share: what it costs to wait, too */
} turn;

struct aq_turns {
    pthread_mutex_t lock; /* guards all that follows */
    unsigned running_most;
    bool open; /* everyone may work: no more turns in this run */
    aq_turns_rule rule;
    unsigned *vacant,
        vacancies; /* places without a worker, the one that was left last at the end */
    turn turn[];
};

aq_turns *aq_turns_create(unsigned workers, unsigned running)
{
    aq_turns *t = aq_calloc(1, sizeof *t + workers * sizeof t->turn[0]);
    aq_turn_share *share = aq_calloc(workers, sizeof *share);
    unsigned *vacant = aq_calloc(workers, sizeof *vacant);
    if (t == NULL || share == NULL || vacant == NULL) {
        aq_free(t);
        aq_free(share);
        aq_free(vacant);
        return NULL;
    }
    t->running_most = running;
    t->vacant = vacant;
    t->rule = (aq_turns_rule){.workers = workers, .share = share};
    pthread_condattr_t monotonic;
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_mutex_init(&t->lock, NULL);
    for (unsigned i = 0; i < workers; i++)
        (void)pthread_cond_init(&t->turn[i].granted, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    return t;
}

void aq_turns_destroy(aq_turns *t)
{
    if (t == NULL)
        return;
    for (unsigned i = 0; i < t->rule.workers; i++)
        (void)pthread_cond_destroy(&t->turn[i].granted);
    (void)pthread_mutex_destroy(&t->lock);
    aq_free(t->rule.share);
    aq_free(t->vacant);
    aq_free(t);
}

void aq_turns_begin(aq_turns *t, double work)
{
    (void)pthread_mutex_lock(&t->lock);
    t->open = false;
    t->vacancies = t->rule.workers;
    for (unsigned i = 0; i < t->vacancies; i++)
        t->vacant[i] = t->vacancies - 1 - i;
    aq_rule_begin(&t->rule, t->running_most, work);
    (void)pthread_mutex_unlock(&t->lock);
}

static void take_place(aq_turns *t, unsigned worker)
{
    t->turn[worker].place = t->vacant[--t->vacancies];
}

static void leave_place(aq_turns *t, unsigned worker)
{
    t->vacant[t->vacancies++] = t->turn[worker].place;
}

static void grant(aq_turns *t)
{
    unsigned next;
    while ((next = aq_rule_grant(&t->rule)) < t->rule.workers)
        (void)pthread_cond_signal(&t->turn[next].granted);
}

static void open_to_all(aq_turns *t)
{
    t->open = true;
    for (unsigned i = 0; i < t->rule.workers; i++)
        (void)pthread_cond_signal(&t->turn[i].granted);
}

static struct timespec soon(void)
{
    const long patience = 20 * 1000 * 1000, second = 1000 * 1000 * 1000;
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    ts.tv_nsec += patience;
    if (ts.tv_nsec >= second) {
        ts.tv_nsec -= second;
        ts.tv_sec++;
    }
    return ts;
}

/* Where no task ends for a while, those that have turns are held up, or those for whom turns are
 * kept do not get a CPU. */
static void wait_for_turn(aq_turns *t, unsigned worker)
{
    const aq_turn_share *self = &t->rule.share[worker];
    aq_rule_wait(&t->rule, worker);
    grant(t);
    while (self->state == AQ_TURN_WAITING && !t->open) {
        uint64_t seen = t->rule.done;
        struct timespec until = soon();
        if (pthread_cond_timedwait(&t->turn[worker].granted, &t->lock, &until) == ETIMEDOUT &&
            t->rule.done == seen && self->state == AQ_TURN_WAITING)
            open_to_all(t);
    }
}

static long voluntary_switches(void)
{
#if defined(RUSAGE_THREAD)
    struct rusage usage;
    if (getrusage(RUSAGE_THREAD, &usage) == 0)
        return usage.ru_nvcsw;
#endif
    return 0;
}

/* Without the lock: waiting for it is not part of a task. */
static meter measure(void)
{
    return (meter){.cpu = aq_clock_seconds(CLOCK_THREAD_CPUTIME_ID),
                   .wall = aq_now(),
                   .voluntary_switches = voluntary_switches()};
}

/* Whether a task mostly waited for something else than a CPU. */
static bool mostly_waited(const meter *from, const meter *to)
{
    return to->voluntary_switches > from->voluntary_switches &&
           to->wall - from->wall > 2 * (to->cpu - from->cpu);
}

unsigned aq_turns_arrive(aq_turns *t, unsigned worker)
{
    t->turn[worker].counted = aq_clock_seconds(CLOCK_THREAD_CPUTIME_ID);
    (void)pthread_mutex_lock(&t->lock);
    if (!t->open)
        wait_for_turn(t, worker);
    take_place(t, worker);
    unsigned place = t->turn[worker].place;
    (void)pthread_mutex_unlock(&t->lock);
    t->turn[worker].last = measure();
    return place;
}

static void count_in(aq_turns *t, unsigned worker, double work, const meter *now)
{
    const meter *last = &t->turn[worker].last;
    bool waited = mostly_waited(last, now);
    aq_rule_done(&t->rule, worker, work, now->cpu - t->turn[worker].counted, waited);
    t->turn[worker].counted = now->cpu;
    if (waited)
        grant(t);
    if (aq_rule_is_ahead(&t->rule, worker)) {
        leave_place(t, worker);
        wait_for_turn(t, worker);
        take_place(t, worker);
    }
}

unsigned aq_turns_next(aq_turns *t, unsigned worker, double work)
{
    meter now = measure();
    (void)pthread_mutex_lock(&t->lock);
    if (!t->open)
        count_in(t, worker, work, &now);
    unsigned place = t->turn[worker].place;
    (void)pthread_mutex_unlock(&t->lock);
    t->turn[worker].last = measure();
    return place;
}

void aq_turns_leave(aq_turns *t)
{
    (void)pthread_mutex_lock(&t->lock);
    if (!t->open)
        open_to_all(t);
    (void)pthread_mutex_unlock(&t->lock);
}
