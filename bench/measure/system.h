/* SPDX-License-Identifier: Apache-2.0
 * Counters and limits of the running system. NaN where the system does not tell. */
#ifndef BENCH_SYSTEM_H
#define BENCH_SYSTEM_H

#include <stddef.h>

/* What is read here and in topology, cgroup and env lies below this directory: "" unless a test has
 * a tree of its own. The text is not copied. */
void bench_system_root(const char *directory);
/* The whole of a file of the system ("/proc/..."), as bench_read_text gives it. */
char *bench_system_text(const char *path);

/* Time that all CPUs together waited for the hypervisor, since boot. */
double bench_steal_s(void);
/* Time that this process's cgroup and those above it were throttled. */
double bench_throttled_s(void);

/* Bytes. The limit is the least memory limit of the cgroups; infinity where there is none. */
double bench_memory_total(void);
double bench_memory_available(void);
double bench_memory_limit(void);
/* CPUs' worth of time that the cgroups allow; infinity where they do not limit it. */
double bench_cpu_quota(void);
/* Load average over the last minute. */
double bench_load(void);

double bench_disk_free(const char *directory);
/* "ext4", "tmpfs", ... or its number. The caller frees it. */
char *bench_filesystem(const char *directory);

/* Part of a file's bytes in the page cache, 0 to 1. */
double bench_resident(const char *path);
/* Read a file once. Returns 0, or -1 with errno set. */
int bench_read_through(const char *path);

/* The value of "KEY: value" or "KEY value" in a text of lines, as a copy that the caller frees, or
 * NULL. */
char *bench_field(const char *text, const char *key);

#endif
