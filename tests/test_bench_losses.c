/* SPDX-License-Identifier: Apache-2.0
 * Why a run does not scale: the account of its threads' time, the machine's bandwidth as a sample,
 * cores that a neighbour shares, and the memory of a process over time. */
#include <config.h>

#include "bench/kernels/kernel_figures.h"
#include "bench/losses.h"
#include "bench/measure/child.h"
#include "bench/measure/core.h"
#include "bench/measure/roof.h"
#include "bench/measure/trace.h"
#include "suite.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- full cores ---- */

/* Of four rounds, the first and the last had full cores with one thread, the second with two. */
START_TEST(rounds_with_full_cores)
{
    double rate[2][4] = {{10, 6, 7, 9}, {11, 19, 12, 13}};
    double core[2][4] = {{100, 60, 89, 91}, {70, 95, 65, 60}};
    double wall[4] = {1, 1, 1, 1}, read[4] = {5, 5, 5, 5};
    bench_kernel kernel[2] = {{.dtype = AQ_DTYPE_F32, .threads = 1},
                              {.dtype = AQ_DTYPE_F32, .threads = 2, .team = 1}};
    bench_kernels all = {.kernel = kernel, .count = 2, .threads = {1, 2}, .teams = 2, .rounds = 4};
    for (int i = 0; i < 2; i++) {
        kernel[i].rate = rate[i];
        kernel[i].core = core[i];
        kernel[i].cores = wall;
        all.read[i] = read;
    }
    bench_kernels_make_figures(&all, 1);
    ck_assert_double_eq(kernel[0].core_best, 100);
    ck_assert_double_eq(kernel[1].core_best, 100);
    ck_assert_uint_eq(kernel[0].full_rate.count, 2);
    ck_assert_double_eq(kernel[0].full_rate.median, 9.5);
    ck_assert(isnan(kernel[0].full_speedup.value));
    ck_assert_uint_eq(kernel[1].full_rate.count, 1);
    ck_assert_double_eq(kernel[1].full_speedup.value, 2);
    ck_assert(isnan(kernel[1].full_speedup.low));
    ck_assert_double_eq_tol(kernel[1].speedup.median, (13. / 9 + 12. / 7) / 2, 1e-12);

    core[0][0] = core[0][3] = 80, core[0][2] = 71; /* all they could, at a lower clock */
    for (int i = 0; i < 4; i++) {
        kernel[0].isa = i == 0 ? AQ_ISA_AVX2 : AQ_ISA_SCALAR;
        kernel[0].type = i == 1 ? AQ_TYPE_Q4_0 : AQ_TYPE_Q8_0;
        kernel[0].dtype = i == 2 ? AQ_DTYPE_F16 : AQ_DTYPE_F32;
        kernel[0].streaming = i == 3;
        kernel[1].type = AQ_TYPE_Q8_0;
        bench_kernels_make_figures(&all, 1);
        ck_assert_double_eq(kernel[0].core_best, 80);
        ck_assert_double_eq(kernel[1].core_best, 95);
        ck_assert_uint_eq(kernel[0].full_rate.count, 2);
        ck_assert_uint_eq(kernel[1].full_rate.count, 1);
    }

    kernel[0].streaming = 0;
    core[0][0] = 100;
    core[1][1] = 89; /* nor with two */
    bench_kernels_make_figures(&all, 1);
    ck_assert_uint_eq(kernel[1].full_rate.count, 0);
    ck_assert(isnan(kernel[1].full_speedup.value));
}
END_TEST

START_TEST(a_core_has_a_rate)
{
    ck_assert(bench_core_rate() > 0);
    ck_assert(isfinite(bench_core_rate()));
}
END_TEST

/* ---- the account ---- */

enum { THREADS = 4 };
static bench_worker alone[1] = {{.cpu_s = 3.6, .read_s = 1, .kernel_s = 2.2, .write_s = 0.5}};
static bench_sample one = {.time_s = 4, .run_s = 3.8, .threads = 1, .worker = alone};

/* Four workers that do what the one does, each a quarter, and then what `change` makes of them. */
static bench_worker workers[THREADS];
static bench_sample four;

static void split(void)
{
    four = (bench_sample){.time_s = 1, .run_s = 0.95, .threads = THREADS, .worker = workers};
    for (int i = 0; i < THREADS; i++)
        workers[i] =
            (bench_worker){.cpu_s = 0.9, .read_s = 0.25, .kernel_s = 0.55, .write_s = 0.125};
}

