/* SPDX-License-Identifier: Apache-2.0
 * What the rounds of the kernels come to. */
#ifndef BENCH_KERNEL_FIGURES_H
#define BENCH_KERNEL_FIGURES_H

#include "kernels.h"

/* Fills in all summaries. */
void bench_kernels_make_figures(bench_kernels *kernels, uint64_t seed);

#endif
