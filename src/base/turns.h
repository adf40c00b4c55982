/* SPDX-License-Identifier: Apache-2.0
 * Who may work when there are more workers than CPUs. The scheduler's slices are as long as a short
 * run, so that left to it some workers have done all before others begin. Here as many work as
 * there are CPUs, and between two tasks a worker that has had more CPU time than another gives its
 * turn to the one that has had least. */
#ifndef AQ_TURNS_H
#define AQ_TURNS_H

#include <stdint.h>

typedef struct aq_turns aq_turns;

/* Those that work at the same time have places of their own, numbered from 0; whoever gets a turn
 * has the place that was left last, so that what belongs to places stays in the caches, and of more
 * than `running` of them few are ever used.
 *
 * For `workers` of which at most `running` work at a time, unless they wait for something else than
 * a CPU. NULL when out of memory. */
aq_turns *aq_turns_create(unsigned workers, unsigned running);
void aq_turns_destroy(aq_turns *turns);

/* Before the workers of a run start, none of whom may still be in another; `work`: what all tasks
 * cost, in any unit. */
void aq_turns_begin(aq_turns *turns, double work);

/* Each worker: once before its first task, after each task, which had so much of the whole work,
 * and once when it takes no more. The first two return the worker's place for the next task, and
 * may wait, but not for long where nobody else gets on. */
unsigned aq_turns_arrive(aq_turns *turns, unsigned worker);
unsigned aq_turns_next(aq_turns *turns, unsigned worker, double work);
void aq_turns_leave(aq_turns *turns);

#endif
