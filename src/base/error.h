/* SPDX-License-Identifier: Apache-2.0
 * Failing with a status and a message. */
#ifndef AQ_ERROR_H
#define AQ_ERROR_H

#include "arrowquant.h"

/* Writes the message (cut to fit; control characters and broken UTF-8 of untrusted names become
 * '?') and returns status, so that a caller can `return aq_fail(...)`. err may be NULL. */
aq_status aq_fail(aq_error *err, aq_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* How much of a stranger's name a message quotes: in the format, and among the arguments. */
#define AQ_QUOTED "%.*s"
#define AQ_QUOTE(name, length) (int)((length) < 200 ? (length) : 200), (name)

/* AQ_FAILURE: "PATH: cannot WHAT: strerror(errno)". */
aq_status aq_fail_errno(aq_error *err, const char *path, const char *what);

/* AQ_FAILURE: out of memory, with what it was for. */
aq_status aq_fail_memory(aq_error *err, const char *what);

#endif
