/* SPDX-License-Identifier: Apache-2.0
 * Reading results and baselines that nobody vouches for, and comparing with them. */
#include <config.h>

#include "bench/results/baseline.h"
#include "bench/util.h"
#include "scratch.h"
#include "suite.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- results made up: two runs of three samples ---- */

#define SUMMARY(median, low, high)                                                         \
    "{\"count\":3,\"median\":" median ",\"mad\":0.1,\"minimum\":" low ",\"maximum\":" high \
    ",\"low\":" low ",\"high\":" high ",\"confidence\":0.75}"

#define SAMPLE(round, time)                                                   \
    "{\"round\":" round ",\"threads\":1,\"time_s\":" time ",\"wall_s\":" time \
    ",\"user_s\":0.5,\"system_s\":null,\"rss_peak_bytes\":1000,\"in_bytes\":64,\"weights\":32}"

#define RESULT(name)                                                                              \
    "{\"name\":\"" name "\",\"group\":\"parallel_quantization\",\"model_size\":\"100M\","         \
    "\"isa\":\"avx2\",\"output\":\"null\",\"num_threads\":1,\"streaming\":true,"                  \
    "\"status\":\"ok\",\"note\":null,\"checksum\":\"0123456789abcdef\","                          \
    "\"samples_without_cores\":0,\"samples_oversubscribed\":0,\"quantization_time_s\":2,"         \
    "\"intervals\":{\"time_s\":" SUMMARY("2", "1", "3") ",\"cpu_s\":" SUMMARY(                    \
        "2", "1", "3") ",\"peak_memory_bytes\":null,\"bytes_per_s\":null,\"weights_per_s\":null," \
                       "\"speedup\":null,\"efficiency\":null,\"wall_ratio\":null,"                \
                       "\"memory_ratio\":null},\"samples\":[" SAMPLE("1", "1") "," SAMPLE(        \
                           "2", "3") "," SAMPLE("4", "2") "]}"

static const char valid[] =
    "{\"schema_version\":1,\"command\":\"arrowquant-bench\",\"type\":\"q8_0\",\"dtype\":\"F16\","
    "\"seed\":7,\"quick\":false,\"exit_code\":0,\"versions\":{\"arrowquant\":\"1.2.3\"},"
    "\"failures\":[],\"environment\":{\"date\":\"2026-01-02T03:04:05Z\",\"cpu_model\":\"CPU X\","
    "\"isa\":\"avx2\",\"kernel\":\"Linux 1\",\"system\":\"Debian\",\"compiler\":\"gcc\","
    "\"cflags\":\"-O2\",\"revision\":\"abc\",\"usable_cpus\":4,\"cpu_quota\":null,"
    "\"memory_bytes\":1e9,\"doubts\":[\"load\"]},"
    "\"models\":[{\"label\":\"100M\",\"params\":\"50x512x4096\",\"synthetic\":true}],"
    "\"all_results\":[" RESULT("parallel_1_threads") "," RESULT(
        "parallel_2_threads") "],\"targets\":[{\"id\":\"t\",\"label\":\"T\",\"outcome\":\"met\","
                              "\"value\":1}]}";

