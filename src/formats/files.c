/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

#include "base/error.h"
#include "base/memory.h"
#include "files_internal.h"

static void remember(aq_files_file *f, const struct stat *st)
{
    f->device = st->st_dev;
    f->inode = st->st_ino;
    f->size = st->st_size;
    f->changed = st->st_mtim;
}

static bool same(const aq_files_file *f, const struct stat *st)
{
    return f->device == st->st_dev && f->inode == st->st_ino && f->size == st->st_size &&
           f->changed.tv_sec == st->st_mtim.tv_sec && f->changed.tv_nsec == st->st_mtim.tv_nsec;
}

static aq_status fail_changed(const aq_files_file *f, aq_error *err)
{
    return aq_fail(err, AQ_FAILURE,
                   "%s: the file changed while it was read; run again when nothing writes to it",
                   f->path);
}

/* O_NONBLOCK, so that a FIFO put in the file's place does not hang the open; it means nothing to
 * regular files. */
static aq_status open_regular(const char *path, int flags, int *descriptor, struct stat *st,
                              aq_error *err)
{
    /* Looked at before it is opened, since opening some devices acts on them. */
    if (stat(path, st) != 0)
        return aq_fail_errno(err, path, "open");
    int fd = -1;
    if (S_ISREG(st->st_mode)) {
        do
            fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | flags);
        while (fd < 0 && errno == EINTR);
        if (fd < 0)
            return aq_fail_errno(err, path, "open");
        if (fstat(fd, st) != 0) {
            aq_status status = aq_fail_errno(err, path, "look at it");
            (void)close(fd);
            return status;
        }
    }
    if (!S_ISREG(st->st_mode)) {
        if (fd >= 0)
            (void)close(fd);
        return aq_fail(err, AQ_BAD_INPUT, "%s: not a regular file", path);
    }
#if defined(HAVE_POSIX_FADVISE)
    if (flags == 0)
        (void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
#endif
    *descriptor = fd;
    return AQ_OK;
}

static void shut(aq_files *self, aq_files_file *f, aq_files_kind kind)
{
    (void)close(f->handle[kind].descriptor);
    f->handle[kind].descriptor = -1;
    self->open[kind]--;
}

/* The file whose idle descriptor was used longest ago; NULL where none is idle. */
static aq_files_file *oldest_idle(aq_files *self, aq_files_kind kind)
{
    aq_files_file *oldest = NULL;
    for (uint32_t i = 0; i < self->count; i++) {
        aq_files_file *f = &self->file[i];
        const aq_files_handle *h = &f->handle[kind];
        if (h->descriptor >= 0 && h->users == 0 &&
            (oldest == NULL || h->used < oldest->handle[kind].used))
            oldest = f;
    }
    return oldest;
}

/* With the lock held: room for one more descriptor, waiting for one where every file is in use. A
 * reader holds one at a time and never waits with it, so one is released. */
static void make_room(aq_files *self, aq_files_kind kind)
{
    while (self->open[kind] >= self->limit) {
        aq_files_file *oldest = oldest_idle(self, kind);
        if (oldest != NULL)
            shut(self, oldest, kind);
        else
            pthread_cond_wait(&self->released, &self->lock);
    }
}

/* With the lock held. */
static aq_status reopen(aq_files *self, aq_files_file *f, aq_files_kind kind, aq_error *err)
{
    struct stat st;
    int flags = kind == AQ_FILES_DIRECT ? O_DIRECT : 0;
    make_room(self, kind);
    if (f->handle[kind].descriptor >= 0)
        return AQ_OK; /* another reader was faster, while this one waited for room */
    aq_status status = open_regular(f->path, flags, &f->handle[kind].descriptor, &st, err);
    if (status != AQ_OK)
        return status;
    self->open[kind]++;
    if (!same(f, &st)) {
        shut(self, f, kind);
        return fail_changed(f, err);
    }
    return AQ_OK;
}

aq_status aq_files_acquire(aq_files *self, aq_files_file *f, aq_files_kind kind, aq_error *err)
{
    aq_status status = AQ_OK;
    aq_files_handle *h = &f->handle[kind];
    pthread_mutex_lock(&self->lock);
    if (h->descriptor < 0)
        status = reopen(self, f, kind, err);
    if (status == AQ_OK) {
        h->users++;
        h->used = ++self->clock;
    }
    pthread_mutex_unlock(&self->lock);
    return status;
}

void aq_files_release(aq_files *self, aq_files_file *f, aq_files_kind kind)
{
    pthread_mutex_lock(&self->lock);
    if (--f->handle[kind].users == 0)
        pthread_cond_broadcast(&self->released);
    pthread_mutex_unlock(&self->lock);
}

