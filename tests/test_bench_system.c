/* SPDX-License-Identifier: Apache-2.0
 * What the benchmark reads of a system, from trees of files that stand for /proc and /sys. */
#include <config.h>

#include "bench/measure/cgroup.h"
#include "bench/measure/counters.h"
#include "bench/measure/fitness.h"
#include "bench/measure/system.h"
#include "bench/measure/topology.h"
#include "bench/util.h"
#include "scratch.h"
#include "suite.h"

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

static void put_cpu(unsigned cpu, const char *name, const char *text)
{
    char *path = bench_format("/sys/devices/system/cpu/cpu%u/%s", cpu, name);
    scratch_text(path, text);
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
    scratch_text("/proc/self/status", "Name:\tx\nCpus_allowed:\tff\nCpus_allowed_list:\t1-2,7\n");
    bench_cpus_allowed(&cpus);
    ck_assert_uint_eq(cpus.count, 3);
    ck_assert(cpus.has[1] && cpus.has[2] && cpus.has[7]);
    scratch_text("/proc/self/status", "Name:\tx\n");
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
    scratch_text("/proc/self/cgroup", "0::/a/b/c\n");
    scratch_text("/proc/meminfo", "MemTotal: 1000 kB\nMemAvailable:    800 kB\n");
    scratch_text("/sys/fs/cgroup/a/b/c/cpu.max", "max 100000\n");
    scratch_text("/sys/fs/cgroup/a/b/cpu.max", "150000 100000\n");
    scratch_text("/sys/fs/cgroup/a/cpu.max", "400000 100000\n");
    scratch_text("/sys/fs/cgroup/a/b/c/memory.max", "max\n");
    scratch_text("/sys/fs/cgroup/a/memory.max", "614400\n");
    scratch_text("/sys/fs/cgroup/a/b/c/cpu.stat", "usage_usec 5\nthrottled_usec 2000000\n");
    scratch_text("/sys/fs/cgroup/a/cpu.stat", "nr_throttled 9\nthrottled_usec 500000\n");
    ck_assert_double_eq(bench_cpu_quota(), 1.5);
    ck_assert_double_eq(bench_memory_limit(), 614400);
    ck_assert_double_eq(bench_memory_available(), 614400);
    ck_assert_double_eq(bench_memory_total(), 1024000);
    ck_assert_double_eq_tol(bench_throttled_s(), 2.5, 1e-9);
}
END_TEST

START_TEST(limits_of_every_ancestor_count_v1)
{
    scratch_text("/proc/self/cgroup", "9:memory:/m\n4:cpu,cpuacct:/a/b\n1:name=systemd:/x\n");
    scratch_text("/sys/fs/cgroup/cpu/a/b/cpu.cfs_quota_us", "-1\n");
    scratch_text("/sys/fs/cgroup/cpu/a/b/cpu.cfs_period_us", "100000\n");
    scratch_text("/sys/fs/cgroup/cpu/a/cpu.cfs_quota_us", "50000\n");
    scratch_text("/sys/fs/cgroup/cpu/a/cpu.cfs_period_us", "100000\n");
    scratch_text("/sys/fs/cgroup/cpu/a/cpu.stat", "nr_periods 3\nthrottled_time 1500000000\n");
    scratch_text("/sys/fs/cgroup/memory/m/memory.limit_in_bytes", "9223372036854771712\n");
    ck_assert_double_eq(bench_cpu_quota(), 0.5);
    ck_assert(isinf(bench_memory_limit()));
    ck_assert_double_eq_tol(bench_throttled_s(), 1.5, 1e-9);
    scratch_text("/sys/fs/cgroup/memory/memory.limit_in_bytes", "4096\n");
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
    scratch_text("/proc/stat", "cpu  1 2 3 4 5 6 7\n");
    ck_assert(isnan(bench_steal_s()));
    scratch_text("/proc/stat", "cpu  1 2 3 4 5 6 7 800 0 0\ncpu0 0 0 0 0 0 0 0 1\n");
    ck_assert_double_eq_tol(bench_steal_s(), 800.0 / (double)sysconf(_SC_CLK_TCK), 1e-9);
}
END_TEST

