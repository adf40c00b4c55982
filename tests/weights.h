/* SPDX-License-Identifier: Apache-2.0
 * Weights to test quantizers on: ordinary ones, and those on which quantizers go wrong. */
#ifndef AQ_TESTS_WEIGHTS_H
#define AQ_TESTS_WEIGHTS_H

#include "arrowquant.h"
#include "base/half.h"

#include <stdlib.h>

typedef enum weights_kind {
    W_GAUSSIAN,
    W_HEAVY_TAILED,
    W_CONSTANT,
    W_ZERO,
    W_SIGNED_ZERO,
    W_FEW_VALUES,   /* many ties for the extreme */
    W_OPPOSITE,     /* +m and -m in one block, either first */
    W_HALF_STEPS,   /* multiples of half a step of q8_0 or q4_0: rounding ties */
    W_SUBNORMAL,    /* float32 subnormals: the scale's inverse overflows */
    W_NEAR_LEAST,   /* around the least normal float32: the inverse overflows or just does not */
    W_F16_LEAST,    /* around float16's subnormals */
    W_HUGE,         /* max - min overflows float32, the scale overflows float16 */
    W_F16_OVERFLOW, /* around where a scale stops fitting into a float16 */
    W_OUTLIER,
    W_RAMP,
    W_POSITIVE,
    W_NEGATIVE,
    W_RELU, /* zeros of both signs and positive values */
    W_F16_GRID,
    W_SPARSE,
    W_ANY_BITS, /* every finite bit pattern */
    W_LOG_UNIFORM,
    W_NARROW,    /* one small interval far from 0 */
    W_ONE_SIDED, /* 16 of one sign and magnitude, which is next to nothing beside others */
    W_STUBBORN,  /* q3_K's search has not settled after its five rounds */
    W_KINDS
} weights_kind;

static inline const char *weights_name(int kind)
{
    static const char *const names[W_KINDS] = {
        "gaussian",   "heavy-tailed", "constant",     "zero",      "signed zero",
        "few values", "opposite",     "half steps",   "subnormal", "near least",
        "f16 least",  "huge",         "f16 overflow", "outlier",   "ramp",
        "positive",   "negative",     "relu",         "f16 grid",  "sparse",
        "any bits",   "log uniform",  "narrow",       "one-sided", "stubborn"};
    return names[kind];
}

/* splitmix64 */
static inline uint64_t weights_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* In [0, 1), on a grid of 2^-24. */
static inline float weights_uniform(uint64_t *state)
{
    return (float)(weights_random(state) >> 40) * 0x1p-24f;
}

static inline int weights_pick(uint64_t *state, int n)
{
    return (int)(weights_random(state) >> 33) % n;
}

/* Nearly normal: twelve uniform values have variance 1. They have 16 bits, of which a random number
 * holds four; one more value fills the bits below. No libm, so every machine makes the same. */
static inline float weights_gaussian(uint64_t *state)
{
    uint32_t sum = 0;
    for (int i = 0; i < 3; i++) {
        uint64_t four = weights_random(state);
        uint64_t two = (four & 0x0000ffff0000ffffu) + (four >> 16 & 0x0000ffff0000ffffu);
        sum += (uint32_t)two + (uint32_t)(two >> 32);
    }
    return ((float)((int32_t)sum - 6 * 0x10000) + weights_uniform(state)) * 0x1p-16f;
}

static inline float weights_power_of_two(int exponent)
{
    return exponent >= -126 ? aq_f32_from_bits((uint32_t)(exponent + 127) << 23)
                            : aq_f32_from_bits(1u << (exponent + 149));
}

static inline float weights_any_bits(uint64_t *state)
{
    uint32_t bits;
    do
        bits = (uint32_t)weights_random(state);
    while ((bits & 0x7f800000u) == 0x7f800000u);
    return aq_f32_from_bits(bits);
}

static inline float weights_one_sided(size_t i, float scale)
{
    unsigned any = (uint32_t)(i / 16) * 2654435761u >> 28;
    return (any & 1 ? scale : -scale) * weights_power_of_two(-(int)any);
}

/* Found among nearly normal integers, of which one in five million has this. */
static inline float weights_stubborn(size_t i)
{
    static const int8_t found[4][16] = {
        {8, -18, -46, -39, 22, 38, -51, -16, -27, 6, 50, 25, 20, -45, -15, -16},
        {-55, -58, 36, 30, 28, 56, -53, 13, 54, -59, -52, -46, 13, 24, 45, -25},
        {-61, -14, 70, -11, 82, -86, -2, 57, 55, -30, 11, 3, 35, 6, -38, 34},
        {12, -47, 12, -57, 14, -52, -56, 32, 11, -25, -46, -69, -1, -32, 69, 21},
    };
    return (float)found[i / 16 % 4][i % 16];
}

