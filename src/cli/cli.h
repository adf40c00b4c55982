/* SPDX-License-Identifier: Apache-2.0
 * What the commands of `arrowquant` share. */
#ifndef AQ_CLI_H
#define AQ_CLI_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "arrowquant.h"

/* Each returns an exit code; argv[0] is the command's name. */
int cmd_quantize(int argc, char **argv);
int cmd_index(int argc, char **argv);
int cmd_info(int argc, char **argv);
int cmd_compare(int argc, char **argv);
int cmd_synth(int argc, char **argv);

/* Non-zero once SIGINT, SIGTERM, SIGHUP, SIGPIPE or SIGXFSZ came; main ends the process by it. */
extern volatile int cli_cancel;

/* "arrowquant: MESSAGE" on standard error. */
void cli_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same with a hint to `arrowquant COMMAND --help`; returns the exit code 2. */
int cli_usage(const char *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Prints error->message and returns the exit code. */
int cli_fail(const aq_error *error);

/* How many threads are meant: 0 asks for one for each usable CPU. */
unsigned cli_thread_count(unsigned asked);

/* Warns, however quiet, where `started` threads are fewer than were asked for. */
void cli_warn_threads(unsigned asked, size_t started);

/* A decimal number of at most `most`; false for anything else. */
bool cli_number(const char *text, uint64_t most, uint64_t *out);

/* A number of threads. */
bool cli_threads(const char *text, unsigned *out);
#define CLI_THREADS "a number from 1 to 4096"

/* Bytes: a number with an optional suffix. K, M, G, T (and KiB...) are powers of 1024; kB, MB, GB,
 * TB of 1000. */
bool cli_size(const char *text, uint64_t *out);

/* "1.2 GB", in powers of 1000; buf is returned. */
const char *cli_bytes(double bytes, char *buf, size_t size);

/* "7.00G" for counts. */
const char *cli_count(double count, char *buf, size_t size);

/* Flushes standard output; false (with a message) where that failed, a full disk say. */
bool cli_flush(void);

/* A progress line on standard error where that is a terminal and `quiet` is not set. */
typedef struct cli_progress {
    const char *what;
    double begin; /* seconds */
    bool shown;
} cli_progress;

aq_progress_fn *cli_progress_start(cli_progress *p, const char *what, bool quiet);
void cli_progress_end(cli_progress *p);

#endif
