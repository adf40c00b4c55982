/* SPDX-License-Identifier: Apache-2.0
 * Which CPUs this process may run on, and which of them share cores and caches. */
#ifndef BENCH_TOPOLOGY_H
#define BENCH_TOPOLOGY_H

enum { BENCH_MOST_CPUS = 8192 };

typedef struct bench_cpus {
    unsigned char has[BENCH_MOST_CPUS];
    unsigned count;
} bench_cpus;

/* A list as the kernel writes it ("0-3,8,10-11"; empty: none). Returns 0, or -1 where it is no such
 * list or names a CPU from BENCH_MOST_CPUS on; the set is empty then. */
int bench_cpus_parse(const char *list, bench_cpus *cpus);

/* Those that the affinity of this process allows; none where the system does not tell. */
void bench_cpus_allowed(bench_cpus *cpus);

/* How many cores these CPUs are hardware threads of; 0 where the system does not tell. */
unsigned bench_cpus_cores(const bench_cpus *cpus);

/* Bytes of all last-level caches that these CPUs see; NaN where the system does not tell. */
double bench_cpus_cache(const bench_cpus *cpus);

#endif
