/* SPDX-License-Identifier: Apache-2.0
 * Which arrowquant is measured, and how this program was called. */
#ifndef BENCH_BINARY_H
#define BENCH_BINARY_H

/* `given` as it is if it has a slash, else looked up in PATH. NULL: the arrowquant beside this
 * program, else the one in PATH. Returns a path that can be executed, for the caller to free, or
 * NULL where there is none. */
char *bench_find_binary(const char *given);

/* The words of a command line, quoted for a shell where they must be; for the caller to free. */
char *bench_command_line(int argc, char *const argv[]);

#endif
