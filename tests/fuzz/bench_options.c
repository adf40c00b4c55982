/* SPDX-License-Identifier: Apache-2.0
 * The command line of arrowquant-bench: words that end with a NUL each. */
#include <config.h>

#include <string.h>

#include "bench/help.h"
#include "bench/options.h"
#include "fuzz.h"

enum { WORDS = 64, OPTIONS = 128 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static FILE *nowhere;
    static char name[] = "arrowquant-bench";
    char *text = malloc(size + 1), *argv[WORDS + 2] = {name};
    int argc = 1;
    bench_options options;
    if (nowhere == NULL)
        nowhere = fopen("/dev/null", "we");
    FUZZ_REQUIRE(nowhere != NULL && text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';
    for (size_t at = 0; at < size && argc <= WORDS; at += strlen(text + at) + 1)
        argv[argc++] = text + at;
    int code = bench_options_parse(argc, argv, &options, nowhere, nowhere);
    FUZZ_REQUIRE(code == -1 || code == 0 || code == 2);
    if (code == -1) {
        FUZZ_REQUIRE(options.cores_count >= 1 && options.cores_count <= BENCH_MAX_CORES);
        FUZZ_REQUIRE(options.model_sizes_count >= 1 && options.exports_count <= BENCH_MAX_EXPORTS);
        FUZZ_REQUIRE(options.budget_s > 0 && options.timeout_s > 0);
    }
    free(text);
    return 0;
}

/* The options, as the help text has them. */
static size_t list_options(char names[OPTIONS][40])
{
    char help[16384] = {0};
    size_t n = 0;
    FILE *out = fmemopen(help, sizeof help - 1, "w");
    FUZZ_REQUIRE(out != NULL);
    bench_help_print(out);
    (void)fclose(out);
    for (const char *p = help; n < OPTIONS && (p = strstr(p, "--")) != NULL; p += 2) {
        size_t length = strcspn(p, " ,.\n)");
        if (length > 2 && length < sizeof names[0]) {
            memcpy(names[n], p, length);
            names[n++][length] = '\0';
        }
    }
    return n;
}

static const char *any_word(uint64_t *state)
{
    static const char *const values[] = {"0",
                                         "1",
                                         "2",
                                         "64",
                                         "1024",
                                         "1025",
                                         "-1",
                                         "1,2,4",
                                         "1,1",
                                         ",",
                                         "1,",
                                         "100M",
                                         "600M,7B",
                                         "7B-seed",
                                         "1x1x32",
                                         "0x1x1",
                                         "99999999999999999999",
                                         "1e3",
                                         "1e999",
                                         "nan",
                                         ".5",
                                         "f16",
                                         "bf16",
                                         "q8_0",
                                         "int4",
                                         "null",
                                         "file",
                                         "streaming",
                                         "batch",
                                         "json=x",
                                         "html=-",
                                         "csv=",
                                         "=",
                                         "",
                                         "-",
                                         "--",
                                         "-q",
                                         "-vq",
                                         "-V",
                                         "-h",
                                         "parallel_quantization",
                                         "model_sizes"};
    static char names[OPTIONS][40];
    static size_t count;
    if (count == 0)
        count = list_options(names);
    if (fuzz_below(state, 2) == 0)
        return names[fuzz_below(state, count)];
    return values[fuzz_below(state, sizeof values / sizeof *values)];
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room, unsigned seed)
{
    uint64_t state = seed;
    size_t starts[WORDS], n = 0;
    for (size_t at = 0; at < size && n < WORDS; at += strnlen((char *)data + at, size - at) + 1)
        starts[n++] = at;
    if (n == 0 || fuzz_below(&state, 4) == 0)
        return LLVMFuzzerMutate(data, size, room);
    size_t at = starts[fuzz_below(&state, n)];
    const char *word = any_word(&state);
    size_t old = strnlen((char *)data + at, size - at);
    if (fuzz_below(&state, 3) == 0) /* before it, or in its place */
        return fuzz_splice(data, size, room, at, 0, word, strlen(word) + 1);
    return fuzz_splice(data, size, room, at, old, word, strlen(word));
}
