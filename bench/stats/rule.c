/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "binomial.h"
#include "rule.h"
#include "stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_ROUNDS = 48 };
static const size_t look_rounds[BENCH_LOOKS] = {12, 24, MOST_ROUNDS};
static const double look_alpha[BENCH_LOOKS] = {.0025, .0025, .005};
static const double pass_alpha = .05;

size_t bench_look_rounds(unsigned look)
{
    return look_rounds[look - 1];
}

double bench_look_alpha(unsigned look)
{
    return look_alpha[look - 1];
}

double bench_least_regression(void)
{
    return log(1.03);
}

double bench_most_passing(void)
{
    return log(1.05);
}

const char *bench_decision_name(bench_decision decision)
{
    static const char *const name[] = {
        [BENCH_GO_ON] = "not judged",
        [BENCH_PASS] = "pass",
        [BENCH_REGRESSION] = "regression",
        [BENCH_UNDECIDED] = "inconclusive",
        [BENCH_INVALID] = "environment invalid",
    };
    return name[decision];
}

void bench_rule_begin(bench_rule *rule, size_t metrics)
{
    memset(rule, 0, sizeof *rule);
    rule->metrics = metrics;
}

int bench_rule_wants(const bench_rule *rule, size_t metric)
{
    return rule->decision == BENCH_GO_ON && rule->judged[metric].decision == BENCH_GO_ON;
}

/* Holm: the smallest p-value is held against alpha / m, the next against alpha / (m - 1), and so on
 * until one fails; those after it fail too. A metric that failed is told the rate it was held
 * against, or would have been. */
static void holm(const double *p, size_t count, double alpha, double *held, int *rejected)
{
    size_t order[BENCH_RULE_METRICS];
    int open = 1;
    for (size_t i = 0; i < count; i++) {
        size_t at = i;
        for (; at > 0 && p[order[at - 1]] > p[i]; at--)
            order[at] = order[at - 1];
        order[at] = i;
    }
    for (size_t i = 0; i < count; i++) {
        held[order[i]] = alpha / (double)(count - i);
        open = open && p[order[i]] <= held[order[i]];
        rejected[order[i]] = open;
    }
}

static int ascending(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static void bound(bench_judged *judged, const double *d)
{
    double sorted[MOST_ROUNDS];
    memcpy(sorted, d, judged->rounds * sizeof *d);
    qsort(sorted, judged->rounds, sizeof *sorted, ascending);
    judged->median = bench_quantile(sorted, judged->rounds, 0.5);
    judged->lower = bench_median_above(sorted, judged->rounds, judged->alpha);
    judged->faster = bench_median_below(sorted, judged->rounds, judged->alpha_faster);
    judged->upper = bench_median_below(sorted, judged->rounds, pass_alpha);
}

static double turned_sign_test(const double *d, size_t count)
{
    double turned[MOST_ROUNDS];
    for (size_t i = 0; i < count; i++)
        turned[i] = -d[i];
    return bench_sign_test(turned, count);
}

static void decide(bench_judged *judged, int slower, int faster)
{
    int last = judged->look == BENCH_LOOKS;
    judged->improved = faster && judged->median <= -bench_least_regression();
    if (slower && judged->median >= bench_least_regression())
        judged->decision = BENCH_REGRESSION;
    else if (judged->upper < bench_most_passing())
        judged->decision = BENCH_PASS;
    else
        judged->decision = last ? BENCH_UNDECIDED : BENCH_GO_ON;
}

/* Metrics that were decided at an earlier look stay in Holm's family, as ones that do not reject.
 */
static void look_at(unsigned look, const double *const d[], size_t metrics, const int *wanted,
                    bench_judged *judged)
{
    double p[BENCH_RULE_METRICS] = {1, 1, 1}, p_faster[BENCH_RULE_METRICS] = {1, 1, 1};
    double held[BENCH_RULE_METRICS], held_faster[BENCH_RULE_METRICS];
    int slower[BENCH_RULE_METRICS], faster[BENCH_RULE_METRICS];
    size_t rounds = bench_look_rounds(look);
    for (size_t i = 0; i < metrics; i++) {
        if (!wanted[i])
            continue;
        p[i] = bench_sign_test(d[i], rounds);
        p_faster[i] = turned_sign_test(d[i], rounds);
    }
    holm(p, metrics, bench_look_alpha(look), held, slower);
    holm(p_faster, metrics, bench_look_alpha(look), held_faster, faster);
    for (size_t i = 0; i < metrics; i++) {
        if (!wanted[i])
            continue;
        judged[i] = (bench_judged){.look = look,
                                   .rounds = rounds,
                                   .p = p[i],
                                   .p_faster = p_faster[i],
                                   .alpha = held[i],
                                   .alpha_faster = held_faster[i]};
        bound(&judged[i], d[i]);
        decide(&judged[i], slower[i], faster[i]);
    }
}

static int rejects(const bench_judged *judged, size_t metrics)
{
    for (size_t i = 0; i < metrics; i++)
        if (judged[i].decision == BENCH_REGRESSION || judged[i].improved)
            return 1;
    return 0;
}

static bench_decision together(const bench_rule *rule)
{
    bench_decision all = BENCH_PASS;
    for (size_t i = 0; i < rule->metrics; i++) {
        bench_decision one = rule->judged[i].decision;
        if (one == BENCH_REGRESSION)
            return rule->disturbed ? BENCH_INVALID : BENCH_REGRESSION;
        if (one == BENCH_GO_ON || (one == BENCH_UNDECIDED && all == BENCH_PASS))
            all = one;
    }
    return all;
}

void bench_rule_look(bench_rule *rule, const double *const d[], const double *const control[])
{
    int wanted[BENCH_RULE_METRICS];
    for (size_t i = 0; i < rule->metrics; i++)
        wanted[i] = bench_rule_wants(rule, i);
    rule->looks++;
    look_at(rule->looks, d, rule->metrics, wanted, rule->judged);
    look_at(rule->looks, control, rule->metrics, wanted, rule->control);
    rule->disturbed |= rejects(rule->control, rule->metrics);
    rule->decision = together(rule);
}

void bench_rule_end(bench_rule *rule)
{
    if (rule->decision != BENCH_GO_ON)
        return;
    for (size_t i = 0; i < rule->metrics; i++)
        if (rule->judged[i].decision == BENCH_GO_ON)
            rule->judged[i].decision = BENCH_UNDECIDED;
    rule->decision = BENCH_UNDECIDED;
}
