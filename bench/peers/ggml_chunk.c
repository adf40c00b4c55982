/* SPDX-License-Identifier: Apache-2.0
 * One core: aq_quantize_rows on every instruction set that this CPU has, against
 * ggml_quantize_chunk on the same weights, in interleaved rounds of one process.
 *
 * ggml_chunk [ROUNDS [TYPE...]]: at least 7 rounds. Exit 77 where ggml is not there, 1 where the
 * outputs differ. ggml takes float32 only: from float16 and bfloat16 its own widening is counted.
 * "cache" works on weights that stay in L2, "stream" and "memory" on a buffer far beyond the last
 * cache: with "stream" the output goes to a window that stays in L2, as it does where files are
 * quantized, with "memory" it is as far away. */
#include <config.h>

#include "arrowquant.h"
#include "ggml.h"
#include "kernels/kernel_weights.h"
#include "measure/digest.h"

#include <sched.h>
#include <sys/mman.h>
#include <time.h>

enum {
    CACHE_WEIGHTS = 1 << 16,
    MEMORY_WEIGHTS = 1 << 26,
    MOST_ROUNDS = 99,
    MOST_ARMS = AQ_ISA_COUNT + 2
};

static const double least_sample_s = 2e-3;

static peer_ggml ggml;
static struct {
    uint8_t *src, *dst, *judge;
    float *wide;
} memory;

/* ---- what is timed ---- */

typedef enum where { CACHE, STREAM, MEMORY, WHERES } where;

typedef struct work {
    aq_type type;
    aq_dtype source;
    where where;
    size_t first, weights;
} work;

static size_t source_bytes(aq_dtype source)
{
    return source == AQ_DTYPE_F32 ? 4 : 2;
}

/* Both work in pieces: the output of each takes the place of the one before or follows it, and
 * what ggml widens stays in the cache until it is quantized. */
static const uint8_t *piece(work w, size_t first)
{
    return memory.src + (w.first + first) * source_bytes(w.source);
}

static uint8_t *piece_output(work w, size_t first, uint8_t *dst)
{
    return w.where == STREAM ? dst : dst + aq_type_bytes(w.type, first);
}

static void run_ours(work w, aq_isa isa, uint8_t *dst)
{
    aq_error err;
    for (size_t first = 0; first < w.weights; first += CACHE_WEIGHTS)
        if (aq_quantize_rows(w.type, w.source, piece(w, first), 1, CACHE_WEIGHTS,
                             piece_output(w, first, dst), isa, &err) != AQ_OK) {
            (void)fprintf(stderr, "ggml_chunk: %s\n", err.message);
            exit(1);
        }
}

static void run_ggml(work w, uint8_t *dst)
{
    for (size_t first = 0; first < w.weights; first += CACHE_WEIGHTS) {
        const uint8_t *src = piece(w, first);
        const float *x = w.source == AQ_DTYPE_F32 ? (const float *)(const void *)src : memory.wide;
        if (w.source == AQ_DTYPE_F16)
            ggml.widen_f16(src, memory.wide, CACHE_WEIGHTS);
        else if (w.source == AQ_DTYPE_BF16)
            ggml.widen_bf16(src, memory.wide, CACHE_WEIGHTS);
        (void)ggml.quantize(peer_ggml_type(w.type), x, piece_output(w, first, dst), 0, 1,
                            CACHE_WEIGHTS, NULL);
    }
}

static volatile uint64_t sink;

static void run_read(work w)
{
    sink = bench_digest(memory.src, w.weights * source_bytes(w.source));
}

/* ---- arms: each usable ISA, then ggml, then a plain read ---- */

typedef struct arm {
    const char *name;
    aq_isa isa;
    enum { OURS, GGML, READ } what;
    double s[MOST_ROUNDS]; /* seconds per pass, by round */
} arm;

static void run_arm(const arm *a, work w)
{
    if (a->what == OURS)
        run_ours(w, a->isa, memory.dst);
    else if (a->what == GGML)
        run_ggml(w, memory.dst);
    else
        run_read(w);
}

