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

typedef enum state { ABSENT, WAITING, RUNNING } state;

typedef struct meter {
    double cpu, wall; /* seconds */
    long voluntary_switches;
} meter;

typedef struct turn {
    pthread_cond_t granted;
    state state;
    double used; /* CPU seconds of this run */
    meter last;  /* when its task began; its own thread's alone */
} turn;

struct aq_turns {
    pthread_mutex_t lock; /* guards all that follows */
    unsigned workers, running_most;
    unsigned free; /* turns that nobody has */
    bool open;     /* everyone may work: no more turns in this run */
    uint64_t tasks, done;
    double used; /* by all */
    turn turn[];
};

aq_turns *aq_turns_create(unsigned workers, unsigned running)
{
    aq_turns *t = aq_calloc(1, sizeof *t + workers * sizeof t->turn[0]);
    if (t == NULL)
        return NULL;
    t->workers = workers;
    t->running_most = running;
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
    for (unsigned i = 0; i < t->workers; i++)
        (void)pthread_cond_destroy(&t->turn[i].granted);
    (void)pthread_mutex_destroy(&t->lock);
    aq_free(t);
}

void aq_turns_begin(aq_turns *t, uint64_t tasks)
{
    (void)pthread_mutex_lock(&t->lock);
    t->free = t->running_most;
    t->open = false;
    t->tasks = tasks;
    t->done = 0;
    t->used = 0;
    for (unsigned i = 0; i < t->workers; i++) {
        t->turn[i].state = ABSENT;
        t->turn[i].used = 0;
    }
    (void)pthread_mutex_unlock(&t->lock);
}

/* By how much one may be ahead before it gives its turn away. A quarter of a share keeps the number
 * of switches small; towards the end it shrinks, since what is left is to make up for it. */
static double allowance(const aq_turns *t)
{
    if (t->done == 0)
        return 0;
    double share = t->used / (double)t->done * (double)t->tasks / t->workers;
    double left = share * (double)(t->tasks - t->done) / (double)t->tasks;
    return left / 2 < share / 4 ? left / 2 : share / 4;
}

static turn *least_used(aq_turns *t, state s)
{
    turn *least = NULL;
    for (unsigned i = 0; i < t->workers; i++)
        if (t->turn[i].state == s && (least == NULL || t->turn[i].used < least->used))
            least = &t->turn[i];
    return least;
}

/* Turns are kept for those that are still to come as long as those that wait are ahead of them: a
 * thread that just wakes up needs a CPU to get here. */
static void grant(aq_turns *t)
{
    bool absent = least_used(t, ABSENT) != NULL;
    while (t->free > 0) {
        turn *next = least_used(t, WAITING);
        if (next == NULL || (absent && next->used > allowance(t)))
            return;
        next->state = RUNNING;
        t->free--;
        (void)pthread_cond_signal(&next->granted);
    }
}

static void open_to_all(aq_turns *t)
{
    t->open = true;
    for (unsigned i = 0; i < t->workers; i++)
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
static void wait_for_turn(aq_turns *t, turn *self)
{
    self->state = WAITING;
    grant(t);
    while (self->state == WAITING && !t->open) {
        uint64_t seen = t->done;
        struct timespec until = soon();
        if (pthread_cond_timedwait(&self->granted, &t->lock, &until) == ETIMEDOUT &&
            t->done == seen && self->state == WAITING)
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

/* Counts a task in. Whether it mostly waited for something else than a CPU. */
static bool account(aq_turns *t, turn *self, const meter *now)
{
    double cpu = now->cpu - self->last.cpu;
    self->used += cpu;
    t->used += cpu;
    t->done++;
    return now->voluntary_switches > self->last.voluntary_switches &&
           now->wall - self->last.wall > 2 * cpu;
}

void aq_turns_arrive(aq_turns *t, unsigned worker)
{
    turn *self = &t->turn[worker];
    (void)pthread_mutex_lock(&t->lock);
    if (!t->open)
        wait_for_turn(t, self);
    (void)pthread_mutex_unlock(&t->lock);
    self->last = measure();
}

static bool is_ahead(aq_turns *t, const turn *self)
{
    const turn *absent = least_used(t, ABSENT), *waiting = least_used(t, WAITING);
    const turn *least = absent != NULL ? absent : waiting;
    return least != NULL && self->used > least->used + allowance(t);
}

void aq_turns_next(aq_turns *t, unsigned worker)
{
    turn *self = &t->turn[worker];
    meter now = measure();
    (void)pthread_mutex_lock(&t->lock);
    if (!t->open && account(t, self, &now)) {
        /* A CPU was idle meanwhile: one more may work. */
        t->free++;
        grant(t);
    }
    if (!t->open && is_ahead(t, self)) {
        t->free++;
        wait_for_turn(t, self);
    }
    (void)pthread_mutex_unlock(&t->lock);
    self->last = measure();
}

void aq_turns_leave(aq_turns *t)
{
    (void)pthread_mutex_lock(&t->lock);
    if (!t->open)
        open_to_all(t);
    (void)pthread_mutex_unlock(&t->lock);
}
