/* SPDX-License-Identifier: Apache-2.0
 * Why N threads were not N times as fast as one. Arithmetic only.
 *
 * N threads have N x T_N seconds between them, T_N being the time of the run. T_1 of these did what
 * one thread does in T_1: that part is the efficiency. The rest went, in comparison with the run of
 * one thread in the same round, to
 *   serial   what one thread does while the others wait (open, plan, commit)
 *   idle     threads that had no tile: they began late, or were done before the last one
 *   off_cpu  threads that had a tile but no CPU: it was taken by another process or by the
 *            hypervisor, or there are fewer CPUs than threads, or the disk was waited for
 *   slower   CPU time that the same tiles took more than on one thread: memory bandwidth, caches,
 *            locks in the kernel, hardware threads that share a core, a lower clock
 * A thread that had a tile for b seconds of the run's r, and a CPU for c of them, was idle for
 * r - b and off its CPU for b - c. So, with s = T - r, summed over the threads,
 *   N T_N = N s_N + idle_N + off_N + c_N   and   T_1 = s_1 + idle_1 + off_1 + c_1,
 * and the four differences over N T_N are the parts: with the efficiency they make exactly 1. */
#ifndef BENCH_LOSSES_H
#define BENCH_LOSSES_H

#include "measure/sample.h"

typedef enum bench_loss {
    BENCH_LOSS_SERIAL,
    BENCH_LOSS_IDLE,
    BENCH_LOSS_OFF_CPU,
    BENCH_LOSS_SLOWER,
    BENCH_LOSSES
} bench_loss;

typedef enum bench_limit {
    BENCH_LIMIT_UNKNOWN,
    BENCH_LIMIT_NONE, /* as good as N times as fast */
    BENCH_LIMIT_SERIAL,
    BENCH_LIMIT_IMBALANCE,
    BENCH_LIMIT_CORES,
    BENCH_LIMIT_BANDWIDTH, /* slower, and memory is read nearly as fast as this machine can */
    BENCH_LIMIT_CONTENTION /* slower, and it is not */
} bench_limit;

/* In JSON, and what a reader is told. */
const char *bench_loss_key(bench_loss loss);
const char *bench_limit_text(bench_limit limit);

/* Of one round. NaN where a sample does not have what is needed. */
void bench_losses_of(const bench_sample *one, const bench_sample *many, double part[BENCH_LOSSES]);

/* From the medians. roof_part: input bytes per second over what as many threads read; may be NaN.
 * oversubscribed: there were more threads than CPUs, whatever they were seen to wait for. */
bench_limit bench_limit_of(double efficiency, const double part[BENCH_LOSSES], double roof_part,
                           int oversubscribed);

#endif
