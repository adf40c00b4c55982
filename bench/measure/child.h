/* SPDX-License-Identifier: Apache-2.0
 * Running one child process to its end: its output, its exit, its wall time. */
#ifndef BENCH_CHILD_H
#define BENCH_CHILD_H

#include <stddef.h>

typedef struct bench_child {
    char *out; /* standard output, NUL-terminated */
    size_t out_length;
    char *err;  /* standard error */
    int status; /* as from waitpid */
    double wall_s;
    double user_s, system_s;
    int timed_out;
    int too_long; /* printed more than is kept, and was ended for it */
} bench_child;

/* Install handlers for SIGINT, SIGTERM and SIGHUP that make bench_child_run end the child and
 * return, and bench_interrupted() the signal's number. Call once. */
void bench_signals_install(void);
int bench_interrupted(void);

/* What a child does: argv[0] (looked up in PATH), or, where argv is NULL, `work` in a fork of this
 * process, whose value is its exit code. */
typedef struct bench_child_task {
    char *const *argv;
    int (*work)(void *argument);
    void *argument;
    double timeout_s;
    struct bench_trace *trace; /* of its memory; may be NULL */
} bench_child_task;

/* Start the child and wait for it. Returns 0 when the child ran, whatever its exit;
 * -1 with errno set where it could not be started or waited for. Free *child either way. One thread
 * only. */
int bench_child_start(const bench_child_task *task, bench_child *child);
int bench_child_run(char *const argv[], double timeout_s, bench_child *child);
void bench_child_free(bench_child *child);

/* What went wrong, in one line that the caller frees; NULL where the child exited with 0. The
 * child's own last line on standard error is taken where there is one. */
char *bench_child_failure(const bench_child *child);

#endif
