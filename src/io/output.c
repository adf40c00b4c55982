/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/small.h"
#include "formats/files.h"
#include "output_internal.h"

/* ---- names ---- */

char *aq_output_joined(const char *directory, const char *name)
{
    size_t a = strlen(directory), b = strlen(name);
    char *path = aq_malloc(a + 1 + b + 1);
    if (path == NULL)
        return NULL;
    memcpy(path, directory, a);
    path[a] = '/';
    memcpy(path + a + 1, name, b + 1);
    return path;
}

bool aq_output_is_temporary(const char *name)
{
    static const char before[] = ".arrowquant-", after[] = ".tmp";
    enum { DIGITS = 16 };
    return strncmp(name, before, sizeof before - 1) == 0 &&
           strspn(name + sizeof before - 1, "0123456789abcdef") == DIGITS &&
           strcmp(name + sizeof before - 1 + DIGITS, after) == 0;
}

char *aq_output_temporary(const char *target)
{
    uint64_t random;
    char name[48];
    if (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random)
        random = (uint64_t)getpid() << 32 | (uint64_t)(uintptr_t)&random >> 4;
    (void)snprintf(name, sizeof name, ".arrowquant-%016llx.tmp", (unsigned long long)random);
    const char *slash = strrchr(target, '/');
    if (slash == NULL)
        return aq_strdup(name);
    char *directory = aq_strndup(target, (size_t)(slash - target));
    char *path = directory == NULL ? NULL : aq_output_joined(directory, name);
    aq_free(directory);
    return path;
}

/* ---- one file ---- */

int aq_output_fd(const char *path, int flags, mode_t mode)
{
    int fd;
    do
        fd = open(path, flags | O_CLOEXEC, mode);
    while (fd < 0 && errno == EINTR);
    return fd;
}

int aq_output_fsync(int fd)
{
    int failed;
    do
        failed = fsync(fd);
    while (failed != 0 && errno == EINTR);
    return failed;
}

