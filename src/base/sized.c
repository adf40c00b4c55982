/* SPDX-License-Identifier: Apache-2.0
 * Options and results of callers that were built against an older or a newer header. */
#include <config.h>

#include <string.h>

#include "error.h"
#include "sized.h"

/* No structure gets near: a larger size was never set, and nothing may be touched that far. */
#define LARGEST 4096

static size_t size_of(const void *structure)
{
    size_t size;
    memcpy(&size, structure, sizeof size);
    return size;
}

void aq_sized_give(void *to, size_t size, const void *from)
{
    size_t known = size_of(from);
    if (size < sizeof size)
        return;
    memcpy(to, from, size < known ? size : known);
    if (size > known)
        memset((char *)to + known, 0, size - known);
    memcpy(to, &size, sizeof size);
}

aq_status aq_sized_options(void *options, const void *given, size_t least, const char *name,
                           aq_error *err)
{
    if (given == NULL)
        return AQ_OK;
    size_t known = size_of(options), size = size_of(given);
    if (size < least || size > LARGEST)
        return aq_fail(err, AQ_USAGE,
                       "%s_options of %zu bytes: this library knows %zu; set them up with "
                       "%s_options_init",
                       name, size, known, name);
    for (size_t i = known; i < size; i++) {
        if (((const char *)given)[i] != 0)
            return aq_fail(err, AQ_USAGE,
                           "%s_options has an option at byte %zu that arrowquant %s does not know: "
                           "use the library of the header, or leave it 0",
                           name, i, PACKAGE_VERSION);
    }
    memcpy(options, given, size < known ? size : known);
    memcpy(options, &known, sizeof known);
    return AQ_OK;
}

aq_status aq_sized_result(const void *result, size_t least, const char *name, aq_error *err)
{
    size_t size = result == NULL ? least : size_of(result);
    if (size >= least && size <= LARGEST)
        return AQ_OK;
    return aq_fail(err, AQ_USAGE,
                   "%s_result of %zu bytes: set it up as in %s_result result = {.size = sizeof "
                   "result}",
                   name, size, name);
}
