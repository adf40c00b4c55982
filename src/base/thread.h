/* SPDX-License-Identifier: Apache-2.0
 * Starting the library's threads. */
#ifndef AQ_THREAD_H
#define AQ_THREAD_H

#include <pthread.h>
#include <stddef.h>

/* As pthread_create, with all signals blocked: they are for the thread that called the library.
 * stack_bytes 0: the system's default. */
int aq_thread_start(pthread_t *thread, size_t stack_bytes, void *(*body)(void *arg), void *arg);

#endif
