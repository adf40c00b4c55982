/* SPDX-License-Identifier: Apache-2.0
 * Between output.c, which writes, and output_check.c, which says whether it may. */
#ifndef AQ_OUTPUT_INTERNAL_H
#define AQ_OUTPUT_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "output.h"

typedef struct aq_output_file {
    char *target, *temp;       /* NULL: another part of the run writes it */
    uint64_t size;             /* of the whole file, padding included */
    atomic_uint_fast64_t left; /* bytes still to be written */
    atomic_int fd;             /* -1 while closed */
    bool exists;               /* under its temporary name */
} aq_output_file;

typedef struct aq_output {
    aq_sink sink;
    char *directory; /* that holds all targets */
    aq_output_file *files;
    size_t count;
    char *made; /* a directory that was not there, under its temporary name; else NULL */
    bool force, sync, committed, directory_exists;
    pthread_mutex_t lock; /* guards opening a file's fd */
} aq_output;

/* The directory of a file's path; from aq_malloc. */
char *aq_output_parent(const char *path);

aq_status aq_output_check_file(const char *path, const aq_model *model, bool force, aq_error *err);

/* Sets out->directory_exists. */
aq_status aq_output_check_directory(aq_output *out, const aq_layout *layout, const aq_model *model,
                                    aq_error *err);

#endif