/* Weight i of a stretch; scale is constant within runs of 64. */
static inline float weights_one(int kind, uint64_t *s, size_t i, float scale)
{
    float g = weights_gaussian(s);
    int flip = weights_pick(s, 2);
    switch ((weights_kind)kind) {
    case W_GAUSSIAN:
        return 0.02f * g;
    case W_HEAVY_TAILED:
        return 0.01f * g * g * g * g * g;
    case W_CONSTANT:
        return scale;
    case W_ZERO:
        return 0.0f;
    case W_SIGNED_ZERO:
        return flip ? -0.0f : 0.0f;
    case W_FEW_VALUES:
        return scale * (float)(weights_pick(s, 5) - 2);
    case W_OPPOSITE:
        return weights_pick(s, 8) == 0 ? (flip ? -3.5f : 3.5f) * scale : scale * g * 0.5f;
    case W_HALF_STEPS:
        return scale * 0.5f * (float)(weights_pick(s, 511) - 255);
    case W_SUBNORMAL:
        return g * 0x1p-133f;
    case W_NEAR_LEAST:
        return g * 0x1p-122f * weights_uniform(s);
    case W_F16_LEAST:
        return (float)(weights_pick(s, 64) - 32) * 0x1p-24f * (flip ? 1.0f : 0.37f);
    case W_HUGE:
        return (flip ? -3.4e38f : 3.4e38f) * weights_uniform(s);
    case W_F16_OVERFLOW:
        return g * scale * 0x1p18f;
    case W_OUTLIER:
        return i % 71 == 40 ? 60.0f * g : 0.01f * g;
    case W_RAMP:
        return scale * (float)((int)(i % 97) - 48);
    case W_POSITIVE:
        return 0.3f + 0.1f * weights_uniform(s);
    case W_NEGATIVE:
        return -0.3f - weights_uniform(s);
    case W_RELU:
        return g > 0.0f ? g : flip ? -0.0f : 0.0f;
    case W_F16_GRID:
        return aq_f16_to_f32(aq_f32_to_f16(0.05f * g));
    case W_SPARSE:
        return weights_pick(s, 40) == 0 ? g : 0.0f;
    case W_ANY_BITS:
        return weights_any_bits(s);
    case W_LOG_UNIFORM:
        return (flip ? -1.0f : 1.0f) * weights_power_of_two(weights_pick(s, 60) - 40) *
               (1.0f + weights_uniform(s));
    case W_ONE_SIDED:
        return weights_one_sided(i, scale) * (1.0f + weights_uniform(s));
    case W_STUBBORN:
        return scale * weights_stubborn(i);
    default:
        return 1000.0f + 0x1p-10f * (float)weights_pick(s, 9);
    }
}

static inline void weights_fill(int kind, uint64_t seed, float *x, size_t n)
{
    uint64_t state = seed * 1000003u + (uint64_t)kind;
    float scale = 1.0f;
    for (size_t i = 0; i < n; i++) {
        if (i % 64 == 0)
            scale = weights_power_of_two(weights_pick(&state, 12) - 8) *
                    (weights_pick(&state, 2) ? 1.0f : 1.0f + weights_uniform(&state));
        x[i] = weights_one(kind, &state, i, scale);
    }
}

/* Importances, which are mean squares of activations: spread over decades; some 0; all equal; most
 * of them 0, which makes scales below 0 likely; all 0. */
enum { WEIGHTS_IMPORTANCES = 5 };

static inline void weights_importance(int kind, uint64_t seed, float *importance, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        float uniform = weights_uniform(&seed);
        float spread = uniform * uniform * uniform * uniform * 100.0f;
        importance[i] = kind == 0   ? spread
                        : kind == 1 ? (uniform < 0.5f ? 0.0f : spread)
                        : kind == 2 ? 1.0f
                        : kind == 3 ? (uniform < 0.9f ? 0.0f : spread)
                                    : 0.0f;
    }
}

/* Weights and bytes of a GGUF type's block, from the type's definition and not from the library. */
static inline size_t weights_block(aq_type type)
{
    return type >= AQ_TYPE_Q2_K && type <= AQ_TYPE_Q6_K ? 256 : 32;
}

static inline size_t weights_block_bytes(aq_type type)
{
    static const size_t bytes[] = {
        [AQ_TYPE_Q8_0] = 34,  [AQ_TYPE_Q4_0] = 18, [AQ_TYPE_Q4_1] = 20,  [AQ_TYPE_Q5_0] = 22,
        [AQ_TYPE_Q5_1] = 24,  [AQ_TYPE_Q2_K] = 84, [AQ_TYPE_Q3_K] = 110, [AQ_TYPE_Q4_K] = 144,
        [AQ_TYPE_Q5_K] = 176, [AQ_TYPE_Q6_K] = 210};
    return bytes[type];
}

static inline size_t weights_bytes(aq_dtype dtype)
{
    return dtype == AQ_DTYPE_F32 ? 4 : 2;
}

/* Rounds to dtype at dst (any alignment); what would overflow becomes the largest finite value. */
static inline void weights_narrow(aq_dtype dtype, const float *x, size_t n, void *dst)
{
    uint8_t *out = dst;
    if (dtype == AQ_DTYPE_F32) {
        memcpy(dst, x, n * sizeof *x);
        return;
    }
    unsigned infinity = dtype == AQ_DTYPE_F16 ? 0x7c00 : 0x7f80;
    for (size_t i = 0; i < n; i++) {
        uint16_t h = dtype == AQ_DTYPE_F16 ? aq_f32_to_f16(x[i]) : aq_f32_to_bf16(x[i]);
        if ((h & 0x7fffu) == infinity)
            h--;
        memcpy(out + 2 * i, &h, sizeof h);
    }
}

static inline void weights_widen(aq_dtype dtype, const void *src, size_t n, float *x)
{
    const uint8_t *in = src;
    if (dtype == AQ_DTYPE_F32) {
        memcpy(x, src, n * sizeof *x);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        uint16_t h;
        memcpy(&h, in + 2 * i, sizeof h);
        x[i] = dtype == AQ_DTYPE_F16 ? aq_f16_to_f32(h) : aq_bf16_to_f32(h);
    }
}

#endif
