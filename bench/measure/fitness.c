/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "fitness.h"
#include "system.h"
#include "util.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Parts of the CPUs' time from which on medians of tens of samples move. */
static const double most_others = 0.10, most_steal = 0.05;

bench_disturbance bench_fitness_listen(void)
{
    const struct timespec while_listening = {0, 100000000};
    bench_counters from, to;
    bench_counters_read(&from);
    (void)nanosleep(&while_listening, NULL);
    bench_counters_read(&to);
    return bench_counters_between(&from, &to);
}

static const char *fact_text(const bench_env *env, const char *key)
{
    const bench_fact *fact = bench_env_find(env, key);
    return fact != NULL && fact->text != NULL ? fact->text : "";
}

/* "powersave" of these two drivers is their normal state: the hardware chooses the clock. */
static void doubt_governor(bench_env *env)
{
    const char *governor = fact_text(env, "governor"), *driver = fact_text(env, "frequency_driver");
    if (strstr(governor, "powersave") != NULL && strcmp(driver, "intel_pstate") != 0 &&
        strcmp(driver, "amd-pstate-epp") != 0)
        bench_env_doubt(env, bench_format("the frequency governor is %s: cpupower frequency-set "
                                          "-g performance",
                                          governor));
}

/* A quota that is no whole number of CPUs throttles the last thread in each period. */
static void doubt_quota(bench_env *env)
{
    const bench_fact *quota = bench_env_find(env, "cpu_quota");
    if (quota != NULL && quota->number < env->usable_cpus)
        bench_env_doubt(env, bench_format("the cgroup allows %.3g CPUs' time on %u usable CPUs",
                                          quota->number, env->usable_cpus));
}

void bench_fitness_before(const bench_disturbance *idle, bench_env *env)
{
    if (idle->other_part > most_others)
        bench_env_doubt(env, bench_format("other processes used %.0f%% of the CPU time just before",
                                          100 * idle->other_part));
    if (idle->steal_part > most_steal)
        bench_env_doubt(env, bench_format("the hypervisor took %.0f%% of the CPU time just before",
                                          100 * idle->steal_part));
    doubt_governor(env);
    doubt_quota(env);
}

void bench_fitness_after(const bench_disturbance *seen, bench_env *env)
{
    if (seen->other_part > most_others)
        bench_env_doubt(env, bench_format("other processes used %.0f%% of the CPU time meanwhile",
                                          100 * seen->other_part));
    if (seen->steal_part > most_steal)
        bench_env_doubt(env, bench_format("%.0f%% of the CPU time was taken by the hypervisor",
                                          100 * seen->steal_part));
    if (seen->throttled_s > 0)
        bench_env_doubt(env, bench_format("throttled by the cgroup for %.2f s", seen->throttled_s));
    if (seen->heat > 0)
        bench_env_doubt(env, bench_format("the CPUs slowed down for heat %.0f times", seen->heat));
}
