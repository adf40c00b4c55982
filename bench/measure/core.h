/* SPDX-License-Identifier: Apache-2.0
 * What a core has left for a thread. CPU time does not tell: where another hardware thread of the
 * same core is busy, be it another machine's on the same host, the two share what the core can do,
 * and both are said to have had a CPU all the time. */
#ifndef BENCH_CORE_H
#define BENCH_CORE_H

/* Multiplications with an addition, of four floats each, per second of this thread: as many at once
 * as keep the units of a core busy. Takes some 40 us. */
double bench_core_rate(void);

#endif
