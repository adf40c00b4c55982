/* SPDX-License-Identifier: Apache-2.0
 * Between output.c, which writes, output_check.c, which says whether it may, and output_commit.c
 * and output_swap.c, by which it appears. */
#ifndef AQ_OUTPUT_INTERNAL_H
#define AQ_OUTPUT_INTERNAL_H

#include <pthread.h>

#include "base/memory.h"
#include "output.h"

typedef struct aq_output_file {
    char *target, *temp; /* NULL: another part of the run writes it */
    uint64_t size;       /* of the whole file, padding included */
    uint64_t left;       /* bytes still to be written; under the lock while workers write */
    int fd;              /* -1 while closed; likewise */
    bool exists;         /* under its temporary name */
} aq_output_file;

/* Something in a directory that is to be replaced. */
typedef struct aq_output_entry aq_output_entry;

typedef struct aq_output {
    aq_sink sink;
    char *directory; /* that holds all targets */
    aq_output_file *files;
    size_t count;
    char *made; /* what becomes the directory, under its temporary name; else NULL */
    bool force, sync, committed, directory_exists;
    bool swaps;           /* `made` is exchanged for a directory that is there */
    size_t vouching;      /* the last of the files: the model is not loaded without them */
    aq_output_entry *old; /* what the directory held as it was exchanged */
    aq_arena arena;       /* for `old` */
    pthread_mutex_t lock; /* guards each file's left and fd */
} aq_output;

/* The directory of a file's path; from aq_malloc. */
char *aq_output_parent(const char *path);

/* "DIRECTORY/NAME"; from aq_malloc. */
char *aq_output_joined(const char *directory, const char *name);

/* open and fsync, begun again where a signal interrupts them: one that is to end the run is asked
 * for elsewhere. */
int aq_output_fd(const char *path, int flags, mode_t mode);
int aq_output_fsync(int fd);

/* A name of its own beside the target, short whatever the target's is; from aq_malloc. */
char *aq_output_temporary(const char *target);

/* How names change, in the kernel's numbers, which not every C library's headers have. */
enum { AQ_RENAME_NOREPLACE = 1, AQ_RENAME_EXCHANGE = 2 };

/* As renameat2. */
int aq_output_rename(const char *from, const char *to, unsigned how);

aq_status aq_output_check_file(const char *path, const aq_model *model, bool force, aq_error *err);

/* Sets out->directory_exists. */
aq_status aq_output_check_directory(aq_output *out, const aq_layout *layout, const aq_model *model,
                                    aq_error *err);

/* The sink's: of all files, once they are complete. Sets out->committed where the names have
 * changed, even if what follows fails. */
aq_status aq_output_commit(aq_sink *self, aq_error *err);

/* Where the directory that is there can be exchanged as a whole, sets out->swaps and makes
 * out->made, with its mode and owner; out->directory is no link then. Else changes nothing: it is
 * empty, the current directory or a mount point, its parent cannot be written to, it is somebody
 * else's, or the file system has no exchange. */
void aq_output_swap_begin(aq_output *out);

/* Brings what the model does not replace into out->made, by links or copies. */
aq_status aq_output_swap_carry(aq_output *out, aq_error *err);

aq_status aq_output_swap(const aq_output *out, aq_error *err);

/* After the swap: removes the old directory. */
aq_status aq_output_swap_end(const aq_output *out, aq_error *err);

/* Instead of it: removes the new one, once its own files are gone. */
void aq_output_swap_undo(const aq_output *out);

#endif