/* All of buf at offset, whatever signals and short writes come between. */
static int write_fully(int fd, uint64_t offset, const char *buf, size_t size)
{
    while (size > 0) {
        ssize_t n = pwrite(fd, buf, size, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        buf += n;
        offset += (uint64_t)n;
        size -= (size_t)n;
    }
    return 0;
}

/* Room for the whole file now, so that a full disk is found before the work and not after it. */
static int preallocate(int fd, uint64_t size)
{
    if (size == 0)
        return 0;
#if defined(HAVE_FALLOCATE)
    int failed;
    do
        failed = fallocate(fd, 0, 0, (off_t)size);
    while (failed != 0 && errno == EINTR);
    if (failed == 0)
        return 0;
    if (errno != EOPNOTSUPP && errno != ENOSYS)
        return -1;
#endif
    return ftruncate(fd, (off_t)size);
}

/* In a directory that has its own temporary name, files have theirs already. */
static aq_status create(const aq_output *out, aq_output_file *file, aq_error *err)
{
    file->temp = out->made == NULL ? aq_output_temporary(file->target)
                                   : aq_output_joined(out->made, aq_basename(file->target));
    if (file->temp == NULL)
        return aq_fail_memory(err, "the output");
    int fd = aq_output_fd(file->temp, O_WRONLY | O_CREAT | O_EXCL, 0666);
    if (fd < 0)
        return aq_fail_errno(err, file->target, "create a file beside it");
    file->exists = true;
    if (preallocate(fd, file->size) != 0) {
        int code = errno;
        (void)close(fd);
        return aq_fail(err, AQ_FAILURE, "%s: cannot make room for %llu bytes: %s", file->target,
                       (unsigned long long)file->size, strerror(code));
    }
    if (close(fd) != 0)
        return aq_fail_errno(err, file->target, "create a file beside it");
    return AQ_OK;
}

/* ---- the sink ---- */

/* Files are opened when first written to and closed when their last byte is there, so that the
 * number of open ones follows the workers, not the shards. */
static int descriptor(aq_output *out, aq_output_file *file)
{
    (void)pthread_mutex_lock(&out->lock);
    if (file->fd < 0)
        file->fd = aq_output_fd(file->temp, O_WRONLY, 0);
    int fd = file->fd;
    (void)pthread_mutex_unlock(&out->lock);
    return fd;
}

/* True for whoever wrote the last byte: all others are done with the descriptor, and it is theirs
 * to close. */
static bool completes(aq_output *out, aq_output_file *file, size_t size)
{
    (void)pthread_mutex_lock(&out->lock);
    file->left -= size;
    bool last = file->left == 0;
    if (last)
        file->fd = -1;
    (void)pthread_mutex_unlock(&out->lock);
    return last;
}

static aq_status output_write(aq_sink *self, uint32_t index, uint64_t offset, const void *buf,
                              size_t size, aq_error *err)
{
    aq_output *out = (aq_output *)self;
    aq_output_file *file = &out->files[index];
    if (size == 0)
        return AQ_OK;
    int fd = descriptor(out, file);
    if (fd < 0)
        return aq_fail_errno(err, file->target, "open the file beside it");
    if (write_fully(fd, offset, buf, size) != 0) {
        int code = errno;
        return aq_fail(err, AQ_FAILURE, "%s: cannot write %zu bytes at offset %llu: %s",
                       file->target, size, (unsigned long long)offset, strerror(code));
    }
    if (completes(out, file, size) && close(fd) != 0)
        return aq_fail_errno(err, file->target, "close");
    return AQ_OK;
}

static void take_back(const aq_output *out)
{
    for (size_t i = 0; i < out->count; i++)
        if (out->files[i].exists)
            (void)unlink(out->files[i].temp);
    if (out->swaps)
        aq_output_swap_undo(out);
    else if (out->made != NULL)
        (void)rmdir(out->made);
}

static void output_close(aq_sink *self)
{
    aq_output *out = (aq_output *)self;
    for (size_t i = 0; i < out->count; i++)
        if (out->files[i].fd >= 0)
            (void)close(out->files[i].fd);
    if (!out->committed)
        take_back(out);
    for (size_t i = 0; i < out->count; i++) {
        aq_free(out->files[i].target);
        aq_free(out->files[i].temp);
    }
    (void)pthread_mutex_destroy(&out->lock);
    aq_arena_free(&out->arena);
    aq_free(out->files);
    aq_free(out->directory);
    aq_free(out->made);
    aq_free(out);
}

/* ---- opening ---- */

static aq_output_file *add_file(aq_output *out, char *target, uint64_t size, uint64_t to_write)
{
    aq_output_file *file = &out->files[out->count++];
    file->target = target;
    file->size = size;
    file->left = to_write;
    file->fd = -1;
    return file;
}

/* In one pass over the tensors, however many files they are in. */
static void count_bytes(aq_output *out, const aq_layout *layout)
{
    for (size_t i = 0; i < layout->tensor_count; i++) {
        aq_output_file *file = &out->files[layout->tensors[i].file];
        if (file->target != NULL)
            file->left += layout->tensors[i].bytes;
    }
}

static aq_status write_text(aq_output *out, const aq_out_text *text, aq_error *err)
{
    char *target = aq_output_joined(out->directory, text->name);
    if (target == NULL)
        return aq_fail_memory(err, "the output");
    aq_output_file *file = add_file(out, target, text->size, text->size);
    aq_status status = create(out, file, err);
    if (status == AQ_OK)
        status =
            output_write(&out->sink, (uint32_t)(file - out->files), 0, text->text, text->size, err);
    return status;
}

static aq_status copy_bytes(aq_output *out, uint32_t index, aq_source *from, aq_error *err)
{
    char buf[16 * 1024];
    uint64_t size = out->files[index].size;
    aq_status status = AQ_OK;
    for (uint64_t offset = 0, n; status == AQ_OK && offset < size; offset += n) {
        n = aq_least(size - offset, sizeof buf);
        status = from->read_at(from, 0, offset, buf, (size_t)n, err);
        if (status == AQ_OK)
            status = output_write(&out->sink, index, offset, buf, (size_t)n, err);
    }
    return status == AQ_OK ? aq_files_unchanged(from, err) : status;
}

static aq_status copy_extra(aq_output *out, const char *from_directory, const char *name,
                            aq_error *err)
{
    char *path = aq_output_joined(from_directory, name),
         *target = aq_output_joined(out->directory, name);
    if (path == NULL || target == NULL) {
        aq_free(path);
        aq_free(target);
        return aq_fail_memory(err, "the output");
    }
    aq_file from = {.path = path};
    aq_source *source = NULL;
    aq_status status = aq_files_open(&from, 1, &source, err);
    aq_output_file *file = add_file(out, target, from.size, from.size);
    if (status == AQ_OK)
        status = create(out, file, err);
    if (status == AQ_OK)
        status = copy_bytes(out, (uint32_t)(file - out->files), source, err);
    if (source != NULL)
        source->close(source);
    aq_free(path);
    return status;
}

/* Shards first, so that a layout's file index is the sink's too. Renaming goes in the same order:
 * the index, the last text, completes the model. */
static aq_status create_all(aq_output *out, const char *path, const aq_layout *layout,
                            const aq_model *model, aq_error *err)
{
    aq_status status = AQ_OK;
    for (uint32_t i = 0; status == AQ_OK && i < layout->file_count; i++) {
        const char *name = layout->files[i].name;
        if (layout->files[i].elsewhere) {
            (void)add_file(out, NULL, 0, 0);
            continue;
        }
        char *target = name == NULL ? aq_strdup(path) : aq_output_joined(out->directory, name);
        if (target == NULL)
            return aq_fail_memory(err, "the output");
        const aq_out_file *file = &layout->files[i];
        status = create(out, add_file(out, target, file->size, file->header_size), err);
    }
    if (status == AQ_OK)
        count_bytes(out, layout);
    for (size_t i = 0; status == AQ_OK && i < layout->copy_count; i++)
        status = copy_extra(out, model->directory, layout->copies[i], err);
    for (size_t i = 0; status == AQ_OK && i < layout->text_count; i++)
        status = write_text(out, &layout->texts[i], err);
    return status;
}

/* `path` without the slashes at its end, so that something can stand beside it. */
static char *trimmed(const char *path)
{
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/')
        length--;
    return aq_strndup(path, length);
}

/* Another part may make it in the same moment, and is to find it even if this one fails. */
static aq_status share_directory(const aq_output *out, aq_error *err)
{
    if (mkdir(out->directory, 0777) == 0 || errno == EEXIST)
        return AQ_OK;
    return aq_fail_errno(err, out->directory, "make the directory");
}

static aq_status make_directory(aq_output *out, aq_error *err)
{
    char *made = aq_output_temporary(out->directory);
    if (made == NULL)
        return aq_fail_memory(err, "the output");
    if (mkdir(made, 0777) != 0) {
        aq_status status = aq_fail_errno(err, out->directory, "make the directory");
        aq_free(made);
        return status;
    }
    out->made = made;
    return AQ_OK;
}

static aq_status prepare(aq_output *out, const char *path, const aq_layout *layout,
                         const aq_model *model, aq_error *err)
{
    bool directory = layout->files[0].name != NULL;
    size_t count = layout->file_count + layout->copy_count + layout->text_count;
    out->directory = directory ? trimmed(path) : aq_output_parent(path);
    out->files = aq_calloc(count, sizeof *out->files);
    if (out->directory == NULL || out->files == NULL)
        return aq_fail_memory(err, "the output");
    aq_status status = directory ? aq_output_check_directory(out, layout, model, err)
                                 : aq_output_check_file(path, model, out->force, err);
    if (status == AQ_OK && directory && !out->directory_exists)
        status = layout->part ? share_directory(out, err) : make_directory(out, err);
    else if (status == AQ_OK && directory && out->force && !layout->part)
        aq_output_swap_begin(out);
    if (directory && !layout->part)
        out->vouching = layout->text_count;
    return status == AQ_OK ? create_all(out, path, layout, model, err) : status;
}

aq_status aq_output_open(const char *path, const aq_layout *layout, const aq_model *model,
                         bool force, bool sync, aq_sink **sink, aq_error *err)
{
    *sink = NULL;
    aq_output *out = aq_calloc(1, sizeof *out);
    if (out == NULL)
        return aq_fail_memory(err, "the output");
    out->sink = (aq_sink){output_write, aq_output_commit, output_close};
    out->force = force;
    out->sync = sync;
    (void)pthread_mutex_init(&out->lock, NULL);
    aq_status status = prepare(out, path, layout, model, err);
    if (status != AQ_OK) {
        output_close(&out->sink);
        return status;
    }
    *sink = &out->sink;
    return AQ_OK;
}