/* ---- what others did ---- */

static void put_stat(unsigned cpu0, unsigned cpu1, unsigned cpu2)
{
    char *text = bench_format("cpu  9 9 9 9 9 9 9 %u 0 0\ncpu0 %u 0 0 5000 7 0 0 0 0 0\n"
                              "cpu1 0 %u 0 5000 7 0 0 0 0 0\ncpu2 %u 0 0 1 1 1 1 0 0 0\n",
                              cpu0, cpu0, cpu1, cpu2);
    scratch_text("/proc/stat", text);
    free(text);
}

START_TEST(others_are_those_on_the_usable_cpus)
{
    double tick = 1.0 / (double)sysconf(_SC_CLK_TCK);
    bench_counters from, to;
    scratch_text("/proc/self/status", "Cpus_allowed_list:\t0-1\n");
    put_stat(100, 200, 300);
    bench_counters_read(&from);
    ck_assert_double_eq_tol(from.busy_s, 300 * tick, 1e-9);
    ck_assert_uint_eq(from.cpus, 2);
    to = from;
    put_stat(150, 250, 99999);
    bench_counters_read(&to);
    /* 100 ticks of others in 10 s of two CPUs, less what this process used itself. */
    to.at_s = from.at_s + 10;
    to.own_s = from.own_s + 20 * tick;
    bench_disturbance seen = bench_counters_between(&from, &to);
    ck_assert_double_eq_tol(seen.other_part, 80 * tick / 20, 1e-9);
    ck_assert_double_eq_tol(seen.steal_part, 50 * tick / 20, 1e-9);
    to.at_s = from.at_s + 0.01;
    ck_assert(isnan(bench_counters_between(&from, &to).other_part));
    scratch_text("/proc/self/status", "Cpus_allowed_list:\t0-3\n"); /* of 3, nothing is known */
    bench_counters_read(&to);
    ck_assert(isnan(to.busy_s));
}
END_TEST

START_TEST(heat_is_counted)
{
    bench_counters counters;
    scratch_text("/proc/self/status", "Cpus_allowed_list:\t0,2\n");
    bench_counters_read(&counters);
    ck_assert(isnan(counters.heat));
    put_cpu(0, "thermal_throttle/core_throttle_count", "3\n");
    put_cpu(1, "thermal_throttle/core_throttle_count", "100\n");
    put_cpu(2, "thermal_throttle/core_throttle_count", "4\n");
    bench_counters_read(&counters);
    ck_assert_double_eq(counters.heat, 7);
}
END_TEST

/* ---- fit for a verdict ---- */

static const char *doubts(const bench_env *env)
{
    static char all[1024];
    all[0] = '\0';
    for (size_t i = 0; i < env->doubts; i++)
        (void)snprintf(all + strlen(all), sizeof all - strlen(all), "%s;", env->doubt[i]);
    return all;
}

static const char *fact(const bench_env *env, const char *key)
{
    const bench_fact *found = bench_env_find(env, key);
    ck_assert_msg(found != NULL && found->text != NULL, "no text %s", key);
    return found->text;
}

static void put_machine(const char *governor, const char *driver)
{
    scratch_text("/proc/self/status", "Cpus_allowed_list:\t0-1\n");
    scratch_text("/proc/cpuinfo", "model name\t: A\nflags\t\t: fpu hypervisor\n");
    scratch_text("/proc/loadavg", "0.25 0.5 0.75 1/100 1\n");
    scratch_text("/sys/devices/system/cpu/smt/active", "1\n");
    for (unsigned cpu = 0; cpu < 2; cpu++) {
        put_cpu(cpu, "cpufreq/scaling_governor", governor);
        put_cpu(cpu, "cpufreq/scaling_driver", driver);
        put_cpu(cpu, "topology/thread_siblings_list", "0-1\n");
    }
}

