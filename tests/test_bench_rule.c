/* SPDX-License-Identifier: Apache-2.0
 * The arithmetic of the gate: binomial tails against exact fractions, and the sequential rule on
 * series whose verdict is known. */
#include <config.h>

#include "bench/gate/gate.h"
#include "bench/stats/binomial.h"
#include "bench/stats/rule.h"
#include "bench/verdict.h"
#include "suite.h"

#include <math.h>
#include <string.h>

/* ---- binomial ---- */

/* Sums of exact fractions of integers, rounded once. */
START_TEST(tails_are_exact)
{
    static const struct {
        long k;
        size_t n;
        double p, below;
    } known[] = {
        {0, 12, .5, 0.000244140625},
        {1, 12, .5, 0.003173828125},
        {4, 24, .5, 0.000771939754486084},
        {5, 24, .5, 0.003305375576019287},
        {14, 48, .5, 0.0027576007427505544},
        {15, 48, .5, 0.006641640781122504},
        {499, 1000, .5, 0.4873874909108196},
        {430, 1000, .5, 5.354868832479756e-06},
        {3, 10, .3, 0.6496107184},
        {9, 10, .3, 0.9999940951},
        {2, 400, .01, 0.23663191854801705},
        {995, 1000, .99, 0.9713136000009953},
        {-1, 5, .5, 0},
        {5, 5, .5, 1},
        {3, 5, 0, 1},
        {3, 5, 1, 0},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        double below = bench_binomial_below(known[i].k, known[i].n, known[i].p);
        ck_assert_double_eq_tol(below, known[i].below, 1e-10 * known[i].below + 1e-300);
    }
}
END_TEST

