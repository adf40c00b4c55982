/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "compare/dequant.h"
#include "formats/dtype.h"
#include "suite.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static uint64_t state;

static uint64_t draw(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    return state ^= state << 17;
}

static void start(void)
{
    state = 88172645463325252u;
}

/* ---- plain floats ---- */

/* By the formats' definitions, in float64. */
static double half_value(unsigned half, int fraction_bits, int bias, bool *nan)
{
    int exponent = (int)(half & 0x7fff) >> fraction_bits;
    int fraction = (int)half & ((1 << fraction_bits) - 1);
    int top = 0x7fff >> fraction_bits;
    *nan = exponent == top && fraction != 0;
    double magnitude =
        exponent == top ? INFINITY
        : exponent == 0 ? ldexp(fraction, 1 - bias - fraction_bits)
                        : ldexp(fraction + (1 << fraction_bits), exponent - bias - fraction_bits);
    return half & 0x8000 ? -magnitude : magnitude;
}

START_TEST(every_half_is_widened_exactly)
{
    enum { N = 65536 };
    static uint16_t halves[N];
    static float out[N];
    for (unsigned i = 0; i < N; i++)
        halves[i] = (uint16_t)i;
    bool bf16 = _i == 1;
    aq_dequant(bf16 ? AQ_DTYPE_BF16 : AQ_DTYPE_F16, halves, N, out);
    for (unsigned i = 0; i < N; i++) {
        bool nan;
        double value = bf16 ? half_value(i, 7, 127, &nan) : half_value(i, 10, 15, &nan);
        ck_assert_msg(nan ? isnan(out[i]) != 0 : (double)out[i] == value, "0x%04x: %a", i,
                      (double)out[i]);
        ck_assert_int_eq(signbit(out[i]) != 0, i >> 15);
    }
}
END_TEST

START_TEST(wide_floats)
{
    double in[] = {1.0, -0.1, 1e300, -1e-300, 0x1.000001p0};
    float out[5], single[5];
    aq_dequant(AQ_DTYPE_F64, in, 5, out);
    float expected[] = {1.0f, -0.1f, INFINITY, -0.0f, 1.0f};
    ck_assert_mem_eq(out, expected, sizeof out);
    aq_dequant(AQ_DTYPE_F32, out, 5, single);
    ck_assert_mem_eq(single, out, sizeof out);
}
END_TEST

START_TEST(other_types_are_unknown)
{
    int known = 0;
    for (int i = 0; i < AQ_DTYPE_COUNT; i++)
        known += aq_dequant_knows((aq_dtype)i);
    ck_assert_int_eq(known, 14);
    ck_assert(!aq_dequant_knows(AQ_DTYPE_I8));
    ck_assert(!aq_dequant_knows(AQ_DTYPE_COUNT));
}
END_TEST

/* ---- blocks, against their definition ---- */

static const aq_dtype block_types[] = {AQ_DTYPE_Q8_0, AQ_DTYPE_Q4_0, AQ_DTYPE_Q4_1, AQ_DTYPE_Q5_0,
                                       AQ_DTYPE_Q5_1};

static float half_at(const uint8_t *p)
{
    bool nan;
    double value = half_value((unsigned)(p[0] | p[1] << 8), 10, 15, &nan);
    return nan ? NAN : (float)value;
}

/* Weight i of one block. */
static float block_weight(aq_dtype dtype, const uint8_t *p, int i)
{
    float d = half_at(p);
    if (dtype == AQ_DTYPE_Q8_0)
        return d * (float)(int8_t)p[2 + i];
    bool five = dtype == AQ_DTYPE_Q5_0 || dtype == AQ_DTYPE_Q5_1;
    bool has_min = dtype == AQ_DTYPE_Q4_1 || dtype == AQ_DTYPE_Q5_1;
    const uint8_t *high = p + (has_min ? 4 : 2);
    const uint8_t *low = high + (five ? 4 : 0);
    int q = i < 16 ? low[i] & 15 : low[i - 16] >> 4;
    if (five && high[i / 8] & 1 << i % 8)
        q += 16;
    return has_min ? d * (float)q + half_at(p + 2) : d * (float)(q - (five ? 16 : 8));
}

/* Random bytes: scales of every kind, NaN and infinity among them. */
static void random_blocks(uint8_t *blocks, size_t size)
{
    for (size_t i = 0; i < size; i++)
        blocks[i] = (uint8_t)(draw() >> 32);
}

