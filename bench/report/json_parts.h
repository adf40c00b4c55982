/* SPDX-License-Identifier: Apache-2.0
 * Short names for what the writers of JSON say in every line. */
#ifndef BENCH_JSON_PARTS_H
#define BENCH_JSON_PARTS_H

#include <jansson.h>
#include <math.h>
#include <string.h>

/* JSON has no NaN and no infinity: what is not known is null. */
static inline json_t *number(double value)
{
    if (!isfinite(value))
        return json_null();
    if (value == floor(value) && fabs(value) < 0x1p53)
        return json_integer((json_int_t)value);
    return json_real(value);
}

static inline json_t *text(const char *value)
{
    return value == NULL ? json_null() : json_stringn_nocheck(value, strlen(value));
}

static inline void set(json_t *object, const char *key, json_t *value)
{
    (void)json_object_set_new(object, key, value);
}

#endif
