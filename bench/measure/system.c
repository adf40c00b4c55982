/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "cgroup.h"
#include "system.h"
#include "util.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

static const char *root = "";

void bench_system_root(const char *directory)
{
    root = directory;
}

char *bench_system_text(const char *path)
{
    char *full = bench_format("%s%s", root, path);
    char *text = bench_read_text(full);
    free(full);
    return text;
}

char *bench_field(const char *text, const char *key)
{
    size_t length = strlen(key);
    for (const char *line = text; line != NULL && *line != '\0';) {
        const char *end = line + strcspn(line, "\n");
        const char *at = line + length;
        if (strncmp(line, key, length) == 0 && (*at == ':' || *at == ' ' || *at == '\t')) {
            at += strspn(at, ": \t");
            return bench_format("%.*s", at < end ? (int)(end - at) : 0, at);
        }
        line = *end == '\0' ? NULL : end + 1;
    }
    return NULL;
}

/* The number that a field of a file begins with. */
static double field_number(const char *path, const char *key)
{
    char *text = bench_system_text(path);
    char *field = text == NULL ? NULL : bench_field(text, key);
    double value = field != NULL && isdigit((unsigned char)field[0]) ? strtod(field, NULL) : NAN;
    free(field);
    free(text);
    return value;
}

double bench_steal_s(void)
{
    char *text = bench_system_text("/proc/stat");
    double steal = NAN, ticks = (double)sysconf(_SC_CLK_TCK);
    unsigned long long t;
    if (text != NULL && ticks > 0 && sscanf(text, "cpu %*u %*u %*u %*u %*u %*u %*u %llu", &t) == 1)
        steal = (double)t / ticks;
    free(text);
    return steal;
}

double bench_memory_total(void)
{
    return field_number("/proc/meminfo", "MemTotal") * 1024;
}

double bench_memory_available(void)
{
    return fmin(field_number("/proc/meminfo", "MemAvailable") * 1024, bench_memory_limit());
}

double bench_load(void)
{
    char *text = bench_system_text("/proc/loadavg"), *end = text;
    double load = text != NULL ? strtod(text, &end) : NAN;
    load = end != text ? load : NAN;
    free(text);
    return load;
}

/* ---- cgroups ---- */

static void add_throttled(const char *directory, void *total)
{
    char *path = bench_format("%s/cpu.stat", directory);
    double v2 = field_number(path, "throttled_usec") * 1e-6;
    double v1 = field_number(path, "throttled_time") * 1e-9;
    double found = isnan(v2) ? v1 : v2;
    double *sum = total;
    if (!isnan(found))
        *sum = isnan(*sum) ? found : *sum + found;
    free(path);
}

double bench_throttled_s(void)
{
    double total = NAN;
    bench_cgroup_walk("cpu", add_throttled, &total);
    return total;
}

static void least_memory(const char *directory, void *least)
{
    static const char *const name[] = {"memory.max", "memory.limit_in_bytes"};
    double *limit = least;
    for (size_t i = 0; i < sizeof name / sizeof name[0]; i++) {
        char *path = bench_format("%s/%s", directory, name[i]);
        char *text = bench_system_text(path);
        /* cgroup v1 writes "no limit" as a number near 2^63. */
        if (text != NULL && isdigit((unsigned char)text[0]) && strtod(text, NULL) < 0x1p62)
            *limit = fmin(*limit, strtod(text, NULL));
        free(text);
        free(path);
    }
}

double bench_memory_limit(void)
{
    double limit = INFINITY;
    bench_cgroup_walk("memory", least_memory, &limit);
    return limit;
}

static double file_number(const char *directory, const char *name)
{
    char *path = bench_format("%s/%s", directory, name);
    char *text = bench_system_text(path);
    double value = text != NULL && text[0] != '\0' ? strtod(text, NULL) : NAN;
    free(text);
    free(path);
    return value;
}

static void least_cpu(const char *directory, void *least)
{
    double *limit = least, quota = NAN, period = NAN;
    char *path = bench_format("%s/cpu.max", directory);
    char *text = bench_system_text(path);
    if (text == NULL || sscanf(text, "%lf %lf", &quota, &period) != 2) {
        quota = file_number(directory, "cpu.cfs_quota_us");
        period = file_number(directory, "cpu.cfs_period_us");
    }
    if (quota > 0 && period > 0)
        *limit = fmin(*limit, quota / period);
    free(text);
    free(path);
}

double bench_cpu_quota(void)
{
    double limit = INFINITY;
    bench_cgroup_walk("cpu", least_cpu, &limit);
    return limit;
}

/* ---- files ---- */

double bench_disk_free(const char *directory)
{
    struct statvfs info;
    if (statvfs(directory, &info) != 0)
        return NAN;
    return (double)info.f_bavail * (double)info.f_frsize;
}

char *bench_filesystem(const char *directory)
{
    static const struct {
        unsigned long magic;
        const char *name;
    } known[] = {
        {0xef53, "ext2/3/4"},    {0x58465342, "xfs"},  {0x9123683e, "btrfs"}, {0x01021994, "tmpfs"},
        {0x794c7630, "overlay"}, {0x6969, "nfs"},      {0x2fc12fc1, "zfs"},   {0xf2f52010, "f2fs"},
        {0x858458f6, "ramfs"},   {0x65735546, "fuse"}, {0x01021997, "9p"},
    };
    struct statfs info;
    if (statfs(directory, &info) != 0)
        return bench_copy("unknown");
    unsigned long magic = (unsigned long)info.f_type & 0xffffffffUL;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (known[i].magic == magic)
            return bench_copy(known[i].name);
    return bench_format("0x%lx", magic);
}

static double count_resident(int fd, size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), pages = (size + page - 1) / page, present = 0;
    void *map = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED)
        return NAN;
    unsigned char *vector = bench_alloc(pages, 1);
    int failed = mincore(map, size, vector);
    for (size_t i = 0; i < pages; i++)
        present += vector[i] & 1;
    free(vector);
    munmap(map, size);
    return failed != 0 ? NAN : (double)present / (double)pages;
}

double bench_resident(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return NAN;
    struct stat info;
    double part = NAN;
    if (fstat(fd, &info) == 0)
        part = info.st_size == 0 ? 1 : count_resident(fd, (size_t)info.st_size);
    close(fd);
    return part;
}

int bench_read_through(const char *path)
{
    enum { BLOCK = 1 << 20 };
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    char *block = bench_alloc(BLOCK, 1);
    ssize_t got;
    do
        got = read(fd, block, BLOCK);
    while (got > 0 || (got < 0 && errno == EINTR));
    int code = errno;
    free(block);
    close(fd);
    errno = code;
    return got < 0 ? -1 : 0;
}
