/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "core.h"
#include "util.h"

/* Two units with three or four cycles from operand to sum, for each of both operations, need 16
 * sums under way at most; more than 12 do not fit the registers of SSE with both operands. */
enum { SUMS = 12, TURNS = 20000 };

typedef float floats __attribute__((vector_size(16)));

double bench_core_rate(void)
{
    floats factor = {0.999f, 0.998f, 0.997f, 0.996f}, term = {1.0f, 2.0f, 3.0f, 4.0f}, sum[SUMS];
    for (int i = 0; i < SUMS; i++)
        sum[i] = term * (float)i;
    double begin = bench_now();
    for (int turn = 0; turn < TURNS; turn++) {
#pragma GCC unroll 12
        for (int i = 0; i < SUMS; i++)
            sum[i] = sum[i] * factor + term;
    }
    double seconds = bench_now() - begin;
    for (int i = 1; i < SUMS; i++)
        sum[0] += sum[i];
    volatile float used = sum[0][0]; /* or it need not be computed */
    (void)used;
    return (double)SUMS * TURNS / seconds;
}
