/* SPDX-License-Identifier: Apache-2.0
 * Targets judged by intervals, exit codes, what a child printed, and cgroup lines. */
#include <config.h>

#include "bench/measure/cgroup.h"
#include "bench/measure/system.h"
#include "bench/util.h"
#include "bench/verdict.h"
#include "suite.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bench_summary interval(double low, double median, double high)
{
    return (bench_summary){
        .count = 10, .median = median, .low = low, .high = high, .confidence = 0.95};
}

START_TEST(judged_by_the_interval)
{
    bench_summary s = interval(4.1, 4.5, 5);
    ck_assert_int_eq(bench_judge(&s, 4, 1), BENCH_MET);
    s = interval(3.9, 4.5, 5);
    ck_assert_int_eq(bench_judge(&s, 4, 1), BENCH_INCONCLUSIVE);
    s = interval(3, 3.5, 3.99);
    ck_assert_int_eq(bench_judge(&s, 4, 1), BENCH_MISSED);
    s = interval(0.2, 0.3, 0.49);
    ck_assert_int_eq(bench_judge(&s, 0.5, 0), BENCH_MET);
    s = interval(0.4, 0.45, 0.5);
    ck_assert_int_eq(bench_judge(&s, 0.5, 0), BENCH_INCONCLUSIVE);
    s = interval(0.5, 0.6, 0.7);
    ck_assert_int_eq(bench_judge(&s, 0.5, 0), BENCH_MISSED);
    s = bench_summarize((const double[]){9}, 1, 1);
    ck_assert_int_eq(bench_judge(&s, 4, 1), BENCH_INCONCLUSIVE);
}
END_TEST

/* ---- a run made up ---- */

enum { ONE, EIGHT, BATCH, STREAMING, COPY, SIZE, CASES };

static bench_model model[2];
static bench_case cases[CASES];
static bench_result result[CASES];
static bench_figures figures[CASES];
static bench_matrix matrix;
static bench_run run;
static bench_env env;
static bench_options options;
static bench_verdict verdict;
static bench_sample sample;
static char lacks[] = "needs more", fails[] = "exit 3";

static void setup(void)
{
    memset(&options, 0, sizeof options);
    memset(model, 0, sizeof model);
    memset(figures, 0, sizeof figures);
    memset(result, 0, sizeof result);
    memset(&run, 0, sizeof run);
    memset(&env, 0, sizeof env);
    strcpy(model[0].label, "100M");
    static const bench_case all[CASES] = {
        [ONE] = {.section = BENCH_SCALING, .threads = 1, .pair = BENCH_NO_PAIR},
        [EIGHT] = {.section = BENCH_SCALING, .threads = 8, .pair = ONE},
        [BATCH] = {.section = BENCH_STREAMING, .mode = AQ_MODE_BATCH, .pair = BENCH_NO_PAIR},
        [STREAMING] = {.section = BENCH_STREAMING, .pair = BATCH},
        [COPY] = {.section = BENCH_SIZES, .work = BENCH_COPY, .pair = BENCH_NO_PAIR},
        [SIZE] = {.section = BENCH_SIZES, .pair = COPY},
    };
    memcpy(cases, all, sizeof cases);
    for (int i = 0; i < CASES; i++) {
        result[i] = (bench_result){.sample = &sample, .samples = 10};
        figures[i].measured = 1;
        figures[i].time = interval(1, 2, 3);
    }
    figures[EIGHT].speedup = interval(5, 6, 7);
    figures[EIGHT].efficiency = interval(0.6, 0.75, 0.8);
    figures[STREAMING].memory_ratio = interval(0.1, 0.1, 0.1);
    matrix = (bench_matrix){.model = model, .models = 1, .cases = cases, .count = CASES};
    run.result = result;
    run.cases = CASES;
    env.usable_cpus = 8;
}

static const bench_target *make(const char *id)
{
    bench_verdict_make(&options, &matrix, &run, figures, &env, &verdict);
    for (int i = 0; i < BENCH_TARGETS; i++)
        if (strcmp(verdict.target[i].id, id) == 0)
            return &verdict.target[i];
    ck_abort_msg("there is no target %s", id);
    return NULL;
}

