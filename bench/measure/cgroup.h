/* SPDX-License-Identifier: Apache-2.0
 * The control groups of this process, version 1 or 2. */
#ifndef BENCH_CGROUP_H
#define BENCH_CGROUP_H

/* Call visit with the directory of this process's cgroup for `controller` and with each one above
 * it, of whichever version is mounted. A directory need not exist. */
void bench_cgroup_walk(const char *controller, void (*visit)(const char *directory, void *arg),
                       void *arg);

/* The path in a line of /proc/self/cgroup ("4:cpu,cpuacct:/a/b" or "0::/a") if the line is about
 * the controller ("" for version 2), else NULL. */
const char *bench_cgroup_line(const char *line, const char *controller);

#endif
