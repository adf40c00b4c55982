/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "rivals.h"

#include <math.h>

static const double error_rate = .05;

static double mean(const double *value, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += value[i];
    return sum / (double)count;
}

static double variance(const double *value, size_t count, double around)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += (value[i] - around) * (value[i] - around);
    return sum / (double)(count - 1);
}

int bench_rival_mean(const double *a, const double *b, size_t count)
{
    return mean(b, count) > 1.10 * mean(a, count);
}

/* T / sqrt(freedom) is the tangent of an angle whose cosine has the density cos^(freedom-1); the
 * tail is integrated by Simpson's rule, which is smooth all the way. */
double bench_student_above(double t, double freedom)
{
    enum { STEPS = 2000 };
    double from = atan(t / sqrt(freedom)), width = (1.57079632679489662 - from) / STEPS, sum = 0;
    for (int i = 0; i <= STEPS; i++) {
        double weight = i == 0 || i == STEPS ? 1 : i % 2 ? 4 : 2;
        sum += weight * pow(fmax(cos(from + i * width), 0), freedom - 1);
    }
    double scale = exp(lgamma((freedom + 1) / 2) - lgamma(freedom / 2)) / 1.77245385090551603;
    return scale * sum * width / 3;
}

int bench_rival_welch(const double *a, const double *b, size_t count)
{
    double n = (double)count, mean_a = mean(a, count), mean_b = mean(b, count);
    double va = variance(a, count, mean_a) / n, vb = variance(b, count, mean_b) / n;
    if (mean_b <= mean_a || !(va + vb > 0))
        return 0;
    double freedom = (va + vb) * (va + vb) / ((va * va + vb * vb) / (n - 1));
    return 2 * bench_student_above((mean_b - mean_a) / sqrt(va + vb), freedom) < error_rate;
}

int bench_rival_mann_whitney(const double *a, const double *b, size_t count)
{
    double above = 0, n = (double)count;
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < count; j++)
            above += b[j] > a[i] ? 1 : b[j] == a[i] ? 0.5 : 0;
    double z = (above - n * n / 2 - 0.5) / sqrt(n * n * (2 * n + 1) / 12);
    return z > 0 && erfc(z / sqrt(2)) < error_rate;
}
