/* SPDX-License-Identifier: Apache-2.0
 * Between files.c, which keeps the descriptors, and files_direct.c, which reads past the page
 * cache.
 */
#ifndef AQ_FILES_INTERNAL_H
#define AQ_FILES_INTERNAL_H

#include <pthread.h>
#include <sys/stat.h>

#include "files.h"

/* How a file is open: through the page cache, or past it. */
typedef enum aq_files_kind { AQ_FILES_CACHED, AQ_FILES_DIRECT, AQ_FILES_KINDS } aq_files_kind;

typedef struct aq_files_handle {
    int descriptor; /* -1 while closed */
    unsigned users; /* reads under way; only a handle without any is closed */
    uint64_t used;  /* clock of the last use */
} aq_files_handle;

typedef struct aq_files_file {
    const char *path;
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec changed;
    aq_files_handle handle[AQ_FILES_KINDS];
} aq_files_file;

typedef struct aq_files {
    aq_source base;
    pthread_mutex_t lock;    /* guards what follows, and the files' handles */
    pthread_cond_t released; /* a handle without users, where all descriptors were in use */
    uint64_t clock;
    unsigned open[AQ_FILES_KINDS];
    unsigned limit; /* of each kind */
    uint32_t count;
    aq_files_file file[];
} aq_files;

/* The set of files behind a source; NULL where it is made of something else. */
aq_files *aq_files_of(aq_source *source);

/* A descriptor to read from, opened where it is not; in use until it is released. */
aq_status aq_files_acquire(aq_files *self, aq_files_file *f, aq_files_kind kind, aq_error *err);
void aq_files_release(aq_files *self, aq_files_file *f, aq_files_kind kind);

#endif
