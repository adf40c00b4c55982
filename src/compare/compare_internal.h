/* SPDX-License-Identifier: Apache-2.0
 * Between the parts of aq_compare: who is compared with whom, cut into tiles. */
#ifndef AQ_COMPARE_INTERNAL_H
#define AQ_COMPARE_INTERNAL_H

#include <stdbool.h>

#include "compare_sums.h"
#include "formats/model.h"

typedef enum aq_match_kind {
    AQ_MATCH_WEIGHTS, /* float32 on both sides once widened; tiles are runs of weights */
    AQ_MATCH_PACKED,  /* the quantized side is packed; tiles are rectangles */
    AQ_MATCH_BYTES,   /* must be equal; tiles are runs of bytes */
    AQ_MATCH_SKIPPED  /* no tiles */
} aq_match_kind;

/* A tensor of the original with its counterpart. */
typedef struct aq_match {
    aq_match_kind kind;
    const aq_tensor *a, *b;                /* PACKED: b holds the levels */
    const aq_tensor *scales, *zero_points; /* PACKED; zero_points NULL if symmetric */
    const char *type;                      /* of the quantized side, for people */
    const char *skipped;                   /* BYTES, SKIPPED: why there are no figures */
    unsigned bits;                         /* PACKED, and so the rest */
    uint64_t rows, cols;                   /* of all dimensions but the last, and of that */
    uint64_t words, group, groups;         /* words and groups in a row */
    uint64_t tile_rows, tile_cols, col_tiles;
    uint64_t first_tile, tiles;
} aq_match;

typedef struct aq_matches {
    const aq_model *a, *b;
    aq_match *match; /* one per tensor of a, in its order */
    size_t count;
    uint64_t tiles;
    aq_arena arena; /* holds all of this; freed by the caller, failed or not */
} aq_matches;

enum { AQ_COMPARE_TILE = 32768 }; /* weights */

aq_status aq_matches_make(aq_matches *all, const aq_model *a, const aq_model *b, aq_error *err);

/* The match that tile `index` belongs to. */
const aq_match *aq_matches_at(const aq_matches *all, uint64_t index);

/* ---- compressed-tensors ---- */

/* What the quantized model says of its packing: 0 and -1 where it does not. */
typedef struct aq_packing {
    unsigned bits;
    int64_t group; /* 0: one per row */
} aq_packing;

aq_status aq_packing_read(const aq_model *model, aq_packing *packing, aq_error *err);

/* Fills in a match of a (m->a) with the levels m->b, the scales m->scales, the zero points if any,
 * and the tensor that holds the shape. */
aq_status aq_packed_match(aq_match *m, const aq_model *model, const aq_packing *packing,
                          const aq_tensor *shape, aq_error *err);

/* ---- tiles ---- */

/* Bytes of buffers that one thread needs. */
size_t aq_compare_buffer_size(void);

/* Reads tile `index` of both sides and sums it up; bytes that differ are AQ_BAD_INPUT. */
aq_status aq_compare_tile(const aq_matches *all, uint64_t index, void *buffer, aq_sums *sums,
                          aq_error *err);

#endif
