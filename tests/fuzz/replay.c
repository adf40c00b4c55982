/* SPDX-License-Identifier: Apache-2.0
 * A fuzz target without libFuzzer: `replay [-m COUNT] DIRECTORY...` runs every file once, which is
 * how a finding stays a test, cut off at every byte, and with every single bit flipped; then COUNT
 * mutations of them, always the same ones. */
#include <config.h>

#include <dirent.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"

enum { FILES = 4096, ROOM = 8192 };

typedef struct input {
    uint8_t *bytes;
    size_t size;
} input;

static input inputs[FILES];
static size_t count, damaged;
static uint64_t random_state = 1;

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t room)
{
    static const uint8_t edges[] = {0x00, 0x01, 0x20, 0x22, 0x2c, 0x7f, 0x80, 0xc0, 0xff};
    uint8_t byte = edges[fuzz_below(&random_state, sizeof edges)];
    if (size == 0)
        return fuzz_splice(data, 0, room, 0, 0, &byte, 1);
    size_t at = fuzz_below(&random_state, size);
    switch (fuzz_below(&random_state, 4)) {
    case 0:
        data[at] ^= (uint8_t)(1u << fuzz_below(&random_state, 8));
        return size;
    case 1:
        data[at] = byte;
        return size;
    case 2:
        return fuzz_splice(data, size, room, at, 0, &byte, 1);
    default:
        return at > 0 ? at : 1;
    }
}

static void load(const char *path)
{
    struct stat st;
    FILE *f = fopen(path, "rb");
    FUZZ_REQUIRE(f != NULL && fstat(fileno(f), &st) == 0 && count < FILES);
    input *in = &inputs[count++];
    in->size = (size_t)st.st_size;
    in->bytes = malloc(in->size + 1);
    FUZZ_REQUIRE(in->bytes != NULL && fread(in->bytes, 1, in->size, f) == in->size);
    (void)fclose(f);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void load_directory(const char *directory)
{
    struct dirent **entries;
    int n = scandir(directory, &entries, NULL, by_name);
    FUZZ_REQUIRE(n >= 0);
    for (int i = 0; i < n; i++) {
        char path[4096];
        (void)snprintf(path, sizeof path, "%s/%s", directory, entries[i]->d_name);
        if (entries[i]->d_name[0] != '.')
            load(path);
        free(entries[i]);
    }
    free(entries);
}

/* Each run gets an allocation of just its size, so that reading past it is seen. */
static void run(const uint8_t *bytes, size_t size)
{
    uint8_t *copy = malloc(size > 0 ? size : 1);
    FUZZ_REQUIRE(copy != NULL);
    memcpy(copy, bytes, size);
    (void)LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}

/* With less of a file than all, and with one bit wrong: in what a disk or a network does to files,
 * these come first. */
static void run_damaged(const input *in)
{
    for (size_t size = 0; size < in->size; size++)
        run(in->bytes, size);
    for (size_t bit = 0; bit < 8 * in->size; bit++) {
        in->bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        run(in->bytes, in->size);
        in->bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    damaged += 9 * in->size;
}

static void run_mutations(long n)
{
    static uint8_t bytes[ROOM];
    for (long i = 0; i < n; i++) {
        const input *in = &inputs[fuzz_below(&random_state, count)];
        size_t size = in->size < ROOM ? in->size : ROOM;
        memcpy(bytes, in->bytes, size);
        for (size_t k = 1 + fuzz_below(&random_state, 4); k > 0; k--)
            size = LLVMFuzzerCustomMutator(bytes, size, ROOM, (unsigned)fuzz_random(&random_state));
        FUZZ_REQUIRE(size <= ROOM);
        run(bytes, size);
    }
}

int main(int argc, char **argv)
{
    int first = argc > 2 && strcmp(argv[1], "-m") == 0 ? 3 : 1;
    for (int i = first; i < argc; i++)
        load_directory(argv[i]);
    for (size_t i = 0; i < count; i++)
        run(inputs[i].bytes, inputs[i].size);
    (void)printf("%zu accepted whole\n", fuzz_accepted);
    for (size_t i = 0; i < count; i++)
        run_damaged(&inputs[i]);
    if (count > 0 && first == 3)
        run_mutations(strtol(argv[2], NULL, 10));
    for (size_t i = 0; i < count; i++)
        free(inputs[i].bytes);
    (void)printf("%zu files, damaged in %zu ways\n", count, damaged);
    return count > 0 ? 0 : 1;
}
