/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "process.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

/* The number of kilobytes behind `key` in a file of "key: N kB" lines, as bytes. */
static uint64_t kilobytes(const char *path, const char *key)
{
    char line[256];
    uint64_t value = 0;
    size_t length = strlen(key);
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return 0;
    while (fgets(line, sizeof line, f) != NULL)
        if (strncmp(line, key, length) == 0 && line[length] == ':') {
            value = strtoull(line + length + 1, NULL, 10) * 1024;
            break;
        }
    (void)fclose(f);
    return value;
}

static double seconds(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec * 1e-6;
}

aq_process_usage aq_process_usage_now(void)
{
    aq_process_usage u = {0};
    struct rusage r;
    if (getrusage(RUSAGE_SELF, &r) == 0) {
        u.user_s = seconds(r.ru_utime);
        u.system_s = seconds(r.ru_stime);
        u.voluntary_switches = (uint64_t)r.ru_nvcsw;
        u.involuntary_switches = (uint64_t)r.ru_nivcsw;
    }
    /* Not ru_maxrss: that begins with what the parent had at the fork. */
    u.rss = kilobytes("/proc/self/status", "VmRSS");
    u.rss_peak = kilobytes("/proc/self/status", "VmHWM");
    return u;
}

/* The number a cgroup file holds; UINT64_MAX for "max" or none. */
static uint64_t cgroup_number(const char *group, const char *name)
{
    char path[4096], text[64];
    int n = snprintf(path, sizeof path, "/sys/fs/cgroup%s/%s", group, name);
    if (n < 0 || (size_t)n >= sizeof path)
        return UINT64_MAX;
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return UINT64_MAX;
    uint64_t value = UINT64_MAX;
    if (fgets(text, sizeof text, f) != NULL && text[0] >= '0' && text[0] <= '9')
        value = strtoull(text, NULL, 10);
    (void)fclose(f);
    return value;
}

/* The path of this process in the unified hierarchy, "" for its root. */
static void own_cgroup(char *group, size_t size)
{
    char line[4096];
    group[0] = '\0';
    FILE *f = fopen("/proc/self/cgroup", "re");
    if (f == NULL)
        return;
    while (fgets(line, sizeof line, f) != NULL)
        if (strncmp(line, "0::", 3) == 0) {
            line[strcspn(line, "\n")] = '\0';
            (void)snprintf(group, size, "%s", strcmp(line + 3, "/") == 0 ? "" : line + 3);
        }
    (void)fclose(f);
}

uint64_t aq_process_available_memory(void)
{
    uint64_t available = kilobytes("/proc/meminfo", "MemAvailable");
    char group[4096];
    own_cgroup(group, sizeof group);
    for (;;) {
        uint64_t limit = cgroup_number(group, "memory.max");
        uint64_t used = cgroup_number(group, "memory.current");
        if (limit != UINT64_MAX && used != UINT64_MAX) {
            uint64_t room = limit > used ? limit - used : 0;
            available = available == 0 || room < available ? room : available;
        }
        char *slash = strrchr(group, '/');
        if (slash == NULL)
            return available;
        *slash = '\0';
    }
}
