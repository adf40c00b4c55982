/* SPDX-License-Identifier: Apache-2.0
 * A directory that is replaced as a whole: the new one is filled beside it, with what the old one
 * holds besides the model, and the two exchange their names in one step. */
#include <config.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/small.h"
#include "output_internal.h"

struct aq_output_entry {
    aq_output_entry *next; /* found earlier: a directory comes after all that is in it */
    const char *name;      /* from the directory's top */
    bool directory, carried;
};

/* Both names change what they mean in one step, or neither. */
static int exchange(const char *a, const char *b)
{
    return aq_output_rename(a, b, AQ_RENAME_EXCHANGE);
}

/* ---- whether it can be done ---- */

static bool is_empty(const char *path)
{
    DIR *dir = opendir(path);
    const struct dirent *entry = NULL;
    do
        entry = dir == NULL ? NULL : readdir(dir);
    while (entry != NULL && (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0));
    if (dir != NULL)
        (void)closedir(dir);
    return entry == NULL;
}

/* The name that stands for the directory itself: of a link, what it leads to. */
static char *without_links(const char *path)
{
    struct stat st;
    const char *name = aq_basename(path);
    bool dots = strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
    if (!dots && lstat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return aq_strdup(path);
    char *real = realpath(path, NULL);
    char *own = real == NULL ? NULL : aq_strdup(real);
    free(real);
    return own;
}

/* Also where the same file system is mounted on the directory, which its device does not tell. */
static bool is_mounted(const char *path, const struct stat *st)
{
    struct stat above;
    char *parent = aq_output_parent(path);
    bool crossing = parent == NULL || stat(parent, &above) != 0 || above.st_dev != st->st_dev;
    aq_free(parent);
#if defined(SYS_statx)
    /* Not every C library declares struct statx: its attributes are the second eight bytes. */
    const uint64_t mount_root = 0x2000; /* STATX_ATTR_MOUNT_ROOT */
    uint64_t more[32] = {0};
    if (!crossing && syscall(SYS_statx, AT_FDCWD, path, 0, 0, more) == 0)
        crossing = (more[1] & mount_root) != 0;
#endif
    return crossing;
}

/* Whoever stands in a directory that is exchanged finds himself in one that is gone. */
static bool is_current(const struct stat *st)
{
    struct stat here;
    return stat(".", &here) == 0 && here.st_dev == st->st_dev && here.st_ino == st->st_ino;
}

/* Tried on two directories that are empty, since there is no other way to ask. */
static bool exchanges(const char *made, const char *place)
{
    char *other = aq_output_temporary(place);
    bool done = other != NULL && mkdir(other, 0700) == 0;
    if (done) {
        done = exchange(made, other) == 0;
        (void)rmdir(other);
    }
    aq_free(other);
    return done;
}

static bool take_owner(const char *made, const struct stat *st)
{
    struct stat own;
    return stat(made, &own) == 0 &&
           ((own.st_uid == st->st_uid && own.st_gid == st->st_gid) ||
            chown(made, st->st_uid, st->st_gid) == 0) &&
           chmod(made, st->st_mode & 07777) == 0;
}

static char *make_beside(const char *place, const struct stat *st)
{
    char *made = aq_output_temporary(place);
    if (made == NULL || mkdir(made, 0700) != 0) {
        aq_free(made);
        return NULL;
    }
    if (exchanges(made, place) && take_owner(made, st))
        return made;
    (void)rmdir(made);
    aq_free(made);
    return NULL;
}

void aq_output_swap_begin(aq_output *out)
{
    struct stat st;
    char *place = without_links(out->directory);
    bool fixed = place == NULL || stat(place, &st) != 0 || access(place, W_OK) != 0 ||
                 is_empty(place) || is_mounted(place, &st) || is_current(&st);
    if (!fixed)
        out->made = make_beside(place, &st);
    out->swaps = out->made != NULL;
    if (out->swaps) {
        aq_free(out->directory);
        out->directory = place;
    } else {
        aq_free(place);
    }
}

/* ---- carrying over ---- */

/* Where there are no links to be had, or none to this file; the whole file, its mode and time. */
static int copy(const char *from, const char *to, const struct stat *st, bool sync)
{
    const struct timespec times[2] = {st->st_atim, st->st_mtim};
    const size_t most = 1 << 30;
    ssize_t n;
    int in = aq_output_fd(from, O_RDONLY | O_NOFOLLOW, 0);
    int fd = in < 0 ? -1 : aq_output_fd(to, O_WRONLY | O_CREAT | O_EXCL, 0600);
    bool failed = fd < 0;
    while (!failed && (n = sendfile(fd, in, NULL, most)) != 0)
        failed = n < 0 && errno != EINTR;
    failed = failed || fchmod(fd, st->st_mode & 07777) != 0 || futimens(fd, times) != 0 ||
             (sync && aq_output_fsync(fd) != 0);
    int code = errno;
    if (fd >= 0 && close(fd) != 0 && !failed) {
        failed = true;
        code = errno;
    }
    if (in >= 0)
        (void)close(in);
    if (failed && fd >= 0)
        (void)unlink(to);
    errno = code;
    return failed ? -1 : 0;
}

static int copy_link(const char *from, const char *to)
{
    char target[PATH_MAX];
    ssize_t length = readlink(from, target, sizeof target - 1);
    if (length < 0)
        return -1;
    target[length] = '\0';
    return symlink(target, to);
}

static int carry(aq_output_entry *entry, const char *from, const char *to, bool sync)
{
    struct stat st;
    if (lstat(from, &st) != 0)
        return -1;
    entry->directory = S_ISDIR(st.st_mode);
    if (entry->directory) {
        entry->carried = mkdir(to, 0700) == 0;
        return entry->carried ? chmod(to, (st.st_mode & 07777) | 0700) : -1;
    }
    if (aq_output_is_temporary(aq_basename(from)))
        return 0;
    entry->carried = link(from, to) == 0;
    if (!entry->carried && errno != EEXIST)
        entry->carried = (S_ISREG(st.st_mode) && copy(from, to, &st, sync) == 0) ||
                         (S_ISLNK(st.st_mode) && copy_link(from, to) == 0);
    /* One that is there is the new model's own. */
    return entry->carried || errno == EEXIST ? 0 : -1;
}

static aq_status carry_all(aq_output *out, const char *under, aq_error *err);

static aq_status carry_one(aq_output *out, const char *under, const char *name, aq_error *err)
{
    char *path = *under == '\0' ? aq_strdup(name) : aq_output_joined(under, name);
    char *from = path == NULL ? NULL : aq_output_joined(out->directory, path);
    char *to = path == NULL ? NULL : aq_output_joined(out->made, path);
    aq_output_entry *entry = aq_arena_alloc(&out->arena, sizeof *entry);
    if (entry != NULL && path != NULL)
        entry->name = aq_arena_strndup(&out->arena, path, strlen(path));
    aq_status status = AQ_OK;
    if (from == NULL || to == NULL || entry == NULL || entry->name == NULL) {
        status = aq_fail_memory(err, "the output");
    } else {
        entry->next = out->old;
        out->old = entry;
        if (carry(entry, from, to, out->sync) != 0)
            status = aq_fail_errno(err, from, "carry it over into the new directory");
        else if (entry->directory)
            status = carry_all(out, path, err);
    }
    aq_free(path);
    aq_free(from);
    aq_free(to);
    return status;
}

static aq_status carry_all(aq_output *out, const char *under, aq_error *err)
{
    aq_status status = AQ_OK;
    char *path = aq_output_joined(out->directory, under);
    if (path == NULL)
        return aq_fail_memory(err, "the output");
    DIR *dir = opendir(path);
    if (dir == NULL)
        status = aq_fail_errno(err, path, "read the directory");
    const struct dirent *entry;
    while (status == AQ_OK && (errno = 0, entry = readdir(dir)) != NULL)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            status = carry_one(out, under, entry->d_name, err);
    if (status == AQ_OK && errno != 0)
        status = aq_fail_errno(err, path, "read the directory");
    aq_free(path);
    if (dir != NULL)
        (void)closedir(dir);
    return status;
}

aq_status aq_output_swap_carry(aq_output *out, aq_error *err)
{
    return carry_all(out, "", err);
}

/* ---- the step, and what is left after it ---- */

aq_status aq_output_swap(const aq_output *out, aq_error *err)
{
    if (exchange(out->made, out->directory) != 0)
        return aq_fail_errno(err, out->directory, "exchange it for the new directory");
    return AQ_OK;
}

/* Only what was seen: what somebody else has put there meanwhile is not lost. No allocation, which
 * could fail and leave something behind. */
static int clear(const aq_output *out, bool all)
{
    char path[PATH_MAX];
    for (const aq_output_entry *entry = out->old; entry != NULL; entry = entry->next) {
        int length = snprintf(path, sizeof path, "%s/%s", out->made, entry->name);
        if ((all || entry->carried) && length > 0 && (size_t)length < sizeof path)
            (void)(entry->directory ? rmdir(path) : unlink(path));
    }
    return rmdir(out->made);
}

aq_status aq_output_swap_end(const aq_output *out, aq_error *err)
{
    if (clear(out, true) == 0)
        return AQ_OK;
    int code = errno;
    return aq_fail(err, AQ_FAILURE,
                   "%s: the output is complete, but the old one cannot be removed and is in %s: %s",
                   out->directory, out->made, strerror(code));
}

void aq_output_swap_undo(const aq_output *out)
{
    (void)clear(out, false);
}
