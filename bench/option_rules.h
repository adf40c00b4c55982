/* SPDX-License-Identifier: Apache-2.0
 * What the options mean together: the defaults, and what follows once all of them are read. */
#ifndef BENCH_OPTION_RULES_H
#define BENCH_OPTION_RULES_H

#include "options.h"

void bench_options_defaults(bench_options *options);

/* The sections that --all stands for. */
void bench_options_select_all(bench_options *options);

/* Fills in what depends on more than one option. */
void bench_options_finish(bench_options *options);

#endif
