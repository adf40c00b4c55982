/* SPDX-License-Identifier: Apache-2.0
 * What the benchmark reads of a system, from trees of files that stand for /proc and /sys. */
#include <config.h>

#include "bench/cgroup.h"
#include "bench/system.h"
#include "bench/topology.h"
#include "bench/util.h"
#include "scratch.h"

#include <check.h>
#include <errno.h>
#include <math.h>

static bench_cpus cpus;

static void begin(void)
{
    scratch_make();
    bench_system_root(scratch_dir);
}

static void end(void)
{
    bench_system_root("");
    scratch_remove();
}

/* A file of the tree, with the directories above it. */
static void put(const char *path, const char *text)
{
    char *full = bench_format("%s%s", scratch_dir, path);
    *strrchr(full, '/') = '\0';
    char *wrong = bench_make_directories(full);
    ck_assert_msg(wrong == NULL, "%s", wrong);
    free(full);
    scratch_write(path + 1, text, strlen(text));
}

static void put_cpu(unsigned cpu, const char *name, const char *text)
{
    char *path = bench_format("/sys/devices/system/cpu/cpu%u/%s", cpu, name);
    put(path, text);
    free(path);
}

/* ---- CPUs ---- */

START_TEST(lists_of_cpus)
{
    static const struct {
        const char *text;
        unsigned count; /* 0: refused, or empty */
        int result;
    } cases[] = {
        {"0", 1, 0},      {"0-3", 4, 0},   {"0-1,4,6-7\n", 5, 0},
        {"3,3", 1, 0},    {"8191", 1, 0},  {"", 0, 0},
        {"\n", 0, 0},     {"8192", 0, -1}, {"3-1", 0, -1},
        {"-1", 0, -1},    {"0-", 0, -1},   {"a", 0, -1},
        {"0;1", 0, -1},   {"0,,1", 0, -1}, {"99999999999999999999", 0, -1},
        {"0-3 4", 0, -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int result = bench_cpus_parse(cases[i].text, &cpus);
        ck_assert_msg(result == cases[i].result && cpus.count == cases[i].count,
                      "\"%s\": %d, %u CPUs", cases[i].text, result, cpus.count);
    }
    ck_assert_int_eq(bench_cpus_parse("0-1,4", &cpus), 0);
    ck_assert(cpus.has[0] && cpus.has[1] && !cpus.has[2] && !cpus.has[3] && cpus.has[4]);
}
END_TEST

START_TEST(affinity_is_read)
{
    put("/proc/self/status", "Name:\tx\nCpus_allowed:\tff\nCpus_allowed_list:\t1-2,7\n");
    bench_cpus_allowed(&cpus);
    ck_assert_uint_eq(cpus.count, 3);
    ck_assert(cpus.has[1] && cpus.has[2] && cpus.has[7]);
    put("/proc/self/status", "Name:\tx\n");
    bench_cpus_allowed(&cpus);
    ck_assert_uint_eq(cpus.count, 0);
}
END_TEST

START_TEST(siblings_count_once)
{
    /* Cores {0,4} {1,5} {2,6}: of 0, 4, 5 and 6, the first two are one core. */
    static const unsigned of[] = {0, 1, 2, 4, 5, 6};
    for (size_t i = 0; i < sizeof of / sizeof of[0]; i++) {
        char list[16];
        (void)snprintf(list, sizeof list, "%u,%u\n", of[i] % 4, of[i] % 4 + 4);
        put_cpu(of[i], "topology/thread_siblings_list", list);
    }
    bench_cpus_parse("0,4-6", &cpus);
    ck_assert_uint_eq(bench_cpus_cores(&cpus), 3);
    bench_cpus_parse("0-2", &cpus);
    ck_assert_uint_eq(bench_cpus_cores(&cpus), 3);
    bench_cpus_parse("0,4", &cpus);
    ck_assert_uint_eq(bench_cpus_cores(&cpus), 1);
    bench_cpus_parse("0,3", &cpus); /* nothing is known of 3 */
    ck_assert_uint_eq(bench_cpus_cores(&cpus), 0);
}
END_TEST

static void put_cache(unsigned cpu, unsigned index, const char *level, const char *size,
                      const char *sharers)
{
    char name[64];
    (void)snprintf(name, sizeof name, "cache/index%u/level", index);
    put_cpu(cpu, name, level);
    (void)snprintf(name, sizeof name, "cache/index%u/size", index);
    put_cpu(cpu, name, size);
    (void)snprintf(name, sizeof name, "cache/index%u/shared_cpu_list", index);
    put_cpu(cpu, name, sharers);
}

START_TEST(caches_add_up)
{
    for (unsigned cpu = 0; cpu < 4; cpu++) {
        char own[8];
        (void)snprintf(own, sizeof own, "%u\n", cpu);
        put_cache(cpu, 0, "1\n", "32K\n", own);
        put_cache(cpu, 1, "2\n", "1024K\n", own);
        put_cache(cpu, 2, "3\n", "32M\n", cpu < 2 ? "0-1\n" : "2-3\n");
    }
    bench_cpus_parse("0-3", &cpus);
    ck_assert_double_eq(bench_cpus_cache(&cpus), 0x1p26);
    bench_cpus_parse("1,0", &cpus);
    ck_assert_double_eq(bench_cpus_cache(&cpus), 0x1p25);
    bench_cpus_parse("1,3", &cpus);
    ck_assert_double_eq(bench_cpus_cache(&cpus), 0x1p26);
    bench_cpus_parse("9", &cpus);
    ck_assert(isnan(bench_cpus_cache(&cpus)));
}
END_TEST

/* ---- control groups ---- */

START_TEST(limits_of_every_ancestor_count_v2)
{
    put("/proc/self/cgroup", "0::/a/b/c\n");
    put("/proc/meminfo", "MemTotal: 1000 kB\nMemAvailable:    800 kB\n");
    put("/sys/fs/cgroup/a/b/c/cpu.max", "max 100000\n");
    put("/sys/fs/cgroup/a/b/cpu.max", "150000 100000\n");
    put("/sys/fs/cgroup/a/cpu.max", "400000 100000\n");
    put("/sys/fs/cgroup/a/b/c/memory.max", "max\n");
    put("/sys/fs/cgroup/a/memory.max", "614400\n");
    put("/sys/fs/cgroup/a/b/c/cpu.stat", "usage_usec 5\nthrottled_usec 2000000\n");
    put("/sys/fs/cgroup/a/cpu.stat", "nr_throttled 9\nthrottled_usec 500000\n");
    ck_assert_double_eq(bench_cpu_quota(), 1.5);
    ck_assert_double_eq(bench_memory_limit(), 614400);
    ck_assert_double_eq(bench_memory_available(), 614400);
    ck_assert_double_eq(bench_memory_total(), 1024000);
    ck_assert_double_eq_tol(bench_throttled_s(), 2.5, 1e-9);
}
END_TEST

START_TEST(limits_of_every_ancestor_count_v1)
{
    put("/proc/self/cgroup", "9:memory:/m\n4:cpu,cpuacct:/a/b\n1:name=systemd:/x\n");
    put("/sys/fs/cgroup/cpu/a/b/cpu.cfs_quota_us", "-1\n");
    put("/sys/fs/cgroup/cpu/a/b/cpu.cfs_period_us", "100000\n");
    put("/sys/fs/cgroup/cpu/a/cpu.cfs_quota_us", "50000\n");
    put("/sys/fs/cgroup/cpu/a/cpu.cfs_period_us", "100000\n");
    put("/sys/fs/cgroup/cpu/a/cpu.stat", "nr_periods 3\nthrottled_time 1500000000\n");
    put("/sys/fs/cgroup/memory/m/memory.limit_in_bytes", "9223372036854771712\n");
    ck_assert_double_eq(bench_cpu_quota(), 0.5);
    ck_assert(isinf(bench_memory_limit()));
    ck_assert_double_eq_tol(bench_throttled_s(), 1.5, 1e-9);
    put("/sys/fs/cgroup/memory/memory.limit_in_bytes", "4096\n");
    ck_assert_double_eq(bench_memory_limit(), 4096);
}
END_TEST

START_TEST(nothing_known_is_no_limit_and_no_number)
{
    ck_assert(isinf(bench_cpu_quota()));
    ck_assert(isinf(bench_memory_limit()));
    ck_assert(isnan(bench_memory_total()));
    ck_assert(isnan(bench_steal_s()));
    ck_assert(isnan(bench_throttled_s()));
    put("/proc/stat", "cpu  1 2 3 4 5 6 7\n");
    ck_assert(isnan(bench_steal_s()));
    put("/proc/stat", "cpu  1 2 3 4 5 6 7 800 0 0\ncpu0 0 0 0 0 0 0 0 1\n");
    ck_assert_double_eq_tol(bench_steal_s(), 800.0 / (double)sysconf(_SC_CLK_TCK), 1e-9);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("system");
    TCase *tcase = tcase_create("all");
    tcase_add_checked_fixture(tcase, begin, end);
    tcase_add_test(tcase, lists_of_cpus);
    tcase_add_test(tcase, affinity_is_read);
    tcase_add_test(tcase, siblings_count_once);
    tcase_add_test(tcase, caches_add_up);
    tcase_add_test(tcase, limits_of_every_ancestor_count_v2);
    tcase_add_test(tcase, limits_of_every_ancestor_count_v1);
    tcase_add_test(tcase, nothing_known_is_no_limit_and_no_number);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
