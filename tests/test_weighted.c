/* SPDX-License-Identifier: Apache-2.0
 * Every function that heeds importances and that this CPU runs, against its scalar twin. Needs
 * nothing but libc, as test_kernels does.
 *
 * test_weighted [--brief] [SEED]
 *   --brief  fewer sizes, for an emulator; so does AQ_SLOW in the environment
 * Prints, last, a hash of what the scalar twins made of 1,024 weights of each kind that does not
 * overflow, which is equal on every architecture for equal seeds. */
#include <config.h>

#include "guarded.h"
#include "kernels/kernel.h"
#include "weights.h"

#include <stdbool.h>

enum { MOST = 20 * 256, HASHED = 1024 };

static uint64_t seed = 20240613, hash = 0xcbf29ce484222325u;
static unsigned failures, functions, pairs;
static bool brief;

static struct {
    guarded src, importance, dst;
    float x[MOST];
    uint8_t twin[MOST * 4];
} memory;

typedef struct function {
    aq_isa isa;
    aq_weighted_fn *row;
} function;

/* The functions of one type and source; each is held against the twin. */
typedef struct tested {
    aq_type type;
    aq_dtype dtype;
    aq_weighted_fn *twin;
    function vectors[AQ_ISA_COUNT];
    unsigned count;
} tested;

static void fail(const tested *t, aq_isa isa, const char *what, int kind, size_t cols)
{
    if (++failures <= 20)
        printf("FAIL %s, on %s: %s (%s, %zu weights, seed %llu)\n",
               aq_kernel_find(t->type, t->dtype, AQ_ISA_SCALAR)->name, aq_isa_name(isa), what,
               weights_name(kind), cols, (unsigned long long)seed);
}

static size_t bytes_of(aq_type type, size_t weights)
{
    return weights / weights_block(type) * weights_block_bytes(type);
}

static uint8_t *place_with(const tested *t, int kind, int importances, uint64_t from, size_t cols,
                           size_t gap, float **importance)
{
    uint8_t *src = guarded_place(memory.src, cols * weights_bytes(t->dtype), gap);
    *importance = (float *)(void *)guarded_place(memory.importance, cols * sizeof(float), gap * 4);
    weights_fill(kind, from, memory.x, cols);
    weights_narrow(t->dtype, memory.x, cols, src);
    weights_importance(importances, from, *importance, cols);
    return src;
}

static uint8_t *place(const tested *t, int kind, size_t cols, size_t gap, float **importance)
{
    int importances = (int)(cols / 32 + (size_t)kind) % WEIGHTS_IMPORTANCES;
    return place_with(t, kind, importances, seed + cols, cols, gap, importance);
}

static void compare(const tested *t, int kind, const uint8_t *src, const float *importance,
                    size_t cols, size_t gap)
{
    size_t size = bytes_of(t->type, cols);
    uint32_t expected = t->twin(src, cols, importance, memory.twin);
    for (unsigned i = 0; i < t->count; i++) {
        aq_isa isa = t->vectors[i].isa;
        uint8_t *dst = guarded_place(memory.dst, size, gap);
        uint32_t got = t->vectors[i].row(src, cols, importance, dst);
        if (memcmp(dst, memory.twin, size) != 0)
            fail(t, isa, "output differs", kind, cols);
        if (got != expected)
            fail(t, isa, "magnitude differs", kind, cols);
        if (!guarded_intact(memory.dst, size, gap))
            fail(t, isa, "wrote outside its output", kind, cols);
    }
}

static void check(const tested *t, int kind, size_t cols, size_t gap)
{
    float *importance;
    const uint8_t *src = place(t, kind, cols, gap, &importance);
    compare(t, kind, src, importance, cols, gap);
}

/* Where next to no weight of some that are all below 0 counts, a fitted minimum may be above them
 * all, and then levels fall as weights grow. Few sub-blocks are like that. */
static void check_few_that_count(const tested *t)
{
    for (uint64_t round = 0; round < (brief ? 1 : 16); round++) {
        float *importance;
        const uint8_t *src = place_with(t, W_NEGATIVE, 3, seed + round, MOST, 0, &importance);
        compare(t, W_NEGATIVE, src, importance, MOST, 0);
    }
}

