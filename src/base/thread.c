/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "thread.h"

#include <limits.h>
#include <signal.h>
#include <unistd.h>

int aq_thread_start(pthread_t *thread, size_t stack_bytes, void *(*body)(void *arg), void *arg)
{
    sigset_t all, old;
    pthread_attr_t attributes;
    int failed = pthread_attr_init(&attributes);
    if (failed != 0)
        return failed;
    (void)pthread_attr_setstacksize(&attributes, (size_t)PTHREAD_STACK_MIN + stack_bytes);
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &old);
    failed = pthread_create(thread, &attributes, body, arg);
    (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
    (void)pthread_attr_destroy(&attributes);
    return failed;
}
