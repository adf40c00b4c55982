/* SPDX-License-Identifier: Apache-2.0
 * The K types: super-blocks of 256 weights, whose sub-blocks have small integer scales (and minima)
 * under one float16 scale (and one minimum). Products in ggml's order: scale first, level last. */
#include <config.h>

#include <string.h>

#include "base/half.h"
#include "dequant.h"

enum { SUPER = 256 };

static float half_at(const uint8_t *p)
{
    uint16_t half;
    memcpy(&half, p, sizeof half);
    return aq_f16_to_f32(half);
}

/* 16 sub-blocks of 16: low nibble the scale, high nibble the minimum. Two bits a level: a byte
 * holds those of four weights 32 apart. */
void aq_dequant_q2_k(const uint8_t *restrict in, size_t blocks, float *restrict out)
{
    for (; blocks > 0; blocks--, in += 84, out += SUPER) {
        const uint8_t *levels = in + 16;
        float d = half_at(in + 80), min = half_at(in + 82);
        for (int i = 0; i < SUPER; i++) {
            uint8_t s = in[i / 16];
            int level = levels[i / 128 * 32 + i % 32] >> (i % 128 / 32 * 2) & 3;
            out[i] = d * (float)(s & 15) * (float)level - min * (float)(s >> 4);
        }
    }
}

/* Six-bit scales less 32: the low four bits in eight bytes, the high two in four more. Levels: two
 * bits as above, and a mask whose clear bits take 4 away. */
void aq_dequant_q3_k(const uint8_t *restrict in, size_t blocks, float *restrict out)
{
    for (; blocks > 0; blocks--, in += 110, out += SUPER) {
        const uint8_t *mask = in, *levels = in + 32, *scales = in + 96;
        float d = half_at(in + 108);
        for (int i = 0; i < SUPER; i++) {
            int k = i / 16;
            int low = scales[k % 8] >> (k / 8 * 4) & 15;
            int scale = (low | (scales[8 + k % 4] >> (k / 4 * 2) & 3) << 4) - 32;
            int level = levels[i / 128 * 32 + i % 32] >> (i % 128 / 32 * 2) & 3;
            level -= (mask[i % 32] >> (i / 32) & 1) != 0 ? 0 : 4;
            out[i] = d * (float)scale * (float)level;
        }
    }
}

/* Eight six-bit scales and minima in twelve bytes, for q4_K and q5_K: the first four of each whole
 * in the low six bits of a byte, the others' low nibbles in the last four bytes and their high two
 * bits on top of the first ones. */
static void scale_and_min(const uint8_t *p, int k, float *scale, float *min)
{
    if (k < 4) {
        *scale = (float)(p[k] & 63);
        *min = (float)(p[k + 4] & 63);
    } else {
        *scale = (float)((p[k + 4] & 15) | p[k - 4] >> 6 << 4);
        *min = (float)(p[k + 4] >> 4 | p[k] >> 6 << 4);
    }
}

/* fifth: a fifth bit for each level, one bit of each byte per sub-block; NULL for q4_K. */
static void sub_blocks(const uint8_t *in, const uint8_t *fifth, const uint8_t *levels, float *out)
{
    float d = half_at(in), dmin = half_at(in + 2);
    for (int k = 0; k < SUPER / 32; k++) {
        float scale, min;
        scale_and_min(in + 4, k, &scale, &min);
        scale *= d;
        min *= dmin;
        for (int i = 0; i < 32; i++) {
            int level = levels[k / 2 * 32 + i] >> (k % 2 * 4) & 15;
            if (fifth != NULL)
                level |= (fifth[i] >> k & 1) << 4;
            out[k * 32 + i] = scale * (float)level - min;
        }
    }
}

void aq_dequant_q4_k(const uint8_t *restrict in, size_t blocks, float *restrict out)
{
    for (; blocks > 0; blocks--, in += 144, out += SUPER)
        sub_blocks(in, NULL, in + 16, out);
}

void aq_dequant_q5_k(const uint8_t *restrict in, size_t blocks, float *restrict out)
{
    for (; blocks > 0; blocks--, in += 176, out += SUPER)
        sub_blocks(in, in + 16, in + 48, out);
}

/* 16 sub-blocks of 16 with int8 scales; four low bits and two high bits a level, less 32. */
void aq_dequant_q6_k(const uint8_t *restrict in, size_t blocks, float *restrict out)
{
    for (; blocks > 0; blocks--, in += 210, out += SUPER) {
        const uint8_t *low = in, *high = in + 128;
        const int8_t *scales = (const int8_t *)in + 192;
        float d = half_at(in + 208);
        for (int i = 0; i < SUPER; i++) {
            int half = i / 128, part = i % 128 / 32;
            int8_t scale = scales[i / 16];
            int level = low[half * 64 + i % 64] >> (part / 2 * 4) & 15;
            level |= (high[half * 32 + i % 32] >> (part * 2) & 3) << 4;
            out[i] = d * (float)scale * (float)(level - 32);
        }
    }
}
