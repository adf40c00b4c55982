/* SPDX-License-Identifier: Apache-2.0
 * Every kernel of the table that this CPU runs, against its scalar twin. Needs nothing but libc, so
 * that it can be built statically for another architecture.
 *
 * test_kernels [--brief | --hash | --every-f16] [SEED]
 *   --brief      fewer sizes, for an emulator; so does AQ_SLOW in the environment, as for valgrind
 *   --hash       prints one hash of all scalar output, equal on every architecture for equal seeds
 *   --every-f16  every finite float16 as a block's largest magnitude, with every smaller one beside
 *                it: over 500 million weights per kernel */
#include <config.h>

#include "guarded.h"
#include "kernels/kernel.h"
#include "kernels/scalar.h"
#include "weights.h"

#include <stdbool.h>

enum { MOST_BLOCKS = 300, MOST_WEIGHTS = MOST_BLOCKS * 32, MOST_GROUPS = MOST_WEIGHTS };

static uint64_t seed = 20240613;
static unsigned failures, kernels_tested;
static bool brief;

static struct {
    guarded src, dst, scales, zeros; /* the kernel's */
    float *x;
    uint8_t *twin, *twin_scales, *twin_zeros;
} memory;

static void allocate(void)
{
    memory.src = guarded_alloc(MOST_WEIGHTS * 4 + 128);
    memory.dst = guarded_alloc(MOST_WEIGHTS * 4 + 128);
    memory.scales = guarded_alloc(MOST_GROUPS * 4 + 128);
    memory.zeros = guarded_alloc(MOST_GROUPS + 128);
    memory.x = malloc(MOST_WEIGHTS * sizeof(float));
    memory.twin = malloc(MOST_WEIGHTS * 4);
    memory.twin_scales = malloc(MOST_GROUPS * 4);
    memory.twin_zeros = malloc(MOST_GROUPS);
    if (!memory.x || !memory.twin || !memory.twin_scales || !memory.twin_zeros)
        exit(99);
}

static void fail(const aq_kernel *k, const char *what, int kind, size_t n)
{
    if (++failures <= 20)
        printf("FAIL %s: %s (%s, n = %zu, seed %llu)\n", k->name, what,
               kind < 0 ? "-" : weights_name(kind), n, (unsigned long long)seed);
}

static unsigned row_bits(aq_type type)
{
    return type == AQ_TYPE_INT8 ? 8 : type == AQ_TYPE_INT4 ? 4 : 2;
}

static uint8_t *place_source(const aq_kernel *k, int kind, uint64_t salt, size_t n, size_t gap)
{
    uint8_t *src = guarded_place(memory.src, n * weights_bytes(k->src), gap);
    weights_fill(kind, seed + salt, memory.x, n);
    weights_narrow(k->src, memory.x, n, src);
    return src;
}

/* The kernels of one type and source: each is held against the twin, which is one of them and may
 * be the only one. */
typedef struct pair {
    const aq_kernel *twin, *kernel[AQ_ISA_COUNT];
    unsigned count;
} pair;

static void check_blocks(const pair *p, int kind, size_t blocks, size_t gap)
{
    size_t size = blocks * weights_block_bytes(p->twin->type);
    size_t weights = blocks * weights_block(p->twin->type);
    uint8_t *src = place_source(p->twin, kind, blocks, weights, gap);
    uint32_t expected = p->twin->blocks(src, blocks, memory.twin);
    for (unsigned i = 0; i < p->count; i++) {
        const aq_kernel *k = p->kernel[i];
        uint8_t *dst = guarded_place(memory.dst, size, gap);
        uint32_t got = k->blocks(src, blocks, dst);
        if (memcmp(dst, memory.twin, size) != 0)
            fail(k, "output differs", kind, blocks);
        if (got != expected)
            fail(k, "magnitude differs", kind, blocks);
        if (!guarded_intact(memory.dst, size, gap))
            fail(k, "wrote outside its output", kind, blocks);
    }
}

typedef struct row_case {
    size_t n, group;
    int asymmetric;
} row_case;

typedef struct row_sizes {
    size_t levels, scales, zeros;
} row_sizes;

static row_sizes sizes_of(const aq_kernel *k, row_case c)
{
    size_t groups = (c.n + c.group - 1) / c.group;
    return (row_sizes){
        .levels = (c.n * row_bits(k->type) + 31) / 32 * 4,
        .scales = groups * weights_bytes(k->src),
        .zeros = c.asymmetric ? groups : 0,
    };
}

