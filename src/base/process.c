/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "process.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "cgroup.h"
#include "small.h"

/* The number of kilobytes behind `key` in a file of "key: N kB" lines, as bytes. */
static uint64_t kilobytes(const char *root, const char *path, const char *key)
{
    char line[256];
    uint64_t value = 0;
    size_t length = strlen(key);
    FILE *f = aq_open_under(root, path, "");
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
    u.rss = kilobytes("", "/proc/self/status", "VmRSS");
    u.rss_peak = kilobytes("", "/proc/self/status", "VmHWM");
    return u;
}

/* The number that a file of a group holds; UINT64_MAX for "max" or none, and for what version 1 has
 * instead of a word, the largest multiple of a page that a signed number can be. */
static uint64_t group_number(const char *root, const char *directory, const char *name)
{
    char text[64];
    if (!aq_read_line_under(root, directory, name, text, sizeof text) || text[0] < '0' ||
        text[0] > '9')
        return UINT64_MAX;
    uint64_t number = strtoull(text, NULL, 10);
    return number >= INT64_MAX / 2 ? UINT64_MAX : number;
}

/* What the kernel takes back when the group needs it: files that it happens to keep. */
static uint64_t reclaimable(const char *root, const char *directory, int version)
{
    static const char *const keys[2][2] = {{"total_inactive_file ", "total_active_file "},
                                           {"inactive_file ", "active_file "}};
    char line[256];
    uint64_t sum = 0;
    FILE *f = aq_open_under(root, directory, "/memory.stat");
    while (f != NULL && fgets(line, sizeof line, f) != NULL)
        for (int i = 0; i < 2; i++) {
            const char *key = keys[version - 1][i];
            if (strncmp(line, key, strlen(key)) == 0)
                sum += strtoull(line + strlen(key), NULL, 10);
        }
    if (f != NULL)
        (void)fclose(f);
    return sum;
}

static void take_room(void *arg, const char *root, const char *directory, int version)
{
    uint64_t *available = arg;
    const char *name = version == 2 ? "/memory.max" : "/memory.limit_in_bytes";
    uint64_t limit = group_number(root, directory, name);
    if (limit == UINT64_MAX)
        return;
    name = version == 2 ? "/memory.current" : "/memory.usage_in_bytes";
    uint64_t used = group_number(root, directory, name);
    if (used == UINT64_MAX)
        return;
    /* The kernel counts a group's pages up to answer the next question: not where there is room
     * enough anyway. */
    if (limit > used && limit - used >= *available)
        return;
    used -= aq_least(used, reclaimable(root, directory, version));
    *available = aq_least(*available, limit > used ? limit - used : 0);
}

uint64_t aq_process_available_memory(const char *root)
{
    uint64_t known = kilobytes(root, "/proc/meminfo", "MemAvailable");
    uint64_t available = known != 0 ? known : UINT64_MAX;
    aq_cgroup_walk(root, "memory", take_room, &available);
    return available;
}
