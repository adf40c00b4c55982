/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "team.h"
#include "util.h"

#include <pthread.h>
#include <stdlib.h>

enum { STACK = 2 * 1024 * 1024 };

typedef struct member {
    struct team *of;
    unsigned index;
    pthread_t thread;
} member;

typedef struct team {
    void (*work)(void *context, unsigned index);
    void *context;
    pthread_mutex_t lock;
    pthread_cond_t opened;
    enum { GATE_CLOSED, GATE_OPEN, GATE_GO_HOME } gate; /* under lock */
    member *member;
} team;

static void *enter(void *argument)
{
    member *self = argument;
    team *of = self->of;
    pthread_mutex_lock(&of->lock);
    while (of->gate == GATE_CLOSED)
        pthread_cond_wait(&of->opened, &of->lock);
    int go = of->gate == GATE_OPEN;
    pthread_mutex_unlock(&of->lock);
    if (go)
        of->work(of->context, self->index);
    return NULL;
}

static void open_gate(team *of, int go)
{
    pthread_mutex_lock(&of->lock);
    of->gate = go ? GATE_OPEN : GATE_GO_HOME;
    pthread_cond_broadcast(&of->opened);
    pthread_mutex_unlock(&of->lock);
}

/* The stack that kernels need, where the C library's default is smaller; the man page of
 * aq_quantize_rows says how much that is. */
static int start(member *m)
{
    pthread_attr_t attributes;
    int wrong = pthread_attr_init(&attributes);
    if (wrong != 0)
        return wrong;
    (void)pthread_attr_setstacksize(&attributes, STACK);
    wrong = pthread_create(&m->thread, &attributes, enter, m);
    (void)pthread_attr_destroy(&attributes);
    return wrong;
}

int bench_team_run(unsigned threads, void (*work)(void *context, unsigned index), void *context)
{
    team of = {.work = work, .context = context, .gate = GATE_CLOSED};
    unsigned born = 1;
    int wrong = 0;
    of.member = bench_alloc(threads, sizeof *of.member);
    pthread_mutex_init(&of.lock, NULL);
    pthread_cond_init(&of.opened, NULL);
    while (born < threads && wrong == 0) {
        of.member[born] = (member){.of = &of, .index = born};
        wrong = start(&of.member[born]);
        born += wrong == 0;
    }
    open_gate(&of, wrong == 0);
    if (wrong == 0)
        work(context, 0);
    for (unsigned i = 1; i < born; i++)
        pthread_join(of.member[i].thread, NULL);
    pthread_cond_destroy(&of.opened);
    pthread_mutex_destroy(&of.lock);
    free(of.member);
    return wrong;
}
