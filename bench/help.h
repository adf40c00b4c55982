/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_HELP_H
#define BENCH_HELP_H

#include <stdio.h>

/* What --help says. */
void bench_help_print(FILE *out);

#endif
