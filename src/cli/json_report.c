/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "json_report.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>

#include "cli.h"

json_t *report_text(const char *s)
{
    if (s == NULL)
        return json_null();
    json_t *string = json_string(s);
    if (string != NULL)
        return string;
    char copy[4096];
    (void)snprintf(copy, sizeof copy, "%s", s);
    for (char *p = copy; *p != '\0'; p++)
        if ((unsigned char)*p >= 0x80)
            *p = '?';
    return json_string(copy);
}

json_t *report_integer(uint64_t value)
{
    return json_integer((json_int_t)value);
}

json_t *report_number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

json_t *report_success(void)
{
    return json_pack("{s:i, s:s, s:s, s:i}", "schema_version", 1, "version", aq_version(), "status",
                     "ok", "exit_code", 0);
}

void report_failure(const aq_error *error)
{
    (void)report_print(json_pack("{s:i, s:s, s:s, s:i, s:o}", "schema_version", 1, "version",
                                 aq_version(), "status", "error", "exit_code", (int)error->status,
                                 "message", report_text(error->message)));
}

static json_t *unless(bool failed, json_t *whole)
{
    if (!failed)
        return whole;
    json_decref(whole);
    return NULL;
}

json_t *report_append(json_t *list, json_t *item)
{
    return unless(json_array_append_new(list, item) != 0, list);
}

json_t *report_member(json_t *object, const char *key, json_t *value)
{
    return unless(json_object_set_new(object, key, value) != 0, object);
}

json_t *report_joined(json_t *object, json_t *rest)
{
    bool failed = json_object_update(object, rest) != 0;
    json_decref(rest);
    return unless(failed, object);
}

int report_print(json_t *root)
{
    int failed =
        root == NULL ? -1 : json_dumpf(root, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(12));
    (void)putchar('\n');
    json_decref(root);
    if (failed != 0)
        cli_error("standard output: cannot write the JSON result");
    return failed != 0 ? AQ_FAILURE : AQ_OK;
}
