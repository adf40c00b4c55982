/* SPDX-License-Identifier: Apache-2.0
 * How an output that is all there takes its name: synced, renamed, its directory synced. */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.h"
#include "base/memory.h"
#include "output_internal.h"

static aq_status sync_file(const aq_output_file *file, aq_error *err)
{
    int fd = aq_output_fd(file->temp, O_WRONLY, 0);
    if (fd < 0)
        return aq_fail_errno(err, file->target, "open it again to sync");
    int failed = aq_output_fsync(fd), code = errno;
    if (close(fd) != 0 && failed == 0) {
        failed = -1;
        code = errno;
    }
    errno = code;
    return failed == 0 ? AQ_OK : aq_fail_errno(err, file->target, "sync");
}

/* A C library may have the call's number only, as musl has. */
int aq_output_rename(const char *from, const char *to, unsigned how)
{
#if defined(HAVE_RENAMEAT2)
    return renameat2(AT_FDCWD, from, AT_FDCWD, to, how);
#else
    return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, how);
#endif
}

static aq_status appear(const char *temp, const char *target, bool force, aq_error *err)
{
    if (!force) {
        if (aq_output_rename(temp, target, AQ_RENAME_NOREPLACE) == 0)
            return AQ_OK;
        if (errno == EEXIST)
            return aq_fail(err, AQ_USAGE, "%s: appeared meanwhile; --force replaces it", target);
        if (errno != EINVAL && errno != ENOSYS)
            return aq_fail_errno(err, target, "rename to it");
    }
    if (rename(temp, target) != 0)
        return aq_fail_errno(err, target, "rename to it");
    return AQ_OK;
}

/* The names have changed by now, so all that is left to say is that a crash could undo it. */
static aq_status sync_directory(const aq_output *out, int fd, aq_error *err)
{
    /* Some file systems have no directories to sync. */
    if (aq_output_fsync(fd) == 0 || errno == EINVAL || errno == ENOTSUP)
        return AQ_OK;
    int code = errno;
    return aq_fail(err, AQ_FAILURE,
                   "%s: the output is complete, but its directory cannot be synced and a crash may "
                   "undo it: %s",
                   out->directory, strerror(code));
}

static aq_status sync_files(const aq_output *out, aq_error *err)
{
    aq_status status = AQ_OK;
    for (size_t i = 0; status == AQ_OK && i < out->count; i++)
        if (out->files[i].target != NULL)
            status = sync_file(&out->files[i], err);
    return status;
}

/* File by file, a directory holds some of both models for a moment. Without an index and without
 * config.json it is none that anybody would load. */
static aq_status take_down(const aq_output *out, aq_error *err)
{
    for (size_t i = out->count - out->vouching; i < out->count; i++)
        if (unlink(out->files[i].target) != 0 && errno != ENOENT)
            return aq_fail_errno(err, out->files[i].target, "remove it");
    return AQ_OK;
}

static aq_status fail_in_part(const aq_output *out, aq_status status, aq_error *err)
{
    aq_error cause = {.status = status};
    if (err != NULL)
        cause = *err;
    return aq_fail(err, status, "%s; %s is incomplete until this is run again", cause.message,
                   out->directory);
}

static aq_status rename_files(aq_output *out, aq_error *err)
{
    bool whole = out->force && out->vouching > 0;
    aq_status status = whole ? take_down(out, err) : AQ_OK;
    for (size_t i = 0; status == AQ_OK && i < out->count; i++) {
        aq_output_file *file = &out->files[i];
        if (file->target == NULL)
            continue;
        status = appear(file->temp, file->target, out->force, err);
        file->exists = status != AQ_OK;
    }
    return status != AQ_OK && whole ? fail_in_part(out, status, err) : status;
}

/* A directory appears with all that is in it, by one rename. */
static aq_status rename_all(aq_output *out, aq_error *err)
{
    aq_status status = out->swaps          ? aq_output_swap(out, err)
                       : out->made != NULL ? appear(out->made, out->directory, false, err)
                                           : rename_files(out, err);
    out->committed = status == AQ_OK;
    return status;
}

/* Opens the directory whose entries will change; *fd is -1 on failure. Those of a new directory are
 * synced here. */
static aq_status open_changing(const aq_output *out, int *fd, aq_error *err)
{
    aq_status status = AQ_OK;
    *fd = aq_output_fd(out->made == NULL ? out->directory : out->made, O_RDONLY | O_DIRECTORY, 0);
    if (*fd < 0)
        return aq_fail_errno(err, out->directory, "open to sync");
    if (out->made == NULL)
        return AQ_OK;
    if (aq_output_fsync(*fd) != 0 && errno != EINVAL && errno != ENOTSUP)
        status = aq_fail_errno(err, out->directory, "sync");
    (void)close(*fd);
    char *parent = status == AQ_OK ? aq_output_parent(out->directory) : NULL;
    *fd = parent == NULL ? -1 : aq_output_fd(parent, O_RDONLY | O_DIRECTORY, 0);
    if (status == AQ_OK && parent == NULL)
        status = aq_fail_memory(err, "the output");
    else if (status == AQ_OK && *fd < 0)
        status = aq_fail_errno(err, parent, "open to sync");
    aq_free(parent);
    return status;
}

static aq_status check_complete(aq_output *out, aq_error *err)
{
    aq_status status = AQ_OK;
    for (size_t i = 0; status == AQ_OK && i < out->count; i++) {
        uint64_t left = out->files[i].left;
        if (left != 0)
            status = aq_fail(err, AQ_FAILURE, "%s: %llu bytes were never written",
                             out->files[i].target, (unsigned long long)left);
    }
    return status;
}

static aq_status sync_and_rename(aq_output *out, aq_error *err)
{
    aq_status status = sync_files(out, err);
    if (status != AQ_OK)
        return status;
    /* Opened while nothing has changed yet. */
    int fd;
    status = open_changing(out, &fd, err);
    if (status == AQ_OK)
        status = rename_all(out, err);
    if (status == AQ_OK)
        status = sync_directory(out, fd, err);
    if (fd >= 0)
        (void)close(fd);
    return status;
}

aq_status aq_output_commit(aq_sink *self, aq_error *err)
{
    aq_output *out = (aq_output *)self;
    aq_status status = check_complete(out, err);
    if (status == AQ_OK && out->swaps)
        status = aq_output_swap_carry(out, err);
    if (status == AQ_OK)
        status = out->sync ? sync_and_rename(out, err) : rename_all(out, err);
    if (!out->committed || !out->swaps)
        return status;
    aq_status removed = aq_output_swap_end(out, status == AQ_OK ? err : NULL);
    return status == AQ_OK ? removed : status;
}
