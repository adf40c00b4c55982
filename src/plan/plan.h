/* SPDX-License-Identifier: Apache-2.0
 * From a model and options to the output's layout and the tiles that fill it. Every output byte has
 * its place before the first weight is read, so tiles are independent of one another. */
#ifndef AQ_PLAN_H
#define AQ_PLAN_H

#include "formats/dtype.h"
#include "formats/layout.h"
#include "formats/model.h"
#include "imatrix.h"

typedef struct aq_plan_options {
    aq_format format;    /* of the output: AQ_FORMAT_SAFETENSORS or AQ_FORMAT_GGUF */
    bool directory;      /* shards and the model's other files, as the input has them */
    const aq_type *type; /* NULL: copy every tensor */
    uint64_t group_size; /* 0: one per row */
    bool asymmetric;
    const char *const *keep;
    size_t keep_count;
    const char *arch;
    aq_mixture mixture; /* GGUF to GGUF: whose base type `type` is; AQ_MIXTURE_OF_TYPE: no rules */
    bool pure;
    const aq_imatrix *imatrix; /* NULL: none */
    size_t tile_bytes; /* source bytes a tile should have; 0: from the size of the L2 cache */
    unsigned threads;  /* that share the tiles, where tile_bytes is 0; 0 and 1: as they are */
} aq_plan_options;

typedef enum aq_action { AQ_ACTION_COPY, AQ_ACTION_BLOCKS, AQ_ACTION_PACK } aq_action;

/* What happens to one tensor. Its elements are seen as rows x cols, cols being the last dimension.
 *   COPY    tiles are runs of source bytes
 *   BLOCKS  tiles are runs of whole blocks; rows are whole blocks, so they follow one another;
 *           with importances, whole rows
 *   PACK    tiles are tile_rows x tile_cols weights, whole groups and whole words of levels */
typedef struct aq_item {
    const aq_tensor *tensor;
    const char *reason;       /* why it is not quantized; NULL where it is */
    const aq_type_info *type; /* what it becomes; NULL where it is not quantized */
    aq_type type_id;          /* of *type; AQ_TYPE_COUNT for aq_half_type */
    const float *importance;  /* of each column, of each of `matrices`; NULL: none */
    uint64_t matrices;        /* one for each expert */
    bool substituted;         /* not what the rules wanted: rows did not fit that */
    aq_action action;
    uint64_t rows, cols;
    uint64_t group;                /* PACK: weights per group, cols where there is one per row */
    uint64_t groups;               /* PACK: per row */
    uint64_t tile_rows, tile_cols; /* PACK */
    uint64_t col_tiles;            /* PACK: tiles side by side */
    uint64_t tile_src, tile_dst;   /* bytes a full tile has on either side; tile_dst 0 for COPY */
    uint64_t first_tile, tiles;
    uint64_t src_base, dst_base; /* of its first tile in batch mode's buffers */
    size_t out;                  /* index in layout.tensors of the data, or of the packed levels */
    size_t out_scale, out_zero;  /* PACK; out_zero only if asymmetric */
} aq_item;

/* Bytes that no weight is needed for. */
typedef struct aq_constant {
    size_t out;
    const void *bytes;
} aq_constant;

typedef struct aq_plan {
    const aq_model *model;
    const aq_type_info *type; /* the one asked for; NULL: copy */
    aq_type type_id;
    bool ruled;          /* llama-quantize's rules decided, so types may differ from *type */
    const size_t *order; /* of the items in the output; NULL: their own */
    bool asymmetric;
    aq_item *items; /* one per tensor of the model, in its order */
    size_t item_count;
    uint64_t tiles;
    uint64_t max_src, max_dst;     /* the largest tile on either side */
    uint64_t total_src, total_dst; /* all tiles: what batch mode holds */
    uint64_t source_bytes;         /* of all tensors */
    uint64_t weights;              /* to be quantized */
    aq_constant *constants;
    size_t constant_count;
    aq_layout layout; /* its arena holds everything here */
} aq_plan;

/* On failure nothing is left to free; on success aq_plan_free. The model must outlive the plan. */
aq_status aq_plan_make(aq_plan *plan, const aq_model *model, const aq_plan_options *options,
                       aq_error *err);
void aq_plan_free(aq_plan *plan);

/* A tile of the plan: a rectangle of its item (BLOCKS and COPY: one row of bytes). */
typedef struct aq_tile {
    const aq_item *item;
    uint64_t src_at;             /* COPY, BLOCKS: source byte in the tensor; PACK: unused */
    uint64_t src_bytes;          /* of all its rows */
    uint64_t row, rows;          /* PACK */
    uint64_t col, cols;          /* PACK */
    uint64_t src_base, dst_base; /* where batch mode keeps its bytes in the two buffers */
} aq_tile;

aq_tile aq_plan_tile(const aq_plan *plan, uint64_t index);

/* How a PACK tile's results lie in its dst buffer: levels row by row, then scales, then one
 * zero-point byte per group, then the zero points as they are stored. Offsets in bytes. */
typedef struct aq_pack_layout {
    uint64_t row_words; /* 32-bit words of levels per row */
    uint64_t groups;    /* per row */
    uint64_t scales, zeros, packed_zeros, bytes;
} aq_pack_layout;

aq_pack_layout aq_plan_pack_layout(const aq_plan *plan, const aq_item *item, uint64_t rows,
                                   uint64_t cols);

#endif
