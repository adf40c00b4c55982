/* SPDX-License-Identifier: Apache-2.0
 * Memory read as fast as one thread can. */
#ifndef BENCH_DIGEST_H
#define BENCH_DIGEST_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* What a reader makes of bytes, so that none of them can be left out: the exclusive or of all
 * 64-bit words. bytes: a multiple of 512; nothing beyond them is read. Eight independent
 * accumulators, so that loads and not the chain of one sum set the pace, and lines are asked for
 * before they are needed: what the prefetchers of a Zen 3 do by themselves is a third less, and a
 * roof that a kernel goes through is none. */
static inline uint64_t bench_digest(const unsigned char *data, size_t bytes)
{
    typedef uint64_t lane __attribute__((vector_size(64)));
    enum { AHEAD = 2048 };
    lane sum[8] = {{0}}, total = {0};
    for (size_t i = 0; i < bytes; i += sizeof sum) {
        lane next;
        for (size_t j = 0; j < 8; j++) {
            __builtin_prefetch(data + i + AHEAD + j * sizeof next);
            memcpy(&next, data + i + j * sizeof next, sizeof next);
            sum[j] ^= next;
        }
    }
    for (size_t j = 0; j < 8; j++)
        total ^= sum[j];
    uint64_t word = 0;
    for (size_t i = 0; i < 8; i++)
        word ^= total[i];
    return word;
}

#endif
