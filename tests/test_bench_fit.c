/* SPDX-License-Identifier: Apache-2.0
 * Laws of scaling recovered from speedups that were made by them. */
#include <config.h>

#include "bench/report/report.h"
#include "bench/stats/fit.h"
#include "bench/stats/stats.h"
#include "suite.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 20, POINTS = 5 };
static const double threads[POINTS] = {2, 4, 8, 16, 32};
static double ratio[POINTS][ROUNDS];

static double gauss(bench_rng *rng)
{
    return sqrt(-2 * log(bench_rng_unit(rng))) * cos(6.283185307179586 * bench_rng_unit(rng));
}

/* Rounds of a machine that follows the law, but for noise of so much. */
static bench_fit fit(double sigma, double kappa, double noise, size_t points, size_t rounds,
                     uint64_t seed)
{
    bench_fit_point point[POINTS];
    bench_rng rng = {seed};
    for (size_t i = 0; i < points; i++) {
        for (size_t j = 0; j < rounds; j++)
            ratio[i][j] = exp(noise * gauss(&rng)) / bench_usl_speedup(sigma, kappa, threads[i]);
        point[i] = (bench_fit_point){threads[i], ratio[i]};
    }
    return bench_fit_scaling(point, points, rounds, seed + 1);
}

START_TEST(exact_data_give_exact_parameters)
{
    bench_fit f = fit(0.05, 0.001, 0, POINTS, ROUNDS, 1);
    ck_assert(f.fitted && !f.kappa_dropped);
    ck_assert_uint_eq(f.points, 6);
    ck_assert_double_eq_tol(f.sigma.value, 0.05, 1e-9);
    ck_assert_double_eq_tol(f.kappa.value, 0.001, 1e-9);
    ck_assert_double_eq_tol(f.sigma.low, 0.05, 1e-9);
    ck_assert_double_eq_tol(f.peak, sqrt(0.95 / 0.001), 1e-6);
    for (int i = 0; i < BENCH_PROJECTIONS; i++)
        ck_assert_double_eq_tol(f.projected[i].value,
                                bench_usl_speedup(0.05, 0.001, f.projected_threads[i]), 1e-6);
    ck_assert_double_eq_tol(f.band_threads[0], 1, 1e-12);
    ck_assert_double_eq_tol(f.band_threads[BENCH_BAND - 1], 64, 1e-9);
    for (int i = 0; i < BENCH_BAND; i++)
        ck_assert_double_eq_tol(f.band[i].value, bench_usl_speedup(0.05, 0.001, f.band_threads[i]),
                                1e-6);
}
END_TEST

/* The law is measured nowhere beyond its last point: its band widens there. */
START_TEST(bands_hold_the_law_and_widen)
{
    bench_fit f = fit(0.06, 0.002, 0.02, POINTS, ROUNDS, 5);
    for (int i = 1; i < BENCH_BAND; i++)
        ck_assert(f.band[i].low <= f.band[i].value && f.band[i].value <= f.band[i].high);
    ck_assert(f.band[BENCH_BAND - 1].high - f.band[BENCH_BAND - 1].low >
              f.band[BENCH_BAND / 6].high - f.band[BENCH_BAND / 6].low);
}
END_TEST

START_TEST(amdahl_is_the_law_without_kappa)
{
    bench_fit f = fit(0.1, 0, 0, POINTS, ROUNDS, 1);
    ck_assert(f.fitted && f.kappa_dropped && isnan(f.peak));
    ck_assert_double_eq_tol(f.serial.value, 0.1, 1e-9);
    ck_assert_double_eq_tol(f.sigma.value, 0.1, 1e-9);
    ck_assert_double_eq(f.kappa.value, 0);
    f = fit(0, 0, 0, POINTS, ROUNDS, 1);
    ck_assert_double_eq_tol(f.serial.value, 0, 1e-9);
    ck_assert_double_eq_tol(f.projected[3].value, 32, 1e-6);
}
END_TEST

