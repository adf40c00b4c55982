/* SPDX-License-Identifier: Apache-2.0
 * Which parts of a file are in the page cache, and reads of those that are not past it. */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/small.h"
#include "files_internal.h"

/* The same number on every architecture that takes part in the common table. */
#if !defined(SYS_cachestat) &&                                                               \
    (defined(__x86_64__) || defined(__i386__) || defined(__aarch64__) || defined(__arm__) || \
     defined(__riscv) || defined(__powerpc__))
#define SYS_cachestat 451
#endif

/* ---- what is cached ---- */

/* Asks the kernel, as it can since Linux 6.5: a walk over the pages that are there. */
static int ask_cachestat(int fd, uint64_t offset, uint64_t size, uint64_t *cached)
{
#if defined(SYS_cachestat)
    struct {
        uint64_t offset, length;
    } range = {offset, size};
    struct {
        uint64_t cached, dirty, writeback, evicted, recently_evicted;
    } stat = {0};
    if (syscall(SYS_cachestat, fd, &range, &stat, 0) != 0)
        return -1;
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    *cached = aq_least(stat.cached * page, size);
    return 0;
#else
    (void)fd, (void)offset, (void)size, (void)cached;
    return -1;
#endif
}

/* -1 where it is not known. A caller who may not write the file is told that all is there. */
static int page_is_cached(int fd, uint64_t offset)
{
    unsigned char resident = 0;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    void *at = mmap(NULL, page, PROT_READ, MAP_SHARED, fd, (off_t)(offset / page * page));
    if (at == MAP_FAILED)
        return -1;
    int failed = mincore(at, page, &resident);
    (void)munmap(at, page);
    return failed != 0 ? -1 : resident & 1;
}

/* An estimate: a mapping for each of a few pages, since one of the whole range costs more. */
static int ask_mincore(int fd, uint64_t offset, uint64_t size, uint64_t *cached)
{
    const uint64_t step = 512 * 1024;
    uint64_t pages = 0, found = 0;
    for (uint64_t at = offset + aq_least(step, size) / 2; at < offset + size; at += step) {
        int is = page_is_cached(fd, at);
        if (is < 0)
            return -1;
        pages++;
        found += (uint64_t)is;
    }
    *cached = pages == 0 ? size : found * (size / pages);
    return 0;
}

uint64_t aq_files_cached(aq_source *source, uint32_t i, uint64_t offset, uint64_t size)
{
    uint64_t cached = size;
    aq_files *self = aq_files_of(source);
    if (self == NULL || size == 0 ||
        aq_files_acquire(self, &self->file[i], AQ_FILES_CACHED, NULL) != AQ_OK)
        return size;
    int fd = self->file[i].handle[AQ_FILES_CACHED].descriptor;
    if (ask_cachestat(fd, offset, size, &cached) != 0 &&
        ask_mincore(fd, offset, size, &cached) != 0)
        cached = size;
    aq_files_release(self, &self->file[i], AQ_FILES_CACHED);
    return cached;
}

/* ---- past the cache ---- */

bool aq_files_open_direct(aq_source *source, uint32_t i)
{
    aq_files *self = aq_files_of(source);
    if (self == NULL || aq_files_acquire(self, &self->file[i], AQ_FILES_DIRECT, NULL) != AQ_OK)
        return false;
    aq_files_release(self, &self->file[i], AQ_FILES_DIRECT);
    return true;
}

bool aq_files_read_direct(aq_source *source, uint32_t i, uint64_t offset, void *buf, size_t size,
                          size_t needed)
{
    aq_files *self = aq_files_of(source);
    if (self == NULL || aq_files_acquire(self, &self->file[i], AQ_FILES_DIRECT, NULL) != AQ_OK)
        return false;
    int fd = self->file[i].handle[AQ_FILES_DIRECT].descriptor;
    size_t done = 0;
    while (done < needed) {
        ssize_t n = pread(fd, (char *)buf + done, size - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        done += (size_t)n;
        /* What a short read leaves may begin anywhere, and such a read is refused. */
        if (done % AQ_FILES_DIRECT_ALIGN != 0)
            break;
    }
    aq_files_release(self, &self->file[i], AQ_FILES_DIRECT);
    return done >= needed;
}
