/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "utf8.h"

aq_status aq_fail(aq_error *err, aq_status status, const char *format, ...)
{
    if (err == NULL)
        return status;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);
    err->status = status;
    /* Whoever prints the message may do so as JSON, so it must stay UTF-8, where it was cut too. */
    for (char *p = err->message, *end = p + strlen(p); p < end;) {
        size_t n = aq_utf8_char(p, (size_t)(end - p));
        if (n == 0 || (unsigned char)*p < 0x20 || *p == 0x7f)
            *p = '?';
        p += n > 0 ? n : 1;
    }
    return status;
}

aq_status aq_fail_errno(aq_error *err, const char *path, const char *what)
{
    int code = errno;
    char text[128] = "";
    /* The GNU form returns the text, perhaps not in the buffer; that of musl puts it there. */
#if defined(STRERROR_R_CHAR_P)
    const char *reason = strerror_r(code, text, sizeof text);
#else
    const char *reason = strerror_r(code, text, sizeof text) == 0 ? text : "unknown error";
#endif
    return aq_fail(err, AQ_FAILURE, "%s: cannot %s: %s", path, what, reason);
}

aq_status aq_fail_memory(aq_error *err, const char *what)
{
    return aq_fail(err, AQ_FAILURE, "out of memory for %s", what);
}
