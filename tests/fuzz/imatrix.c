/* SPDX-License-Identifier: Apache-2.0
 * Importance matrices, in the old form and as GGUF. */
#include <config.h>

#include "plan/imatrix.h"

#include <math.h>
#include <string.h>

#include "fuzz.h"

static fuzz_file file;

/* Names of the corpus: what is found by one is a mean of squares. */
static void check_entries(const aq_imatrix *m)
{
    static const char *const names[] = {"blk.0.ffn_down.weight", "blk.0.attn_v.weight", "a", "b",
                                        ""};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        uint64_t count = 0;
        const float *values = aq_imatrix_find(m, names[i], &count);
        FUZZ_REQUIRE(values == NULL || count > 0);
        for (uint64_t k = 0; values != NULL && k < count; k++)
            FUZZ_REQUIRE(isfinite(values[k]) && values[k] >= 0.0f);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    aq_imatrix *m;
    aq_error err = {0};
    fuzz_file_make(&file, "m");
    fuzz_file_fill(&file, data, size);
    aq_status status = aq_imatrix_open(file.path, &m, &err);
    if (status != AQ_OK) {
        FUZZ_REQUIRE(m == NULL);
        fuzz_check_error(status, &err, file.path);
        return 0;
    }
    fuzz_accepted++;
    check_entries(m);
    aq_imatrix_close(m);
    return 0;
}

/* ---- the old form: its 32-bit fields, and where entries begin ---- */

enum { FIELDS = 256 };

typedef struct walk {
    size_t at, fields[FIELDS], count;
    size_t entry[FIELDS], entries; /* one more than there are: where the last one ends */
} walk;

static int32_t take(walk *w, const uint8_t *data, size_t size)
{
    int32_t value = 0;
    if (size - w->at < sizeof value || w->count == FIELDS) {
        w->at = size;
        return 0;
    }
    memcpy(&value, data + w->at, sizeof value);
    w->fields[w->count++] = w->at;
    w->at += sizeof value;
    return value;
}

static void step_over(walk *w, size_t size, int32_t units, size_t unit)
{
    size_t left = size - w->at;
    w->at += units > 0 && (size_t)units <= left / unit ? (size_t)units * unit : left;
}

static void walk_entries(walk *w, const uint8_t *data, size_t size)
{
    int32_t entries = take(w, data, size);
    w->entry[w->entries++] = w->at;
    for (; entries > 0 && w->at < size && w->entries < FIELDS; entries--) {
        step_over(w, size, take(w, data, size), 1);
        (void)take(w, data, size); /* calls */
        step_over(w, size, take(w, data, size), sizeof(float));
        w->entry[w->entries++] = w->at;
    }
}

static size_t change_field(const walk *w, uint8_t *data, size_t size, uint64_t *state)
{
    static const uint32_t edges[] = {
        0, 1, 2, 1024, 1025, 0x100000, 0x100001, 0x3fffffff, INT32_MAX, 0x80000000, UINT32_MAX};
    uint32_t value;
    uint8_t *at = data + w->fields[fuzz_below(state, w->count)];
    memcpy(&value, at, sizeof value);
    if (fuzz_below(state, 2) == 0)
        value += fuzz_below(state, 2) == 0 ? 1 : UINT32_MAX;
    else
        value = edges[fuzz_below(state, sizeof edges / sizeof *edges)];
    memcpy(at, &value, sizeof value);
    return size;
}

/* Wherever it lies: in values, or across what else is there. */
static size_t change_value(uint8_t *data, size_t size, uint64_t *state)
{
    const float edges[] = {0.0f, -0.0f, -1.0f, 1.0f, 1e-45f, 3.4e38f, INFINITY, -INFINITY, NAN};
    size_t at = fuzz_below(state, size - sizeof *edges + 1);
    memcpy(data + at, &edges[fuzz_below(state, sizeof edges / sizeof *edges)], sizeof *edges);
    return size;
}

/* An entry twice, or not at all, and the count of them with it. */
static size_t change_entries(const walk *w, uint8_t *data, size_t size, size_t room,
                             uint64_t *state)
{
    uint8_t held[512];
    int32_t count;
    size_t i = fuzz_below(state, w->entries - 1), at = w->entry[i];
    size_t length = w->entry[i + 1] - at, changed;
    if (length > sizeof held)
        return change_field(w, data, size, state);
    memcpy(held, data + at, length);
    memcpy(&count, data, sizeof count);
    bool twice = fuzz_below(state, 2) == 0;
    changed = twice ? fuzz_splice(data, size, room, at, 0, held, length)
                    : fuzz_splice(data, size, room, at, length, "", 0);
    if (changed != size)
        count = (int32_t)((uint32_t)count + (twice ? 1 : UINT32_MAX));
    memcpy(data, &count, sizeof count);
    return changed;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room, unsigned seed)
{
    uint64_t state = seed;
    walk w = {0};
    if (size < sizeof(float) || fuzz_below(&state, 8) == 0)
        return LLVMFuzzerMutate(data, size, room);
    if (memcmp(data, "GGUF", 4) == 0)
        return fuzz_below(&state, 4) == 0 ? change_value(data, size, &state)
                                          : fuzz_mutate_gguf(data, size, room, &state);
    walk_entries(&w, data, size);
    switch (fuzz_below(&state, 4)) {
    case 0:
        return change_value(data, size, &state);
    case 1:
        if (w.entries > 1)
            return change_entries(&w, data, size, room, &state);
        return change_field(&w, data, size, &state);
    default:
        return change_field(&w, data, size, &state);
    }
}