START_TEST(a_quiet_machine_is_fit)
{
    bench_env env;
    put_machine("performance\n", "acpi-cpufreq\n");
    bench_env_read(scratch_dir, &env);
    ck_assert_str_eq(doubts(&env), "");
    ck_assert_str_eq(fact(&env, "cpu_model"), "A");
    ck_assert_str_eq(fact(&env, "governor"), "performance");
    ck_assert_str_eq(fact(&env, "virtual_machine"), "yes");
    ck_assert_double_eq(bench_env_find(&env, "load")->number, 0.25);
    ck_assert_uint_eq(env.cores, 1);
    ck_assert(strncmp(fact(&env, "smt"), "on: ", 4) == 0);
    bench_env_free(&env);
}
END_TEST

START_TEST(governors_and_quotas_are_doubted)
{
    bench_env env;
    put_machine("powersave\n", "acpi-cpufreq\n");
    put_cpu(0, "cpufreq/scaling_governor", "performance\n");
    bench_env_read(scratch_dir, &env);
    ck_assert_msg(strstr(doubts(&env), "governor is performance, powersave") != NULL, "%s",
                  doubts(&env));
    bench_env_free(&env);
    put_machine("powersave\n", "intel_pstate\n");
    bench_env_read(scratch_dir, &env);
    ck_assert_str_eq(doubts(&env), "");
    bench_env_free(&env);
    scratch_text("/proc/self/cgroup", "0::/a\n");
    scratch_text("/sys/fs/cgroup/a/cpu.max", "50000 100000\n");
    bench_env_read(scratch_dir, &env);
    ck_assert_msg(strstr(doubts(&env), "allows 0.5 CPUs' time") != NULL, "%s", doubts(&env));
    bench_env_free(&env);
}
END_TEST

START_TEST(what_happened_is_doubted)
{
    const bench_disturbance calm = {0.05, 0.01, 0, NAN}, unknown = {NAN, NAN, NAN, NAN};
    const bench_disturbance wild = {0.3, 0.2, 1.5, 4};
    bench_env env = {.usable_cpus = 2};
    bench_fitness_before(&calm, &env);
    bench_fitness_after(&calm, &env);
    bench_fitness_before(&unknown, &env);
    bench_fitness_after(&unknown, &env);
    ck_assert_str_eq(doubts(&env), "");
    bench_fitness_before(&wild, &env);
    ck_assert_str_eq(doubts(&env), "other processes used 30% of the CPU time just before;"
                                   "the hypervisor took 20% of the CPU time just before;");
    bench_env_free(&env);
    bench_fitness_after(&wild, &env);
    ck_assert_str_eq(doubts(&env), "other processes used 30% of the CPU time meanwhile;"
                                   "20% of the CPU time was taken by the hypervisor;"
                                   "throttled by the cgroup for 1.50 s;"
                                   "the CPUs slowed down for heat 4 times;");
    bench_env_free(&env);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("all");
    tcase_add_checked_fixture(tcase, begin, end);
    tcase_add_test(tcase, lists_of_cpus);
    tcase_add_test(tcase, affinity_is_read);
    tcase_add_test(tcase, siblings_count_once);
    tcase_add_test(tcase, caches_add_up);
    tcase_add_test(tcase, limits_of_every_ancestor_count_v2);
    tcase_add_test(tcase, limits_of_every_ancestor_count_v1);
    tcase_add_test(tcase, nothing_known_is_no_limit_and_no_number);
    tcase_add_test(tcase, others_are_those_on_the_usable_cpus);
    tcase_add_test(tcase, heat_is_counted);
    tcase_add_test(tcase, a_quiet_machine_is_fit);
    tcase_add_test(tcase, governors_and_quotas_are_doubted);
    tcase_add_test(tcase, what_happened_is_doubted);
    return RUN_SUITE("system", tcase);
}
