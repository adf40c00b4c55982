/* SPDX-License-Identifier: Apache-2.0
 * Every kernel that this CPU runs, byte for byte: those of the GGUF types against ggml, those of
 * the packed types, which ggml does not have, against their scalar twins.
 *
 * test_oracle_ggml [MILLIONS [SEED [PART]]]: so many million weights per kernel, spread over all
 * kinds; only the kernels with PART in their name. Weights are made once for all kernels, and ggml
 * quantizes them once for all instruction sets: it takes most of the time. */
#include <config.h>

#include "../bench/peers/ggml.h"
#include "kernels/kernel.h"
#include "weights.h"

enum { STRETCH = 256 * 64, LEAST_GROUP = 32, GROUPS = STRETCH / LEAST_GROUP };

static const aq_dtype sources[] = {AQ_DTYPE_F32, AQ_DTYPE_F16, AQ_DTYPE_BF16};

typedef struct output {
    uint32_t levels[STRETCH / 2]; /* or a GGUF type's blocks */
    float scales[GROUPS];
    uint8_t zeros[GROUPS];
} output;

static struct {
    float made[STRETCH], x[STRETCH]; /* x: made, rounded to the source's dtype */
    uint8_t src[STRETCH * 4];
    output expected, got;
} memory;

typedef struct tally {
    uint64_t weights, failures;
} tally;

typedef struct stretch {
    int kind;
    uint64_t seed;
} stretch;

static const aq_kernel *table;
static size_t count;
static tally *tallies;
static peer_ggml ggml;
static const char *part = "";

static void place_source(aq_dtype source)
{
    weights_narrow(source, memory.made, STRETCH, memory.src);
    if (source == AQ_DTYPE_F32)
        memcpy(memory.x, memory.src, sizeof memory.x);
    else if (source == AQ_DTYPE_F16)
        ggml.widen_f16(memory.src, memory.x, STRETCH);
    else
        ggml.widen_bf16(memory.src, memory.x, STRETCH);
}

/* Whole rows and groups, each with and without zero points, in turn. */
static aq_row_params row_params(stretch s)
{
    static const size_t groups[] = {STRETCH, LEAST_GROUP, 128};
    uint64_t turn = s.seed + (uint64_t)s.kind;
    return (aq_row_params){groups[turn % 3], (int)(turn / 3 % 2)};
}

static uint32_t run(const aq_kernel *k, stretch s, output *out)
{
    memset(out, 0x5a, sizeof *out);
    if (k->blocks != NULL)
        return k->blocks(memory.src, (size_t)(STRETCH / aq_type_block(k->type)), out->levels);
    aq_row_params params = row_params(s);
    return k->row(memory.src, STRETCH, &params, out->levels, out->scales,
                  params.asymmetric ? out->zeros : NULL);
}

static void judge(aq_type type, const aq_kernel *twin, stretch s)
{
    if (twin->row != NULL) {
        (void)run(twin, s, &memory.expected);
        return;
    }
    memset(&memory.expected, 0x5a, sizeof memory.expected);
    ggml.quantize(peer_ggml_type(type), memory.x, memory.expected.levels, 0, 1, STRETCH, NULL);
}

static void compare(size_t kernel, stretch s)
{
    const aq_kernel *k = &table[kernel];
    const uint8_t *got = (const uint8_t *)&memory.got;
    const uint8_t *expected = (const uint8_t *)&memory.expected;
    size_t i = 0;
    tallies[kernel].weights += STRETCH;
    (void)run(k, s, &memory.got);
    if (memcmp(got, expected, sizeof memory.got) == 0)
        return;
    while (got[i] == expected[i])
        i++;
    if (++tallies[kernel].failures <= 3)
        printf("FAIL %s: %s, seed %llu: byte %zu is %02x, not %02x\n", k->name,
               weights_name(s.kind), (unsigned long long)s.seed, i, got[i], expected[i]);
}

/* A packed type's twin is the judge, and is not judged by itself. */
static bool is_compared(const aq_kernel *k)
{
    return aq_isa_usable(k->isa) && strstr(k->name, part) != NULL &&
           (k->blocks != NULL || k->isa != AQ_ISA_SCALAR);
}

/* The table has a pair's kernels one after another, the twin last. */
static size_t check_pair(size_t first, aq_dtype source, stretch s)
{
    size_t last = first;
    bool judged = false;
    while (table[last].isa != AQ_ISA_SCALAR)
        last++;
    for (size_t i = first; i <= last && table[i].src == source; i++)
        if (is_compared(&table[i])) {
            if (!judged)
                judge(table[i].type, &table[last], s);
            judged = true;
            compare(i, s);
        }
    return last + 1;
}

static void check_stretch(stretch s)
{
    weights_fill(s.kind, s.seed, memory.made, STRETCH);
    for (size_t d = 0; d < sizeof sources / sizeof sources[0]; d++) {
        place_source(sources[d]);
        for (size_t i = 0; i < count;)
            i = check_pair(i, sources[d], s);
    }
}

static int report(uint64_t seed)
{
    unsigned kernels = 0;
    uint64_t least = UINT64_MAX, failures = 0;
    for (size_t i = 0; i < count; i++) {
        if (!is_compared(&table[i]))
            continue;
        kernels++;
        failures += tallies[i].failures;
        if (tallies[i].weights < least)
            least = tallies[i].weights;
        printf("%-22s %12llu %8llu\n", table[i].name, (unsigned long long)tallies[i].weights,
               (unsigned long long)tallies[i].failures);
    }
    if (kernels == 0)
        least = 0;
    printf("%u kernels, %d kinds, %llu weights each, seed %llu: %llu failures\n", kernels, W_KINDS,
           (unsigned long long)least, (unsigned long long)seed, (unsigned long long)failures);
    return failures != 0 || least == 0;
}

int main(int argc, char **argv)
{
    double millions = argc > 1 ? strtod(argv[1], NULL) : 0.75;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    uint64_t rounds = (uint64_t)(millions * 1e6 / (STRETCH * W_KINDS)) + 1;
    if (argc > 3)
        part = argv[3];
    if (!peer_ggml_open(&ggml))
        return 77;
    table = aq_kernel_table(&count);
    tallies = calloc(count, sizeof *tallies);
    if (tallies == NULL)
        return 99;
    for (uint64_t r = 0; r < rounds; r++)
        for (int kind = 0; kind < W_KINDS; kind++)
            check_stretch((stretch){kind, seed + r});
    int status = report(seed);
    free(tallies);
    return status;
}
