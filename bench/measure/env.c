/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "arrowquant.h"
#include "binary.h"
#include "env.h"
#include "fitness.h"
#include "revision.h"
#include "system.h"
#include "topology.h"
#include "util.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

static void add_text(bench_env *env, const char *key, const char *label, char *text)
{
    env->fact = bench_grow(env->fact, env->facts + 1, sizeof *env->fact);
    env->fact[env->facts++] =
        (bench_fact){key, label, text != NULL ? text : bench_copy("unknown"), NAN};
}

static void add_number(bench_env *env, const char *key, const char *label, double number)
{
    env->fact = bench_grow(env->fact, env->facts + 1, sizeof *env->fact);
    env->fact[env->facts++] = (bench_fact){key, label, NULL, number};
}

void bench_env_doubt(bench_env *env, char *text)
{
    env->doubt = bench_grow(env->doubt, env->doubts + 1, sizeof *env->doubt);
    env->doubt[env->doubts++] = text;
}

/* ---- hardware ---- */

static char *field_of(const char *path, const char *key)
{
    char *text = bench_system_text(path);
    char *field = text == NULL ? NULL : bench_field(text, key);
    free(text);
    return field;
}

/* Siblings may be off, or on but not for this process. */
static char *smt_state(const bench_env *env)
{
    char *active = bench_system_text("/sys/devices/system/cpu/smt/active");
    char *state = active == NULL ? NULL : bench_copy(active[0] == '1' ? "on" : "off");
    if (state != NULL && active[0] == '1' && env->cores > 0) {
        free(state);
        state = bench_format("on: %u usable CPUs on %u cores", env->usable_cpus, env->cores);
    }
    free(active);
    return state;
}

/* What the usable CPUs have in a file of their frequency control: each different word once. */
static char *frequency_words(const char *name)
{
    bench_cpus *cpus = bench_alloc(1, sizeof *cpus);
    char *all = NULL;
    bench_cpus_allowed(cpus);
    for (unsigned cpu = 0; cpu < BENCH_MOST_CPUS; cpu++) {
        if (!cpus->has[cpu])
            continue;
        char *path = bench_format("/sys/devices/system/cpu/cpu%u/cpufreq/%s", cpu, name);
        char *word = bench_system_text(path), *before = all;
        if (word != NULL && (all == NULL || strstr(all, word) == NULL)) {
            all = bench_format("%s%s%s", all != NULL ? all : "", all != NULL ? ", " : "", word);
            free(before);
        }
        free(word);
        free(path);
    }
    free(cpus);
    return all;
}

static char *hypervisor_state(void)
{
    char *flags = field_of("/proc/cpuinfo", "flags");
    char *padded = flags == NULL ? NULL : bench_format(" %s ", flags);
    char *state =
        padded == NULL ? NULL : bench_copy(strstr(padded, " hypervisor ") != NULL ? "yes" : "no");
    free(padded);
    free(flags);
    return state;
}

static void count_cores(bench_env *env)
{
    bench_cpus *cpus = bench_alloc(1, sizeof *cpus);
    bench_cpus_allowed(cpus);
    unsigned cores = bench_cpus_cores(cpus);
    env->cores = cores < env->usable_cpus ? cores : env->usable_cpus;
    free(cpus);
}

unsigned bench_env_cores(const bench_env *env)
{
    return env->cores > 0 ? env->cores : env->usable_cpus;
}

static char *turbo_state(void)
{
    char *none = bench_system_text("/sys/devices/system/cpu/intel_pstate/no_turbo");
    char *boost = bench_system_text("/sys/devices/system/cpu/cpufreq/boost");
    char *state = NULL;
    if (none != NULL)
        state = bench_copy(none[0] == '0' ? "on" : "off");
    else if (boost != NULL)
        state = bench_copy(boost[0] == '1' ? "on" : "off");
    free(none);
    free(boost);
    return state;
}

static void add_cpu(bench_env *env)
{
    char *model = field_of("/proc/cpuinfo", "model name");
    add_text(env, "cpu_model", "CPU", model);
    add_number(env, "usable_cpus", "Usable CPUs", env->usable_cpus);
    add_number(env, "online_cpus", "Online CPUs", (double)sysconf(_SC_NPROCESSORS_ONLN));
    add_number(env, "cpu_quota", "CPU quota (cgroup)", bench_cpu_quota());
    add_text(env, "isa", "Best instruction set", bench_copy(aq_isa_name(aq_isa_best())));
    add_number(env, "cores", "Cores of the usable CPUs", env->cores > 0 ? (double)env->cores : NAN);
    add_text(env, "smt", "SMT", smt_state(env));
    add_text(env, "virtual_machine", "Virtual machine", hypervisor_state());
    add_text(env, "governor", "Frequency governor", frequency_words("scaling_governor"));
    add_text(env, "frequency_driver", "Frequency driver", frequency_words("scaling_driver"));
    add_text(env, "turbo", "Turbo", turbo_state());
    add_number(env, "load", "Load before the run", bench_load());
}