static void expect(const char *id, bench_outcome outcome, const char *note)
{
    const bench_target *t = make(id);
    ck_assert_msg(t->outcome == outcome, "%s is %s", id, bench_outcome_text(t->outcome));
    if (note != NULL) {
        ck_assert_ptr_nonnull(t->note);
        ck_assert_msg(strstr(t->note, note) != NULL, "%s", t->note);
    }
    bench_verdict_free(&verdict);
}

START_TEST(speedup)
{
    expect("speedup_8_cores", BENCH_MET, "within");
    expect("efficiency_8_cores", BENCH_MET, NULL);
    figures[EIGHT].speedup = interval(8.1, 8.2, 8.3);
    expect("speedup_8_cores", BENCH_MET, "above");
    figures[EIGHT].speedup = interval(3, 3.5, 3.9);
    expect("speedup_8_cores", BENCH_MISSED, NULL);
    figures[EIGHT].speedup = interval(3.5, 4.2, 4.5);
    expect("speedup_8_cores", BENCH_INCONCLUSIVE, "holds the limit");
}
END_TEST

START_TEST(too_few_cpus_neither_pass_nor_fail)
{
    env.usable_cpus = 7;
    expect("speedup_8_cores", BENCH_NOT_APPLICABLE, "has 7");
    figures[EIGHT].speedup = interval(1, 1, 1);
    expect("speedup_8_cores", BENCH_NOT_APPLICABLE, NULL);
    expect("efficiency_8_cores", BENCH_NOT_APPLICABLE, NULL);
    env.usable_cpus = 8;
    env.cores = 4;
    expect("speedup_8_cores", BENCH_NOT_APPLICABLE, "hardware threads of 4");
}
END_TEST

START_TEST(samples_without_their_cores_prove_nothing)
{
    figures[EIGHT].time.count = 10;
    figures[EIGHT].no_cores = 6;
    figures[EIGHT].speedup = interval(1, 2, 3);
    expect("speedup_8_cores", BENCH_INCONCLUSIVE, "6 of 10");
    figures[EIGHT].no_cores = 5;
    expect("speedup_8_cores", BENCH_MISSED, NULL);
}
END_TEST

START_TEST(absent_runs_are_skipped_or_failed)
{
    figures[EIGHT].speedup = bench_summarize(NULL, 0, 1);
    expect("speedup_8_cores", BENCH_SKIPPED, "1-thread");
    cases[EIGHT].threads = 4;
    expect("speedup_8_cores", BENCH_SKIPPED, "8 threads");
    result[SIZE].skip = lacks;
    expect("time_100M", BENCH_SKIPPED, "needs more");
    result[SIZE].skip = NULL;
    result[SIZE].failure = fails;
    expect("time_100M", BENCH_FAILED, "exit 3");
    result[BATCH].failure = fails;
    expect("memory_ratio", BENCH_FAILED, "exit 3");
    expect("time_7B", BENCH_SKIPPED, "--model-sizes 7B");
}
END_TEST

START_TEST(times)
{
    expect("time_100M", BENCH_MET, NULL);
    figures[SIZE].time = interval(119, 119.5, 121);
    expect("time_100M", BENCH_INCONCLUSIVE, NULL);
    figures[SIZE].time = interval(121, 122, 123);
    expect("time_100M", BENCH_MISSED, NULL);
    model[0].scaled = 1;
    expect("time_100M", BENCH_NOT_APPLICABLE, "scaled down");
    model[0].path = "own.gguf";
    expect("time_100M", BENCH_NOT_APPLICABLE, "--model");
}
END_TEST

START_TEST(memory)
{
    expect("memory_ratio", BENCH_MET, NULL);
    model[0].scaled = 1;
    expect("memory_ratio", BENCH_MET, "already");
    figures[STREAMING].memory_ratio = interval(0.6, 0.6, 0.6);
    expect("memory_ratio", BENCH_NOT_APPLICABLE, "scaled down");
    model[0].scaled = 0;
    expect("memory_ratio", BENCH_MISSED, NULL);
}
END_TEST