static void check_row_of(const aq_kernel *k, const uint8_t *src, uint32_t expected, int kind,
                         row_case c, size_t gap)
{
    row_sizes size = sizes_of(k, c);
    aq_row_params params = {c.group, c.asymmetric};
    uint8_t *dst = guarded_place(memory.dst, size.levels, gap);
    uint8_t *scales = guarded_place(memory.scales, size.scales, gap);
    uint8_t *zeros = guarded_place(memory.zeros, size.zeros, gap);
    uint32_t got =
        k->row(src, c.n, &params, (uint32_t *)(void *)dst, scales, c.asymmetric ? zeros : NULL);
    if (memcmp(scales, memory.twin_scales, size.scales) != 0)
        fail(k, c.asymmetric ? "asymmetric scales differ" : "scales differ", kind, c.n);
    if (memcmp(zeros, memory.twin_zeros, size.zeros) != 0)
        fail(k, "zero points differ", kind, c.n);
    if (memcmp(dst, memory.twin, size.levels) != 0)
        fail(k, c.asymmetric ? "asymmetric levels differ" : "levels differ", kind, c.n);
    if (got != expected)
        fail(k, "magnitude differs", kind, c.n);
    if (!guarded_intact(memory.dst, size.levels, gap) ||
        !guarded_intact(memory.scales, size.scales, gap) ||
        !guarded_intact(memory.zeros, size.zeros, gap))
        fail(k, "wrote outside its output", kind, c.n);
}

static void check_row(const pair *p, int kind, row_case c, size_t gap)
{
    aq_row_params params = {c.group, c.asymmetric};
    const uint8_t *src = place_source(p->twin, kind, c.n, c.n, gap);
    uint32_t expected = p->twin->row(src, c.n, &params, (uint32_t *)(void *)memory.twin,
                                     memory.twin_scales, c.asymmetric ? memory.twin_zeros : NULL);
    for (unsigned i = 0; i < p->count; i++)
        check_row_of(p->kernel[i], src, expected, kind, c, gap);
}

/* Every number of blocks, the kinds in turn; then every kind on one size each. */
static void test_blocks(const pair *p)
{
    size_t most = MOST_WEIGHTS / weights_block(p->twin->type);
    for (size_t blocks = 0; blocks <= (brief ? most / 4 : most); blocks++)
        check_blocks(p, (int)(blocks % W_KINDS), blocks, blocks % 4);
    for (int kind = 0; kind < W_KINDS; kind++) {
        check_blocks(p, kind, brief ? most / 18 : most - most / 7, 0);
        check_blocks(p, kind, 1, 1);
        check_blocks(p, kind, brief ? 0 : most / 9, 63);
    }
}

static void test_rows(const pair *p)
{
    static const size_t groups[] = {32, 128, 64, 8, 24, 1, 3, 40, 100, 1000, 16};
    size_t group_count = sizeof groups / sizeof groups[0];
    for (size_t n = 0; n <= 300; n++)
        for (int asymmetric = 0; asymmetric < 2; asymmetric++) {
            row_case c = {n, groups[n % group_count], asymmetric};
            check_row(p, (int)(n % W_KINDS), c, n % 4);
        }
    for (int kind = 0; kind < W_KINDS; kind++)
        for (size_t i = 0; i < group_count; i++) {
            check_row(p, kind, (row_case){(brief ? 400 : 2000) + i, groups[i], 0}, i);
            check_row(p, kind, (row_case){brief ? 408 : 2008, groups[i], 1}, i);
        }
    check_row(p, W_GAUSSIAN, (row_case){777, (size_t)-1 / 2, 1}, 0);
}

/* All weights but the ends of each group become what is next to a bound of two levels, as near as
 * the source has it, or up to three last places of float32 beside. */
static void move_to_bounds(const pair *p, row_case c, unsigned salt)
{
    int steps = (1 << row_bits(p->twin->type)) - 1;
    for (size_t first = 0, g = 0; first < c.n; first += c.group, g++) {
        size_t end = first + c.group < c.n ? first + c.group : c.n;
        float scale = aq_widen(p->twin->src, memory.twin_scales, g), low = 0, high = 0;
        for (size_t i = first; i < end; i++) {
            low = memory.x[i] < low ? memory.x[i] : low;
            high = memory.x[i] > high ? memory.x[i] : high;
        }
        for (size_t i = first; i < end; i++) {
            if (memory.x[i] == low || memory.x[i] == high)
                continue;
            float half = (float)((int)((i * 7 + salt) % (2u * (unsigned)steps)) - steps) + 0.5f;
            float x = half * scale;
            x = aq_f32_from_bits(aq_f32_bits(x) + (uint32_t)(i % 7) - 3);
            memory.x[i] = x > low && x < high ? x : 0.0f;
        }
    }
}