START_TEST(ranks_bound_the_median)
{
    static const struct {
        size_t n;
        double alpha;
        size_t rank;
    } known[] = {
        {12, .0025, 1},       {12, .0025 / 3, 1}, {12, .05, 3},   {24, .0025, 5},
        {24, .0025 / 3, 5},   {24, .05, 8},       {48, .005, 15}, {48, .0025, 14},
        {48, .005 / 3, 14},   {48, .05, 18},      {5, .0025, 0},  {5, .05, 1},
        {100, .0025 / 3, 34}, {1000, .0025, 456}, {0, .05, 0},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        ck_assert_uint_eq(bench_bound_rank(known[i].n, known[i].alpha), known[i].rank);
    double sorted[12];
    for (int i = 0; i < 12; i++)
        sorted[i] = i;
    ck_assert_double_eq(bench_median_above(sorted, 12, .05), 2);
    ck_assert_double_eq(bench_median_below(sorted, 12, .05), 9);
    ck_assert(bench_median_above(sorted, 5, .0025) == -INFINITY);
    ck_assert(bench_median_below(sorted, 5, .0025) == INFINITY);
}
END_TEST

/* A lower bound lies above 0 exactly where the sign test rejects at the same rate. */
START_TEST(bound_and_test_agree)
{
    static const double alphas[] = {.0025, .0025 / 2, .0025 / 3, .005, .005 / 3, .05};
    for (size_t n = 1; n <= 48; n++)
        for (size_t above = 0; above <= n; above++)
            for (size_t a = 0; a < sizeof alphas / sizeof alphas[0]; a++) {
                double value[48];
                for (size_t i = 0; i < n; i++) /* ascending, some of the lower ones exactly 0 */
                    value[i] = i >= n - above ? 1 + (double)i : i % 2 ? 0 : -1;
                if (n - above > 1)
                    for (size_t i = 0; i < n - above; i++)
                        value[i] = i < (n - above) / 2 ? -1 : 0;
                int rejected = bench_sign_test(value, n) <= alphas[a];
                ck_assert_int_eq(rejected, bench_median_above(value, n, alphas[a]) > 0);
            }
}
END_TEST

START_TEST(rates_are_clopper_and_pearsons)
{
    ck_assert_double_eq_tol(bench_rate_below(0, 299, .05), 0.009969146792899272, 1e-12);
    ck_assert_double_eq_tol(bench_rate_below(0, 1000, .025), 0.003682083896865672, 1e-12);
    ck_assert_double_eq_tol(bench_rate_below(3, 50, .05), 0.14783717636418126, 1e-11);
    ck_assert_double_eq_tol(bench_rate_below(10, 20, .025), 0.7280421504392082, 1e-11);
    ck_assert_double_eq_tol(bench_rate_above(10, 20, .025), 0.27195784956079183, 1e-11);
    ck_assert_double_eq(bench_rate_below(7, 7, .05), 1);
    ck_assert_double_eq(bench_rate_above(0, 7, .05), 0);
}
END_TEST

/* ---- the rule ---- */

typedef struct series {
    double value[3][48];
} series;

/* Metric `at`: of each run of 12 rounds, the first `low` are -reach, the rest +reach. */
static void mix(series *s, int at, size_t low, double reach)
{
    for (size_t i = 0; i < 48; i++)
        s->value[at][i] = i % 12 < low ? -reach : reach;
}

static void constant(series *s, int at, double value)
{
    for (size_t i = 0; i < 48; i++)
        s->value[at][i] = value;
}

static bench_rule judge(const series *d, const series *control, unsigned looks)
{
    const double *a[3], *b[3];
    bench_rule rule;
    bench_rule_begin(&rule, 3);
    for (int i = 0; i < 3; i++) {
        a[i] = d->value[i];
        b[i] = control->value[i];
    }
    while (rule.decision == BENCH_GO_ON && rule.looks < looks) {
        for (int i = 0; i < 3; i++)
            if (!bench_rule_wants(&rule, (size_t)i))
                a[i] = b[i] = NULL; /* must not be read any more */
        bench_rule_look(&rule, a, b);
    }
    return rule;
}

static const series quiet;

START_TEST(a_regression_ends_at_the_first_look)
{
    series d = {0};
    constant(&d, 1, 0.1);
    bench_rule rule = judge(&d, &quiet, 3);
    ck_assert_int_eq(rule.decision, BENCH_REGRESSION);
    ck_assert_uint_eq(rule.looks, 1);
    ck_assert_int_eq(rule.judged[1].decision, BENCH_REGRESSION);
    ck_assert_double_eq(rule.judged[1].lower, 0.1);
    ck_assert_double_eq_tol(rule.judged[1].alpha, .0025 / 3, 1e-15);
    ck_assert_int_eq(rule.judged[0].decision, BENCH_PASS);
}
END_TEST

START_TEST(one_of_twelve_stays_it)
{
    series d = {0};
    mix(&d, 0, 1, 0.1);
    bench_rule rule = judge(&d, &quiet, 1);
    ck_assert_int_eq(rule.decision, BENCH_GO_ON);
    ck_assert(bench_rule_wants(&rule, 0) && !bench_rule_wants(&rule, 1));
    rule = judge(&d, &quiet, 3); /* 2 of 24: p = 2e-5 */
    ck_assert_int_eq(rule.decision, BENCH_REGRESSION);
    ck_assert_uint_eq(rule.looks, 2);
    ck_assert_uint_eq(rule.judged[0].rounds, 24);
    ck_assert_uint_eq(rule.judged[1].rounds, 12);
}
END_TEST

START_TEST(small_and_sure_passes)
{
    series d = {0};
    constant(&d, 0, 0.02);
    constant(&d, 2, log(1.03) - 1e-9);
    bench_rule rule = judge(&d, &quiet, 3);
    ck_assert_int_eq(rule.decision, BENCH_PASS);
    ck_assert(rule.judged[0].lower > 0);
    constant(&d, 2, log(1.03) + 1e-9);
    ck_assert_int_eq(judge(&d, &quiet, 3).decision, BENCH_REGRESSION);
}
END_TEST

START_TEST(faster_is_named)
{
    series d = {0};
    constant(&d, 0, -0.1);
    constant(&d, 1, -0.02);
    bench_rule rule = judge(&d, &quiet, 3);
    ck_assert_int_eq(rule.decision, BENCH_PASS);
    ck_assert(rule.judged[0].improved && !rule.judged[1].improved && !rule.judged[2].improved);
    ck_assert_double_eq(rule.judged[0].faster, -0.1);
}
END_TEST

START_TEST(noise_is_inconclusive)
{
    series d = {0};
    mix(&d, 0, 6, 0.2);
    bench_rule rule = judge(&d, &quiet, 3);
    ck_assert_int_eq(rule.decision, BENCH_UNDECIDED);
    ck_assert_uint_eq(rule.looks, 3);
    ck_assert_uint_eq(rule.judged[0].rounds, 48);
    ck_assert_int_eq(rule.judged[1].decision, BENCH_PASS);
}
END_TEST

/* 14 of 48 not above 0 have p = .0028: not under .005 / 2, but under .005 once both others have
 * been rejected. */
START_TEST(holm_shares_the_error)
{
    series d = {0};
    for (int at = 0; at < 3; at++)
        for (size_t i = 0; i < 48; i++)
            d.value[at][i] = (i < 24 && i % 2 == 0) || (at == 2 && i >= 46) ? -0.2 : 0.2;
    bench_rule rule = judge(&d, &quiet, 3);
    ck_assert_uint_eq(rule.looks, 3);
    ck_assert_int_eq(rule.judged[2].decision, BENCH_REGRESSION);
    ck_assert_double_eq_tol(rule.judged[2].alpha, .005, 1e-15);
    constant(&d, 1, 0);
    rule = judge(&d, &quiet, 3);
    ck_assert_int_eq(rule.judged[0].decision, BENCH_REGRESSION);
    ck_assert_int_eq(rule.judged[2].decision, BENCH_UNDECIDED);
    ck_assert_double_eq_tol(rule.judged[2].alpha, .0025, 1e-15);
}
END_TEST

START_TEST(a_control_that_rejects_invalidates)
{
    series d = {0}, control = {0};
    constant(&d, 0, 0.1);
    constant(&control, 1, 0.1);
    ck_assert_int_eq(judge(&d, &control, 3).decision, BENCH_INVALID);
    constant(&control, 1, -0.1);
    ck_assert_int_eq(judge(&d, &control, 3).decision, BENCH_INVALID);
    constant(&control, 1, 0.02);
    ck_assert_int_eq(judge(&d, &control, 3).decision, BENCH_REGRESSION);
    constant(&control, 1, 0.1);
    ck_assert_int_eq(judge(&quiet, &control, 3).decision, BENCH_PASS);
}
END_TEST

START_TEST(an_early_end_is_inconclusive)
{
    series d = {0};
    mix(&d, 0, 6, 0.2);
    bench_rule rule = judge(&d, &quiet, 1);
    bench_rule_end(&rule);
    ck_assert_int_eq(rule.decision, BENCH_UNDECIDED);
    ck_assert_int_eq(rule.judged[0].decision, BENCH_UNDECIDED);
    ck_assert_int_eq(rule.judged[1].decision, BENCH_PASS);
}
END_TEST

START_TEST(exit_codes)
{
    bench_gate gate = {0};
    static const struct {
        bench_decision decision;
        int code, strict;
    } known[] = {
        {BENCH_PASS, 0, 0},      {BENCH_REGRESSION, 3, 3}, {BENCH_INVALID, 6, 6},
        {BENCH_UNDECIDED, 0, 5}, {BENCH_GO_ON, 0, 5},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        gate.rule.decision = known[i].decision;
        ck_assert_int_eq(bench_gate_exit_code(&gate, 0), known[i].code);
        ck_assert_int_eq(bench_gate_exit_code(&gate, 1), known[i].strict);
    }
    gate.failure = (char *)"no";
    ck_assert_int_eq(bench_gate_exit_code(&gate, 0), 1);
    static const int order[] = {2, 1, 6, 3, 4, 5, 0};
    for (size_t i = 0; i < 7; i++)
        for (size_t j = 0; j < 7; j++)
            ck_assert_int_eq(bench_worse_code(order[i], order[j]), order[i < j ? i : j]);
}
END_TEST

int main(void)
{
    TCase *binomial = tcase_create("binomial"), *rule = tcase_create("rule");
    tcase_add_test(binomial, tails_are_exact);
    tcase_add_test(binomial, ranks_bound_the_median);
    tcase_add_test(binomial, bound_and_test_agree);
    tcase_add_test(binomial, rates_are_clopper_and_pearsons);
    tcase_add_test(rule, a_regression_ends_at_the_first_look);
    tcase_add_test(rule, one_of_twelve_stays_it);
    tcase_add_test(rule, small_and_sure_passes);
    tcase_add_test(rule, faster_is_named);
    tcase_add_test(rule, noise_is_inconclusive);
    tcase_add_test(rule, holm_shares_the_error);
    tcase_add_test(rule, a_control_that_rejects_invalidates);
    tcase_add_test(rule, an_early_end_is_inconclusive);
    tcase_add_test(rule, exit_codes);
    return RUN_SUITE("bench_rule", binomial, rule);
}
