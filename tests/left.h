/* SPDX-License-Identifier: Apache-2.0
 * What a program has asked for and not given back when its main returns: blocks, mappings,
 * descriptors, threads. Fed by the functions of tests/fault.c. */
#ifndef AQ_TEST_LEFT_H
#define AQ_TEST_LEFT_H

#include <stddef.h>

/* Descriptors that are open by now are somebody else's. */
void left_begin(void);

/* NULL is no block. `from` is where the call came from. */
void left_block(const void *at, size_t size, const void *from);
void left_freed(const void *at);

void left_mapped(size_t size);
void left_unmapped(size_t size);

void left_started(void);
void left_joined(void);

/* One line: what there is, or "nothing left". */
void left_say(int fd);

#endif