static void same_floats(const float *a, const float *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ck_assert_msg(memcmp(&a[i], &b[i], sizeof *a) == 0 || (isnan(a[i]) && isnan(b[i])),
                      "weight %zu: %a, not %a", i, (double)a[i], (double)b[i]);
}

START_TEST(blocks_follow_their_definition)
{
    aq_dtype dtype = block_types[_i];
    enum { BLOCKS = 1000 };
    uint8_t blocks[1 + BLOCKS * 34];
    float out[BLOCKS * 32], expected[BLOCKS * 32];
    random_blocks(blocks, sizeof blocks);
    const uint8_t *unaligned = blocks + 1;
    aq_dequant(dtype, unaligned, BLOCKS * 32, out);
    for (int i = 0; i < BLOCKS * 32; i++)
        expected[i] = block_weight(dtype, unaligned + i / 32 * aq_dtype_get(dtype)->bytes, i % 32);
    same_floats(out, expected, BLOCKS * 32);
}
END_TEST

/* ---- packed rows, weight by weight ---- */

static uint32_t level_at(const uint32_t *words, unsigned bits, size_t i)
{
    return words[i * bits / 32] >> i * bits % 32 & ((1u << bits) - 1);
}

/* Weights [first, cols) of a row, next to bytes that must stay. */
static void check_packed(unsigned bits, size_t first, size_t cols, size_t group, int zero_shift)
{
    enum { WORDS = 300 };
    uint32_t words[WORDS], zeros[WORDS];
    uint16_t scales[WORDS];
    float out[WORDS + 1] = {0};
    random_blocks((uint8_t *)words, sizeof words);
    random_blocks((uint8_t *)zeros, sizeof zeros);
    for (int i = 0; i < WORDS; i++)
        scales[i] = (uint16_t)(draw() % 0x7c00);
    out[cols - first] = 7;
    aq_packed_row row = {.bits = bits,
                         .first = first,
                         .cols = cols - first,
                         .group = group,
                         .scale_dtype = AQ_DTYPE_F16,
                         .words = words + first * bits / 32,
                         .scales = scales + first / group,
                         .zero_points = zero_shift < 0 ? NULL : zeros + first / group,
                         .zero_shift = (unsigned)(zero_shift < 0 ? 0 : zero_shift)};
    aq_dequant_packed(&row, out);
    for (size_t i = first; i < cols; i++) {
        size_t g = i / group;
        int zero =
            zero_shift < 0 ? 1 << (bits - 1) : (int)(zeros[g] >> zero_shift & ((1u << bits) - 1));
        float scale = half_at((const uint8_t *)&scales[g]);
        float expected = (float)((int)level_at(words, bits, i) - zero) * scale;
        ck_assert_msg(out[i - first] == expected,
                      "%u bits, columns %zu to %zu, groups of %zu, weight %zu: %a, not %a", bits,
                      first, cols, group, i, (double)out[i - first], (double)expected);
    }
    ck_assert_msg(out[cols - first] == 7.0f, "wrote past the row");
}

START_TEST(packed_rows_follow_their_definition)
{
    static const unsigned bits[] = {1, 2, 4, 8};
    static const size_t groups[] = {1, 8, 24, 32, 128, 300};
    for (size_t b = 0; b < sizeof bits / sizeof *bits; b++)
        for (size_t g = 0; g < sizeof groups / sizeof *groups; g++)
            for (size_t cols = 1; cols <= 300; cols += 1 + (size_t)(draw() % 9)) {
                size_t first = (size_t)(draw() % cols) / 32 * 32;
                check_packed(bits[b], first, cols, groups[g], -1);
                check_packed(bits[b], first, cols, groups[g], (int)(bits[b] * (draw() % 4)));
            }
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("dequant");
    tcase_add_checked_fixture(tests, start, NULL);
    tcase_add_loop_test(tests, every_half_is_widened_exactly, 0, 2);
    tcase_add_test(tests, wide_floats);
    tcase_add_test(tests, other_types_are_unknown);
    tcase_add_loop_test(tests, blocks_follow_their_definition, 0,
                        sizeof block_types / sizeof *block_types);
    tcase_add_test(tests, packed_rows_follow_their_definition);
    return RUN_SUITE("dequant", tests);
}
