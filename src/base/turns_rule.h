/* SPDX-License-Identifier: Apache-2.0
 * To whom turns go when there are more workers than CPUs: counting only, without clocks, locks and
 * threads, so that every decision can be had again. */
#ifndef AQ_TURNS_RULE_H
#define AQ_TURNS_RULE_H

#include <stdbool.h>
#include <stdint.h>

typedef enum aq_turn_state { AQ_TURN_ABSENT, AQ_TURN_WAITING, AQ_TURN_RUNNING } aq_turn_state;

typedef struct aq_turn_share {
    aq_turn_state state;
    double used; /* CPU seconds of this run */
} aq_turn_share;

typedef struct aq_turns_rule {
    unsigned workers;
    unsigned free;       /* turns that nobody has */
    unsigned extra;      /* turns beyond those that there were at first */
    unsigned owed;       /* of those that were taken away, how many are still had */
    uint64_t done;       /* tasks */
    double work, worked; /* what the tasks cost beside one another: all, and those that are done */
    double used;         /* by all */
    aq_turn_share *share;
} aq_turns_rule;

/* A run of so much work, in any unit, for `workers` with a share each, none of whom is there yet.
 */
void aq_rule_begin(aq_turns_rule *rule, unsigned running, double work);

/* Asks for a turn; whoever has one gives it back. */
void aq_rule_wait(aq_turns_rule *rule, unsigned worker);

/* Counts a task in, of so much work, that took so many CPU seconds. Where it waited for something
 * else, a CPU was idle meanwhile, and from now on one more may work; each task that did not takes
 * one such turn back, so that a stray wait does not let all work at once for good. */
void aq_rule_done(aq_turns_rule *rule, unsigned worker, double work, double cpu, bool waited);

/* Whether this worker has had so much that it is another's turn, or a turn is to be taken back. */
bool aq_rule_is_ahead(const aq_turns_rule *rule, unsigned worker);

/* Gives one free turn away: to whom, or `workers` where none is free or nobody is to have it yet.
 */
unsigned aq_rule_grant(aq_turns_rule *rule);

#endif
