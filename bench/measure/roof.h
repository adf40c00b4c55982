/* SPDX-License-Identifier: Apache-2.0
 * The read bandwidth of the machine as a sample of a round: in a process of its own, as every other
 * sample, so that no run finds memory in a state that another one does not. */
#ifndef BENCH_ROOF_H
#define BENCH_ROOF_H

#include <stddef.h>

/* Bytes per second that threads[i] threads read, into rate[i]. Returns NULL, or what went wrong,
 * which the caller frees; the rates are NaN then. */
char *bench_roof_measure(const unsigned *threads, size_t count, double timeout_s, double *rate);

#endif