/* Of 100 noisy runs, the intervals are to hold what they were made from in about 95. */
START_TEST(intervals_hold_the_parameters)
{
    int sigma = 0, kappa = 0, kept = 0;
    for (uint64_t seed = 1; seed <= 100; seed++) {
        bench_fit f = fit(0.06, 0.002, 0.02, POINTS, ROUNDS, 1000 * seed);
        ck_assert(f.fitted);
        kept += !f.kappa_dropped;
        sigma += f.sigma.low <= 0.06 && 0.06 <= f.sigma.high;
        kappa += f.kappa.low <= 0.002 && 0.002 <= f.kappa.high;
    }
    ck_assert_int_ge(kept, 97);
    ck_assert_int_ge(sigma, 85);
    ck_assert_int_ge(kappa, 85);
}
END_TEST

START_TEST(noise_makes_no_kappa)
{
    int dropped = 0;
    for (uint64_t seed = 1; seed <= 60; seed++)
        dropped += fit(0.08, 0, 0.02, POINTS, ROUNDS, 77 * seed).kappa_dropped;
    ck_assert_int_ge(dropped, 54);
}
END_TEST

START_TEST(never_negative)
{
    /* Superlinear: better than any law allows. */
    bench_fit_point point[POINTS];
    for (int i = 0; i < POINTS; i++) {
        for (int j = 0; j < ROUNDS; j++)
            ratio[i][j] = 0.8 / threads[i];
        point[i] = (bench_fit_point){threads[i], ratio[i]};
    }
    bench_fit f = bench_fit_scaling(point, POINTS, ROUNDS, 1);
    ck_assert(f.fitted && f.sigma.value == 0 && f.kappa.value == 0 && f.serial.value == 0);
}
END_TEST

START_TEST(too_little_to_fit)
{
    ck_assert(!fit(0.1, 0, 0, 2, ROUNDS, 1).fitted);
    ck_assert(isnan(fit(0.1, 0, 0, 2, ROUNDS, 1).sigma.value));
    ck_assert(!fit(0.1, 0, 0, POINTS, 5, 1).fitted);
    ck_assert(fit(0.1, 0, 0, 3, 6, 1).fitted);
}
END_TEST

START_TEST(karp_flatt)
{
    ck_assert_double_eq_tol(bench_karp_flatt(1 / (0.2 + 0.8 / 8), 8), 0.2, 1e-12);
    ck_assert_double_eq_tol(bench_karp_flatt(4, 4), 0, 1e-12);
    ck_assert_double_eq_tol(bench_karp_flatt(1, 4), 1, 1e-12);
}
END_TEST

/* ---- from samples to reports ---- */

enum { RUNS = 5 };
static bench_model model = {.label = "100M", .params = "50x512x4096"};
static bench_case cases[RUNS];
static bench_sample samples[RUNS][ROUNDS];
static bench_result results[RUNS];
static bench_worker workers[16];
static bench_group group = {.rounds = ROUNDS, .spent_s = 1, .stop = BENCH_STOP_ROUNDS};
static bench_matrix matrix = {&model, 1, cases, RUNS, 1, 8};
static bench_run run = {.result = results, .group = &group, .cases = RUNS, .version = "1"};

/* 1, 2, 4, 8 and 16 threads of a machine with sigma 0.05 and kappa 0.001. */
static void make_run(void)
{
    for (int i = 0; i < RUNS; i++) {
        unsigned n = 1u << i;
        cases[i] = (bench_case){.section = BENCH_SCALING, .threads = n, .pair = i > 0 ? 0 : -1};
        (void)snprintf(cases[i].name, sizeof cases[i].name, "parallel_%u_threads", n);
        for (unsigned j = 0; j < ROUNDS; j++) {
            bench_sample *s = &samples[i][j];
            bench_sample_clear(s);
            s->round = j + 1;
            s->time_s = s->run_s = (1 + 0.001 * j) / bench_usl_speedup(0.05, 0.001, n);
            s->rss_peak_bytes = 1e7;
            s->in_bytes = 2e8;
            s->roof = 5e9 * sqrt(n);
            s->threads = n;
            s->worker = workers;
        }
        results[i] = (bench_result){.sample = samples[i], .samples = ROUNDS};
    }
}