/* One weight that is not finite, at any place, shows in the magnitude. */
static void check_nonfinite(const tested *t, function f)
{
    float *importance;
    size_t cols = 9 * 256, size = weights_bytes(t->dtype);
    uint8_t *src = place(t, W_GAUSSIAN, cols, 0, &importance);
    for (size_t i = 0; i < cols; i += brief ? 201 : 37) {
        uint32_t bits = i % 2 == 0 ? 0x7f800000 : 0xffc00000;
        uint16_t half = t->dtype == AQ_DTYPE_BF16 ? (uint16_t)(bits >> 16)
                                                  : aq_f32_to_f16(aq_f32_from_bits(bits));
        uint8_t saved[4];
        memcpy(saved, src + i * size, size);
        memcpy(src + i * size, t->dtype == AQ_DTYPE_F32 ? (void *)&bits : (void *)&half, size);
        uint32_t got = f.row(src, cols, importance, memory.twin);
        if (i % 2 == 0 ? got != AQ_MAGNITUDE_INF : got <= AQ_MAGNITUDE_INF)
            fail(t, f.isa, "infinity or NaN missed", W_GAUSSIAN, i);
        memcpy(src + i * size, saved, size);
    }
}

/* Every number of blocks, the kinds in turn; then every kind in a size of a group and a rest. */
static void test(const tested *t)
{
    size_t block = weights_block(t->type), most = MOST / block / (brief ? 4 : 1);
    functions += t->count;
    for (unsigned i = 0; i < t->count; i++)
        check_nonfinite(t, t->vectors[i]);
    check_few_that_count(t);
    for (size_t blocks = 0; blocks <= most; blocks++)
        check(t, (int)(blocks % W_KINDS), blocks * block, blocks % 4);
    for (int kind = 0; kind < W_KINDS; kind++)
        for (size_t more = 0; more < (brief ? 1 : WEIGHTS_IMPORTANCES); more++)
            check(t, kind, (brief ? 1024 : 2560) + more * block, 0);
}

/* Where sums overflow, a scale is a NaN whose sign is the architecture's. */
static void hash_twin(const tested *t)
{
    for (int kind = 0; kind < W_KINDS; kind++) {
        if (kind == W_HUGE || kind == W_ANY_BITS)
            continue;
        float *importance;
        const uint8_t *src = place(t, kind, HASHED, 0, &importance);
        (void)t->twin(src, HASHED, importance, memory.twin);
        for (size_t i = 0; i < bytes_of(t->type, HASHED); i++)
            hash = (hash ^ memory.twin[i]) * 0x100000001b3u;
    }
}

static void test_pair(aq_type type, aq_dtype dtype)
{
    tested t = {type, dtype, aq_weighted_find(type, dtype, AQ_ISA_SCALAR), {{0}}, 0};
    if (t.twin == NULL)
        return;
    pairs++;
    hash_twin(&t);
    aq_weighted_fn *last = t.twin;
    for (int isa = AQ_ISA_SCALAR + 1; isa < AQ_ISA_COUNT; isa++) {
        function f = {(aq_isa)isa, aq_weighted_find(type, dtype, (aq_isa)isa)};
        if (!aq_isa_usable(f.isa) || f.row == last)
            continue;
        t.vectors[t.count++] = f;
        last = f.row;
    }
    if (t.count > 0)
        test(&t);
    else if (aq_isa_best() != AQ_ISA_SCALAR)
        fail(&t, AQ_ISA_SCALAR, "has no vectors", 0, 0);
}

int main(int argc, char **argv)
{
    static const aq_dtype sources[] = {AQ_DTYPE_F32, AQ_DTYPE_F16, AQ_DTYPE_BF16};
    int option = argc > 1 && strcmp(argv[1], "--brief") == 0;
    brief = option || getenv("AQ_SLOW") != NULL;
    if (argc > 1 + option)
        seed = strtoull(argv[1 + option], NULL, 10);
    memory.src = guarded_alloc(MOST * 4 + 128);
    memory.importance = guarded_alloc(MOST * 4 + 128);
    memory.dst = guarded_alloc(MOST * 4 + 128);
    for (int type = 0; type < AQ_TYPE_COUNT; type++)
        for (size_t s = 0; s < sizeof sources / sizeof *sources; s++)
            test_pair((aq_type)type, sources[s]);
    printf("%u functions of %u pairs, best %s, seed %llu: %u failures; hash %016llx\n", functions,
           pairs, aq_isa_name(aq_isa_best()), (unsigned long long)seed, failures,
           (unsigned long long)hash);
    return failures != 0 || pairs != 27;
}
