/* SPDX-License-Identifier: Apache-2.0
 * A source over one or more regular files. */
#ifndef AQ_FILES_H
#define AQ_FILES_H

#include <stdbool.h>

#include "base/io.h"
#include "model.h"

/* A source over files[0..count), whose paths are set and outlive the source; fills in the sizes and
 * identities. Symbolic links are followed; only regular files are opened. However many files there
 * are, few descriptors are: those used longest ago are closed and opened again when needed. A file
 * that is not the one it was (another inode, size or time of change) is an error then. */
aq_status aq_files_open(aq_file *files, uint32_t count, aq_source **source, aq_error *err);

/* Whether all files are still what they were when opened: for the end of a run, before what was
 * read is trusted. AQ_OK for a source that is not made of files. */
aq_status aq_files_unchanged(aq_source *source, aq_error *err);

/* How many bytes of a range are in the page cache; all of them where it is not known, or where the
 * source is not made of files. An estimate on kernels that do not tell it. */
uint64_t aq_files_cached(aq_source *source, uint32_t file, uint64_t offset, uint64_t size);

/* Opens a file for reads past the page cache; false where that is refused. */
bool aq_files_open_direct(aq_source *source, uint32_t file);

/* Reads past the page cache at least the first `needed` of `size` bytes: those behind may lie past
 * the end of the file. offset, buf and size are multiples of AQ_FILES_DIRECT_ALIGN. False where
 * that fails, for whatever reason: read_at will name it. */
enum { AQ_FILES_DIRECT_ALIGN = 4096 };
bool aq_files_read_direct(aq_source *source, uint32_t file, uint64_t offset, void *buf, size_t size,
                          size_t needed);

/* How many descriptors a source has open now, those past the cache not counted: at most
 * AQ_FILES_DESCRIPTORS. */
enum { AQ_FILES_DESCRIPTORS = 48 };
unsigned aq_files_descriptors(aq_source *source);

#endif
