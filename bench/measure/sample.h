/* SPDX-License-Identifier: Apache-2.0
 * One observation: what a fresh process reported about its run. */
#ifndef BENCH_SAMPLE_H
#define BENCH_SAMPLE_H

#include <stddef.h>
#include <stdint.h>

typedef struct bench_worker {
    double cpu_s, read_s, kernel_s, write_s;
    uint64_t tiles;
} bench_worker;

/* Times in seconds, sizes in bytes. NaN where not known. */
typedef struct bench_sample {
    unsigned round;
    double wall_s; /* of the whole process, seen from outside */
    double time_s; /* of the quantization, as the process measured it */
    double open_s, run_s, commit_s, load_s, kernel_s, store_s;
    double user_s, system_s;
    double cpu_wall; /* (user_s + system_s) / time_s */
    double balance;  /* total CPU time / (threads x the busiest thread's) */
    double weights, in_bytes, out_bytes;
    double accounted_bytes, rss_before_bytes, rss_peak_bytes;
    double voluntary_switches, involuntary_switches;
    double steal_s;     /* of all CPUs during the run */
    double throttled_s; /* of the cgroup during the run */
    double resident;    /* part of the input in the page cache before the run */
    double roof;        /* bytes per second that this machine read in the same round */
    unsigned threads;
    bench_worker *worker; /* [threads] */
    int no_cores;         /* cpu_wall under 0.9 x threads */
    int oversubscribed;   /* more threads than usable CPUs */
    char isa[16], version[32], checksum[17];
} bench_sample;

/* What a figure is made of; NaN where the sample does not know it. */
typedef double bench_getter(const bench_sample *sample);
double bench_sample_time(const bench_sample *sample);
double bench_sample_cpu(const bench_sample *sample); /* user and system seconds */
double bench_sample_memory(const bench_sample *sample);

/* A sample with every number NaN. */
void bench_sample_clear(bench_sample *sample);
void bench_sample_free(bench_sample *sample);

/* Read what `arrowquant quantize --json` printed. Returns NULL, or what is wrong with it in words
 * that the caller frees; *sample is then to be freed all the same. */
char *bench_sample_parse(const char *json, size_t length, bench_sample *sample);

/* cpu_wall, balance and the marks, from the rest. */
void bench_sample_derive(bench_sample *sample, unsigned usable_cpus);

#endif
