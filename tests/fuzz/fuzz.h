/* SPDX-License-Identifier: Apache-2.0
 * What a fuzz target is: libFuzzer's three functions, which replay.c calls as well where there is
 * no libFuzzer, and the mutators that targets share. */
#ifndef AQ_TESTS_FUZZ_H
#define AQ_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "tests/model_bytes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room, unsigned seed);
/* Changes the bytes without knowing what they are; libFuzzer's, or that of replay.c. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t room);

/* How many inputs a parser of models has accepted so far. */
extern size_t fuzz_accepted;

/* A finding that no sanitizer would see. */
#define FUZZ_REQUIRE(condition)                                                   \
    do {                                                                          \
        if (!(condition)) {                                                       \
            (void)fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
            abort();                                                              \
        }                                                                         \
    } while (0)

/* SplitMix64: the mutators must depend on libFuzzer's seed alone. */
static inline uint64_t fuzz_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static inline size_t fuzz_below(uint64_t *state, size_t n)
{
    return (size_t)(fuzz_random(state) % n);
}

/* Replaces data[at, at + old) by `with`; the size after it, or the old one where there is no room.
 */
size_t fuzz_splice(uint8_t *data, size_t size, size_t room, size_t at, size_t old, const void *with,
                   size_t length);

/* A failure must be a single line of valid text with a status of its own, that begins with `path`
 * where one is given. */
void fuzz_check_error(aq_status status, const aq_error *err, const char *path);

/* A file in a directory of the process's own, in memory where there is such a place; both go when
 * it ends. For parsers that are given a path. */
typedef struct fuzz_file {
    char path[96];
    int descriptor;
} fuzz_file;

/* Call before each use; makes the file once. */
void fuzz_file_make(fuzz_file *file, const char *name);
/* Makes it hold just these bytes. */
void fuzz_file_fill(const fuzz_file *file, const void *bytes, size_t size);

/* Changes one field of a GGUF header, one string with its length, or how often a key or tensor is
 * there. */
size_t fuzz_mutate_gguf(uint8_t *data, size_t size, size_t room, uint64_t *state);

/* Changes one token of a JSON text: drops, repeats, swaps, replaces it, or steps its number. */
size_t fuzz_mutate_json(uint8_t *text, size_t size, size_t room, uint64_t *state);

/* A model that was accepted: every range in its file, names unique, sizes what shapes take. */
void fuzz_check_model(const aq_model *model);

/* Its header written anew, by the same format, must be one that is accepted, with as many tensors.
 */
typedef aq_status fuzz_layout_fn(aq_layout *layout, const aq_model *from, aq_error *err);
void fuzz_check_rewrite(const aq_model *model, fuzz_layout_fn *write, open_fn *read);

#endif
