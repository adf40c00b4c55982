/* SPDX-License-Identifier: Apache-2.0
 * The packed types in vectors: compiled once for each ISA. */
#include <config.h>

#include "ahead.h"
#include "list.h"
#include "row_scales.h"

/* The levels of a group, whose first weight's begins a byte. */
AQ_INLINE void store_group(unsigned bits, aq_dtype source, const uint8_t *src, size_t count,
                           const row_map *map, uint8_t *out)
{
    size_t size = aq_source_bytes(source), chunks = count / CHUNK, rest = count % CHUNK, now;
    for (; chunks > 0; chunks -= now, src += now * CHUNK * size, out += now * CHUNK * bits / 8) {
        now = chunks < MOST_CHUNKS ? chunks : MOST_CHUNKS;
        ask_before(src, now * CHUNK * size);
        store_chunks(bits, source, src, now, map, out);
        ask_after(src, now * CHUNK * size);
    }
    if (rest == 0)
        return;
    /* The rest in a padded copy; its levels are cut to those that exist, so that the unused bits of
     * the last byte are 0. */
    uint8_t padded[CHUNK * 4] = {0}, packed[CHUNK];
    memcpy(padded, src, rest * size);
    store_quotients(bits, source, padded, map, packed);
    size_t used = rest * bits, whole = used / 8;
    memcpy(out, packed, whole);
    if (used % 8 != 0)
        out[whole] = (uint8_t)(packed[whole] & ((1u << used % 8) - 1));
}

/* As many groups of a row as a vector has lanes, or those that are left. */
typedef struct group_batch {
    size_t first, group, n; /* its first weight; a whole group's; the row's */
    size_t groups;
} group_batch;

AQ_INLINE size_t begin_of(const group_batch *b, size_t j)
{
    return b->first + j * b->group;
}

AQ_INLINE size_t count_of(const group_batch *b, size_t j)
{
    size_t left = b->n - begin_of(b, j);
    return left < b->group ? left : b->group;
}

AQ_INLINE row_bounds batch_bounds(aq_dtype source, const uint8_t *in, const group_batch *b)
{
    size_t size = aq_source_bytes(source);
    ends e[V_LANES];
    for (size_t j = 0; j < V_LANES; j++)
        e[j] = j < b->groups ? group_ends(source, in + begin_of(b, j) * size, count_of(b, j))
                             : no_weights(source);
    return bounds_of(source, join_ends(source, e));
}

AQ_INLINE uint32_t quantize_row(unsigned bits, aq_dtype source, aq_row_fn *scalar, const void *src,
                                size_t n, const aq_row_params *params, uint32_t *levels,
                                void *scales, uint8_t *zero_points)
{
    /* Groups that do not begin on whole bytes are nobody's format. */
    if (params->group % 8 != 0 && params->group < n)
        return scalar(src, n, params, levels, scales, zero_points);
    const uint8_t *in = src;
    uint8_t *out = (uint8_t *)levels, *scales_out = scales;
    size_t size = aq_source_bytes(source), words = (n * bits + 31) / 32, done = 0;
    group_batch b = {.group = params->group < n ? params->group : n, .n = n};
    vi magnitude = v_set_bits(0);
    if (words > 0)
        memset(out + (words - 1) * 4, 0, 4);
    for (; b.first < n; b.first += b.groups * b.group, done += b.groups) {
        size_t left = (n - b.first + b.group - 1) / b.group;
        b.groups = left < V_LANES ? left : V_LANES;
        row_bounds bounds = batch_bounds(source, in, &b);
        magnitude = v_max_u32(magnitude, bounds.magnitude);
        row_scales r;
        store_row_scales(bits, source, params->asymmetric, b.groups, bounds,
                         scales_out + done * size, zero_points != NULL ? zero_points + done : NULL,
                         &r);
        for (size_t j = 0; j < b.groups; j++) {
            row_map map = map_of(bits, &r, j);
            size_t at = begin_of(&b, j);
            store_group(bits, source, in + at * size, count_of(&b, j), &map, out + at * bits / 8);
        }
    }
    return v_greatest_u32(magnitude);
}

enum { BITS_INT8 = 8, BITS_INT4 = 4, BITS_INT2 = 2 };

#define DEFINE(TYPE, type, SOURCE, source)                                                         \
    uint32_t V_NAME(aq_##type##_##source)(const void *src, size_t n, const aq_row_params *params,  \
                                          uint32_t *levels, void *scales, uint8_t *zero_points)    \
    {                                                                                              \
        return quantize_row(BITS_##TYPE, AQ_DTYPE_##SOURCE, aq_##type##_##source##_scalar, src, n, \
                            params, levels, scales, zero_points);                                  \
    }

AQ_ROW_PAIRS(DEFINE)
