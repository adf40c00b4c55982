/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include <string.h>

#include "formats/gguf.h"
#include "fuzz.h"

/* ---- where the fields of a header are ---- */

enum { FIELDS = 512 };

typedef struct field {
    size_t at, width;
    size_t string; /* bytes of the string whose length this is; 0 for other fields */
} field;

typedef struct walk {
    const uint8_t *data;
    size_t size, at, count;
    field fields[FIELDS];
    size_t entry[FIELDS]; /* where the keys and tensors begin, and where the last one ends */
    size_t entries, kvs;
} walk;

/* Nothing has a width of 0 but what is unknown: the walk ends there. */
static uint64_t take(walk *w, size_t width)
{
    uint64_t value = 0;
    if (width == 0 || width > w->size - w->at) {
        w->at = w->size;
        return 0;
    }
    memcpy(&value, w->data + w->at, width);
    if (w->count < FIELDS)
        w->fields[w->count++] = (field){w->at, width, 0};
    w->at += width;
    return value;
}

static void take_string(walk *w)
{
    uint64_t length = take(w, 8), left = w->size - w->at;
    if (length > left)
        length = left;
    if (w->count > 0)
        w->fields[w->count - 1].string = (size_t)length;
    w->at += (size_t)length;
}

static void take_value(walk *w, uint32_t type)
{
    if (type == AQ_GGUF_STRING)
        take_string(w);
    else
        (void)take(w, aq_gguf_type_size(type));
}

static void take_kv(walk *w)
{
    take_string(w);
    uint32_t type = (uint32_t)take(w, 4);
    if (type != AQ_GGUF_ARRAY) {
        take_value(w, type);
        return;
    }
    type = (uint32_t)take(w, 4);
    for (uint64_t n = take(w, 8); n > 0 && w->at < w->size; n--)
        take_value(w, type);
}

static void take_tensor(walk *w)
{
    take_string(w);
    for (uint64_t rank = take(w, 4); rank > 0 && w->at < w->size; rank--)
        (void)take(w, 8);
    (void)take(w, 4);
    (void)take(w, 8);
}

static void walk_header(walk *w)
{
    w->at = 4;
    (void)take(w, 4);
    uint64_t tensors = take(w, 8), kvs = take(w, 8);
    w->entry[w->entries++] = w->at;
    for (; kvs > 0 && w->at < w->size && w->entries < FIELDS; kvs--) {
        take_kv(w);
        w->entry[w->entries++] = w->at;
    }
    w->kvs = w->entries - 1;
    for (; tensors > 0 && w->at < w->size && w->entries < FIELDS; tensors--) {
        take_tensor(w);
        w->entry[w->entries++] = w->at;
    }
}

/* ---- mutations ---- */

static uint64_t another(uint64_t value, size_t size, uint64_t *state)
{
    static const uint64_t edges[] = {0,
                                     1,
                                     2,
                                     3,
                                     4,
                                     5,
                                     8,
                                     9,
                                     12,
                                     31,
                                     32,
                                     63,
                                     64,
                                     255,
                                     256,
                                     65535,
                                     65536,
                                     65537,
                                     0x7fffffff,
                                     0x80000000,
                                     0xffffffff,
                                     0x100000000,
                                     0x200000000,
                                     0x7fffffffffffffff,
                                     0x8000000000000000,
                                     0xffffffffffffffe0,
                                     0xfffffffffffffff8,
                                     0xffffffffffffffff};
    switch (fuzz_below(state, 6)) {
    case 0:
        return value + 1;
    case 1:
        return value - 1;
    case 2:
        return value ^ UINT64_C(1) << fuzz_below(state, 64);
    case 3:
        return value + 32;
    case 4:
        return size - fuzz_below(state, 64);
    default:
        return edges[fuzz_below(state, sizeof edges / sizeof *edges)];
    }
}

static size_t change_field(const walk *w, uint8_t *data, size_t size, uint64_t *state)
{
    const field *f = &w->fields[fuzz_below(state, w->count)];
    uint64_t value = 0;
    memcpy(&value, data + f->at, f->width);
    value = another(value, size, state);
    memcpy(data + f->at, &value, f->width);
    return size;
}

/* A string of another length, its prefix with it. */
static size_t change_string(const walk *w, uint8_t *data, size_t size, size_t room, uint64_t *state)
{
    uint8_t text[300];
    const field *f = NULL;
    for (int i = 0; i < 32 && (f == NULL || f->string == 0); i++)
        f = &w->fields[fuzz_below(state, w->count)];
    if (f->string == 0 || f->string > 200)
        return change_field(w, data, size, state);
    memcpy(text, data + f->at + 8, f->string);
    uint64_t length = LLVMFuzzerMutate(text, f->string, sizeof text);
    size_t changed = fuzz_splice(data, size, room, f->at + 8, f->string, text, (size_t)length);
    if (changed != size || length == f->string)
        memcpy(data + f->at, &length, 8);
    return changed;
}

static void add_to(uint8_t *count, uint64_t n)
{
    uint64_t value;
    memcpy(&value, count, 8);
    value += n;
    memcpy(count, &value, 8);
}

/* A key or tensor twice, or not at all, and the count of them with it. */
static size_t change_entries(const walk *w, uint8_t *data, size_t size, size_t room,
                             uint64_t *state)
{
    uint8_t held[512];
    if (w->entries < 2)
        return change_field(w, data, size, state);
    size_t i = fuzz_below(state, w->entries - 1);
    size_t at = w->entry[i], length = w->entry[i + 1] - at, changed = size;
    uint8_t *count = data + (i < w->kvs ? 16 : 8);
    if (length > sizeof held)
        return change_field(w, data, size, state);
    memcpy(held, data + at, length);
    if (fuzz_below(state, 2) == 0) {
        changed = fuzz_splice(data, size, room, at, length, "", 0);
        add_to(count, (uint64_t)-1);
    } else {
        changed = fuzz_splice(data, size, room, at, 0, held, length);
        if (changed != size)
            add_to(count, 1);
    }
    return changed;
}

size_t fuzz_mutate_gguf(uint8_t *data, size_t size, size_t room, uint64_t *state)
{
    static walk w;
    w = (walk){.data = data, .size = size};
    if (size < 24 || fuzz_below(state, 8) == 0)
        return LLVMFuzzerMutate(data, size, room);
    walk_header(&w);
    switch (fuzz_below(state, 4)) {
    case 0:
        return change_string(&w, data, size, room, state);
    case 1:
        return change_entries(&w, data, size, room, state);
    default:
        return change_field(&w, data, size, state);
    }
}
