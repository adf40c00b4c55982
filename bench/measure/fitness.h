/* SPDX-License-Identifier: Apache-2.0
 * Whether a machine is fit for a verdict: judged before measuring, and by what was seen meanwhile.
 */
#ifndef BENCH_FITNESS_H
#define BENCH_FITNESS_H

#include "counters.h"
#include "env.h"

/* Adds to env's doubts. `idle` is what happened while this process did nothing. */
void bench_fitness_before(const bench_disturbance *idle, bench_env *env);
void bench_fitness_after(const bench_disturbance *seen, bench_env *env);

/* Does nothing for a tenth of a second, and says what others did. */
bench_disturbance bench_fitness_listen(void);

#endif
