/* SPDX-License-Identifier: Apache-2.0
 * Reads ahead of the workers, past the page cache, what is not in it: the disk works while they do.
 * Knows tiles as ranges of files, taken in order; nothing of quantization.
 *
 * Whatever fails in here - a file system that refuses such reads, a thread that does not start, a
 * read error - only means that the worker reads its tile itself, through the source, which then
 * reports what is wrong. */
#ifndef AQ_READER_H
#define AQ_READER_H

#include <stdbool.h>

#include "formats/model.h"

typedef struct aq_reader aq_reader;

typedef struct aq_range {
    uint32_t file;
    uint64_t offset, size;
} aq_range;

/* Where the bytes of a tile are; false where they are not in one piece. */
typedef bool aq_reader_range(const void *arg, uint64_t tile, aq_range *range);

typedef struct aq_reader_options {
    const aq_model *model;  /* whose files are read */
    aq_reader_range *range; /* of tiles in the order in which they are taken */
    const void *arg;
    uint64_t tiles;
    uint64_t max_tile; /* bytes of the largest */
    unsigned threads;  /* that take tiles */
    uint64_t memory;   /* bytes that the reader may hold */
    size_t chunk;      /* bytes per read; 0: what was found best */
} aq_reader_options;

/* Starts reading. NULL where that gains nothing (all is cached, or the source is not made of files)
 * or cannot be. */
aq_reader *aq_reader_open(const aq_reader_options *options);
void aq_reader_close(aq_reader *reader);

/* The bytes of a tile, waiting for them; NULL: to be read through the source. To be released either
 * way. Tiles may be acquired in any order as long as they are taken in order, each once, and one
 * that is taken is acquired and released, or the reader stopped. A NULL reader has no tile. */
const void *aq_reader_acquire(aq_reader *reader, uint64_t tile);
void aq_reader_release(aq_reader *reader, uint64_t tile);

/* From now on no tile is waited for: for a run that ends before its last tile. */
void aq_reader_stop(aq_reader *reader);

/* Bytes read past the page cache so far. */
uint64_t aq_reader_bytes(aq_reader *reader);

#endif