START_TEST(fitted_from_valid_runs_only)
{
    make_run();
    bench_figures *figures = bench_figures_make(&matrix, &run, 1);
    bench_fit f = bench_scaling_fit(&matrix, &run, figures, 16, 1);
    ck_assert(f.fitted);
    ck_assert_uint_eq(f.points, 5);
    ck_assert_double_eq_tol(f.sigma.value, 0.05, 1e-9);
    ck_assert_uint_eq(bench_scaling_fit(&matrix, &run, figures, 8, 1).points, 4);
    ck_assert(bench_scaling_fit(&matrix, &run, figures, 8, 1).fitted);
    ck_assert(!bench_scaling_fit(&matrix, &run, figures, 7, 1).fitted);
    figures[2].no_cores = ROUNDS;
    ck_assert(!bench_scaling_fit(&matrix, &run, figures, 8, 1).fitted);
    ck_assert_double_eq_tol(figures[1].karp_flatt, 0.05 + 0.001 * 2, 1e-9);
    free(figures);
}
END_TEST

static char *print(int (*write)(const bench_report *, FILE *), const bench_report *report)
{
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);
    ck_assert_int_eq(write(report, out), 0);
    fclose(out);
    return text;
}

static int plain_text(const bench_report *report, FILE *out)
{
    return bench_report_text(report, 0, out);
}

static void expect(char *text, const char *what)
{
    ck_assert_msg(strstr(text, what) != NULL, "no \"%s\" in:\n%.2500s", what, text);
}

/* For tests/bench_page.sh, which opens it: a machine of many cores is not to be had everywhere. */
static void keep_page(const char *text)
{
    const char *path = getenv("AQ_PAGE_FILE");
    FILE *file = path == NULL ? NULL : fopen(path, "w");
    if (file == NULL)
        return;
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

START_TEST(fits_are_reported)
{
    static bench_options options;
    static bench_verdict verdict;
    bench_env env = {.usable_cpus = 16};
    make_run();
    bench_figures *figures = bench_figures_make(&matrix, &run, 1);
    bench_fit f = bench_scaling_fit(&matrix, &run, figures, 16, 1);
    bench_verdict_make(&options, &matrix, &run, figures, &env, &verdict);
    bench_report report = {.options = &options,
                           .matrix = &matrix,
                           .run = &run,
                           .figures = figures,
                           .env = &env,
                           .verdict = &verdict,
                           .fit = &f,
                           .binary = "arrowquant",
                           .command = "x",
                           .seed = 1};
    char *text = print(plain_text, &report);
    expect(text, "Target achieved: 5.69x");
    expect(text, "USL: sigma             0.05000");
    expect(text, "USL: kappa             0.001000");
    expect(text, "Most speedup at        31 threads");
    expect(text, "Projected, 32 cores    9.");
    free(text);
    text = print(bench_report_html, &report);
    expect(text, "<polyline class=\"fit\"");
    expect(text, "<polygon class=\"band\"");
    keep_page(text);
    free(text);
    text = print(bench_report_json, &report);
    expect(text, "\"fitted\": true");
    free(text);
    bench_verdict_free(&verdict);
    free(figures);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("fit");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, exact_data_give_exact_parameters);
    tcase_add_test(tests, bands_hold_the_law_and_widen);
    tcase_add_test(tests, amdahl_is_the_law_without_kappa);
    tcase_add_test(tests, intervals_hold_the_parameters);
    tcase_add_test(tests, noise_makes_no_kappa);
    tcase_add_test(tests, never_negative);
    tcase_add_test(tests, too_little_to_fit);
    tcase_add_test(tests, karp_flatt);
    tcase_add_test(tests, fitted_from_valid_runs_only);
    tcase_add_test(tests, fits_are_reported);
    return RUN_SUITE("bench_fit", tests);
}
