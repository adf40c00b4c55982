/* SPDX-License-Identifier: Apache-2.0
 * Every kernel of a GGUF type that this CPU runs, against ggml, byte for byte.
 *
 * test_oracle_ggml [MILLIONS [SEED [PART]]]: so many million weights per kernel, spread over all
 * kinds; only the kernels with PART in their name. */
#include <config.h>

#include "../bench/peers/ggml.h"
#include "kernels/kernel.h"
#include "weights.h"

enum { ROUND = 256 * 64 };

static peer_ggml ggml;
static unsigned failures;

static struct {
    float x[ROUND];
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

static void check(const aq_kernel *k, int kind, uint64_t seed)
{
    uint64_t block = aq_type_block(k->type), bytes = aq_type_bytes(k->type, ROUND);
    weights_fill(kind, seed, memory.x, ROUND);
    weights_narrow(k->src, memory.x, ROUND, memory.src);
    widen(k->src, memory.src, memory.x);
    memset(memory.expected, 0x5a, bytes);
    ggml.quantize(peer_ggml_type(k->type), memory.x, memory.expected, 0, 1, ROUND, NULL);
    k->blocks(memory.src, ROUND / block, memory.got);
    if (memcmp(memory.got, memory.expected, bytes) == 0)
        return;
    size_t i = 0, block_bytes = aq_type_bytes(k->type, block);
    while (memory.got[i] == memory.expected[i])
        i++;
    if (++failures <= 20)
        printf("FAIL %s: %s, seed %llu: block %zu, byte %zu is %02x, ggml has %02x\n", k->name,
               weights_name(kind), (unsigned long long)seed, i / block_bytes, i % block_bytes,
               memory.got[i], memory.expected[i]);
}

int main(int argc, char **argv)
{
    double millions = argc > 1 ? strtod(argv[1], NULL) : 0.75;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    unsigned kernels = 0;
    size_t count;
    const aq_kernel *table = aq_kernel_table(&count);
    uint64_t rounds = (uint64_t)(millions * 1e6 / (ROUND * W_KINDS)) + 1;
    if (!peer_ggml_open(&ggml))
        return 77;
    for (size_t i = 0; i < count; i++) {
        if (argc > 3 && strstr(table[i].name, argv[3]) == NULL)
            continue;
        if (table[i].blocks == NULL || !aq_isa_usable(table[i].isa))
            continue;
        kernels++;
        for (int kind = 0; kind < W_KINDS; kind++)
            for (uint64_t r = 0; r < rounds; r++)
                check(&table[i], kind, seed + r);
    }
    printf("%u kernels, %llu weights each, seed %llu: %u failures\n", kernels,
           (unsigned long long)(rounds * W_KINDS * ROUND), (unsigned long long)seed, failures);
    return failures != 0 || kernels == 0;
}
