/* SPDX-License-Identifier: Apache-2.0
 * Memory that ends at a page nobody may touch, so that one byte too far is a fault. */
#ifndef AQ_TESTS_GUARDED_H
#define AQ_TESTS_GUARDED_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

typedef struct guarded {
    uint8_t *base, *end; /* end: the first byte that faults */
} guarded;

static inline guarded guarded_alloc(size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), room = (size + page - 1) / page * page + page;
    uint8_t *p =
        mmap(NULL, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED || mprotect(p + room, page, PROT_NONE) != 0) {
        perror("guarded memory");
        exit(99);
    }
    return (guarded){p, p + room};
}

enum { GUARDED_CANARY = 0xa5, GUARDED_MARGIN = 64 };

/* A place of `size` bytes that ends `gap` bytes before the fault, in a sea of canaries. */
static inline uint8_t *guarded_place(guarded g, size_t size, size_t gap)
{
    uint8_t *p = g.end - gap - size;
    memset(p - GUARDED_MARGIN, GUARDED_CANARY, GUARDED_MARGIN + size + gap);
    return p;
}

static inline int guarded_intact(guarded g, size_t size, size_t gap)
{
    const uint8_t *p = g.end - gap - size;
    for (int i = 1; i <= GUARDED_MARGIN; i++)
        if (p[-i] != GUARDED_CANARY)
            return 0;
    for (size_t i = 0; i < gap; i++)
        if (p[size + i] != GUARDED_CANARY)
            return 0;
    return 1;
}

#endif
