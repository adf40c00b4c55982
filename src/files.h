/* SPDX-License-Identifier: Apache-2.0
 * A source over one or more regular files. */
#ifndef AQ_FILES_H
#define AQ_FILES_H

#include "io.h"
#include "model.h"

/* A source over files[0..count), whose paths are set and outlive the source; fills in the sizes and
 * identities. Symbolic links are followed; only regular files are opened. However many files there
 * are, few descriptors are: those used longest ago are closed and opened again when needed. A file
 * that is not the one it was (another inode, size or time of change) is an error then. */
aq_status aq_files_open(aq_file *files, uint32_t count, aq_source **source, aq_error *err);

/* Whether all files are still what they were when opened: for the end of a run, before what was
 * read is trusted. AQ_OK for a source that is not made of files. */
aq_status aq_files_unchanged(aq_source *source, aq_error *err);

/* How many descriptors a source has open now: at most AQ_FILES_DESCRIPTORS. */
enum { AQ_FILES_DESCRIPTORS = 48 };
unsigned aq_files_descriptors(aq_source *source);

#endif