START_TEST(exit_codes)
{
    (void)make("time_100M");
    for (int i = 0; i < BENCH_TARGETS; i++)
        verdict.target[i].outcome = BENCH_NOT_APPLICABLE;
    ck_assert_int_eq(bench_exit_code(&verdict, 0, 0, 1, 1), 0);
    verdict.target[0].outcome = BENCH_INCONCLUSIVE;
    ck_assert_int_eq(bench_exit_code(&verdict, 0, 0, 1, 0), 0);
    ck_assert_int_eq(bench_exit_code(&verdict, 0, 0, 1, 1), 5);
    verdict.target[1].outcome = BENCH_MISSED;
    ck_assert_int_eq(bench_exit_code(&verdict, 0, 0, 0, 0), 0);
    ck_assert_int_eq(bench_exit_code(&verdict, 0, 0, 1, 0), 4);
    ck_assert_int_eq(bench_exit_code(&verdict, 0, 0, 1, 1), 4);
    ck_assert_int_eq(bench_exit_code(&verdict, 0, 1, 1, 0), 4);
    ck_assert_int_eq(bench_exit_code(&verdict, 0, 1, 1, 1), 6);
    ck_assert_int_eq(bench_exit_code(&verdict, 1, 1, 1, 1), 1);
    bench_verdict_free(&verdict);
}
END_TEST

/* ---- what a child printed ---- */

static const char good[] =
    "{\"schema_version\":1,\"version\":\"1\",\"status\":\"ok\",\"isa\":\"avx2\",\"threads\":2,"
    "\"time_s\":2,\"open_s\":0,\"run_s\":2,\"commit_s\":0,\"load_s\":0,\"kernel_s\":0,\"store_s\":"
    "0,"
    "\"user_s\":3,\"system_s\":0.5,\"weights\":8,\"in_bytes\":16,\"out_bytes\":9,"
    "\"accounted_bytes\":1,\"rss_before_bytes\":1,\"rss_peak_bytes\":2,\"voluntary_switches\":0,"
    "\"involuntary_switches\":0,\"checksum\":\"00000000000000ff\",\"workers\":["
    "{\"cpu_s\":2,\"read_s\":0,\"kernel_s\":0,\"write_s\":0,\"tiles\":3},"
    "{\"cpu_s\":1,\"read_s\":0,\"kernel_s\":0,\"write_s\":0,\"tiles\":1}]}";

START_TEST(good_output_is_read)
{
    bench_sample s;
    ck_assert_ptr_null(bench_sample_parse(good, strlen(good), &s));
    bench_sample_derive(&s, 2);
    ck_assert(s.cpu_wall == 1.75 && s.balance == 0.75);
    ck_assert(s.no_cores && !s.oversubscribed);
    ck_assert_str_eq(s.checksum, "00000000000000ff");
    ck_assert_uint_eq(s.worker[0].tiles, 3);
    bench_sample_derive(&s, 1);
    ck_assert(s.oversubscribed);
    bench_sample_free(&s);
    ck_assert(isnan(s.time_s));
}
END_TEST

/* Each change makes the good output one that proves nothing. */
START_TEST(bad_output_is_refused)
{
    static const struct {
        const char *from, *to;
    } change[] = {
        {"\"time_s\":2", "\"time_s\":0"},
        {"\"time_s\":2", "\"time_s\":-1"},
        {"\"time_s\":2", "\"time_s\":null"},
        {"\"time_s\":2", "\"time_s\":\"2\""},
        {"\"weights\":8", "\"weights\":0"},
        {"\"status\":\"ok\"", "\"status\":\"error\""},
        {"\"threads\":2", "\"threads\":3"},
        {"schema_version\":1", "schema_version\":2"},
        {"\"rss_peak_bytes\":2", "\"x\":2"},
        {"\"cpu_s\":1", "\"cpu_s\":NaN"},
        {"00000000000000ff", "00000000000000000ff"},
        {"]}", "]"},
    };
    for (size_t i = 0; i < sizeof change / sizeof change[0]; i++) {
        const char *at = strstr(good, change[i].from);
        ck_assert_ptr_nonnull(at);
        char *bad = bench_format("%.*s%s%s", (int)(at - good), good, change[i].to,
                                 at + strlen(change[i].from));
        bench_sample s;
        char *wrong = bench_sample_parse(bad, strlen(bad), &s);
        ck_assert_msg(wrong != NULL && strchr(wrong, '\n') == NULL, "%s", change[i].to);
        free(wrong);
        free(bad);
        bench_sample_free(&s);
    }
}
END_TEST

