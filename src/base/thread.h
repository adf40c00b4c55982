/* SPDX-License-Identifier: Apache-2.0
 * Starting the library's threads. */
#ifndef AQ_THREAD_H
#define AQ_THREAD_H

#include <pthread.h>
#include <stddef.h>

/* What a thread that runs kernels has. Those of the K types take up to 70 KB with optimization, and
 * several times that without or with sanitizers; musl gives a thread 128 KB by default, glibc 8 MB.
 * Only pages that are touched take memory. */
enum { AQ_KERNEL_STACK = 2 * 1024 * 1024 };

/* As pthread_create, with all signals blocked: they are for the thread that called the library,
 * and with a stack of at least stack_bytes. */
int aq_thread_start(pthread_t *thread, size_t stack_bytes, void *(*body)(void *arg), void *arg);

#endif
