/* SPDX-License-Identifier: Apache-2.0
 * What of this machine's time went elsewhere while something was measured. */
#ifndef BENCH_COUNTERS_H
#define BENCH_COUNTERS_H

/* At one moment; all of them only grow. NaN where the system does not tell. */
typedef struct bench_counters {
    double at_s;
    double busy_s; /* CPU time of all processes on the CPUs that this process may use */
    double own_s;  /* of that, of this process and of its children that have ended */
    double steal_s, throttled_s;
    double heat; /* times that one of these CPUs slowed down for being hot */
    unsigned cpus;
} bench_counters;

/* Between two of them. Parts are of the time of all CPUs that may be used. */
typedef struct bench_disturbance {
    double other_part; /* used by other processes */
    double steal_part; /* taken by the hypervisor */
    double throttled_s;
    double heat;
} bench_disturbance;

void bench_counters_read(bench_counters *counters);
bench_disturbance bench_counters_between(const bench_counters *from, const bench_counters *to);

/* Of two spans that follow each other: the greater parts, and all that was counted. */
bench_disturbance bench_disturbance_worse(bench_disturbance a, bench_disturbance b);

#endif
