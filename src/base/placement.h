/* SPDX-License-Identifier: Apache-2.0
 * On which CPUs workers run: they begin apart from one another, and stay on distinct physical cores
 * as long as there are enough of them.
 *
 * A thread that is woken may find itself behind the one that woke it, on the same CPU, for some
 * milliseconds before the scheduler moves it: as long as a short run. And two hardware threads of
 * one core share its vector units and its caches, so that the kernels get little from the second.
 * Workers are not tied to one CPU each, but together to as many CPUs as they need: the scheduler
 * still goes around what else is running. */
#ifndef AQ_PLACEMENT_H
#define AQ_PLACEMENT_H

#include <pthread.h>
#include <stdbool.h>

typedef struct aq_placement aq_placement;

/* For `threads` workers; NULL with more of them than CPUs, or where the system does not tell. They
 * are confined to one hardware thread of each core, and further ones where they are more than
 * cores; but to nothing where that would change nothing (a core has one thread; all CPUs are
 * needed) and where somebody has chosen among the CPUs already (an affinity mask, a cpuset). `root`
 * stands before every path: "" but in tests. */
aq_placement *aq_placement_create(const char *root, unsigned threads);
void aq_placement_destroy(aq_placement *placement);

bool aq_placement_has(const aq_placement *placement, unsigned cpu);
bool aq_placement_confines(const aq_placement *placement);

/* A worker's thread, which waits for work, is to get it on a CPU of its own: that many after the
 * caller's. Once it has, it enters, and may go wherever workers may. NULL: nothing happens. */
void aq_placement_begin(const aq_placement *placement, pthread_t thread, unsigned worker);
void aq_placement_enter(const aq_placement *placement);

/* As to enter, and to have afterwards what there was before: for one thread at a time. */
void aq_placement_visit(aq_placement *placement);
void aq_placement_leave(const aq_placement *placement);

#endif
