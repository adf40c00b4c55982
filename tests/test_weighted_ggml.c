/* SPDX-License-Identifier: Apache-2.0
 * Quantizing with an importance matrix against ggml, byte for byte: every type that heeds one, on
 * every kind of weights, with importances of all sizes, zeros and equal ones among them.
 *
 * test_weighted_ggml [MILLIONS [SEED]]
 *   MILLIONS  at least so many million weights for each function; 0.41 by default */
#include <config.h>

#include "../bench/peers/ggml.h"
#include "formats/dtype.h"
#include "kernels/kernel.h"
#include "weights.h"

/* Seven super-blocks: more than the kernels take at once, and a rest. */
enum { ROWS = 2, COLS = 1792, ROUND = ROWS * COLS };

static peer_ggml ggml;
static unsigned failures;

static struct {
    float x[ROUND], importance[COLS];
    uint8_t src[ROUND * 4], expected[ROUND * 2], got[ROUND * 2];
} memory;

static void widen(aq_dtype dtype, const void *src, float *x)
{
    if (dtype == AQ_DTYPE_F32)
        memcpy(x, src, ROUND * sizeof *x);
    else if (dtype == AQ_DTYPE_F16)
        ggml.widen_f16(src, x, ROUND);
    else
        ggml.widen_bf16(src, x, ROUND);
}

/* Every function that this CPU can run; how many they are. */
static unsigned check(aq_type type, aq_dtype dtype, int kind, int importance, uint64_t seed)
{
    size_t row_bytes = (size_t)aq_type_bytes(type, COLS);
    unsigned functions = 0;
    aq_weighted_fn *last = NULL;
    weights_fill(kind, seed, memory.x, ROUND);
    weights_narrow(dtype, memory.x, ROUND, memory.src);
    widen(dtype, memory.src, memory.x);
    weights_importance(importance, seed, memory.importance, COLS);
    ggml.quantize(peer_ggml_type(type), memory.x, memory.expected, 0, ROWS, COLS,
                  memory.importance);
    for (int isa = 0; isa < AQ_ISA_COUNT; isa++) {
        aq_weighted_fn *row = aq_weighted_find(type, dtype, (aq_isa)isa);
        if (row == last || !aq_isa_usable((aq_isa)isa))
            continue;
        last = row;
        functions++;
        for (size_t r = 0; r < ROWS; r++)
            (void)row(memory.src + r * COLS * aq_dtype_get(dtype)->bytes, COLS, memory.importance,
                      memory.got + r * row_bytes);
        if (memcmp(memory.got, memory.expected, ROWS * row_bytes) != 0 && ++failures <= 20)
            printf("FAIL %s from %s, %s: %s, importance %d, seed %llu\n", aq_type_name(type),
                   aq_dtype_name(dtype), aq_isa_name((aq_isa)isa), weights_name(kind), importance,
                   (unsigned long long)seed);
    }
    return functions;
}

int main(int argc, char **argv)
{
    static const aq_dtype sources[] = {AQ_DTYPE_F32, AQ_DTYPE_F16, AQ_DTYPE_BF16};
    double millions = argc > 1 ? strtod(argv[1], NULL) : 0.0;
    uint64_t each = (uint64_t)ROUND * W_KINDS * WEIGHTS_IMPORTANCES;
    uint64_t rounds = (uint64_t)(millions * 1e6 / (double)each) + 1;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    unsigned pairs = 0, all = 0;
    if (!peer_ggml_open(&ggml))
        return 77;
    for (int type = 0; type < AQ_TYPE_COUNT; type++)
        for (size_t s = 0; s < 3; s++) {
            unsigned functions = 0;
            if (aq_weighted_find((aq_type)type, sources[s], AQ_ISA_SCALAR) == NULL)
                continue;
            pairs++;
            for (int kind = 0; kind < W_KINDS; kind++)
                for (int importance = 0; importance < WEIGHTS_IMPORTANCES; importance++)
                    for (uint64_t r = 0; r < rounds; r++)
                        functions = check((aq_type)type, sources[s], kind, importance, seed + r);
            all += functions;
        }
    printf("%u functions, %d kinds of weights, %llu weights each, seed %llu: %u failures\n", all,
           (int)W_KINDS, (unsigned long long)(rounds * each), (unsigned long long)seed, failures);
    return failures != 0 || pairs != 27;
}