/* The CPU time of the one thread there is: what others do on this machine meanwhile costs it little
 * more than cache. How far wall time was from it is printed at the end. */
static double now(clockid_t clock)
{
    struct timespec t;
    (void)clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double total_cpu_s, total_wall_s;

static double time_arm(const arm *a, work w)
{
    if (w.where == CACHE)
        run_arm(a, w); /* its weights into the cache */
    unsigned passes = 0;
    double start = now(CLOCK_THREAD_CPUTIME_ID), wall = now(CLOCK_MONOTONIC), elapsed;
    do {
        /* ggml walks on through fresh weights: its branches would learn repeated ones by heart,
         * and its speed does not depend on where they lie. */
        if (a->what == GGML)
            w.first = (w.first + w.weights) % MEMORY_WEIGHTS;
        run_arm(a, w);
        passes++;
        elapsed = now(CLOCK_THREAD_CPUTIME_ID) - start;
    } while (elapsed < least_sample_s);
    total_cpu_s += elapsed;
    total_wall_s += now(CLOCK_MONOTONIC) - wall;
    return elapsed / passes;
}

static int make_arms(arm *arms)
{
    int count = 0;
    for (int isa = AQ_ISA_COUNT - 1; isa > AQ_ISA_SCALAR; isa--)
        if (aq_isa_usable((aq_isa)isa))
            arms[count++] = (arm){.name = aq_isa_name((aq_isa)isa), .isa = (aq_isa)isa};
    arms[count++] = (arm){.name = "ggml", .what = GGML};
    arms[count++] = (arm){.name = "read", .what = READ};
    return count;
}

/* ---- numbers ---- */

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

typedef struct spread {
    double median, min, max;
} spread;

static spread spread_of(double *v, int n)
{
    qsort(v, (size_t)n, sizeof *v, compare_doubles);
    return (spread){(v[(n - 1) / 2] + v[n / 2]) / 2, v[0], v[n - 1]};
}

/* numerator / arm's seconds, round by round: a rate where the numerator is constant. */
static spread rate(const arm *a, double numerator, int rounds)
{
    double v[MOST_ROUNDS] = {0};
    for (int r = 0; r < rounds; r++)
        v[r] = numerator / a->s[r];
    return spread_of(v, rounds);
}

static spread ratio(const arm *slow, const arm *fast, int rounds)
{
    double v[MOST_ROUNDS] = {0};
    for (int r = 0; r < rounds; r++)
        v[r] = slow->s[r] / fast->s[r];
    return spread_of(v, rounds);
}

/* ---- one row of the table per ISA ---- */

static void measure(arm *arms, int count, work w, int rounds)
{
    for (int r = 0; r < rounds; r++)
        for (int i = 0; i < count; i++) {
            arm *a = &arms[(i + r) % count]; /* each arm follows and precedes each in turn */
            a->s[r] = time_arm(a, w);
        }
}

static void print_rows(const arm *arms, int count, work w, int rounds)
{
    static const char *const name[WHERES] = {"cache", "stream", "memory"};
    const arm *peer = &arms[count - 2], *read = &arms[count - 1];
    double gigabytes = 1e-9 * (double)(w.weights * source_bytes(w.source));
    spread theirs = rate(peer, 1e-9 * (double)w.weights, rounds);
    spread roof = rate(read, gigabytes, rounds);
    for (int i = 0; i < count - 2; i++) {
        spread ours = rate(&arms[i], 1e-9 * (double)w.weights, rounds);
        spread times = ratio(peer, &arms[i], rounds), share = ratio(read, &arms[i], rounds);
        printf("%-5s %-5s %-7s %-7s %6.2f (%5.2f-%5.2f) %6.1f %7.3f %7.1fx (%5.1f-%5.1f) %7.1f "
               "%6.0f%%\n",
               aq_type_name(w.type), aq_dtype_name(w.source), name[w.where], arms[i].name,
               ours.median, ours.min, ours.max, rate(&arms[i], gigabytes, rounds).median,
               theirs.median, times.median, times.min, times.max, roof.median, 100 * share.median);
    }
    (void)fflush(stdout);
}

/* Speed counts for equal output only. */
static void verify(work w, const arm *arms, int count)
{
    size_t size = aq_type_bytes(w.type, w.weights);
    run_ggml(w, memory.judge);
    for (int i = 0; i < count - 2; i++) {
        memset(memory.dst, 0x5a, size);
        run_ours(w, arms[i].isa, memory.dst);
        if (memcmp(memory.dst, memory.judge, size) != 0) {
            (void)fprintf(stderr, "ggml_chunk: %s from %s: %s differs from ggml\n",
                          aq_type_name(w.type), aq_dtype_name(w.source), arms[i].name);
            exit(1);
        }
    }
}

/* ---- set-up ---- */

static void *map(size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) {
        perror("ggml_chunk: memory");
        exit(1);
    }
    (void)madvise(p, size, MADV_HUGEPAGE);
    memset(p, 1, size);
    return p;
}

