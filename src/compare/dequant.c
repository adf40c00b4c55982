/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "dequant.h"
#include "formats/dtype.h"

#include <stdint.h>
#include <string.h>

enum { BLOCK = 32 }; /* weights in a block of the types that are no K types */

/* Exact, NaN payloads and subnormals included; without a branch, for the vectorizer. */
static inline float from_f16(uint16_t half)
{
    /* The exponent is 15 biased, float32's 127: the product shifts it by the difference, and
     * normalizes what was subnormal. */
    uint32_t bits = (uint32_t)(half & 0x7fffu) << 13;
    float value;
    memcpy(&value, &bits, sizeof value);
    value *= 0x1p112f;
    uint32_t infinite = -(uint32_t)((half & 0x7c00u) == 0x7c00u);
    memcpy(&bits, &value, sizeof bits);
    bits |= (infinite & 0x7f800000u) | (uint32_t)(half & 0x8000u) << 16;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline float load_f16(const uint8_t *p)
{
    uint16_t half;
    memcpy(&half, p, sizeof half);
    return from_f16(half);
}

static inline float load_bf16(const uint8_t *p)
{
    uint16_t half;
    memcpy(&half, p, sizeof half);
    uint32_t bits = (uint32_t)half << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static void from_f64_row(const uint8_t *restrict in, size_t n, float *restrict out)
{
    for (size_t i = 0; i < n; i++) {
        double value;
        memcpy(&value, in + i * sizeof value, sizeof value);
        out[i] = (float)value;
    }
}

static void from_f32_row(const uint8_t *restrict in, size_t n, float *restrict out)
{
    memcpy(out, in, n * sizeof *out);
}

/* In runs of a constant length, which is what compilers make vectors of at -O2. */
static void from_f16_row(const uint8_t *restrict in, size_t n, float *restrict out)
{
    for (; n >= BLOCK; n -= BLOCK, in += 2 * BLOCK, out += BLOCK)
        for (int i = 0; i < BLOCK; i++)
            out[i] = load_f16(in + 2 * i);
    for (size_t i = 0; i < n; i++)
        out[i] = load_f16(in + 2 * i);
}

static void from_bf16_row(const uint8_t *restrict in, size_t n, float *restrict out)
{
    for (; n >= BLOCK; n -= BLOCK, in += 2 * BLOCK, out += BLOCK)
        for (int i = 0; i < BLOCK; i++)
            out[i] = load_bf16(in + 2 * i);
    for (size_t i = 0; i < n; i++)
        out[i] = load_bf16(in + 2 * i);
}

static void from_q8_0(const uint8_t *restrict in, size_t blocks, float *restrict out)
{
    for (size_t b = 0; b < blocks; b++, in += 34, out += BLOCK) {
        float d = load_f16(in);
        const int8_t *q = (const int8_t *)in + 2;
        for (int i = 0; i < BLOCK; i++)
            out[i] = (float)q[i] * d;
    }
}

static void from_q4_0(const uint8_t *restrict in, size_t blocks, float *restrict out)
{
    for (size_t b = 0; b < blocks; b++, in += 18, out += BLOCK) {
        float d = load_f16(in);
        const uint8_t *q = in + 2;
        for (int i = 0; i < BLOCK / 2; i++) {
            out[i] = (float)((q[i] & 15) - 8) * d;
            out[i + BLOCK / 2] = (float)((q[i] >> 4) - 8) * d;
        }
    }
}

static void from_q4_1(const uint8_t *restrict in, size_t blocks, float *restrict out)
{
    for (size_t b = 0; b < blocks; b++, in += 20, out += BLOCK) {
        float d = load_f16(in), min = load_f16(in + 2);
        const uint8_t *q = in + 4;
        for (int i = 0; i < BLOCK / 2; i++) {
            out[i] = (float)(q[i] & 15) * d + min;
            out[i + BLOCK / 2] = (float)(q[i] >> 4) * d + min;
        }
    }
}

/* The low four bits of 32 levels, and their fifth bits in one word, as whole numbers. */
static inline void join_fifth(const uint8_t *high, const uint8_t *low, int32_t *levels)
{
    uint32_t fifth;
    memcpy(&fifth, high, sizeof fifth);
    for (int i = 0; i < BLOCK / 2; i++) {
        levels[i] = (int32_t)((low[i] & 15) | (fifth >> i & 1) << 4);
        levels[i + BLOCK / 2] = (int32_t)((low[i] >> 4) | (fifth >> (i + BLOCK / 2) & 1) << 4);
    }
}

static void from_q5_0(const uint8_t *restrict in, size_t blocks, float *restrict out)
{
    for (size_t b = 0; b < blocks; b++, in += 22, out += BLOCK) {
        float d = load_f16(in);
        int32_t levels[BLOCK];
        join_fifth(in + 2, in + 6, levels);
        for (int i = 0; i < BLOCK; i++)
            out[i] = (float)(levels[i] - 16) * d;
    }
}

static void from_q5_1(const uint8_t *restrict in, size_t blocks, float *restrict out)
{
    for (size_t b = 0; b < blocks; b++, in += 24, out += BLOCK) {
        float d = load_f16(in), min = load_f16(in + 2);
        int32_t levels[BLOCK];
        join_fifth(in + 4, in + 8, levels);
        for (int i = 0; i < BLOCK; i++)
            out[i] = (float)levels[i] * d + min;
    }
}

/* `n` counts blocks: of one weight for plain types. */
typedef void dequant_fn(const uint8_t *restrict in, size_t n, float *restrict out);

static const struct {
    dequant_fn *fn;
    size_t block;
} table[AQ_DTYPE_COUNT] = {
    [AQ_DTYPE_F64] = {from_f64_row, 1},       [AQ_DTYPE_F32] = {from_f32_row, 1},
    [AQ_DTYPE_F16] = {from_f16_row, 1},       [AQ_DTYPE_BF16] = {from_bf16_row, 1},
    [AQ_DTYPE_Q8_0] = {from_q8_0, BLOCK},     [AQ_DTYPE_Q4_0] = {from_q4_0, BLOCK},
    [AQ_DTYPE_Q4_1] = {from_q4_1, BLOCK},     [AQ_DTYPE_Q5_0] = {from_q5_0, BLOCK},
    [AQ_DTYPE_Q5_1] = {from_q5_1, BLOCK},     [AQ_DTYPE_Q2_K] = {aq_dequant_q2_k, 256},
    [AQ_DTYPE_Q3_K] = {aq_dequant_q3_k, 256}, [AQ_DTYPE_Q4_K] = {aq_dequant_q4_k, 256},
    [AQ_DTYPE_Q5_K] = {aq_dequant_q5_k, 256}, [AQ_DTYPE_Q6_K] = {aq_dequant_q6_k, 256},
};

bool aq_dequant_knows(aq_dtype dtype)
{
    return (unsigned)dtype < AQ_DTYPE_COUNT && table[dtype].fn != NULL;
}

void aq_dequant(aq_dtype dtype, const void *in, size_t weights, float *out)
{
    table[dtype].fn(in, weights / table[dtype].block, out);
}

/* ---- packed ---- */

static inline uint32_t load_word(const uint8_t *words, size_t i)
{
    uint32_t word;
    memcpy(&word, words + i * sizeof word, sizeof word);
    return word;
}

/* Inlined for a constant `bits`, the inner loop becomes a few vector shifts. */
static inline void unpack_bits(const uint8_t *words, unsigned bits, size_t n, float *restrict out)
{
    unsigned per = 32 / bits;
    uint32_t mask = (1u << bits) - 1;
    size_t whole = n / per;
    for (size_t w = 0; w < whole; w++, out += per) {
        uint32_t word = load_word(words, w);
        for (unsigned k = 0; k < per; k++)
            out[k] = (float)(int32_t)(word >> (k * bits) & mask);
    }
    for (size_t k = 0; k < n % per; k++)
        out[k] = (float)(int32_t)(load_word(words, whole) >> (k * bits) & mask);
}

static void unpack(const uint8_t *words, unsigned bits, size_t n, float *out)
{
    if (bits == 2)
        unpack_bits(words, 2, n, out);
    else if (bits == 4)
        unpack_bits(words, 4, n, out);
    else if (bits == 8)
        unpack_bits(words, 8, n, out);
    else
        unpack_bits(words, bits, n, out);
}

static void scale_group(float *out, size_t n, float z, float scale)
{
    enum { RUN = 8 };
    for (; n >= RUN; n -= RUN, out += RUN)
        for (int i = 0; i < RUN; i++)
            out[i] = (out[i] - z) * scale;
    for (size_t i = 0; i < n; i++)
        out[i] = (out[i] - z) * scale;
}

void aq_dequant_packed(const aq_packed_row *row, float *out)
{
    unpack(row->words, row->bits, row->cols, out);
    uint32_t mask = (1u << row->bits) - 1;
    size_t scale_bytes = aq_dtype_get(row->scale_dtype)->bytes;
    /* The first group may have begun before the first weight. */
    size_t end = row->group - row->first % row->group;
    for (size_t g = 0, i = 0; i < row->cols; g++, end += row->group) {
        float scale;
        aq_dequant(row->scale_dtype, (const uint8_t *)row->scales + g * scale_bytes, 1, &scale);
        uint32_t zero = 1u << (row->bits - 1);
        if (row->zero_points != NULL)
            zero = load_word(row->zero_points, g) >> row->zero_shift & mask;
        float z = (float)(int32_t)zero;
        size_t stop = end < row->cols ? end : row->cols;
        scale_group(out + i, stop - i, z, scale);
        i = stop;
    }
}
