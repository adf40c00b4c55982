/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "counters.h"
#include "system.h"
#include "topology.h"
#include "util.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* The kernel counts in hundredths of a second. */
static const double shortest_s = 0.05;

/* Ticks that one CPU was not idle, from its line of /proc/stat. Time of guests is in the first two
 * numbers already. -1 where it is no such line. */
static double busy_ticks(const char *line, unsigned *cpu)
{
    unsigned long long t[7];
    if (sscanf(line, "cpu%u %llu %llu %llu %llu %llu %llu %llu", cpu, &t[0], &t[1], &t[2], &t[3],
               &t[4], &t[5], &t[6]) != 8)
        return -1;
    return (double)(t[0] + t[1] + t[2] + t[5] + t[6]);
}

static double busy_s(const bench_cpus *cpus)
{
    char *text = bench_system_text("/proc/stat"), *rest = NULL;
    double ticks = 0, per_s = (double)sysconf(_SC_CLK_TCK);
    unsigned found = 0;
    for (char *line = text == NULL ? NULL : strtok_r(text, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        unsigned cpu = 0;
        double own = strncmp(line, "cpu", 3) == 0 ? busy_ticks(line, &cpu) : -1;
        if (own < 0 || cpu >= BENCH_MOST_CPUS || !cpus->has[cpu])
            continue;
        ticks += own;
        found++;
    }
    free(text);
    return found > 0 && found == cpus->count && per_s > 0 ? ticks / per_s : NAN;
}

static double own_s(void)
{
    static const int whose[] = {RUSAGE_SELF, RUSAGE_CHILDREN};
    double sum = 0;
    for (int i = 0; i < 2; i++) {
        struct rusage use;
        if (getrusage(whose[i], &use) != 0)
            return NAN;
        sum += (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
               1e-6 * (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec);
    }
    return sum;
}

/* NaN where no CPU counts it: most machines of other makers, and guests. */
static double heat_count(const bench_cpus *cpus)
{
    double sum = NAN;
    for (unsigned cpu = 0; cpu < BENCH_MOST_CPUS; cpu++) {
        if (!cpus->has[cpu])
            continue;
        char *path =
            bench_format("/sys/devices/system/cpu/cpu%u/thermal_throttle/core_throttle_count", cpu);
        char *text = bench_system_text(path);
        if (text != NULL)
            sum = (isnan(sum) ? 0 : sum) + strtod(text, NULL);
        free(text);
        free(path);
    }
    return sum;
}

void bench_counters_read(bench_counters *counters)
{
    bench_cpus *cpus = bench_alloc(1, sizeof *cpus);
    bench_cpus_allowed(cpus);
    *counters = (bench_counters){.at_s = bench_now(),
                                 .busy_s = busy_s(cpus),
                                 .own_s = own_s(),
                                 .steal_s = bench_steal_s(),
                                 .throttled_s = bench_throttled_s(),
                                 .heat = heat_count(cpus),
                                 .cpus = cpus->count};
    free(cpus);
}

bench_disturbance bench_counters_between(const bench_counters *from, const bench_counters *to)
{
    double all = (to->at_s - from->at_s) * (double)to->cpus;
    bench_disturbance d = {
        .other_part = (to->busy_s - from->busy_s - (to->own_s - from->own_s)) / all,
        .steal_part = (to->steal_s - from->steal_s) / all,
        .throttled_s = to->throttled_s - from->throttled_s,
        .heat = to->heat - from->heat,
    };
    /* The kernel counts whole ticks, and getrusage does not. */
    if (d.other_part < 0)
        d.other_part = 0;
    /* Of less than a few ticks no part can be told. */
    if (!(all > 0) || to->at_s - from->at_s < shortest_s)
        d.other_part = d.steal_part = NAN;
    return d;
}

bench_disturbance bench_disturbance_worse(bench_disturbance a, bench_disturbance b)
{
    return (bench_disturbance){
        .other_part = fmax(a.other_part, b.other_part),
        .steal_part = fmax(a.steal_part, b.steal_part),
        .throttled_s = a.throttled_s + b.throttled_s,
        .heat = a.heat + b.heat,
    };
}
