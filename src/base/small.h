/* SPDX-License-Identifier: Apache-2.0
 * Functions too small to need a place of their own. They stand on nothing but the C library, so
 * that the commands may use them too. */
#ifndef AQ_SMALL_H
#define AQ_SMALL_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

static inline uint64_t aq_least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Whether the first `length` bytes of s end with `end`. */
static inline bool aq_part_ends_with(const char *s, size_t length, const char *end)
{
    size_t n = strlen(end);
    return length >= n && memcmp(s + length - n, end, n) == 0;
}

static inline bool aq_ends_with(const char *s, const char *end)
{
    return aq_part_ends_with(s, strlen(s), end);
}

static inline uint64_t aq_divide_up(uint64_t a, uint64_t b)
{
    return a / b + (a % b != 0);
}

static inline uint64_t aq_round_up(uint64_t a, uint64_t b)
{
    return aq_divide_up(a, b) * b;
}

/* Seconds of a clock; 0 where the system has no such clock. */
static inline double aq_clock_seconds(clockid_t clock)
{
    struct timespec t = {0};
    (void)clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static inline double aq_now(void)
{
    return aq_clock_seconds(CLOCK_MONOTONIC);
}

#endif
