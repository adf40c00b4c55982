/* SPDX-License-Identifier: Apache-2.0
 * Preloaded into a command, makes the Nth call of one function fail: AQ_FAULT=FUNCTION:N, counted
 * from 1. AQ_FAULT_HIT names a file that is written to when that call came, so that the caller
 * knows when N has passed the last one. Only what the library and its commands call is here. */
#include <config.h>

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
#include <unistd.h>

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
}

/* What an instrumented program writes of its own comes after this. */
static void stop(void)
{
    atomic_store(&over, true);
}

/* No allocation here: malloc is among those that call it. */
static int is_due(const char *function)
{
    const char *fault = getenv("AQ_FAULT");
    size_t length = strlen(function);
    if (fault == NULL || strncmp(fault, function, length) != 0 || fault[length] != ':')
        return 0;
    /* Only now: a constructor's would come after the program's own destructors. */
    if (!atomic_flag_test_and_set(&begun))
        (void)atexit(stop);
    if (atomic_load(&over))
        return 0;
    if (atomic_fetch_add(&calls, 1) + 1 != atol(fault + length + 1))
        return 0;
    if (hit_file >= 0)
        (void)!write(hit_file, "x", 1);
    return 1;
}

/* Defines NAME, which fails with ERROR and RESULT when it is due and else calls the real one. */
#define FAULT(type, name, parameters, arguments, error, result)  \
    __attribute__((visibility("default"))) type name parameters; \
    type name parameters                                         \
    {                                                            \
        static type(*real) parameters;                           \
        if (real == NULL)                                        \
            *(void **)&real = dlsym(RTLD_NEXT, #name);           \
        if (is_due(#name)) {                                     \
            errno = error;                                       \
            return result;                                       \
        }                                                        \
        return real arguments;                                   \
    }

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *p, size_t size);

/* dlsym allocates, so the allocators go to libc by name; the three count as one function. */
__attribute__((visibility("default"))) void *malloc(size_t size)
{
    return is_due("malloc") ? (errno = ENOMEM, NULL) : __libc_malloc(size);
}

__attribute__((visibility("default"))) void *calloc(size_t count, size_t size)
{
    return is_due("malloc") ? (errno = ENOMEM, NULL) : __libc_calloc(count, size);
}

__attribute__((visibility("default"))) void *realloc(void *p, size_t size)
{
    return is_due("malloc") ? (errno = ENOMEM, NULL) : __libc_realloc(p, size);
}

/* Buffers; a shared library's own mappings do not come through here. */
FAULT(void *, mmap, (void *at, size_t size, int protection, int flags, int fd, off_t offset),
      (at, size, protection, flags, fd, offset), ENOMEM, MAP_FAILED)
FAULT(ssize_t, pread, (int fd, void *buf, size_t size, off_t offset), (fd, buf, size, offset), EIO,
      -1)
FAULT(ssize_t, pwrite, (int fd, const void *buf, size_t size, off_t offset),
      (fd, buf, size, offset), ENOSPC, -1)
FAULT(int, fallocate, (int fd, int mode, off_t offset, off_t size), (fd, mode, offset, size),
      ENOSPC, -1)
FAULT(int, fsync, (int fd), (fd), EIO, -1)
FAULT(int, close, (int fd), (fd), EIO, -1)
FAULT(int, renameat2, (int from, const char *old, int to, const char *new, unsigned flags),
      (from, old, to, new, flags), EIO, -1)
FAULT(int, rename, (const char *old, const char *new), (old, new), EIO, -1)
FAULT(int, link, (const char *old, const char *new), (old, new), EPERM, -1)
FAULT(int, mkdir, (const char *path, mode_t mode), (path, mode), EACCES, -1)
FAULT(int, pthread_create,
      (pthread_t * thread, const pthread_attr_t *attributes, void *(*start)(void *), void *arg),
      (thread, attributes, start, arg), EAGAIN, EAGAIN)

__attribute__((visibility("default"))) int open(const char *path, int flags, ...)
{
    static int (*real)(const char *, int, ...);
    mode_t mode = 0;
    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "open");
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
    return real(path, flags, mode);
}
