/* SPDX-License-Identifier: Apache-2.0
 * Sinks that are no files: nowhere, and a checksum on the way to another sink. */
#include <config.h>

#include <pthread.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "output.h"

static aq_status null_write(aq_sink *self, uint32_t file, uint64_t offset, const void *buf,
                            size_t size, aq_error *err)
{
    (void)self, (void)file, (void)offset, (void)buf, (void)size, (void)err;
    return AQ_OK;
}

static aq_status null_commit(aq_sink *self, aq_error *err)
{
    (void)self, (void)err;
    return AQ_OK;
}

static void null_close(aq_sink *self)
{
    aq_free(self);
}

aq_sink *aq_null_sink(void)
{
    aq_sink *sink = aq_malloc(sizeof *sink);
    if (sink != NULL)
        *sink = (aq_sink){null_write, null_commit, null_close};
    return sink;
}

bool aq_sink_is_null(const char *path)
{
    return strcmp(path, "null:") == 0;
}

aq_status aq_sink_open(const char *path, const aq_layout *layout, const aq_model *model, bool force,
                       bool sync, aq_sink **sink, aq_error *err)
{
    if (!aq_sink_is_null(path))
        return aq_output_open(path, layout, model, force, sync, sink, err);
    *sink = aq_null_sink();
    return *sink == NULL ? aq_fail_memory(err, "the output") : AQ_OK;
}

/* ---- checksum ---- */

typedef struct checksum_sink {
    aq_sink sink;
    aq_sink *inner;
    pthread_mutex_t lock; /* guards sum */
    uint64_t sum;
} checksum_sink;

#define PRIME ((UINT64_C(1) << 61) - 1)

/* x modulo PRIME: a bit above the 61st counts as one 61 places below. */
static uint64_t reduce(uint64_t x)
{
    uint64_t folded = (x & PRIME) + (x >> 61);
    return folded >= PRIME ? folded - PRIME : folded;
}

/* word * k modulo PRIME, for k < 2^61, without a 128-bit type, which 32-bit machines lack: times
 * 2^32 is a turn of the 61 bits. */
static uint64_t times(uint32_t word, uint64_t k)
{
    uint64_t low = reduce(word * (k & UINT32_MAX)), high = reduce(word * (k >> 32));
    return reduce(low + ((high << 32 & PRIME) | high >> 29));
}

/* SplitMix64's output function of the word's place: independent-looking keys below 2^61. */
static uint64_t key(uint32_t file, uint64_t word)
{
    uint64_t z = (word + ((uint64_t)file << 44) + 1) * UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (z ^ (z >> 31)) >> 3;
}

/* Linear in the bytes, so the cuts between writes cancel out. A non-zero difference of two outputs
 * goes unseen with a chance of about 2^-61. */
static uint64_t sum_of(uint32_t file, uint64_t offset, const uint8_t *p, size_t size)
{
    uint64_t sum = 0;
    while (size > 0) {
        size_t skip = (size_t)(offset % 4), take = size < 4 - skip ? size : 4 - skip;
        uint32_t word = 0;
        memcpy((uint8_t *)&word + skip, p, take);
        sum = reduce(sum + times(word, key(file, offset / 4)));
        offset += take;
        p += take;
        size -= take;
    }
    return sum;
}

static aq_status checksum_write(aq_sink *self, uint32_t file, uint64_t offset, const void *buf,
                                size_t size, aq_error *err)
{
    checksum_sink *c = (checksum_sink *)self;
    uint64_t part = sum_of(file, offset, buf, size);
    (void)pthread_mutex_lock(&c->lock);
    c->sum = aq_checksum_add(c->sum, part);
    (void)pthread_mutex_unlock(&c->lock);
    return c->inner->write_at(c->inner, file, offset, buf, size, err);
}

static aq_status checksum_commit(aq_sink *self, aq_error *err)
{
    aq_sink *inner = ((checksum_sink *)self)->inner;
    return inner->commit(inner, err);
}

static void checksum_close(aq_sink *self)
{
    checksum_sink *c = (checksum_sink *)self;
    c->inner->close(c->inner);
    (void)pthread_mutex_destroy(&c->lock);
    aq_free(c);
}

aq_sink *aq_checksum_sink(aq_sink *inner)
{
    checksum_sink *c = aq_calloc(1, sizeof *c);
    if (c == NULL)
        return NULL;
    c->sink = (aq_sink){checksum_write, checksum_commit, checksum_close};
    c->inner = inner;
    (void)pthread_mutex_init(&c->lock, NULL);
    return &c->sink;
}

uint64_t aq_checksum_add(uint64_t a, uint64_t b)
{
    return reduce(reduce(a) + reduce(b));
}

uint64_t aq_checksum_sink_value(aq_sink *sink)
{
    return ((checksum_sink *)sink)->sum;
}