static void fill(aq_dtype source)
{
    uint64_t state = 12345;
    size_t size = source_bytes(source);
    for (size_t i = 0; i < MEMORY_WEIGHTS; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        float x = bench_kernel_weight((state ^ state >> 31) * 0x9e3779b97f4a7c15u);
        uint16_t half = bench_kernel_weight_cut(source, x);
        memcpy(memory.src + i * size, source == AQ_DTYPE_F32 ? (void *)&x : (void *)&half, size);
    }
}

static void pin(void)
{
    cpu_set_t set;
    int cpu = sched_getcpu();
    CPU_ZERO(&set);
    CPU_SET(cpu < 0 ? 0 : cpu, &set);
    if (cpu < 0 || sched_setaffinity(0, sizeof set, &set) != 0)
        (void)fprintf(stderr, "ggml_chunk: not pinned to a CPU\n");
}

static int wanted(aq_type type, int argc, char **argv)
{
    if (aq_type_block(type) == 0)
        return 0;
    for (int i = 2; i < argc; i++)
        if (strcmp(argv[i], aq_type_name(type)) == 0)
            return 1;
    return argc <= 2;
}

int main(int argc, char **argv)
{
    static const aq_dtype sources[] = {AQ_DTYPE_F32, AQ_DTYPE_F16, AQ_DTYPE_BF16};
    static arm arms[MOST_ARMS];
    int rounds = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 9;
    rounds = rounds < 7 ? 7 : rounds > MOST_ROUNDS ? MOST_ROUNDS : rounds;
    if (!peer_ggml_open(&ggml))
        return 77;
    pin();
    memory.src = map((size_t)MEMORY_WEIGHTS * 4);
    memory.dst = map((size_t)MEMORY_WEIGHTS * 2);
    memory.judge = map((size_t)CACHE_WEIGHTS * 2);
    memory.wide = map((size_t)CACHE_WEIGHTS * 4);
    int count = make_arms(arms);
    printf("One core, CPU time, %d rounds, median (min-max); ratios are paired within rounds.\n",
           rounds);
    printf("%-5s %-5s %-7s %-7s %22s %6s %7s %22s %7s %7s\n", "type", "from", "where", "isa",
           "Gweights/s", "GB/s", "ggml", "ratio", "read", "share");
    for (size_t s = 0; s < sizeof sources / sizeof sources[0]; s++) {
        fill(sources[s]);
        for (int type = 0; type < AQ_TYPE_COUNT; type++) {
            if (!wanted((aq_type)type, argc, argv))
                continue;
            verify((work){(aq_type)type, sources[s], CACHE, 0, CACHE_WEIGHTS}, arms, count);
            /* K types are far from any memory's speed */
            where last = aq_type_block((aq_type)type) == 256 ? CACHE : MEMORY;
            for (where at = CACHE; at <= last; at++) {
                size_t weights = at == CACHE ? CACHE_WEIGHTS : MEMORY_WEIGHTS;
                work w = {(aq_type)type, sources[s], at, 0, weights};
                measure(arms, count, w, rounds);
                print_rows(arms, count, w, rounds);
            }
        }
    }
    printf("CPU time / wall time of all samples: %.3f\n", total_cpu_s / total_wall_s);
    return 0;
}