/* Sums with inverse scales must not take the place of quotients there. */
static void test_bounds(const pair *p)
{
    for (unsigned salt = 0; salt < (brief ? 8 : 80); salt++) {
        row_case c = {.n = 40 * 128, .group = salt % 3 == 2 ? 40 : 128, .asymmetric = salt % 2};
        aq_row_params params = {c.group, c.asymmetric};
        uint8_t *src = place_source(p->twin, W_GAUSSIAN, salt, c.n, 0);
        (void)p->twin->row(src, c.n, &params, (uint32_t *)(void *)memory.twin, memory.twin_scales,
                           memory.twin_zeros);
        move_to_bounds(p, c, salt);
        weights_narrow(p->twin->src, memory.x, c.n, src);
        uint32_t expected = p->twin->row(src, c.n, &params, (uint32_t *)(void *)memory.twin,
                                         memory.twin_scales, memory.twin_zeros);
        for (unsigned i = 0; i < p->count; i++)
            check_row_of(p->kernel[i], src, expected, W_GAUSSIAN, c, 0);
    }
}

static uint32_t run(const aq_kernel *k, const uint8_t *src, size_t n)
{
    aq_row_params params = {64, 1};
    return k->blocks != NULL ? k->blocks(src, n / weights_block(k->type), memory.twin)
                             : k->row(src, n, &params, (uint32_t *)(void *)memory.twin,
                                      memory.twin_scales, memory.twin_zeros);
}

/* One non-finite weight, at any place, shows in the magnitude. */
static void test_nonfinite(const aq_kernel *k)
{
    static const uint32_t specials[] = {0x7f800000, 0xff800000, 0x7fc00000, 0xffc00000, 0x7fff0000};
    size_t n = 9 * 256, size = weights_bytes(k->src);
    uint8_t *src = place_source(k, W_GAUSSIAN, 0, n, 0);
    for (size_t i = 0; i < n; i += brief ? 201 : i % 32 == 31 && i < n - 96 ? 65 : 1) {
        uint32_t special = specials[i % 5];
        uint16_t h = k->src == AQ_DTYPE_BF16 ? (uint16_t)(special >> 16)
                                             : aq_f32_to_f16(aq_f32_from_bits(special));
        uint8_t saved[4];
        memcpy(saved, src + i * size, size);
        memcpy(src + i * size, k->src == AQ_DTYPE_F32 ? (void *)&special : (void *)&h, size);
        uint32_t got = run(k, src, n);
        if (i % 5 < 2 ? got != AQ_MAGNITUDE_INF : got <= AQ_MAGNITUDE_INF)
            fail(k, i % 5 < 2 ? "infinity missed" : "NaN missed", -1, i);
        memcpy(src + i * size, saved, size);
    }
    if (run(k, src, n) >= AQ_MAGNITUDE_INF)
        fail(k, "finite weights called non-finite", -1, n);
}

/* The kernels of the table that begin with k. */
static pair pair_of(const aq_kernel *k, const aq_kernel *end)
{
    pair p = {.twin = aq_kernel_find(k->type, k->src, AQ_ISA_SCALAR)};
    for (const aq_kernel *first = k; k < end && k->type == first->type && k->src == first->src; k++)
        if (aq_isa_usable(k->isa) && p.count < AQ_ISA_COUNT)
            p.kernel[p.count++] = k;
    return p;
}

static void test_pair(pair p)
{
    for (unsigned i = 0; i < p.count; i++) {
        const aq_kernel *k = p.kernel[i];
        if ((k->blocks == NULL) == (k->row == NULL) || p.twin == NULL) {
            fail(k, "incomplete row", -1, 0);
            return;
        }
        kernels_tested++;
    }
    if (brief) /* an emulator has no time for the twin: its hash is compared instead */
        p.count--;
    for (unsigned i = 0; i < p.count; i++)
        test_nonfinite(p.kernel[i]);
    if (p.twin->blocks != NULL)
        test_blocks(&p);
    else {
        test_rows(&p);
        test_bounds(&p);
    }
}

/* Each pair from best to scalar, and found by that name. */
static void test_table(const aq_kernel *table, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bool last = i + 1 == count || table[i + 1].type != table[i].type ||
                    table[i + 1].src != table[i].src;
        if (last ? table[i].isa != AQ_ISA_SCALAR : table[i].isa <= table[i + 1].isa)
            fail(&table[i], "is out of order", -1, i);
        const aq_kernel *found = aq_kernel_find(table[i].type, table[i].src, table[i].isa);
        if (found == NULL ||
            (aq_isa_usable(table[i].isa) ? found != &table[i] : found->isa >= table[i].isa))
            fail(&table[i], "is not what aq_kernel_find finds", -1, i);
    }
    for (int type = 0; type < AQ_TYPE_COUNT; type++)
        if (aq_kernel_find((aq_type)type, AQ_DTYPE_I8, AQ_ISA_AVX512) != NULL)
            fail(&table[0], "I8 has a kernel", -1, 0);
}

