/* SPDX-License-Identifier: Apache-2.0
 * A set of names that strangers chose: a keyed hash, so that no choice of names makes look-ups
 * quadratic. It holds only indices; the caller keeps the names. */
#ifndef AQ_NAMES_H
#define AQ_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AQ_NAMES_NONE UINT32_MAX

/* Name i of the caller's. */
typedef const char *aq_names_get(const void *owner, uint32_t i, size_t *length);

typedef struct aq_names {
    aq_names_get *get;
    const void *owner;
    uint64_t key[2];
    /* 0 where free, else index + 1 in the bits of index_mask and, above them, bits of the hash:
     * most other names are told apart without being looked at. */
    uint32_t *slots;
    uint32_t index_mask;
    size_t mask;
} aq_names;

/* Room for `count` names, fewer than 2^31. False when out of memory. */
bool aq_names_init(aq_names *names, size_t count, aq_names_get *get, const void *owner);
/* Adds name i, unless an equal name is there already: then its index is returned, else
 * AQ_NAMES_NONE. */
uint32_t aq_names_add(aq_names *names, uint32_t i);
/* The index of a name, or AQ_NAMES_NONE. */
uint32_t aq_names_find(const aq_names *names, const char *name, size_t length);
void aq_names_free(aq_names *names);

#endif
