/* SPDX-License-Identifier: Apache-2.0
 * Weights are asked for before they are needed. Hardware prefetchers follow the kernels badly,
 * which read a group's weights for its ends and then again for its levels: without this, they run
 * at 0.4 to 0.8 of the speed from memory. */
#ifndef AQ_KERNELS_AHEAD_H
#define AQ_KERNELS_AHEAD_H

#include "scalar.h"

/* So many bytes before. */
enum { AHEAD = 8192, LINE = 64 };

/* An address that may be no object's. */
AQ_INLINE const void *ahead_of(const uint8_t *src, size_t offset)
{
    return (const void *)((uintptr_t)src + AHEAD + offset);
}

/* Of what is about to be used, every other line before that, and the rest after: side by side,
 * where the compiler would put them, they cost up to a tenth of the speed from memory. */
AQ_INLINE void ask_before(const uint8_t *src, size_t bytes)
{
    for (size_t line = 0; line < bytes; line += 2 * LINE)
        __builtin_prefetch(ahead_of(src, line));
}

AQ_INLINE void ask_after(const uint8_t *src, size_t bytes)
{
    for (size_t line = LINE; line < bytes; line += 2 * LINE) {
        __asm__ volatile("" ::: "memory");
        __builtin_prefetch(ahead_of(src, line));
    }
}

#endif
