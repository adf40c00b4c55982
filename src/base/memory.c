/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "memory.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static atomic_uint_fast64_t memory_now, memory_peak, memory_count;

static void account(uint64_t size)
{
    uint64_t now = atomic_fetch_add_explicit(&memory_now, size, memory_order_relaxed) + size;
    uint64_t peak = atomic_load_explicit(&memory_peak, memory_order_relaxed);
    while (peak < now && !atomic_compare_exchange_weak_explicit(
                             &memory_peak, &peak, now, memory_order_relaxed, memory_order_relaxed))
        ;
    atomic_fetch_add_explicit(&memory_count, 1, memory_order_relaxed);
}

static void discount(uint64_t size)
{
    atomic_fetch_sub_explicit(&memory_now, size, memory_order_relaxed);
}

uint64_t aq_memory_now(void)
{
    return atomic_load_explicit(&memory_now, memory_order_relaxed);
}

uint64_t aq_memory_peak(void)
{
    return atomic_load_explicit(&memory_peak, memory_order_relaxed);
}

uint64_t aq_memory_count(void)
{
    return atomic_load_explicit(&memory_count, memory_order_relaxed);
}

void aq_memory_reset_peak(void)
{
    atomic_store_explicit(&memory_peak, aq_memory_now(), memory_order_relaxed);
}

/* Stands before each block, padded to keep malloc's alignment. */
typedef union header {
    struct {
        size_t size;
        void *base; /* what malloc returned */
    } of;
    max_align_t align;
} header;

void *aq_malloc(size_t size)
{
    if (size > SIZE_MAX - sizeof(header))
        return NULL;
    header *h = malloc(sizeof(header) + size);
    if (h == NULL)
        return NULL;
    h->of.size = size;
    h->of.base = h;
    account(size);
    return h + 1;
}

void *aq_aligned_alloc(size_t align, size_t size)
{
    if (size > SIZE_MAX - sizeof(header) - align)
        return NULL;
    void *base = malloc(sizeof(header) + align + size);
    if (base == NULL)
        return NULL;
    uintptr_t first = (uintptr_t)base + sizeof(header);
    header *h = (header *)((first + align - 1) / align * align) - 1;
    h->of.size = size;
    h->of.base = base;
    account(size);
    return h + 1;
}

void *aq_calloc(size_t count, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(count, size, &total))
        return NULL;
    void *p = aq_malloc(total);
    return p == NULL ? NULL : memset(p, 0, total);
}

void *aq_realloc(void *p, size_t size)
{
    if (p == NULL)
        return aq_malloc(size);
    if (size > SIZE_MAX - sizeof(header))
        return NULL;
    header *h = (header *)p - 1;
    size_t old = h->of.size;
    header *moved = realloc(h, sizeof(header) + size);
    if (moved == NULL)
        return NULL;
    moved->of.size = size;
    moved->of.base = moved;
    /* The difference, not both: large blocks, which are what counts, are moved by their pages. */
    if (size > old)
        account(size - old);
    else
        discount(old - size);
    return moved + 1;
}

void aq_free(void *p)
{
    if (p == NULL)
        return;
    header *h = (header *)p - 1;
    discount(h->of.size);
    free(h->of.base);
}

char *aq_strndup(const char *s, size_t length)
{
    char *copy = aq_malloc(length + 1);
    if (copy == NULL)
        return NULL;
    memcpy(copy, s, length);
    copy[length] = '\0';
    return copy;
}

char *aq_strdup(const char *s)
{
    return aq_strndup(s, strlen(s));
}

/* From a boundary between huge pages where one fits: the kernel sees to that only for sizes that
 * are multiples of theirs. */
static char *map_aligned(size_t size)
{
    const size_t huge = 2 * 1024 * 1024, page = 4096;
    size_t more = size < huge ? 0 : huge - page;
    char *p = mmap(NULL, size + more, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return NULL;
    if (more == 0)
        return p;
    size_t before = (huge - (uintptr_t)p % huge) % huge, mapped = (size + page - 1) / page * page;
    if (before != 0)
        (void)munmap(p, before);
    if (before != more)
        (void)munmap(p + before + mapped, more - before);
    return p + before;
}

void *aq_buffer_alloc(size_t size)
{
    char *p = map_aligned(size);
    if (p == NULL)
        return NULL;
#if defined(MADV_HUGEPAGE)
    (void)madvise(p, size, MADV_HUGEPAGE);
#endif
    account(size);
    return p;
}

void aq_buffer_free(void *p, size_t size)
{
    if (p == NULL)
        return;
    (void)munmap(p, size);
    discount(size);
}

enum { CHUNK = 16 * 1024 };

struct aq_arena_chunk {
    struct aq_arena_chunk *next;
    size_t used, size;
    max_align_t data[];
};

void *aq_arena_alloc(aq_arena *arena, size_t size)
{
    const size_t align = _Alignof(max_align_t);
    if (size > SIZE_MAX - align)
        return NULL;
    size = (size + align - 1) / align * align;
    struct aq_arena_chunk *chunk = arena->chunks;
    if (chunk == NULL || chunk->size - chunk->used < size) {
        size_t want = size > CHUNK ? size : CHUNK;
        if (want > SIZE_MAX - sizeof *chunk)
            return NULL;
        struct aq_arena_chunk *fresh = aq_malloc(sizeof *fresh + want);
        if (fresh == NULL)
            return NULL;
        *fresh = (struct aq_arena_chunk){.size = want};
        /* A large object must not end the use of a chunk that still has room. */
        if (chunk != NULL && want > CHUNK) {
            fresh->next = chunk->next;
            chunk->next = fresh;
        } else {
            fresh->next = chunk;
            arena->chunks = fresh;
        }
        chunk = fresh;
    }
    void *p = (char *)chunk->data + chunk->used;
    chunk->used += size;
    return memset(p, 0, size);
}

char *aq_arena_strndup(aq_arena *arena, const char *s, size_t length)
{
    if (length == SIZE_MAX)
        return NULL;
    char *copy = aq_arena_alloc(arena, length + 1);
    if (copy != NULL)
        memcpy(copy, s, length);
    return copy;
}

void aq_arena_free(aq_arena *arena)
{
    struct aq_arena_chunk *chunk = arena->chunks;
    while (chunk != NULL) {
        struct aq_arena_chunk *next = chunk->next;
        aq_free(chunk);
        chunk = next;
    }
    arena->chunks = NULL;
}
