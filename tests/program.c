/* SPDX-License-Identifier: Apache-2.0
 * A user's program, as small as can be: built against what is installed, by tests/distribution.sh
 * and by the packages' tests. Prints the version, the first code of a block, and how many weights a
 * whole run has quantized. */
#include <arrowquant.h>
#include <stdio.h>
#include <string.h>

int main(void)
{
    float weights[64];
    unsigned char blocks[68];
    aq_error error;
    aq_quantize_options options;
    aq_quantize_result result;
    int i;
    for (i = 0; i < 64; i++)
        weights[i] = (float)i - 31.5f;
    if (aq_quantize_rows(AQ_TYPE_Q8_0, AQ_DTYPE_F32, weights, 2, 32, blocks, aq_isa_best(),
                         &error) != AQ_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    aq_quantize_options_init(&options, sizeof options);
    memset(&result, 0, sizeof result);
    result.size = sizeof result;
    options.type = AQ_TYPE_Q4_0;
    if (aq_quantize("synthetic:2x64x64:f32:1", "null:", &options, &result, &error) != AQ_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    printf("%s %d %lu\n", aq_version(), (signed char)blocks[2], (unsigned long)result.weights);
    aq_quantize_result_free(&result);
    return 0;
}