static double losses(double part[BENCH_LOSSES])
{
    double sum = 0;
    bench_losses_of(&one, &four, part);
    for (int i = 0; i < BENCH_LOSSES; i++)
        sum += part[i];
    return sum;
}

START_TEST(with_the_efficiency_they_make_one)
{
    double part[BENCH_LOSSES];
    split();
    four.time_s = 1.7;
    four.run_s = 1.4;
    for (int i = 0; i < THREADS; i++) {
        workers[i].cpu_s = 0.7 + 0.11 * i;
        workers[i].kernel_s = 0.5 + 0.13 * i;
        workers[i].read_s = 0.3;
    }
    double efficiency = one.time_s / (THREADS * four.time_s);
    ck_assert_double_eq_tol(losses(part) + efficiency, 1, 1e-12);
    workers[2].cpu_s = 2; /* a clock that says more CPU time than time */
    ck_assert_double_eq_tol(losses(part) + efficiency, 1, 1e-12);
}
END_TEST

START_TEST(each_cause_is_told_from_the_others)
{
    double part[BENCH_LOSSES];
    split();
    ck_assert_double_eq_tol(losses(part), 0, 1e-12);
    for (int i = 0; i < BENCH_LOSSES; i++)
        ck_assert_double_eq_tol(part[i], 0, 1e-12);
    /* One thread opens for a second while the others wait. */
    four.time_s = 2;
    losses(part);
    ck_assert_double_eq_tol(part[BENCH_LOSS_SERIAL], 4.0 / 8, 1e-12);
    /* The last tile takes a second in which three have none; it is the one's own time too. */
    split();
    four.time_s = 2;
    four.run_s = 1.95;
    workers[0].kernel_s += 1;
    workers[0].cpu_s += 1;
    losses(part);
    ck_assert_double_eq_tol(part[BENCH_LOSS_IDLE], 3.0 / 8, 1e-12);
    ck_assert_double_eq_tol(part[BENCH_LOSS_SLOWER], 1.0 / 8, 1e-12);
    /* Each waits a second for its CPU in the middle of a tile. */
    split();
    four.time_s = 2;
    four.run_s = 1.95;
    for (int i = 0; i < THREADS; i++)
        workers[i].kernel_s += 1;
    losses(part);
    ck_assert_double_eq_tol(part[BENCH_LOSS_OFF_CPU], 4.0 / 8, 1e-12);
    ck_assert_double_eq_tol(part[BENCH_LOSS_SLOWER], 0, 1e-12);
}
END_TEST

START_TEST(nothing_to_account)
{
    double part[BENCH_LOSSES];
    split();
    four.worker = NULL;
    losses(part);
    ck_assert(isnan(part[0]) && isnan(part[BENCH_LOSS_SLOWER]));
    split();
    bench_losses_of(&four, &four, part);
    ck_assert(isnan(part[0]));
}
END_TEST

START_TEST(the_limit_is_the_greatest_loss)
{
    const double slower[BENCH_LOSSES] = {[BENCH_LOSS_SERIAL] = 0.1, [BENCH_LOSS_SLOWER] = 0.3};
    const double serial[BENCH_LOSSES] = {[BENCH_LOSS_SERIAL] = 0.3, [BENCH_LOSS_SLOWER] = 0.1};
    const double idle[BENCH_LOSSES] = {[BENCH_LOSS_IDLE] = 0.2};
    const double off[BENCH_LOSSES] = {[BENCH_LOSS_OFF_CPU] = 0.2};
    const double none[BENCH_LOSSES] = {NAN, NAN, NAN, NAN};
    ck_assert_int_eq(bench_limit_of(0.6, slower, 0.9, 0), BENCH_LIMIT_BANDWIDTH);
    ck_assert_int_eq(bench_limit_of(0.6, slower, 0.5, 0), BENCH_LIMIT_CONTENTION);
    ck_assert_int_eq(bench_limit_of(0.6, slower, NAN, 0), BENCH_LIMIT_CONTENTION);
    ck_assert_int_eq(bench_limit_of(0.6, serial, 0.9, 0), BENCH_LIMIT_SERIAL);
    ck_assert_int_eq(bench_limit_of(0.8, idle, 0.9, 0), BENCH_LIMIT_IMBALANCE);
    ck_assert_int_eq(bench_limit_of(0.8, off, 0.9, 0), BENCH_LIMIT_CORES);
    ck_assert_int_eq(bench_limit_of(0.8, idle, 0.9, 1), BENCH_LIMIT_CORES);
    ck_assert_int_eq(bench_limit_of(0.97, idle, 0.9, 0), BENCH_LIMIT_NONE);
    ck_assert_int_eq(bench_limit_of(0.8, none, 0.9, 0), BENCH_LIMIT_UNKNOWN);
    ck_assert_int_eq(bench_limit_of(NAN, idle, 0.9, 0), BENCH_LIMIT_UNKNOWN);
}
END_TEST