/* The text with the first occurrence of `from` replaced; for the caller to free. */
static char *changed(const char *text, const char *from, const char *to)
{
    const char *at = strstr(text, from);
    ck_assert_msg(at != NULL, "the text has no %s", from);
    return bench_format("%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
}

static char *parse(const char *text, size_t length)
{
    bench_results results;
    /* Exactly as many bytes as there are, so that a sanitizer sees a step beyond. */
    char *copy = bench_alloc(length, 1);
    if (length > 0)
        memcpy(copy, text, length);
    char *wrong = bench_results_parse(copy, length, &results);
    free(copy);
    bench_results_free(&results);
    return wrong;
}

START_TEST(valid_results_are_read)
{
    bench_results r;
    ck_assert_ptr_null(bench_results_parse(valid, strlen(valid), &r));
    ck_assert_str_eq(r.type, "q8_0");
    ck_assert_str_eq(r.version, "1.2.3");
    ck_assert_str_eq(r.machine.cpu_model, "CPU X");
    ck_assert_uint_eq(r.machine.usable_cpus, 4);
    ck_assert(isnan(r.machine.cpu_quota));
    ck_assert_str_eq(r.machine.doubt[0], "load");
    ck_assert_uint_eq(r.count, 2);
    ck_assert_uint_eq(r.result[1].samples, 3);
    ck_assert(r.result[1].sample[2].time_s == 2 && r.result[1].sample[2].round == 4);
    ck_assert(isnan(bench_sample_cpu(&r.result[1].sample[2])));
    ck_assert(r.result[0].time.median == 2 && r.result[0].time.high == 3);
    ck_assert_uint_eq(r.result[0].speedup.count, 0);
    bench_results_free(&r);
}
END_TEST

static const struct {
    const char *from, *to, *message;
} hostile[] = {
    {"\"schema_version\":1", "\"schema_version\":2", "schema_version: 2, and this program reads 1"},
    {"\"schema_version\":1,", "", "not results of arrowquant-bench"},
    {"\"time_s\":1,", "\"time_s\":NaN,", "is not JSON"},
    {"\"time_s\":1,", "\"time_s\":1e999,", "is not JSON"},
    {"\"time_s\":1,", "\"time_s\":0,", "all_results[0].samples[0].time_s: 0 is not above zero"},
    {"\"time_s\":1,", "\"time_s\":-1,", "time_s: -1 is not above zero"},
    {"\"time_s\":1,", "\"time_s\":null,", "time_s: is not a number"},
    {"\"time_s\":1,", "", "time_s: missing"},
    {"\"time_s\":1,", "\"time_s\":1.5,", NULL}, /* the median stays */
    {"\"time_s\":3,", "\"time_s\":1.5,", "is not the median of the samples"},
    {"\"quantization_time_s\":2", "\"quantization_time_s\":2.1", "is not the median"},
    {"\"quantization_time_s\":2", "\"quantization_time_s\":null", "is not the median"},
    {"\"count\":3", "\"count\":4", "of 4 times, and there are 3 samples"},
    {"\"count\":3", "\"count\":0", "is not from 1"},
    {"\"median\":2", "\"median\":4", "is not between"},
    {"\"low\":1", "\"low\":0.5", "is not within"},
    {"\"low\":1", "\"low\":null", "has one end"},
    {"\"round\":2", "\"round\":1", "does not follow"},
    {"\"round\":2", "\"round\":2.5", "is not a whole number"},
    {"\"round\":2", "\"round\":4294967298", "is not from 1"},
    {"\"user_s\":0.5", "\"user_s\":-0.5", "is negative"},
    {"\"name\":\"parallel_1", "\"name\":\"parallel_2", "name: stands twice"},
    {"\"model_size\":\"100M\"", "\"model_size\":\"7B\"", "is none of the models"},
    {"\"status\":\"ok\"", "\"status\":\"fine\"", "\"fine\" is not known"},
    {"\"streaming\":true", "\"streaming\":1", "neither true nor false"},
    {"\"usable_cpus\":4", "\"usable_cpus\":0", "is not from 1"},
    {"\"usable_cpus\":4", "\"usable_cpus\":\"4\"", "is not a whole number"},
    {"\"cpu_model\":\"CPU X\"", "\"cpu_model\":\"\"", "environment.cpu_model: is empty"},
    {"\"command\":", "\"type\":\"q4_0\",\"command\":", "is not JSON"}, /* twice */
    {"\"failures\":[]", "\"failures\":[3]", "failures: is not a text"},
    {"\"failures\":[]", "\"failures\":{}", "is not an array"},
    {"\"models\":[", "\"models\":[],\"other\":[", "models: has 0 elements"},
    {"\"environment\":{", "\"environment\":[],\"other\":{", "environment: is not an object"},
};

START_TEST(hostile_results_are_refused)
{
    char *text = changed(valid, hostile[_i].from, hostile[_i].to);
    char *wrong = parse(text, strlen(text));
    if (hostile[_i].message == NULL)
        ck_assert_msg(wrong == NULL, "%s", wrong);
    else
        ck_assert_msg(wrong != NULL && strstr(wrong, hostile[_i].message) != NULL &&
                          strchr(wrong, '\n') == NULL,
                      "%s gave: %s", hostile[_i].to, wrong);
    free(wrong);
    free(text);
}
END_TEST

START_TEST(no_part_of_results_is_taken_for_results)
{
    for (size_t length = 0; length + 1 < sizeof valid; length++) {
        char *wrong = parse(valid, length);
        ck_assert_msg(wrong != NULL, "%zu bytes were accepted", length);
        free(wrong);
    }
}
END_TEST

START_TEST(no_samples_are_no_result)
{
    char *text = changed(valid, "\"samples\":[", "\"samples\":[],\"other\":[");
    char *wrong = parse(text, strlen(text));
    ck_assert_ptr_nonnull(strstr(wrong, "samples: is empty, and the status is ok"));
    free(wrong);
    free(text);
}
END_TEST

START_TEST(texts_cannot_steer_a_terminal)
{
    bench_results r;
    char *text = changed(valid, "CPU X", "a\\u001b[2J\\u009bb\\u007f");
    ck_assert_ptr_null(bench_results_parse(text, strlen(text), &r));
    ck_assert_str_eq(r.machine.cpu_model, "a?[2J??b?");
    bench_results_free(&r);
    free(text);
}
END_TEST

/* ---- baselines ---- */

static char *as_baseline(const char *results, size_t *length)
{
    char *bytes = NULL;
    FILE *out = open_memstream(&bytes, length);
    ck_assert_int_eq(bench_baseline_write(results, strlen(results), out), 0);
    ck_assert_int_eq(fclose(out), 0);
    return bytes;
}

static void expect_baseline(const char *bytes, size_t length, const char *message)
{
    bench_results r;
    char *wrong = bench_baseline_parse(bytes, length, &r);
    if (message == NULL)
        ck_assert_msg(wrong == NULL, "%s", wrong);
    else
        ck_assert_msg(wrong != NULL && strstr(wrong, message) != NULL, "not \"%s\": %s", message,
                      wrong);
    free(wrong);
    bench_results_free(&r);
}

START_TEST(baselines_come_back)
{
    size_t length;
    char *bytes = as_baseline(valid, &length);
    expect_baseline(bytes, length, NULL);
    expect_baseline(valid, strlen(valid), "is not a baseline");
    expect_baseline("", 0, "is empty");
    free(bytes);
}
END_TEST

START_TEST(every_flipped_bit_is_seen)
{
    size_t length;
    char *bytes = as_baseline(valid, &length);
    for (size_t i = 0; i < length; i++) {
        bytes[i] = (char)(bytes[i] ^ 1);
        bench_results r;
        char *wrong = bench_baseline_parse(bytes, length, &r);
        ck_assert_msg(wrong != NULL, "byte %zu changed unseen", i);
        free(wrong);
        bench_results_free(&r);
        bytes[i] = (char)(bytes[i] ^ 1);
    }
    free(bytes);
}
END_TEST

START_TEST(a_baseline_cut_or_continued_is_refused)
{
    size_t length;
    char *bytes = as_baseline(valid, &length), *more = bench_format("%s ", bytes);
    expect_baseline(bytes, length - 1, "is cut short");
    expect_baseline(bytes, 20, "is not a baseline");
    expect_baseline(more, length + 1, "does not fit");
    free(more);
    char *newer = changed(bytes, "\"arrowquant_baseline\":1", "\"arrowquant_baseline\":2");
    expect_baseline(newer, length, "of version 2");
    free(newer);
    free(bytes);
}
END_TEST

START_TEST(names_cannot_lead_elsewhere)
{
    static const char *const bad[] = {"",  ".",   "..",  "../x", "a/b",     ".hidden",
                                      "-", "-rf", "a b", "a\n",  "\xc3\xa4"};
    static const char *const good[] = {"main", "v1.0-rc_2", "A", "_", "0"};
    char name[66];
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_msg(!bench_baseline_name_valid(bad[i]), "\"%s\"", bad[i]);
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        ck_assert_msg(bench_baseline_name_valid(good[i]), "\"%s\"", good[i]);
    memset(name, 'a', sizeof name);
    name[65] = '\0';
    ck_assert_int_eq(bench_baseline_name_valid(name), 0);
    name[64] = '\0';
    ck_assert_int_eq(bench_baseline_name_valid(name), 1);
}
END_TEST

START_TEST(files_are_named)
{
    bench_results r;
    size_t length;
    char *bytes = as_baseline(valid, &length), *wrong;
    scratch_make();
    const char *path = scratch_path("results.json");
    scratch_write("results.json", bytes, length);
    ck_assert_ptr_null(bench_results_read(path, &r));
    bench_results_free(&r);
    ck_assert_ptr_null(bench_baseline_read(path, &r));
    bench_results_free(&r);
    scratch_text("results.json", "");
    wrong = bench_baseline_read(path, &r);
    ck_assert_ptr_nonnull(strstr(wrong, path));
    ck_assert_ptr_nonnull(strstr(wrong, "is empty"));
    free(wrong);
    bench_results_free(&r);
    scratch_remove();
    wrong = bench_results_read(path, &r);
    ck_assert_ptr_nonnull(strstr(wrong, "No such file"));
    free(wrong);
    free(bytes);
}
END_TEST

/* ---- comparing ---- */

START_TEST(ratios_of_medians)
{
    double slow[20], fast[20];
    for (int i = 0; i < 20; i++) {
        fast[i] = 1 + 0.001 * i;
        slow[i] = 1.2 * fast[i];
    }
    bench_estimate e = bench_median_ratio(slow, 20, fast, 20, 1);
    ck_assert_double_eq_tol(e.value, 1.2, 1e-12);
    ck_assert(e.low < 1.2 && e.low > 1.18 && e.high > 1.2 && e.high < 1.22);
    ck_assert_int_eq(bench_change_judge(&e), BENCH_CHANGE_WORSE);
    e = bench_median_ratio(fast, 20, slow, 20, 1);
    ck_assert_int_eq(bench_change_judge(&e), BENCH_CHANGE_BETTER);
    e = bench_median_ratio(fast, 20, fast, 20, 1);
    ck_assert_int_eq(bench_change_judge(&e), BENCH_CHANGE_WITHIN);
    e = bench_median_ratio(slow, 5, fast, 20, 1);
    ck_assert_double_eq_tol(e.value, 1.2, 0.02);
    ck_assert_int_eq(bench_change_judge(&e), BENCH_CHANGE_UNKNOWN);
    e = (bench_estimate){1.06, 1.04, 1.08};
    ck_assert_int_eq(bench_change_judge(&e), BENCH_CHANGE_OPEN);
    e = bench_median_ratio(slow, 0, fast, 20, 1);
    ck_assert(isnan(e.value));
}
END_TEST

int main(void)
{
    TCase *reading = tcase_create("reading"), *baselines = tcase_create("baselines");
    tcase_add_test(reading, valid_results_are_read);
    tcase_add_loop_test(reading, hostile_results_are_refused, 0,
                        (int)(sizeof hostile / sizeof hostile[0]));
    tcase_add_test(reading, no_part_of_results_is_taken_for_results);
    tcase_add_test(reading, no_samples_are_no_result);
    tcase_add_test(reading, texts_cannot_steer_a_terminal);
    tcase_add_test(baselines, baselines_come_back);
    tcase_add_test(baselines, every_flipped_bit_is_seen);
    tcase_add_test(baselines, a_baseline_cut_or_continued_is_refused);
    tcase_add_test(baselines, names_cannot_lead_elsewhere);
    tcase_add_test(baselines, files_are_named);
    tcase_add_test(baselines, ratios_of_medians);
    return RUN_SUITE("results", reading, baselines);
}
