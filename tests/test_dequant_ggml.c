/* SPDX-License-Identifier: Apache-2.0
 * Our float32 against ggml's, bit for bit, over every scale. */
#include <config.h>

#include "compare/dequant.h"
#include "formats/dtype.h"
#include "oracle.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

typedef void ggml_dequantize(const void *blocks, float *out, int64_t weights);

static const struct {
    aq_dtype dtype;
    const char *function;
} types[] = {
    {AQ_DTYPE_Q8_0, "dequantize_row_q8_0"},   {AQ_DTYPE_Q4_0, "dequantize_row_q4_0"},
    {AQ_DTYPE_Q4_1, "dequantize_row_q4_1"},   {AQ_DTYPE_Q5_0, "dequantize_row_q5_0"},
    {AQ_DTYPE_Q5_1, "dequantize_row_q5_1"},   {AQ_DTYPE_F16, "ggml_fp16_to_fp32_row"},
    {AQ_DTYPE_BF16, "ggml_bf16_to_fp32_row"}, {AQ_DTYPE_Q2_K, "dequantize_row_q2_K"},
    {AQ_DTYPE_Q3_K, "dequantize_row_q3_K"},   {AQ_DTYPE_Q4_K, "dequantize_row_q4_K"},
    {AQ_DTYPE_Q5_K, "dequantize_row_q5_K"},   {AQ_DTYPE_Q6_K, "dequantize_row_q6_K"},
};

enum { BLOCKS = 65536 };

/* Where a block has its float16 scale: ahead of the rest in most types. */
static size_t scale_at(aq_dtype dtype)
{
    for (int i = 0; i < AQ_TYPE_COUNT; i++)
        if (aq_type_get((aq_type)i)->dtype == dtype)
            return aq_type_get((aq_type)i)->scale_at;
    return 0;
}

/* Block i has i as its scale, and random levels and minimum. */
static void fill(uint8_t *blocks, size_t bytes, size_t at)
{
    uint64_t random = 88172645463325252u;
    for (size_t i = 0; i < BLOCKS * bytes; i++) {
        random ^= random << 13, random ^= random >> 7, random ^= random << 17;
        blocks[i] = (uint8_t)(random >> 32);
    }
    for (size_t i = 0; i < BLOCKS; i++) {
        uint16_t scale = (uint16_t)i;
        memcpy(blocks + i * bytes + at, &scale, sizeof scale);
    }
}

/* The number of weights that differ. Which NaN a product yields is the CPU's affair. */
static size_t compare(void *ggml, aq_dtype dtype, const char *function)
{
    size_t bytes = aq_dtype_get(dtype)->bytes, weights = BLOCKS * aq_dtype_get(dtype)->block;
    ggml_dequantize *theirs;
    *(void **)&theirs = dlsym(ggml, function);
    uint8_t *blocks = malloc(BLOCKS * bytes);
    float *a = malloc(weights * sizeof *a), *b = malloc(weights * sizeof *b);
    if (theirs == NULL || blocks == NULL || a == NULL || b == NULL) {
        printf("%s is missing, or memory\n", function);
        exit(1);
    }
    fill(blocks, bytes, scale_at(dtype));
    aq_dequant(dtype, blocks, weights, a);
    theirs(blocks, b, (int64_t)weights);
    size_t different = 0;
    for (size_t i = 0; i < weights; i++)
        different += memcmp(&a[i], &b[i], sizeof *a) != 0 && !(isnan(a[i]) && isnan(b[i]));
    printf("%s: %zu weights, %zu differ\n", function, weights, different);
    free(blocks);
    free(a);
    free(b);
    return different;
}

int main(void)
{
    void *ggml = oracle_ggml();
    if (ggml == NULL)
        return ORACLE_SKIP;
    size_t different = 0;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        different += compare(ggml, types[i].dtype, types[i].function);
    return different == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