/* ---- small parsers ---- */

START_TEST(cgroup_lines)
{
    ck_assert_str_eq(bench_cgroup_line("0::/a/b", ""), "/a/b");
    ck_assert_ptr_null(bench_cgroup_line("0::/a/b", "cpu"));
    ck_assert_str_eq(bench_cgroup_line("4:cpu,cpuacct:/x", "cpu"), "/x");
    ck_assert_str_eq(bench_cgroup_line("4:cpu,cpuacct:/x", "cpuacct"), "/x");
    ck_assert_ptr_null(bench_cgroup_line("4:cpuset:/x", "cpu"));
    ck_assert_ptr_null(bench_cgroup_line("4:name=systemd:/x", ""));
    ck_assert_ptr_null(bench_cgroup_line("", "cpu"));
    ck_assert_ptr_null(bench_cgroup_line("nonsense", "cpu"));
}
END_TEST

START_TEST(fields)
{
    const char *text = "MemTotal:  12 kB\nMemFree: 3 kB\nthrottled_usec 9\nlast";
    char *field = bench_field(text, "MemFree");
    ck_assert_str_eq(field, "3 kB");
    free(field);
    field = bench_field(text, "throttled_usec");
    ck_assert_str_eq(field, "9");
    free(field);
    ck_assert_ptr_null(bench_field(text, "Mem"));
    ck_assert_ptr_null(bench_field(text, "last"));
    ck_assert_ptr_null(bench_field("", "x"));
}
END_TEST

START_TEST(numbers)
{
    static const struct {
        double value;
        const char *text;
    } known[] = {{120.45, "120.5"},  {0.0254123, "0.02541"}, {1, "1.000"},     {0.99998, "1.000"},
                 {12345.6, "12346"}, {0, "0.000"},           {-2.5, "-2.500"}, {NAN, "N/A"}};
    char out[32];
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        ck_assert_str_eq(bench_number(known[i].value, out, sizeof out), known[i].text);
    ck_assert_str_eq(bench_bytes(14025752576, out, sizeof out), "14.0 GB");
    ck_assert_str_eq(bench_bytes(999, out, sizeof out), "999 B");
    ck_assert_str_eq(bench_bytes(1e6, out, sizeof out), "1.00 MB");
}
END_TEST

int main(void)
{
    TCase *verdicts = tcase_create("verdicts"), *pure = tcase_create("pure");
    tcase_add_checked_fixture(verdicts, setup, NULL);
    tcase_add_test(verdicts, judged_by_the_interval);
    tcase_add_test(verdicts, speedup);
    tcase_add_test(verdicts, too_few_cpus_neither_pass_nor_fail);
    tcase_add_test(verdicts, samples_without_their_cores_prove_nothing);
    tcase_add_test(verdicts, absent_runs_are_skipped_or_failed);
    tcase_add_test(verdicts, times);
    tcase_add_test(verdicts, memory);
    tcase_add_test(verdicts, exit_codes);
    tcase_add_test(pure, good_output_is_read);
    tcase_add_test(pure, bad_output_is_refused);
    tcase_add_test(pure, cgroup_lines);
    tcase_add_test(pure, fields);
    tcase_add_test(pure, numbers);
    return RUN_SUITE("bench_verdict", verdicts, pure);
}
