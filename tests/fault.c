/* SPDX-License-Identifier: Apache-2.0
 * Preloaded into a command, makes the Nth call of one function fail: AQ_FAULT=FUNCTION:N, counted
 * from 1. AQ_FAULT_HIT names a file that gets the line "hit" when that call came, so that the
 * caller knows when N has passed the last one, and when main has returned what left_say says. Only
 * what the library and its commands call is here. With AQ_DISTURB instead, every second call of
 * what a signal may interrupt is, and reads and writes come short. */
#include <config.h>

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "left.h"

static atomic_long calls;
static atomic_flag begun = ATOMIC_FLAG_INIT;
static atomic_bool over;
static int hit_file = -1;

/* Before the program begins: later it may have lost the right to. */
__attribute__((constructor)) static void open_hit_file(void)
{
    const char *hit = getenv("AQ_FAULT_HIT");
    if (hit != NULL)
        hit_file = creat(hit, 0666);
    left_begin();
}

/* What an instrumented program writes of its own comes after this. A stream's buffer goes with the
 * stream. */
static void stop(void)
{
    atomic_store(&over, true);
    (void)fclose(stdout);
    if (hit_file >= 0)
        left_say(hit_file);
}

/* No allocation here: malloc is among those that call it. */
static int is_due(const char *function)
{
    const char *fault = getenv("AQ_FAULT");
    size_t length = strlen(function);
    /* Only now: a constructor's would come after the program's own destructors. */
    if (fault != NULL && !atomic_flag_test_and_set(&begun))
        (void)atexit(stop);
    if (fault == NULL || strncmp(fault, function, length) != 0 || fault[length] != ':')
        return 0;
    if (atomic_load(&over))
        return 0;
    if (atomic_fetch_add(&calls, 1) + 1 != atol(fault + length + 1))
        return 0;
    if (hit_file >= 0)
        (void)!write(hit_file, "hit\n", 4);
    return 1;
}

static int is_interrupted(void)
{
    static atomic_long asked;
    if (getenv("AQ_DISTURB") == NULL || atomic_fetch_add(&asked, 1) % 2 != 0)
        return 0;
    errno = EINTR;
    return 1;
}

/* How much of a read or write is done at once. */
static size_t shortened(size_t size)
{
    return getenv("AQ_DISTURB") == NULL || size < 2 ? size : size - size / 3;
}

