/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "turns_rule.h"

#include <stddef.h>

void aq_rule_begin(aq_turns_rule *rule, unsigned running, double work)
{
    rule->free = running;
    rule->extra = rule->owed = 0;
    rule->done = 0;
    rule->work = work;
    rule->worked = rule->used = 0;
    for (unsigned i = 0; i < rule->workers; i++)
        rule->share[i] = (aq_turn_share){AQ_TURN_ABSENT, 0};
}

void aq_rule_wait(aq_turns_rule *rule, unsigned worker)
{
    aq_turn_share *self = &rule->share[worker];
    if (self->state == AQ_TURN_RUNNING && rule->owed > 0)
        rule->owed--;
    else if (self->state == AQ_TURN_RUNNING)
        rule->free++;
    self->state = AQ_TURN_WAITING;
}

static void add_turn(aq_turns_rule *rule)
{
    rule->extra++;
    if (rule->owed > 0)
        rule->owed--;
    else
        rule->free++;
}

static void take_turn_back(aq_turns_rule *rule)
{
    rule->extra--;
    if (rule->free > 0)
        rule->free--;
    else
        rule->owed++;
}

void aq_rule_done(aq_turns_rule *rule, unsigned worker, double work, double cpu, bool waited)
{
    rule->share[worker].used += cpu;
    rule->used += cpu;
    rule->worked += work;
    rule->done++;
    if (waited)
        add_turn(rule);
    else if (rule->extra > 0)
        take_turn_back(rule);
}

/* By how much one may be ahead before it gives its turn away: most of what is left for each, so
 * that turns change hands seldom, and the rest makes up for it. */
static double allowance(const aq_turns_rule *rule)
{
    if (!(rule->worked > 0))
        return 0;
    return 0.7 * rule->used * (rule->work / rule->worked - 1) / rule->workers;
}

static aq_turn_share *least_used(const aq_turns_rule *rule, aq_turn_state state)
{
    aq_turn_share *least = NULL;
    for (unsigned i = 0; i < rule->workers; i++)
        if (rule->share[i].state == state && (least == NULL || rule->share[i].used < least->used))
            least = &rule->share[i];
    return least;
}

bool aq_rule_is_ahead(const aq_turns_rule *rule, unsigned worker)
{
    if (rule->owed > 0)
        return true;
    const aq_turn_share *absent = least_used(rule, AQ_TURN_ABSENT);
    const aq_turn_share *least = absent != NULL ? absent : least_used(rule, AQ_TURN_WAITING);
    return least != NULL && rule->share[worker].used > least->used + allowance(rule);
}

/* Turns are kept for those that are still to come as long as those that wait are ahead of them: a
 * thread that just wakes up needs a CPU to get here. */
unsigned aq_rule_grant(aq_turns_rule *rule)
{
    bool absent = least_used(rule, AQ_TURN_ABSENT) != NULL;
    aq_turn_share *next = least_used(rule, AQ_TURN_WAITING);
    if (rule->free == 0 || next == NULL || (absent && next->used > allowance(rule)))
        return rule->workers;
    next->state = AQ_TURN_RUNNING;
    rule->free--;
    return (unsigned)(next - rule->share);
}
