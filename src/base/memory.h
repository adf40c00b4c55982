/* SPDX-License-Identifier: Apache-2.0
 * The library's own allocations, counted: what `accounted_bytes` reports and --memory-limit keeps.
 * The counters are process-wide and atomic. */
#ifndef AQ_MEMORY_H
#define AQ_MEMORY_H

#include <stddef.h>
#include <stdint.h>

/* As malloc, calloc, realloc and free, for pointers of this family only; NULL when out of memory.
 */
void *aq_malloc(size_t size);
void *aq_calloc(size_t count, size_t size);
void *aq_realloc(void *p, size_t size);
/* Aligned to `align`, a power of two above malloc's own; freed with aq_free, never reallocated. */
void *aq_aligned_alloc(size_t align, size_t size);
void aq_free(void *p);
char *aq_strdup(const char *s);
char *aq_strndup(const char *s, size_t length);

/* A large buffer, page-aligned, backed by huge pages where the kernel offers them; untouched, so
 * that the thread which uses it first places it. Freed with aq_buffer_free and the same size. */
void *aq_buffer_alloc(size_t size);
void aq_buffer_free(void *p, size_t size);

uint64_t aq_memory_now(void);
uint64_t aq_memory_peak(void);
uint64_t aq_memory_count(void); /* allocations so far */
void aq_memory_reset_peak(void);

/* Many small objects of one lifetime. Zero-initialize; nothing is freed singly. Not thread-safe. */
typedef struct aq_arena {
    struct aq_arena_chunk *chunks;
} aq_arena;

void *aq_arena_alloc(aq_arena *arena, size_t size); /* zeroed, aligned for any type */
char *aq_arena_strndup(aq_arena *arena, const char *s, size_t length);
void aq_arena_free(aq_arena *arena);

#endif
