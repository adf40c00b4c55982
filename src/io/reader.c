/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "reader.h"

#include <pthread.h>

#include "base/memory.h"
#include "base/small.h"
#include "base/thread.h"
#include "evict.h"
#include "formats/files.h"

/* One huge page per read, so that the device gets few segments; two reads at a time, so that one is
 * under way while the other's end is dealt with. doc/performance.md has the measurements. */
enum { CHUNK = 2 * 1024 * 1024, THREADS = 2, STACK = 64 * 1024 };

/* Headers and padding between tensors are read over. */
enum { GAP = 64 * 1024 };

typedef enum slot_state {
    FREE,
    LOADING,
    READY, /* the bytes are in buf */
    ABSENT /* the workers are to read them */
} slot_state;

/* A run of tiles that lie close together in one file. */
typedef struct slot {
    slot_state state;
    uint64_t first, end; /* tiles */
    uint64_t left;       /* of them not yet released */
    aq_range range;      /* from the first tile's first byte to the last one's last */
    char *buf;           /* whose first byte is at range.offset rounded down */
} slot;

struct aq_reader {
    aq_reader_options options;
    size_t chunk;
    bool mixed;                  /* some of the files' bytes are in the cache */
    pthread_mutex_t lock;        /* guards what follows up to `threads` */
    pthread_cond_t ready, freed; /* a slot that was loading; a slot for the next chunk */
    uint64_t next;               /* the first tile of the next chunk */
    uint64_t bytes;
    bool stopped;
    slot *slots;

    unsigned threads;
    pthread_t thread[THREADS];
    size_t slot_count, buffer_size;
    char *buffer;
};

/* ---- chunks ---- */

static uint64_t aligned_start(const aq_range *range)
{
    return range->offset / AQ_FILES_DIRECT_ALIGN * AQ_FILES_DIRECT_ALIGN;
}

static uint64_t needed_bytes(const aq_range *range)
{
    return range->offset + range->size - aligned_start(range);
}

/* Extends `to` by the range that follows it; false where it lies elsewhere or becomes too large. */
static bool extend(aq_range *to, const aq_range *by, size_t most)
{
    uint64_t end = to->offset + to->size;
    if (by->file != to->file || by->offset < end || by->offset - end > GAP)
        return false;
    aq_range both = {to->file, to->offset, by->offset + by->size - to->offset};
    if (needed_bytes(&both) > most)
        return false;
    *to = both;
    return true;
}

/* With the lock held. A tile that fits no chunk has a slot to itself, without bytes. */
static void plan_chunk(aq_reader *r, slot *s)
{
    const aq_reader_options *o = &r->options;
    aq_range next;
    s->first = r->next++;
    s->state = LOADING;
    if (!o->range(o->arg, s->first, &s->range) || needed_bytes(&s->range) > r->chunk)
        s->state = ABSENT;
    while (s->state == LOADING && r->next < o->tiles && o->range(o->arg, r->next, &next) &&
           extend(&s->range, &next, r->chunk))
        r->next++;
    s->end = r->next;
    s->left = s->end - s->first;
}

/* Without the lock: a loading slot is its thread's alone. */
static bool load(const aq_reader *r, const slot *s)
{
    aq_source *source = r->options.model->source;
    const aq_range *range = &s->range;
    /* What is mostly there already comes faster out of the cache. */
    if (r->mixed &&
        aq_files_cached(source, range->file, range->offset, range->size) >= range->size / 2)
        return false;
    uint64_t needed = needed_bytes(range);
    return aq_files_read_direct(source, range->file, aligned_start(range), s->buf,
                                (size_t)aq_round_up(needed, AQ_FILES_DIRECT_ALIGN), (size_t)needed);
}

static slot *free_slot(aq_reader *r)
{
    for (size_t i = 0; i < r->slot_count; i++)
        if (r->slots[i].state == FREE)
            return &r->slots[i];
    return NULL;
}

static void *read_ahead(void *arg)
{
    aq_reader *r = arg;
    (void)pthread_mutex_lock(&r->lock);
    while (!r->stopped && r->next < r->options.tiles) {
        slot *s = free_slot(r);
        if (s == NULL) {
            (void)pthread_cond_wait(&r->freed, &r->lock);
            continue;
        }
        plan_chunk(r, s);
        if (s->state == LOADING) {
            (void)pthread_mutex_unlock(&r->lock);
            bool loaded = load(r, s);
            (void)pthread_mutex_lock(&r->lock);
            s->state = loaded ? READY : ABSENT;
            r->bytes += loaded ? s->range.size : 0;
        }
        (void)pthread_cond_broadcast(&r->ready);
    }
    (void)pthread_mutex_unlock(&r->lock);
    return NULL;
}

/* ---- the workers' side ---- */

/* With the lock held. A taken tile's slot stays until the tile is released. */
static slot *slot_of(aq_reader *r, uint64_t tile)
{
    for (size_t i = 0; i < r->slot_count; i++) {
        slot *s = &r->slots[i];
        if (s->state != FREE && s->first <= tile && tile < s->end)
            return s;
    }
    return NULL;
}

