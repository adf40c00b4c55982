/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "left.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

/* Far more than the tests' models need, so a list is as good as a table. */
enum { BLOCKS = 1 << 14, DESCRIPTORS = 256 };

typedef struct block {
    const void *at, *from;
    size_t size;
} block;

static block blocks[BLOCKS];
static size_t block_count;
static bool too_many;
static atomic_flag locked = ATOMIC_FLAG_INIT; /* for the three above */

static atomic_size_t pages;
static atomic_int threads;
static bool inherited[DESCRIPTORS];

/* No mutex: the functions of threads are among those that call malloc. */
static void lock(void)
{
    while (atomic_flag_test_and_set_explicit(&locked, memory_order_acquire))
        ;
}

static void unlock(void)
{
    atomic_flag_clear_explicit(&locked, memory_order_release);
}

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) != -1;
}

void left_begin(void)
{
    for (int fd = 0; fd < DESCRIPTORS; fd++)
        inherited[fd] = is_open(fd);
}

void left_block(const void *at, size_t size, const void *from)
{
    if (at == NULL)
        return;
    lock();
    if (block_count == BLOCKS)
        too_many = true;
    else
        blocks[block_count++] = (block){at, from, size};
    unlock();
}

/* The youngest first: that is what most blocks are when they go. One that is not known is the
 * dynamic loader's, from before it found this malloc. */
void left_freed(const void *at)
{
    if (at == NULL)
        return;
    lock();
    for (size_t i = block_count; i-- > 0;)
        if (blocks[i].at == at) {
            blocks[i] = blocks[--block_count];
            break;
        }
    unlock();
}

/* Unmapped in pieces, which begin and end with a page. */
static size_t pages_of(size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return (size + page - 1) / page;
}

void left_mapped(size_t size)
{
    atomic_fetch_add(&pages, pages_of(size));
}

void left_unmapped(size_t size)
{
    atomic_fetch_sub(&pages, pages_of(size));
}

void left_started(void)
{
    atomic_fetch_add(&threads, 1);
}

void left_joined(void)
{
    atomic_fetch_sub(&threads, 1);
}

/* The dynamic loader keeps what it needs for a thread's variables, for the next thread. */
static bool is_loaders(const block *b)
{
    Dl_info info;
    return dladdr(b->from, &info) != 0 && (uintptr_t)info.dli_fbase == getauxval(AT_BASE);
}

static int say_blocks(char *line, size_t size)
{
    size_t count = 0, bytes = 0;
    const block *first = NULL;
    Dl_info info;
    for (size_t i = 0; i < block_count; i++) {
        if (is_loaders(&blocks[i]))
            continue;
        first = first == NULL ? &blocks[i] : first;
        count++;
        bytes += blocks[i].size;
    }
    if (too_many)
        return snprintf(line, size, "; more blocks than can be counted");
    if (first == NULL)
        return 0;
    const char *object = dladdr(first->from, &info) == 0 ? "?" : info.dli_fname;
    const char *slash = strrchr(object, '/');
    return snprintf(line, size, "; blocks: %zu, together %zu bytes, one of %zu from %.99s", count,
                    bytes, first->size, slash == NULL ? object : slash + 1);
}

static int say_descriptors(char *line, size_t size)
{
    for (int fd = 0; fd < DESCRIPTORS; fd++)
        if (is_open(fd) && !inherited[fd])
            return snprintf(line, size, "; descriptor %d", fd);
    return 0;
}

void left_say(int fd)
{
    char line[1024] = "";
    const size_t size = sizeof line / 4;
    lock();
    int used = say_blocks(line, size);
    unlock();
    used += say_descriptors(line + used, size);
    if (atomic_load(&pages) != 0)
        used += snprintf(line + used, size, "; mapped pages: %zd", (ssize_t)atomic_load(&pages));
    if (atomic_load(&threads) != 0)
        used += snprintf(line + used, size, "; threads: %d", atomic_load(&threads));
    (void)!dprintf(fd, "%s\n", used == 0 ? "nothing left" : line + strlen("; "));
}
