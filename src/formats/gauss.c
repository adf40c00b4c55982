/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "gauss.h"

#include <string.h>

/* Typical of the linear layers of language models. */
#define DEVIATION 0.02
/* Where the last piece of the table ends, in deviations. The piece covers all beyond 3.29, where
 * the normal distribution has its mean at 3.57, and so has the piece. */
#define LAST 3.84
/* 1 / sqrt(2 pi) */
#define DENSITY_AT_0 0.39894228040143267794

typedef struct point {
    double x, density;
} point;

/* With p the cumulative probability of x, dx/dp = 1/density and d(density)/dp = -x. So the
 * quantiles come from a differential equation that needs no exp or log, whose last bits differ
 * between mathematics libraries. */
static point slope_at(point at)
{
    return (point){1 / at.density, -at.x};
}

static point along(point from, point slope, double step)
{
    return (point){from.x + slope.x * step, from.density + slope.density * step};
}

static point runge_kutta(point at, double step)
{
    point k1 = slope_at(at);
    point k2 = slope_at(along(at, k1, step / 2));
    point k3 = slope_at(along(at, k2, step / 2));
    point k4 = slope_at(along(at, k3, step));
    point mean = {(k1.x + 2 * (k2.x + k3.x) + k4.x) / 6,
                  (k1.density + 2 * (k2.density + k3.density) + k4.density) / 6};
    return along(at, mean, step);
}

void aq_gauss_init(aq_gauss *gauss)
{
    enum { STEPS = 16 };
    point at = {0, DENSITY_AT_0};
    for (int i = 0; i < AQ_GAUSS_SEGMENTS; i++) {
        double from = at.x, to = LAST;
        if (i + 1 < AQ_GAUSS_SEGMENTS) {
            /* The segments share the half above the median. */
            for (int j = 0; j < STEPS; j++)
                at = runge_kutta(at, 0.5 / AQ_GAUSS_SEGMENTS / STEPS);
            to = at.x;
        }
        gauss->segment[i].slope = (float)((to - from) * DEVIATION);
        gauss->segment[i].base = (float)((from - (to - from)) * DEVIATION);
    }
}

/* SplitMix64's output function: any two inputs that differ give unrelated outputs. */
static inline uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

#define WEYL 0x9e3779b97f4a7c15u

uint64_t aq_gauss_key(uint64_t seed, uint64_t tensor)
{
    return mix(mix(seed + WEYL) + (tensor + 1) * WEYL);
}

/* From the top: 10 bits for the segment, one for the sign, 21 for the place in the segment. */
static inline float value(const aq_gauss *gauss, uint32_t random)
{
    uint32_t bits = 0x3f800000u | (random & 0x1fffffu) << 2;
    float fraction;
    memcpy(&fraction, &bits, sizeof fraction);
    uint32_t i = random >> 22;
    float magnitude = gauss->segment[i].base + gauss->segment[i].slope * fraction;
    memcpy(&bits, &magnitude, sizeof bits);
    bits ^= (random & 0x200000u) << 10;
    memcpy(&magnitude, &bits, sizeof magnitude);
    return magnitude;
}

static inline void fill_pairs(const aq_gauss *gauss, uint64_t state, size_t pairs, float *out)
{
    for (size_t i = 0; i < pairs; i++) {
        uint64_t random = mix(state + i * WEYL);
        out[2 * i] = value(gauss, (uint32_t)random);
        out[2 * i + 1] = value(gauss, (uint32_t)(random >> 32));
    }
}

void aq_gauss_fill(const aq_gauss *gauss, uint64_t key, uint64_t cols, uint64_t row, uint64_t block,
                   size_t n, float *out)
{
    uint64_t pair = row * ((cols + 1) / 2) + block * (AQ_GAUSS_BLOCK / 2);
    fill_pairs(gauss, key + pair * WEYL, (n + 1) / 2, out);

    /* The same column in every row, so it depends on the block alone: 8 to 20 times the others, as
     * the outlier columns of real layers are. */
    uint64_t random = mix(~key + block * WEYL);
    size_t column = random % AQ_GAUSS_BLOCK;
    if (column < n)
        out[column] *= 8.0f + 12.0f * ((float)(random >> 40) * 0x1p-24f);
}