static aq_status read_all(const aq_files_file *f, uint64_t offset, char *buf, size_t size,
                          aq_error *err)
{
    while (size > 0) {
        ssize_t n = pread(f->handle[AQ_FILES_CACHED].descriptor, buf, size, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return aq_fail_errno(err, f->path, "read");
        if (n == 0)
            return aq_fail(err, AQ_FAILURE,
                           "%s: the file ends at byte %" PRIu64 ", before the %zu bytes that were "
                           "there when it was opened; run again when nothing writes to it",
                           f->path, offset, size);
        buf += n;
        offset += (uint64_t)n;
        size -= (size_t)n;
    }
    return AQ_OK;
}

static aq_status files_read_at(aq_source *source, uint32_t i, uint64_t offset, void *buf,
                               size_t size, aq_error *err)
{
    aq_files *self = (aq_files *)source;
    aq_files_file *f = &self->file[i];
    if (offset > (uint64_t)f->size || size > (uint64_t)f->size - offset)
        return aq_fail(err, AQ_BAD_INPUT,
                       "%s: %zu bytes at byte %" PRIu64 " lie past the end of the file", f->path,
                       size, offset);
    aq_status status = aq_files_acquire(self, f, AQ_FILES_CACHED, err);
    if (status != AQ_OK)
        return status;
    status = read_all(f, offset, buf, size, err);
    aq_files_release(self, f, AQ_FILES_CACHED);
    return status;
}

static void files_close(aq_source *source)
{
    aq_files *self = (aq_files *)source;
    for (uint32_t i = 0; i < self->count; i++)
        for (int kind = 0; kind < AQ_FILES_KINDS; kind++)
            if (self->file[i].handle[kind].descriptor >= 0)
                (void)close(self->file[i].handle[kind].descriptor);
    pthread_cond_destroy(&self->released);
    pthread_mutex_destroy(&self->lock);
    aq_free(self);
}

/* The first files stay open, as far as there are descriptors. */
static aq_status first_open(aq_files *self, aq_file *model_file, aq_files_file *f, aq_error *err)
{
    struct stat st;
    f->path = model_file->path;
    aq_status status = open_regular(f->path, 0, &f->handle[AQ_FILES_CACHED].descriptor, &st, err);
    if (status != AQ_OK)
        return status;
    self->open[AQ_FILES_CACHED]++;
    remember(f, &st);
    model_file->size = (uint64_t)st.st_size;
    model_file->device = st.st_dev;
    model_file->inode = st.st_ino;
    if (self->open[AQ_FILES_CACHED] == self->limit && self->count > self->limit)
        shut(self, f, AQ_FILES_CACHED);
    return AQ_OK;
}

aq_status aq_files_open(aq_file *model_files, uint32_t count, aq_source **source, aq_error *err)
{
    size_t size = sizeof(aq_files) + count * sizeof(aq_files_file);
    aq_files *self = aq_calloc(1, size);
    if (self == NULL)
        return aq_fail_memory(err, "the table of input files");
    self->base = (aq_source){.read_at = files_read_at, .close = files_close};
    self->limit = AQ_FILES_DESCRIPTORS;
    self->count = count;
    pthread_mutex_init(&self->lock, NULL);
    pthread_cond_init(&self->released, NULL);
    for (uint32_t i = 0; i < count; i++)
        for (int kind = 0; kind < AQ_FILES_KINDS; kind++)
            self->file[i].handle[kind].descriptor = -1;
    for (uint32_t i = 0; i < count; i++) {
        aq_status status = first_open(self, &model_files[i], &self->file[i], err);
        if (status != AQ_OK) {
            files_close(&self->base);
            return status;
        }
    }
    *source = &self->base;
    return AQ_OK;
}

aq_files *aq_files_of(aq_source *source)
{
    return source->close == files_close ? (aq_files *)source : NULL;
}

/* An open file is judged by its descriptor: a path that now names another file does no harm to
 * bytes that came from this one. */
static aq_status unchanged(const aq_files_file *f, aq_error *err)
{
    struct stat st;
    int fd = f->handle[AQ_FILES_CACHED].descriptor;
    if ((fd >= 0 ? fstat(fd, &st) : stat(f->path, &st)) != 0)
        return aq_fail_errno(err, f->path, "check the input again");
    return same(f, &st) ? AQ_OK : fail_changed(f, err);
}

aq_status aq_files_unchanged(aq_source *source, aq_error *err)
{
    aq_status status = AQ_OK;
    aq_files *self = aq_files_of(source);
    if (self == NULL)
        return AQ_OK;
    pthread_mutex_lock(&self->lock);
    for (uint32_t i = 0; i < self->count && status == AQ_OK; i++)
        status = unchanged(&self->file[i], err);
    pthread_mutex_unlock(&self->lock);
    return status;
}

unsigned aq_files_descriptors(aq_source *source)
{
    aq_files *self = (aq_files *)source;
    pthread_mutex_lock(&self->lock);
    unsigned open = self->open[AQ_FILES_CACHED];
    pthread_mutex_unlock(&self->lock);
    return open;
}
