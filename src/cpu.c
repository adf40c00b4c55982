/* SPDX-License-Identifier: Apache-2.0
 * How many CPUs this process may use: the affinity mask, then the cgroup quotas. */
#include <config.h>

#include "cpu.h"

#include "arrowquant.h"
#include "base/cgroup.h"

#include <limits.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static unsigned least(unsigned a, unsigned b)
{
    if (a == 0 || b == 0)
        return a + b;
    return a < b ? a : b;
}

/* Microseconds of CPU time per period, as whole CPUs; "max", -1 and nonsense are no quota. */
static unsigned whole_cpus(const char *quota_text, const char *period_text)
{
    long long quota = strtoll(quota_text, NULL, 10), period = strtoll(period_text, NULL, 10);
    if (quota <= 0 || period <= 0)
        return 0;
    long long cpus = quota / period + (quota % period != 0);
    return cpus > INT_MAX ? 0 : (unsigned)cpus;
}

static unsigned quota_of_group(const char *root, const char *directory, int version)
{
    char quota[64], period[64];
    if (version == 1)
        return aq_read_line_under(root, directory, "/cpu.cfs_quota_us", quota, sizeof quota) &&
                       quota[0] != '-' &&
                       aq_read_line_under(root, directory, "/cpu.cfs_period_us", period,
                                          sizeof period)
                   ? whole_cpus(quota, period)
                   : 0;
    if (!aq_read_line_under(root, directory, "/cpu.max", quota, sizeof quota))
        return 0;
    char *space = strchr(quota, ' ');
    return space == NULL ? 0 : whole_cpus(quota, space + 1);
}

static void take_quota(void *arg, const char *root, const char *directory, int version)
{
    unsigned *cpus = arg;
    *cpus = least(*cpus, quota_of_group(root, directory, version));
}

unsigned aq_cpu_quota(const char *root)
{
    unsigned cpus = 0;
    aq_cgroup_walk(root, "cpu", take_quota, &cpus);
    return cpus;
}

static unsigned affinity_cpus(void)
{
#ifdef HAVE_SCHED_GETAFFINITY
    /* The call fails while the set is smaller than the kernel's own. */
    for (int size = 1024; size <= 1 << 20; size *= 2) {
        cpu_set_t *set = CPU_ALLOC(size);
        if (set == NULL)
            break;
        int ok = sched_getaffinity(0, CPU_ALLOC_SIZE(size), set) == 0;
        int count = ok ? CPU_COUNT_S(CPU_ALLOC_SIZE(size), set) : 0;
        CPU_FREE(set);
        if (count > 0)
            return (unsigned)count;
    }
#endif
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online < 1 ? 1 : (unsigned)online;
}

unsigned aq_usable_cpus(void)
{
    return least(affinity_cpus(), aq_cpu_quota(""));
}
