/* SPDX-License-Identifier: Apache-2.0
 * Public structures that grow: options and results, which begin with their own size.
 *
 * Fields are only ever appended, so of two versions of a structure the shorter is a prefix of the
 * longer. A caller built against an older header has the shorter one, and keeps to it since it says
 * so; one built against a newer header, which runs with this library, has fields that are not known
 * here. Three rules make both work:
 *  - 0 in an appended option asks for what the library did before, 0 in a result says "unknown";
 *  - a structure ends without padding, where a newer field would lie inside an older size;
 *  - structures that are elements of a result's arrays, or members of it, do not grow. */
#ifndef AQ_SIZED_H
#define AQ_SIZED_H

#include "arrowquant.h"

/* `from` begins with its size and is as this library has it. Fills in the `size` bytes at `to` with
 * what `from` has of them, then zeros; to->size is `size`. Less than a size_t: nothing. */
void aq_sized_give(void *to, size_t size, const void *from);

/* What the caller of the function `name` gave as options over the defaults, which `options` has.
 * What an older structure lacks keeps its default; a newer one may have nothing but zeros in what
 * is not known here: else, and with less than `least` bytes, AQ_USAGE. NULL: none given. */
aq_status aq_sized_options(void *options, const void *given, size_t least, const char *name,
                           aq_error *err);

/* Whether the caller of the function `name` can be given a result: one with less than `least`
 * bytes, as where its size was never set, is AQ_USAGE. NULL: not wanted. */
aq_status aq_sized_result(const void *result, size_t least, const char *name, aq_error *err);

#endif
