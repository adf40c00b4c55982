/* SPDX-License-Identifier: Apache-2.0
 * On which CPUs workers run: on distinct physical cores as long as there are enough of them.
 *
 * Two hardware threads of one core share its vector units and its caches, so that the kernels get
 * little from the second. Workers are not tied to one CPU each, but together to as many CPUs as
 * they need: the scheduler still goes around what else is running. */
#ifndef AQ_PLACEMENT_H
#define AQ_PLACEMENT_H

#include <stdbool.h>

typedef struct aq_placement aq_placement;

/* For `threads` workers: one hardware thread of each core, and further ones only where they are
 * more than cores. NULL, and the scheduler decides, where that would change nothing (a core has one
 * thread; all CPUs are needed), where somebody has chosen among the CPUs already (an affinity mask,
 * a cpuset), and where the system does not tell. `root` stands before every path: "" but in tests.
 */
aq_placement *aq_placement_create(const char *root, unsigned threads);
void aq_placement_destroy(aq_placement *placement);

bool aq_placement_has(const aq_placement *placement, unsigned cpu);

/* The calling thread runs there from now on; the second gives it back, afterwards, what it had. For
 * one thread at a time that leaves again, and any number that do not. NULL: nothing happens. */
void aq_placement_enter(const aq_placement *placement);
void aq_placement_visit(aq_placement *placement);
void aq_placement_leave(const aq_placement *placement);

#endif