/* ---- children of this process ---- */

START_TEST(a_child_reads_memory)
{
    const unsigned threads[] = {1, 2};
    double rate[2];
    char *wrong = bench_roof_measure(threads, 2, 100, rate);
    ck_assert_msg(wrong == NULL, "%s", wrong);
    ck_assert(isfinite(rate[0]) && rate[0] > 0 && isfinite(rate[1]) && rate[1] > 0);
}
END_TEST

static int exit_with(void *argument)
{
    (void)fprintf(stderr, "as it was told\n");
    return *(int *)argument;
}

START_TEST(a_fork_fails_as_a_program_does)
{
    int code = 7;
    bench_child child;
    bench_child_task task = {.work = exit_with, .argument = &code, .timeout_s = 100};
    ck_assert_int_eq(bench_child_start(&task, &child), 0);
    char *wrong = bench_child_failure(&child);
    ck_assert_str_eq(wrong, "exit 7: as it was told");
    free(wrong);
    bench_child_free(&child);
}
END_TEST

/* ---- memory over time ---- */

START_TEST(long_traces_get_thinner)
{
    static bench_trace trace;
    trace.step_s = 0.001;
    for (int i = 0; i < 5000; i++)
        if (trace.count == 0 || 0.001 * i >= trace.time_s[trace.count - 1] + trace.step_s - 1e-9)
            bench_trace_add(&trace, 0.001 * i, i);
    ck_assert(trace.count > BENCH_TRACE_MOST / 4 && trace.count <= BENCH_TRACE_MOST);
    ck_assert_double_eq_tol(trace.step_s, 0.016, 1e-12);
    ck_assert_double_eq(trace.time_s[0], 0);
    for (size_t i = 1; i < trace.count; i++) {
        ck_assert_double_eq_tol(trace.time_s[i] - trace.time_s[i - 1], 0.016, 1e-9);
        ck_assert_double_eq_tol(trace.bytes[i], 1000 * trace.time_s[i], 1e-6);
    }
}
END_TEST

enum { BLOCK = 32 << 20 };

/* Takes memory and then waits until its parent has surely looked. */
static int take_memory(void *argument)
{
    const struct timespec pause = {0, 150000000};
    char *block = malloc(BLOCK);
    if (block == NULL)
        return 1;
    nanosleep(&pause, argument);
    memset(block, 1, BLOCK);
    __asm__ volatile("" : : "r"(block) : "memory"); /* as if it were used */
    nanosleep(&pause, argument);
    free(block);
    return 0;
}

START_TEST(memory_is_seen_to_rise)
{
    static bench_trace trace;
    bench_child child;
    bench_child_task task = {.work = take_memory, .timeout_s = 100, .trace = &trace};
    ck_assert_int_eq(bench_child_start(&task, &child), 0);
    char *wrong = bench_child_failure(&child);
    ck_assert_msg(wrong == NULL, "%s", wrong);
    ck_assert_uint_ge(trace.count, 2);
    double least = INFINITY, most = 0;
    for (size_t i = 0; i < trace.count; i++) {
        least = fmin(least, trace.bytes[i]);
        most = fmax(most, trace.bytes[i]);
    }
    ck_assert_double_ge(most - least, 0.9 * BLOCK);
    bench_child_free(&child);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("all");
    tcase_add_test(tcase, with_the_efficiency_they_make_one);
    tcase_add_test(tcase, each_cause_is_told_from_the_others);
    tcase_add_test(tcase, nothing_to_account);
    tcase_add_test(tcase, the_limit_is_the_greatest_loss);
    tcase_add_test(tcase, rounds_with_full_cores);
    tcase_add_test(tcase, a_core_has_a_rate);
    tcase_add_test(tcase, a_child_reads_memory);
    tcase_add_test(tcase, a_fork_fails_as_a_program_does);
    tcase_add_test(tcase, long_traces_get_thinner);
    tcase_add_test(tcase, memory_is_seen_to_rise);
    return RUN_SUITE("losses", tcase);
}
