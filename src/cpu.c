/* SPDX-License-Identifier: Apache-2.0
 * How many CPUs this process may use: the affinity mask, then the cgroup quotas. */
#include <config.h>

#include "cpu.h"

#include "arrowquant.h"

#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static FILE *open_under(const char *root, const char *directory, const char *name)
{
    char path[PATH_MAX];
    int length = snprintf(path, sizeof path, "%s%s%s", root, directory, name);
    return length > 0 && (size_t)length < sizeof path ? fopen(path, "re") : NULL;
}

/* The whole of a one-line file; false where it cannot be read. */
static bool read_line(const char *root, const char *directory, const char *name, char *line,
                      size_t size)
{
    FILE *f = open_under(root, directory, name);
    if (f == NULL)
        return false;
    bool ok = fgets(line, (int)size, f) != NULL;
    (void)fclose(f);
    return ok;
}

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
        return read_line(root, directory, "/cpu.cfs_quota_us", quota, sizeof quota) &&
                       read_line(root, directory, "/cpu.cfs_period_us", period, sizeof period)
                   ? whole_cpus(quota, period)
                   : 0;
    if (!read_line(root, directory, "/cpu.max", quota, sizeof quota))
        return 0;
    char *space = strchr(quota, ' ');
    return space == NULL ? 0 : whole_cpus(quota, space + 1);
}

/* The least quota of `group` and its ancestors, up to the mount point itself. */
static unsigned quota_of_path(const char *root, const char *mount, const char *group, int version)
{
    char directory[PATH_MAX];
    int length = snprintf(directory, sizeof directory, "%s%s", mount, group);
    if (length <= 0 || (size_t)length >= sizeof directory)
        return 0;
    size_t stop = strlen(mount);
    unsigned cpus = 0;
    for (;;) {
        cpus = least(cpus, quota_of_group(root, directory, version));
        char *slash = strrchr(directory + stop, '/');
        if (slash == NULL)
            return cpus;
        *slash = '\0';
    }
}

static bool has_word(const char *list, const char *word)
{
    size_t length = strlen(word);
    for (const char *p = list; (p = strstr(p, word)) != NULL; p += length)
        if ((p == list || p[-1] == ',') && (p[length] == '\0' || p[length] == ','))
            return true;
    return false;
}

/* Where the hierarchy is mounted, and which group of it is the mount's root: in a container that
 * is not "/", while /proc/self/cgroup may still name groups from the true root. */
static bool find_mount(const char *root, int version, char *mount, char *mount_root)
{
    FILE *f = open_under(root, "/proc/self/mountinfo", "");
    if (f == NULL)
        return false;
    char line[2 * PATH_MAX + 512];
    bool found = false;
    while (!found && fgets(line, sizeof line, f) != NULL) {
        char type[64], options[512];
        const char *rest = strstr(line, " - ");
        if (rest == NULL || sscanf(line, "%*s %*s %*s %4095s %4095s", mount_root, mount) != 2 ||
            sscanf(rest, " - %63s %*s %511s", type, options) != 2)
            continue;
        found = version == 2 ? strcmp(type, "cgroup2") == 0
                             : strcmp(type, "cgroup") == 0 && has_word(options, "cpu");
    }
    (void)fclose(f);
    return found;
}

static unsigned quota_of_line(const char *root, char *line)
{
    char mount[PATH_MAX], mount_root[PATH_MAX];
    line[strcspn(line, "\n")] = '\0';
    char *controllers = strchr(line, ':');
    char *group = controllers == NULL ? NULL : strchr(controllers + 1, ':');
    if (group == NULL)
        return 0;
    *group++ = '\0';
    int version = *++controllers == '\0' ? 2 : 1;
    if ((version == 1 && !has_word(controllers, "cpu")) ||
        !find_mount(root, version, mount, mount_root))
        return 0;
    size_t prefix = strlen(mount_root);
    if (prefix > 1 && strncmp(group, mount_root, prefix) == 0 &&
        (group[prefix] == '/' || group[prefix] == '\0'))
        group += prefix;
    if (strcmp(group, "/") == 0)
        group++;
    return quota_of_path(root, mount, group, version);
}

unsigned aq_cpu_quota(const char *root)
{
    FILE *f = open_under(root, "/proc/self/cgroup", "");
    if (f == NULL)
        return 0;
    char line[PATH_MAX + 256];
    unsigned cpus = 0;
    while (fgets(line, sizeof line, f) != NULL)
        cpus = least(cpus, quota_of_line(root, line));
    (void)fclose(f);
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