const void *aq_reader_acquire(aq_reader *r, uint64_t tile)
{
    aq_range range;
    const char *bytes = NULL;
    if (r == NULL)
        return NULL;
    (void)pthread_mutex_lock(&r->lock);
    slot *s = slot_of(r, tile);
    while (!r->stopped && (s == NULL || s->state == LOADING)) {
        (void)pthread_cond_wait(&r->ready, &r->lock);
        s = slot_of(r, tile);
    }
    if (s != NULL && s->state == READY && r->options.range(r->options.arg, tile, &range))
        bytes = s->buf + (range.offset - aligned_start(&s->range));
    (void)pthread_mutex_unlock(&r->lock);
    return bytes;
}

void aq_reader_release(aq_reader *r, uint64_t tile)
{
    aq_range range;
    if (r == NULL)
        return;
    (void)pthread_mutex_lock(&r->lock);
    slot *s = slot_of(r, tile);
    if (s != NULL && s->state == READY && r->options.range(r->options.arg, tile, &range)) {
        (void)pthread_mutex_unlock(&r->lock);
        aq_evict(s->buf + (range.offset - aligned_start(&s->range)), (size_t)range.size);
        (void)pthread_mutex_lock(&r->lock);
    }
    if (s != NULL && --s->left == 0 && s->state != LOADING) {
        s->state = FREE;
        (void)pthread_cond_signal(&r->freed);
    }
    (void)pthread_mutex_unlock(&r->lock);
}

void aq_reader_stop(aq_reader *r)
{
    if (r == NULL)
        return;
    (void)pthread_mutex_lock(&r->lock);
    r->stopped = true;
    (void)pthread_cond_broadcast(&r->ready);
    (void)pthread_cond_broadcast(&r->freed);
    (void)pthread_mutex_unlock(&r->lock);
}

uint64_t aq_reader_bytes(aq_reader *r)
{
    if (r == NULL)
        return 0;
    (void)pthread_mutex_lock(&r->lock);
    uint64_t bytes = r->bytes;
    (void)pthread_mutex_unlock(&r->lock);
    return bytes;
}

/* ---- set up and take down ---- */

/* Whether some file has so much outside the cache that it is worth it, and lets itself be read so.
 * Such files are opened here, so that the run itself opens none. */
static bool find_cold_files(const aq_reader_options *o, size_t chunk, bool *mixed)
{
    aq_source *source = o->model->source;
    bool found = false;
    for (uint32_t i = 0; i < o->model->file_count; i++) {
        uint64_t size = o->model->files[i].size;
        uint64_t cached = aq_files_cached(source, i, 0, size);
        if (size >= chunk && cached <= size - chunk)
            found = aq_files_open_direct(source, i) || found;
        /* The first pages always are: the header has been read. */
        *mixed = *mixed || cached >= chunk;
    }
    return found;
}

/* One slot for each read under way, one that is ready, and those that the workers hold. */
static size_t wanted_slots(const aq_reader_options *o, size_t chunk)
{
    return (size_t)aq_divide_up(o->threads * o->max_tile, chunk) + THREADS + 1;
}

static bool allocate(aq_reader *r)
{
    size_t size = r->chunk + AQ_FILES_DIRECT_ALIGN; /* the first tile need not begin aligned */
    uint64_t affordable = r->options.memory / size;
    r->slot_count = (size_t)aq_least(wanted_slots(&r->options, r->chunk), affordable);
    /* With fewer, a slot that a worker holds leaves none to read into. */
    if (r->slot_count < 2)
        return false;
    r->buffer_size = r->slot_count * size;
    r->slots = aq_calloc(r->slot_count, sizeof *r->slots);
    r->buffer = aq_buffer_alloc(r->buffer_size);
    for (size_t i = 0; r->slots != NULL && r->buffer != NULL && i < r->slot_count; i++)
        r->slots[i].buf = r->buffer + i * size;
    return r->slots != NULL && r->buffer != NULL;
}

static bool start(aq_reader *r)
{
    while (r->threads < THREADS &&
           aq_thread_start(&r->thread[r->threads], STACK, read_ahead, r) == 0)
        r->threads++;
    return r->threads > 0;
}

aq_reader *aq_reader_open(const aq_reader_options *options)
{
    size_t chunk = options->chunk != 0 ? options->chunk : CHUNK;
    bool mixed = false;
    if (!find_cold_files(options, chunk, &mixed))
        return NULL;
    aq_reader *r = aq_calloc(1, sizeof *r);
    if (r == NULL)
        return NULL;
    r->options = *options;
    r->chunk = chunk;
    r->mixed = mixed;
    (void)pthread_mutex_init(&r->lock, NULL);
    (void)pthread_cond_init(&r->ready, NULL);
    (void)pthread_cond_init(&r->freed, NULL);
    if (!allocate(r) || !start(r)) {
        aq_reader_close(r);
        return NULL;
    }
    return r;
}

void aq_reader_close(aq_reader *r)
{
    if (r == NULL)
        return;
    aq_reader_stop(r);
    for (unsigned i = 0; i < r->threads; i++)
        (void)pthread_join(r->thread[i], NULL);
    (void)pthread_cond_destroy(&r->freed);
    (void)pthread_cond_destroy(&r->ready);
    (void)pthread_mutex_destroy(&r->lock);
    aq_buffer_free(r->buffer, r->buffer_size);
    aq_free(r->slots);
    aq_free(r);
}