static void add_memory(bench_env *env)
{
    add_number(env, "memory_bytes", "Memory (bytes)", bench_memory_total());
    add_number(env, "memory_available_bytes", "Available memory (bytes)", bench_memory_available());
    add_number(env, "memory_limit_bytes", "Memory limit (cgroup)", bench_memory_limit());
    add_text(env, "huge_pages", "Transparent huge pages",
             bench_system_text("/sys/kernel/mm/transparent_hugepage/enabled"));
}

/* ---- software ---- */

static char *system_name(void)
{
    char *name = NULL, *text = bench_system_text("/etc/os-release");
    char *at = text == NULL ? NULL : strstr(text, "PRETTY_NAME=\"");
    if (at != NULL) {
        at += strlen("PRETTY_NAME=\"");
        name = bench_format("%.*s", (int)strcspn(at, "\"\n"), at);
    }
    free(text);
    return name;
}

/* Such as "glibc 2.36"; NULL where the C library names no version, as musl does not. */
static char *libc_version(void)
{
    char name[64];
    size_t bytes = confstr(_CS_GNU_LIBC_VERSION, name, sizeof name);
    return bytes > 0 && bytes <= sizeof name ? bench_copy(name) : NULL;
}

/* The deterministic gate counts instructions with it. */
static char *find_valgrind(void)
{
    char *path = bench_find_binary("valgrind");
    return path != NULL ? path : bench_copy("not found");
}

static void add_software(bench_env *env, const char *work_dir)
{
    struct utsname kernel;
    if (uname(&kernel) == 0)
        add_text(env, "kernel", "Kernel",
                 bench_format("%s %s %s", kernel.sysname, kernel.release, kernel.machine));
    else
        add_text(env, "kernel", "Kernel", NULL);
    add_text(env, "system", "System", system_name());
    add_text(env, "libc", "C library", libc_version());
    add_text(env, "compiler", "Compiler", bench_copy(AQ_BUILD_COMPILER));
    add_text(env, "cflags", "Compiler flags", bench_copy(AQ_BUILD_CFLAGS));
    add_text(env, "revision", "Revision", bench_copy(bench_revision));
    add_text(env, "valgrind", "valgrind", find_valgrind());
    add_text(env, "filesystem", "File system of the models", bench_filesystem(work_dir));
    add_text(env, "page_cache", "Page cache",
             bench_copy("input read once before measuring; its resident part is in each sample"));
}

/* ---- date ---- */

static void set_date(bench_env *env)
{
    time_t now = time(NULL);
    const char *epoch = getenv("SOURCE_DATE_EPOCH");
    if (epoch != NULL && epoch[0] != '\0') {
        char *end;
        errno = 0;
        long long fixed = strtoll(epoch, &end, 10);
        if (errno == 0 && *end == '\0')
            now = (time_t)fixed;
    }
    struct tm utc;
    if (gmtime_r(&now, &utc) == NULL ||
        strftime(env->date, sizeof env->date, "%Y-%m-%dT%H:%M:%SZ", &utc) == 0)
        env->date[0] = '\0';
}

void bench_env_read(const char *work_dir, bench_env *env)
{
    memset(env, 0, sizeof *env);
    env->usable_cpus = aq_usable_cpus();
    count_cores(env);
    set_date(env);
    add_cpu(env);
    add_memory(env);
    add_software(env, work_dir);
    bench_disturbance idle = bench_fitness_listen();
    add_number(env, "other_part_before", "CPU used by others before", idle.other_part);
    bench_fitness_before(&idle, env);
}

const char *bench_env_words(const bench_fact *fact, char *out, size_t size)
{
    if (fact->text != NULL)
        return fact->text;
    if (isinf(fact->number))
        (void)snprintf(out, size, "none");
    else if (isnan(fact->number))
        (void)snprintf(out, size, "unknown");
    else if (strstr(fact->key, "bytes") != NULL)
        (void)bench_bytes(fact->number, out, size);
    else if (strstr(fact->key, "_part") != NULL)
        (void)snprintf(out, size, "%.1f%%", 100 * fact->number);
    else
        (void)snprintf(out, size, "%g", fact->number);
    return out;
}

const bench_fact *bench_env_find(const bench_env *env, const char *key)
{
    for (size_t i = 0; i < env->facts; i++)
        if (strcmp(env->fact[i].key, key) == 0)
            return &env->fact[i];
    return NULL;
}

void bench_env_free(bench_env *env)
{
    for (size_t i = 0; i < env->facts; i++)
        free(env->fact[i].text);
    for (size_t i = 0; i < env->doubts; i++)
        free(env->doubt[i]);
    free(env->fact);
    free(env->doubt);
    memset(env, 0, sizeof *env);
}
