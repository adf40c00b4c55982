/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "system.h"
#include "topology.h"
#include "util.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- lists ---- */

static const char *parse_cpu(const char *text, unsigned long *cpu)
{
    char *end;
    if (!isdigit((unsigned char)text[0]))
        return NULL;
    *cpu = strtoul(text, &end, 10);
    return *cpu < BENCH_MOST_CPUS ? end : NULL;
}

static const char *parse_range(const char *text, bench_cpus *cpus)
{
    unsigned long from, to;
    const char *at = parse_cpu(text, &from);
    to = from;
    if (at != NULL && *at == '-')
        at = parse_cpu(at + 1, &to);
    if (at == NULL || to < from)
        return NULL;
    for (unsigned long cpu = from; cpu <= to; cpu++) {
        cpus->count += !cpus->has[cpu];
        cpus->has[cpu] = 1;
    }
    return at;
}

int bench_cpus_parse(const char *list, bench_cpus *cpus)
{
    memset(cpus, 0, sizeof *cpus);
    const char *at = list;
    while (*at != '\0' && *at != '\n') {
        at = parse_range(at, cpus);
        if (at == NULL || (*at != ',' && *at != '\0' && *at != '\n')) {
            memset(cpus, 0, sizeof *cpus);
            return -1;
        }
        at += *at == ',';
    }
    return 0;
}

void bench_cpus_allowed(bench_cpus *cpus)
{
    char *status = bench_system_text("/proc/self/status");
    char *list = status == NULL ? NULL : bench_field(status, "Cpus_allowed_list");
    (void)bench_cpus_parse(list != NULL ? list : "", cpus);
    free(list);
    free(status);
}

/* ---- what is shared ---- */

/* Whether `cpu` is the first of `cpus` in a list of those that share something, so that each shared
 * thing is counted once. -1 where there is no such list. */
static int first_of_sharers(const bench_cpus *cpus, unsigned cpu, const char *path)
{
    char *list = bench_system_text(path);
    bench_cpus sharers;
    int parsed = list != NULL && bench_cpus_parse(list, &sharers) == 0 && sharers.has[cpu];
    free(list);
    if (!parsed)
        return -1;
    for (unsigned other = 0; other < cpu; other++)
        if (sharers.has[other] && cpus->has[other])
            return 0;
    return 1;
}

unsigned bench_cpus_cores(const bench_cpus *cpus)
{
    unsigned cores = 0;
    for (unsigned cpu = 0; cpu < BENCH_MOST_CPUS; cpu++) {
        if (!cpus->has[cpu])
            continue;
        char *path =
            bench_format("/sys/devices/system/cpu/cpu%u/topology/thread_siblings_list", cpu);
        int first = first_of_sharers(cpus, cpu, path);
        free(path);
        if (first < 0)
            return 0;
        cores += (unsigned)first;
    }
    return cores;
}

/* "32768K"; NaN where it is none. */
static double parse_size(const char *text)
{
    char *end;
    double size = strtod(text, &end);
    if (end == text)
        return NAN;
    return size * (*end == 'K' ? 0x1p10 : *end == 'M' ? 0x1p20 : *end == 'G' ? 0x1p30 : 1);
}

static double cache_number(unsigned cpu, unsigned index, const char *name)
{
    char *path = bench_format("/sys/devices/system/cpu/cpu%u/cache/index%u/%s", cpu, index, name);
    char *text = bench_system_text(path);
    double number = text != NULL ? parse_size(text) : NAN;
    free(text);
    free(path);
    return number;
}

/* The index of the last of a CPU's caches; the kernel numbers them from the first level up, and
 * instructions have a cache of their own in the first level only. -1 where it lists none. */
static int last_cache(unsigned cpu)
{
    int last = -1;
    double level = 0;
    for (unsigned index = 0; index < 16; index++) {
        double own = cache_number(cpu, index, "level");
        if (own >= level) {
            level = own;
            last = (int)index;
        }
    }
    return last;
}

double bench_cpus_cache(const bench_cpus *cpus)
{
    double bytes = 0;
    for (unsigned cpu = 0; cpu < BENCH_MOST_CPUS; cpu++) {
        int index = cpus->has[cpu] ? last_cache(cpu) : -1;
        if (index < 0)
            continue;
        char *path =
            bench_format("/sys/devices/system/cpu/cpu%u/cache/index%d/shared_cpu_list", cpu, index);
        double size = cache_number(cpu, (unsigned)index, "size");
        if (first_of_sharers(cpus, cpu, path) > 0 && size > 0)
            bytes += size;
        free(path);
    }
    return bytes > 0 ? bytes : NAN;
}