static uint64_t hash_bytes(uint64_t hash, const void *data, size_t size)
{
    const uint8_t *p = data;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ p[i]) * 0x100000001b3u;
    return hash;
}

static uint64_t hash_kernel(const aq_kernel *k, int kind, uint64_t hash)
{
    size_t n = 1024, groups = (n + 39) / 40;
    const uint8_t *src = place_source(k, kind, 7, n, 0);
    hash = hash_bytes(hash, src, n * weights_bytes(k->src));
    if (k->blocks != NULL) {
        size_t blocks = n / weights_block(k->type);
        k->blocks(src, blocks, memory.twin);
        return hash_bytes(hash, memory.twin, blocks * weights_block_bytes(k->type));
    }
    aq_row_params params = {40, kind % 2};
    k->row(src, n, &params, (uint32_t *)(void *)memory.twin, memory.twin_scales, memory.twin_zeros);
    hash = hash_bytes(hash, memory.twin_scales, groups * weights_bytes(k->src));
    hash = hash_bytes(hash, memory.twin_zeros, kind % 2 ? groups : 0);
    return hash_bytes(hash, memory.twin, n * row_bits(k->type) / 8);
}

static void print_hash(const aq_kernel *table, size_t count)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < count; i++)
        for (int kind = 0; kind < W_KINDS && table[i].isa == AQ_ISA_SCALAR; kind++)
            hash = hash_kernel(&table[i], kind, hash);
    printf("hash %016llx\n", (unsigned long long)hash);
}

/* Blocks of 32: +-largest, then 31 of the magnitudes 0..largest with alternating signs. */
static size_t fill_every_f16(uint16_t largest, uint8_t *src)
{
    uint16_t *h = (uint16_t *)(void *)src;
    size_t n = 0;
    for (unsigned m = 0; m <= largest; m++) {
        if (n % 32 == 0)
            h[n++] = (uint16_t)(largest | (m & 1u) << 15);
        h[n] = (uint16_t)(m | (unsigned)(n & 1u) << 15);
        n++;
    }
    for (; n % 32 != 0; n++)
        h[n] = 0;
    return n / 32;
}

static void test_every_f16(const aq_kernel *k)
{
    enum { MOST = 1100 };
    if (!aq_isa_usable(k->isa) || k->isa == AQ_ISA_SCALAR || k->src != AQ_DTYPE_F16 ||
        k->blocks == NULL || weights_block(k->type) != 32)
        return;
    const aq_kernel *twin = aq_kernel_find(k->type, k->src, AQ_ISA_SCALAR);
    uint8_t *src = malloc(MOST * 64), *got = malloc(MOST * 34), *expected = malloc(MOST * 34);
    if (src == NULL || got == NULL || expected == NULL)
        exit(99);
    for (uint16_t largest = 0; largest < 0x7c00; largest++) {
        size_t blocks = fill_every_f16(largest, src);
        twin->blocks(src, blocks, expected);
        k->blocks(src, blocks, got);
        if (memcmp(got, expected, blocks * weights_block_bytes(k->type)) != 0)
            fail(k, "output differs for a float16", -1, largest);
    }
    kernels_tested++;
    free(src);
    free(got);
    free(expected);
}

int main(int argc, char **argv)
{
    size_t count;
    const aq_kernel *table = aq_kernel_table(&count);
    bool hash = argc > 1 && strcmp(argv[1], "--hash") == 0;
    bool every_f16 = argc > 1 && strcmp(argv[1], "--every-f16") == 0;
    brief = argc > 1 && strcmp(argv[1], "--brief") == 0;
    int option = hash || every_f16 || brief;
    brief = brief || getenv("AQ_SLOW") != NULL;
    if (argc > 1 + option)
        seed = strtoull(argv[1 + option], NULL, 10);
    allocate();
    if (hash) {
        print_hash(table, count);
        return 0;
    }
    test_table(table, count);
    for (const aq_kernel *k = table; k < table + count; k++) {
        bool first = k == table || k[-1].type != k->type || k[-1].src != k->src;
        if (every_f16)
            test_every_f16(k);
        else if (first)
            test_pair(pair_of(k, table + count));
    }
    printf("%u kernels of %zu, best %s, seed %llu: %u failures\n", kernels_tested, count,
           aq_isa_name(aq_isa_best()), (unsigned long long)seed, failures);
    return failures != 0;
}
