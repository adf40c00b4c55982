/* SPDX-License-Identifier: Apache-2.0
 * Giving up, before a stranger's file is read, every right that the command does not need. */
#ifndef AQ_CLI_SANDBOX_H
#define AQ_CLI_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

/* After `arrowquant --no-sandbox`, nothing is given up: for debuggers and profilers that write
 * files from within the process. */
extern bool sandbox_off;

/* From now on this thread, and those it starts, can open for reading only `inputs` (files; of
 * directories and indexes the files beside them, what links lead to included) and what the kernel
 * says of the machine, can create, replace and remove files only beside `output` (NULL: nowhere;
 * beside a directory's files only, unless it `replaces` all of it), and can neither use TCP nor
 * signal or trace others. Best effort: an older kernel gives less, and one without Landlock
 * nothing. Names that are no paths ("null:", "synthetic:...") are passed over.
 */
void sandbox_enter(const char *const *inputs, size_t count, const char *output, bool replaces);

/* The version of the kernel's Landlock that is in force, 0 where none is. */
int sandbox_version(void);

#endif
