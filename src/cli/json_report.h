/* SPDX-License-Identifier: Apache-2.0
 * What the commands' JSON results have in common. */
#ifndef AQ_CLI_JSON_REPORT_H
#define AQ_CLI_JSON_REPORT_H

#include <jansson.h>

#include "arrowquant.h"

/* NULL becomes null. Paths are bytes: what is no UTF-8 becomes question marks. */
json_t *report_text(const char *s);
json_t *report_integer(uint64_t value);
/* NaN and the infinities, for which JSON has no word, become null. */
json_t *report_number(double value);

/* {"schema_version", "version", "status": "ok", "exit_code": 0}; NULL when out of memory. */
json_t *report_success(void);
/* The same for a failure, with its message; printed. */
void report_failure(const aq_error *error);

/* Each takes over both and returns the first with the second in it: an item in a list, a member in
 * an object, all members of one object in another. NULL when either is NULL or memory does not
 * suffice, so that a report lacks nothing or is none. */
json_t *report_append(json_t *list, json_t *item);
json_t *report_member(json_t *object, const char *key, json_t *value);
json_t *report_joined(json_t *object, json_t *rest);

/* Prints and frees; NULL, which is what is left of a value that memory did not suffice for, is an
 * error. 0 or AQ_FAILURE. */
int report_print(json_t *root);

#endif
