/* SPDX-License-Identifier: Apache-2.0
 * Where a layout goes: files that appear whole or not at all, or nowhere. */
#ifndef AQ_OUTPUT_H
#define AQ_OUTPUT_H

#include <stdbool.h>

#include "base/io.h"
#include "formats/layout.h"

/* A sink for the layout at `path` (a file; a directory where the layout's files have names). Each
 * file is a temporary beside its target, created with O_EXCL and preallocated, holding its header;
 * commit syncs (if asked), renames all of them, a directory's index last, and syncs the directory.
 * A directory that is not there is made under a temporary name, and appears by one rename. One that
 * is there is exchanged for it, in one step as well, and what it held besides is carried over;
 * where it cannot be exchanged, the files are replaced in it, and its index and config.json are
 * removed first and come last. Until then nothing at `path` changes; close without commit leaves
 * nothing behind. Refuses (AQ_USAGE) an existing target without `force`, and an input file of the
 * model even with it. A layout that is a part of a run shares its directory with the others, which
 * is never removed; without copies it needs no model. */
aq_status aq_output_open(const char *path, const aq_layout *layout, const aq_model *model,
                         bool force, bool sync, aq_sink **sink, aq_error *err);

/* Whether the path is "null:", which means an output that is discarded. */
bool aq_sink_is_null(const char *path);

/* As aq_output_open, but "null:" discards. */
aq_status aq_sink_open(const char *path, const aq_layout *layout, const aq_model *model, bool force,
                       bool sync, aq_sink **sink, aq_error *err);

/* Whether a name is one that such temporaries have. */
bool aq_output_is_temporary(const char *name);

/* Discards. NULL when out of memory. */
aq_sink *aq_null_sink(void);

/* Passes everything on to `inner` (owned from now on) and sums it up, position-keyed: the sum over
 * all 32-bit little-endian words w at word index i of file f of w * K(f, i) mod 2^61 - 1, K being
 * pseudo-random; a piece that is not aligned to words counts with zeros around it. So the order and
 * the cuts of the writes do not matter. NULL when out of memory. */
aq_sink *aq_checksum_sink(aq_sink *inner);
uint64_t aq_checksum_sink_value(aq_sink *sink);
/* The sum of all files from the sums of some and of the others. */
uint64_t aq_checksum_add(uint64_t a, uint64_t b);

#endif
