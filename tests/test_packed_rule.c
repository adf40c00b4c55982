/* SPDX-License-Identifier: Apache-2.0
 * Every packed kernel that this CPU runs, against the rule of kernel.h computed in another way:
 * in float64 where that is exact enough to know the float32 result, with the scale's rounding by
 * search among neighbours, and with half-to-even from first principles. */
#include <config.h>

#include "kernels/kernel.h"
#include "weights.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>

enum { WEIGHTS = 1536, GROUPS = WEIGHTS };

static unsigned failures, levels_checked;

/* The float32 nearest a / b: the float64 quotient of two float32 values is never so close to a
 * midpoint of float32 that rounding twice could differ (53 >= 2 * 24 + 2). */
static float divide(float a, float b)
{
    volatile double q = (double)a / (double)b;
    return (float)q;
}

static float half_to_even(float v)
{
    double low = floor((double)v), rest = (double)v - low;
    if (rest < 0.5 || (rest == 0.5 && fmod(low, 2.0) == 0.0))
        return (float)low;
    return (float)(low + 1.0);
}

static float limit(float v, float low, float high)
{
    return fmaxf(low, fminf(high, v));
}

static double value16(aq_dtype dtype, unsigned h)
{
    unsigned fraction_bits = dtype == AQ_DTYPE_F16 ? 10 : 7,
             bias = dtype == AQ_DTYPE_F16 ? 15 : 127;
    int exponent = (int)(h >> fraction_bits), fraction = (int)(h & ((1u << fraction_bits) - 1));
    if (exponent == 0)
        return ldexp(fraction, 1 - (int)bias - (int)fraction_bits);
    return ldexp(fraction + (1 << fraction_bits), exponent - (int)bias - (int)fraction_bits);
}

/* The stored scale, found by bisection among all values of its dtype. */
static float stored_scale(aq_dtype dtype, float exact)
{
    static const float epsilon[] = {
        [AQ_DTYPE_F32] = 0x1p-23f, [AQ_DTYPE_F16] = 0x1p-10f, [AQ_DTYPE_BF16] = 0x1p-7f};
    if (dtype == AQ_DTYPE_F32)
        return exact == 0.0f ? epsilon[dtype] : exact;
    unsigned low = 0, high = dtype == AQ_DTYPE_F16 ? 0x7c00 : 0x7f80;
    while (high - low > 1) {
        unsigned middle = (low + high) / 2;
        *(value16(dtype, middle) <= (double)exact ? &low : &high) = middle;
    }
    double below = (double)exact - value16(dtype, low),
           above = value16(dtype, high) - (double)exact;
    unsigned nearest = below < above || (below == above && low % 2 == 0) ? low : high;
    if (nearest == 0)
        return epsilon[dtype];
    bool infinite = nearest == (dtype == AQ_DTYPE_F16 ? 0x7c00u : 0x7f80u);
    return infinite ? INFINITY : (float)value16(dtype, nearest);
}

typedef struct expected {
    float scale;
    int zero; /* as stored */
} expected;

static expected expect_group(aq_dtype dtype, int bits, bool asymmetric, const float *x, size_t n)
{
    float low = 0.0f, high = 0.0f, steps = (float)((1 << bits) - 1),
          least = -(float)(1 << (bits - 1));
    for (size_t i = 0; i < n; i++) {
        low = fminf(low, x[i]);
        high = fmaxf(high, x[i]);
    }
    float span = high - low;
    float exact = asymmetric ? divide(span, steps) : divide(fmaxf(high, -low), steps / 2);
    expected e = {stored_scale(dtype, exact), 0};
    if (asymmetric)
        e.zero =
            (int)(limit(half_to_even(least - divide(low, e.scale)), least, least + steps) - least);
    return e;
}

static int expect_level(int bits, bool asymmetric, expected e, float x)
{
    float steps = (float)((1 << bits) - 1), least = -(float)(1 << (bits - 1));
    float z = asymmetric ? (float)e.zero + least : 0.0f;
    return (int)(limit(half_to_even(divide(x, e.scale) + z), least, least + steps) - least);
}

static void check(const aq_kernel *k, int kind, size_t group, bool asymmetric)
{
    static float x[WEIGHTS];
    static uint32_t levels[WEIGHTS];
    static uint8_t src[WEIGHTS * 4], scales[GROUPS * 4], zeros[GROUPS];
    int bits = k->type == AQ_TYPE_INT8 ? 8 : k->type == AQ_TYPE_INT4 ? 4 : 2;
    size_t n = WEIGHTS - 5;
    aq_row_params params = {group, asymmetric};
    weights_fill(kind, group, x, n);
    weights_narrow(k->src, x, n, src);
    weights_widen(k->src, src, n, x);
    k->row(src, n, &params, levels, scales, asymmetric ? zeros : NULL);
    for (size_t first = 0, g = 0; first < n; first += group, g++) {
        size_t count = n - first < group ? n - first : group;
        expected e = expect_group(k->src, bits, asymmetric, x + first, count);
        float scale;
        weights_widen(k->src, scales + g * weights_bytes(k->src), 1, &scale);
        bool good = scale == e.scale && !signbit(scale) && (!asymmetric || zeros[g] == e.zero);
        for (size_t i = first; i < first + count; i++) {
            unsigned level =
                levels[i * (size_t)bits / 32] >> i * (size_t)bits % 32 & ((1u << bits) - 1);
            good = good && (int)level == expect_level(bits, asymmetric, e, x[i]);
            levels_checked++;
        }
        if (!good && ++failures <= 20)
            printf("FAIL %s: %s, group %zu of %zu weights, %s\n", k->name, weights_name(kind), g,
                   group, asymmetric ? "asymmetric" : "symmetric");
    }
    for (size_t bit = n * (size_t)bits; bit % 32 != 0; bit++)
        if ((levels[bit / 32] >> bit % 32 & 1u) != 0 && ++failures <= 20)
            printf("FAIL %s: unused bits are set\n", k->name);
}

int main(void)
{
    static const size_t groups[] = {8, 32, 40, 128, 5000, 7};
    size_t count;
    const aq_kernel *table = aq_kernel_table(&count);
    for (size_t i = 0; i < count; i++)
        for (int kind = 0; kind < W_KINDS && table[i].row != NULL && aq_isa_usable(table[i].isa);
             kind++)
            for (size_t g = 0; g < sizeof groups / sizeof groups[0]; g++) {
                check(&table[i], kind, groups[g], false);
                check(&table[i], kind, groups[g], true);
            }
    printf("%u levels: %u failures\n", levels_checked, failures);
    return failures != 0 || levels_checked == 0;
}