/* What stands behind a function of this file. */
#define REAL(name)                   \
    static __typeof__(&(name)) real; \
    if (real == NULL)                \
    *(void **)&real = dlsym(RTLD_NEXT, #name)

/* Defines NAME, which fails with ERROR and RESULT when it is due and else calls the real one. */
#define FAULT(type, name, parameters, arguments, error, result) \
    FAULT_OR(type, name, parameters, arguments, error, result, 0)
#define INTERRUPTIBLE(type, name, parameters, arguments, error, result) \
    FAULT_OR(type, name, parameters, arguments, error, result, is_interrupted())
#define FAULT_OR(type, name, parameters, arguments, error, result, interrupted) \
    __attribute__((visibility("default"))) type name parameters;                \
    type name parameters                                                        \
    {                                                                           \
        REAL(name);                                                             \
        if (is_due(#name)) {                                                    \
            errno = error;                                                      \
            return result;                                                      \
        }                                                                       \
        if (interrupted)                                                        \
            return result;                                                      \
        return real arguments;                                                  \
    }

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *p, size_t size);
extern void __libc_free(void *p);

/* dlsym allocates, so the allocators go to libc by name; the three count as one function. */
__attribute__((visibility("default"))) void *malloc(size_t size)
{
    void *p = is_due("malloc") ? (errno = ENOMEM, NULL) : __libc_malloc(size);
    left_block(p, size, __builtin_return_address(0));
    return p;
}

__attribute__((visibility("default"))) void *calloc(size_t count, size_t size)
{
    void *p = is_due("malloc") ? (errno = ENOMEM, NULL) : __libc_calloc(count, size);
    left_block(p, count * size, __builtin_return_address(0));
    return p;
}

__attribute__((visibility("default"))) void *realloc(void *p, size_t size)
{
    void *moved = is_due("malloc") ? (errno = ENOMEM, NULL) : __libc_realloc(p, size);
    if (moved != NULL)
        left_freed(p);
    left_block(moved, size, __builtin_return_address(0));
    return moved;
}

__attribute__((visibility("default"))) void free(void *p)
{
    left_freed(p);
    __libc_free(p);
}

/* Buffers; a shared library's own mappings do not come through here. */
__attribute__((visibility("default"))) void *mmap(void *at, size_t size, int protection, int flags,
                                                  int fd, off_t offset)
{
    REAL(mmap);
    void *p = is_due("mmap") ? (errno = ENOMEM, MAP_FAILED)
                             : real(at, size, protection, flags, fd, offset);
    if (p != MAP_FAILED)
        left_mapped(size);
    return p;
}

__attribute__((visibility("default"))) int munmap(void *at, size_t size)
{
    REAL(munmap);
    int failed = real(at, size);
    if (failed == 0)
        left_unmapped(size);
    return failed;
}

/* Its descriptor is gone even where it fails, as in Linux. */
__attribute__((visibility("default"))) int close(int fd)
{
    REAL(close);
    int failed = real(fd);
    return is_due("close") ? (errno = EIO, -1) : failed;
}

__attribute__((visibility("default"))) int pthread_create(pthread_t *thread,
                                                          const pthread_attr_t *attributes,
                                                          void *(*start)(void *), void *arg)
{
    REAL(pthread_create);
    int failed = is_due("pthread_create") ? EAGAIN : real(thread, attributes, start, arg);
    if (failed == 0)
        left_started();
    return failed;
}

__attribute__((visibility("default"))) int pthread_join(pthread_t thread, void **result)
{
    REAL(pthread_join);
    int failed = real(thread, result);
    if (failed == 0)
        left_joined();
    return failed;
}

INTERRUPTIBLE(ssize_t, pread, (int fd, void *buf, size_t size, off_t offset),
              (fd, buf, shortened(size), offset), EIO, -1)
INTERRUPTIBLE(ssize_t, pwrite, (int fd, const void *buf, size_t size, off_t offset),
              (fd, buf, shortened(size), offset), ENOSPC, -1)
INTERRUPTIBLE(ssize_t, sendfile, (int to, int from, off_t *offset, size_t size),
              (to, from, offset, shortened(size)), EIO, -1)
INTERRUPTIBLE(int, fallocate, (int fd, int mode, off_t offset, off_t size),
              (fd, mode, offset, size), ENOSPC, -1)
INTERRUPTIBLE(int, fsync, (int fd), (fd), EIO, -1)
FAULT(int, renameat2, (int from, const char *old, int to, const char *new, unsigned flags),
      (from, old, to, new, flags), EIO, -1)
FAULT(int, rename, (const char *old, const char *new), (old, new), EIO, -1)
FAULT(int, link, (const char *old, const char *new), (old, new), EPERM, -1)
FAULT(int, stat, (const char *path, struct stat *st), (path, st), EIO, -1)
FAULT(int, fstat, (int fd, struct stat *st), (fd, st), EIO, -1)
FAULT(struct dirent *, readdir, (DIR * directory), (directory), EIO, NULL)
FAULT(ssize_t, getrandom, (void *to, size_t size, unsigned flags), (to, size, flags), EAGAIN, -1)
FAULT(int, mkdir, (const char *path, mode_t mode), (path, mode), EACCES, -1)

__attribute__((visibility("default"))) int open(const char *path, int flags, ...)
{
    REAL(open);
    mode_t mode = 0;
    if ((flags & O_CREAT) != 0) {
        va_list args;
        va_start(args, flags);
        mode = va_arg(args, mode_t);
        va_end(args);
    }
    if (is_due("open")) {
        errno = EMFILE;
        return -1;
    }
    if (is_interrupted())
        return -1;
    return real(path, flags, mode);
}
