/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include "error.h"
#include "memory.h"

typedef struct file {
    const char *path;
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec changed;
    int descriptor; /* -1 while closed */
    unsigned users; /* reads under way; only a file without any is closed */
    uint64_t used;  /* clock of the last use */
} file;

typedef struct files {
    aq_source base;
    pthread_mutex_t lock;    /* guards what follows, and file.descriptor, users, used */
    pthread_cond_t released; /* a file without users, where all descriptors were in use */
    uint64_t clock;
    unsigned open;
    unsigned limit;
    uint32_t count;
    file file[];
} files;

static void remember(file *f, const struct stat *st)
{
    f->device = st->st_dev;
    f->inode = st->st_ino;
    f->size = st->st_size;
    f->changed = st->st_mtim;
}

static bool same(const file *f, const struct stat *st)
{
    return f->device == st->st_dev && f->inode == st->st_ino && f->size == st->st_size &&
           f->changed.tv_sec == st->st_mtim.tv_sec && f->changed.tv_nsec == st->st_mtim.tv_nsec;
}

static aq_status fail_changed(const file *f, aq_error *err)
{
    return aq_fail(err, AQ_FAILURE,
                   "%s: the file changed while it was read; run again when nothing writes to it",
                   f->path);
}

/* O_NONBLOCK, so that a FIFO put in the file's place does not hang the open; it means nothing to
 * regular files. */
static aq_status open_regular(const char *path, int *descriptor, struct stat *st, aq_error *err)
{
    /* Looked at before it is opened, since opening some devices acts on them. */
    if (stat(path, st) != 0)
        return aq_fail_errno(err, path, "open");
    int fd = -1;
    if (S_ISREG(st->st_mode)) {
        do
            fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        while (fd < 0 && errno == EINTR);
        if (fd < 0 || fstat(fd, st) != 0) {
            aq_status status = aq_fail_errno(err, path, "open");
            if (fd >= 0)
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
    (void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
#endif
    *descriptor = fd;
    return AQ_OK;
}

static void shut(files *self, file *f)
{
    (void)close(f->descriptor);
    f->descriptor = -1;
    self->open--;
}

/* With the lock held: room for one more descriptor, waiting for one where every file is in use. A
 * reader holds one at a time and never waits with it, so one is released. */
static void make_room(files *self)
{
    while (self->open >= self->limit) {
        file *oldest = NULL;
        for (uint32_t i = 0; i < self->count; i++) {
            file *f = &self->file[i];
            if (f->descriptor >= 0 && f->users == 0 && (oldest == NULL || f->used < oldest->used))
                oldest = f;
        }
        if (oldest != NULL)
            shut(self, oldest);
        else
            pthread_cond_wait(&self->released, &self->lock);
    }
}

/* With the lock held. */
static aq_status reopen(files *self, file *f, aq_error *err)
{
    struct stat st;
    make_room(self);
    if (f->descriptor >= 0) /* another reader was faster, while this one waited for room */
        return AQ_OK;
    aq_status status = open_regular(f->path, &f->descriptor, &st, err);
    if (status != AQ_OK)
        return status;
    self->open++;
    if (!same(f, &st)) {
        shut(self, f);
        return fail_changed(f, err);
    }
    return AQ_OK;
}

static aq_status acquire(files *self, file *f, aq_error *err)
{
    aq_status status = AQ_OK;
    pthread_mutex_lock(&self->lock);
    if (f->descriptor < 0)
        status = reopen(self, f, err);
    if (status == AQ_OK) {
        f->users++;
        f->used = ++self->clock;
    }
    pthread_mutex_unlock(&self->lock);
    return status;
}

static void release(files *self, file *f)
{
    pthread_mutex_lock(&self->lock);
    if (--f->users == 0)
        pthread_cond_signal(&self->released);
    pthread_mutex_unlock(&self->lock);
}

static aq_status read_all(const file *f, uint64_t offset, char *buf, size_t size, aq_error *err)
{
    while (size > 0) {
        ssize_t n = pread(f->descriptor, buf, size, (off_t)offset);
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
    files *self = (files *)source;
    file *f = &self->file[i];
    if (offset > (uint64_t)f->size || size > (uint64_t)f->size - offset)
        return aq_fail(err, AQ_BAD_INPUT,
                       "%s: %zu bytes at byte %" PRIu64 " lie past the end of the file", f->path,
                       size, offset);
    aq_status status = acquire(self, f, err);
    if (status != AQ_OK)
        return status;
    status = read_all(f, offset, buf, size, err);
    release(self, f);
    return status;
}

static void files_close(aq_source *source)
{
    files *self = (files *)source;
    for (uint32_t i = 0; i < self->count; i++)
        if (self->file[i].descriptor >= 0)
            (void)close(self->file[i].descriptor);
    pthread_cond_destroy(&self->released);
    pthread_mutex_destroy(&self->lock);
    aq_free(self);
}

/* The first files stay open, as far as there are descriptors. */
static aq_status first_open(files *self, aq_file *model_file, file *f, aq_error *err)
{
    struct stat st;
    f->path = model_file->path;
    aq_status status = open_regular(f->path, &f->descriptor, &st, err);
    if (status != AQ_OK)
        return status;
    self->open++;
    remember(f, &st);
    model_file->size = (uint64_t)st.st_size;
    model_file->device = st.st_dev;
    model_file->inode = st.st_ino;
    if (self->open == self->limit && self->count > self->limit)
        shut(self, f);
    return AQ_OK;
}

aq_status aq_files_open(aq_file *model_files, uint32_t count, aq_source **source, aq_error *err)
{
    size_t size = sizeof(files) + count * sizeof(file);
    files *self = aq_calloc(1, size);
    if (self == NULL)
        return aq_fail_memory(err, "the table of input files");
    self->base = (aq_source){.read_at = files_read_at, .close = files_close};
    self->limit = AQ_FILES_DESCRIPTORS;
    self->count = count;
    pthread_mutex_init(&self->lock, NULL);
    pthread_cond_init(&self->released, NULL);
    for (uint32_t i = 0; i < count; i++)
        self->file[i].descriptor = -1;
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

/* An open file is judged by its descriptor: a path that now names another file does no harm to
 * bytes that came from this one. */
static aq_status unchanged(const file *f, aq_error *err)
{
    struct stat st;
    if ((f->descriptor >= 0 ? fstat(f->descriptor, &st) : stat(f->path, &st)) != 0)
        return aq_fail_errno(err, f->path, "check the input again");
    return same(f, &st) ? AQ_OK : fail_changed(f, err);
}

aq_status aq_files_unchanged(aq_source *source, aq_error *err)
{
    aq_status status = AQ_OK;
    if (source->close != files_close)
        return AQ_OK;
    files *self = (files *)source;
    pthread_mutex_lock(&self->lock);
    for (uint32_t i = 0; i < self->count && status == AQ_OK; i++)
        status = unchanged(&self->file[i], err);
    pthread_mutex_unlock(&self->lock);
    return status;
}

unsigned aq_files_descriptors(aq_source *source)
{
    files *self = (files *)source;
    pthread_mutex_lock(&self->lock);
    unsigned open = self->open;
    pthread_mutex_unlock(&self->lock);
    return open;
}
