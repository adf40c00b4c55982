/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "names.h"

#include <string.h>
#include <sys/random.h>

#include "base/memory.h"

static uint64_t rotate(uint64_t x, unsigned n)
{
    return x << n | x >> (64 - n);
}

static void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[0] = rotate(v[0], 32);
    v[2] += v[3];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[2] = rotate(v[2], 32);
}

/* SipHash-1-3: one round per word, three to finish. */
static uint64_t hash(const uint64_t key[2], const char *s, size_t size)
{
    uint64_t v[4] = {key[0] ^ 0x736f6d6570736575, key[1] ^ 0x646f72616e646f6d,
                     key[0] ^ 0x6c7967656e657261, key[1] ^ 0x7465646279746573};
    uint64_t word;
    size_t i = 0;
    for (; size - i >= 8; i += 8) {
        memcpy(&word, s + i, 8);
        v[3] ^= word;
        sip_round(v);
        v[0] ^= word;
    }
    word = 0;
    memcpy(&word, s + i, size - i);
    word |= (uint64_t)size << 56;
    v[3] ^= word;
    sip_round(v);
    v[0] ^= word;
    v[2] ^= 0xff;
    for (int round = 0; round < 3; round++)
        sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

bool aq_names_init(aq_names *names, size_t count, aq_names_get *get, const void *owner)
{
    size_t slots = 16;
    while (slots < count * 2)
        slots *= 2;
    /* At least twice as many slots as names, so index + 1 fits in as many bits as slots have. */
    *names = (aq_names){
        .get = get, .owner = owner, .index_mask = (uint32_t)(slots - 1), .mask = slots - 1};
    /* Where the kernel has no randomness to give, the addresses of this process stand in. */
    if (getrandom(names->key, sizeof names->key, GRND_NONBLOCK) != sizeof names->key) {
        names->key[0] = (uint64_t)(uintptr_t)names;
        names->key[1] = (uint64_t)(uintptr_t)owner;
    }
    names->slots = aq_calloc(slots, sizeof *names->slots);
    return names->slots != NULL;
}

/* The slot that holds the name, or the free one where it belongs. At most half are taken, so there
 * is one. *tag is what goes into it beside the index. */
static uint32_t *slot_of(const aq_names *names, const char *name, size_t length, uint32_t *tag)
{
    uint64_t h = hash(names->key, name, length);
    size_t at = (size_t)h & names->mask;
    *tag = (uint32_t)(h >> 32) & ~names->index_mask;
    for (uint32_t slot; (slot = names->slots[at]) != 0; at = (at + 1) & names->mask) {
        size_t other_length;
        if ((slot & ~names->index_mask) != *tag)
            continue;
        const char *other = names->get(names->owner, (slot & names->index_mask) - 1, &other_length);
        if (other_length == length && memcmp(other, name, length) == 0)
            break;
    }
    return &names->slots[at];
}

uint32_t aq_names_add(aq_names *names, uint32_t i)
{
    size_t length;
    uint32_t tag;
    const char *name = names->get(names->owner, i, &length);
    uint32_t *slot = slot_of(names, name, length, &tag);
    if (*slot != 0)
        return (*slot & names->index_mask) - 1;
    *slot = tag | (i + 1);
    return AQ_NAMES_NONE;
}

uint32_t aq_names_find(const aq_names *names, const char *name, size_t length)
{
    uint32_t tag, slot = *slot_of(names, name, length, &tag);
    return slot == 0 ? AQ_NAMES_NONE : (slot & names->index_mask) - 1;
}

void aq_names_free(aq_names *names)
{
    aq_free(names->slots);
    names->slots = NULL;
}
