/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "base/error.h"
#include "formats/formats.h"
#include "suite.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static aq_model model;
static aq_error err;

static void close_model(void)
{
    if (model.source != NULL)
        model.source->close(model.source);
    aq_arena_free(&model.arena);
    memset(&model, 0, sizeof model);
}

static void open_model(const char *spec)
{
    close_model();
    ck_assert_msg(aq_synthetic_open(&model, spec, &err) == AQ_OK, "%s: %s", spec, err.message);
}

static void read_model(uint64_t offset, void *buf, size_t size)
{
    ck_assert_msg(model.source->read_at(model.source, 0, offset, buf, size, &err) == AQ_OK, "%s",
                  err.message);
}

static float *read_floats(const char *spec)
{
    open_model(spec);
    float *values = malloc((size_t)model.files[0].size);
    ck_assert_ptr_nonnull(values);
    read_model(0, values, (size_t)model.files[0].size);
    return values;
}

/* ---- sizes ---- */

static const struct {
    const char *spec;
    size_t layers;
    uint64_t rows, cols, last_rows;
} sizes[] = {
    {"100M", 50, 512, 4096, 512},
    {"100m:BF16", 50, 512, 4096, 512},
    {"600M", 100, 1024, 6144, 1024},
    {"7B-seed", 200, 2048, 8192, 2048},
    {"7B", 418, 2048, 8192, 477},
    {"7G", 418, 2048, 8192, 477},
    {"7000000000:f32:18446744073709551615", 418, 2048, 8192, 477},
    {"80x768x3072", 80, 768, 3072, 768},
    {"1x1x1", 1, 1, 1, 1},
    {"1", 1, 64, 256, 1},
    {"16384", 1, 64, 256, 64},
    {"16385", 2, 64, 256, 1},
    {"1.5K", 1, 64, 256, 6},
    {"0.000000001B", 1, 64, 256, 1},
    {"10M", 5, 512, 4096, 394},
    {"300M", 48, 1024, 6144, 701},
    {"0.5T", 29803, 2048, 8192, 661},
};

START_TEST(sizes_are_as_documented)
{
    open_model(sizes[_i].spec);
    ck_assert_uint_eq(model.tensor_count, sizes[_i].layers);
    ck_assert_uint_eq(model.file_count, 1);
    ck_assert_str_eq(model.files[0].name, "model.safetensors");
    uint64_t offset = 0;
    for (size_t i = 0; i < model.tensor_count; i++) {
        const aq_tensor *tensor = &model.tensors[i];
        bool last = i + 1 == model.tensor_count;
        char name[64];
        snprintf(name, sizeof name, "model.layers.%zu.mlp.down_proj.weight", i);
        ck_assert_str_eq(tensor->name, name);
        ck_assert_uint_eq(tensor->rank, 2);
        ck_assert_uint_eq(tensor->shape[0], last ? sizes[_i].last_rows : sizes[_i].rows);
        ck_assert_uint_eq(tensor->shape[1], sizes[_i].cols);
        ck_assert_uint_eq(tensor->weights, tensor->shape[0] * tensor->shape[1]);
        ck_assert_uint_eq(tensor->offset, offset);
        offset += tensor->bytes;
    }
    ck_assert_uint_eq(model.files[0].size, offset);
}
END_TEST

START_TEST(seven_billion_are_seven_billion)
{
    open_model("7B");
    uint64_t weights = 0;
    for (size_t i = 0; i < model.tensor_count; i++)
        weights += model.tensors[i].weights;
    ck_assert_uint_ge(weights, 7000000000u);
    ck_assert_uint_lt(weights, 7000000000u + 8192);
}
END_TEST

#define TEN "1111111111"
#define WIDE TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

static const char *const wrong[] = {
    "",
    "x",
    "0",
    "-1",
    " 1",
    "1Q",
    "1MM",
    "1.",
    "1.0000000001",
    "1e9",
    "2x2",
    "2x2x",
    "2x0x2",
    "2x2x2x2",
    "-2x2x2",
    "1x1x4294967297",
    "1048577x1x1",
    "1x4294967296x4294967296",
    "2000T",
    "99999999999999999999",
    "9999999999999999999",
    "99999999999999999999x1x1",
    "1048576x32768x32769",
    "1x18446744073709551615x2",
    "100M:",
    "100M:f64",
    "100M:q8_0",
    "100M:f16:",
    "100M:f16:x",
    "100M:f16:-1",
    "100M:f16:18446744073709551616",
    "100M:f16:1:2",
    WIDE,
};

START_TEST(wrong_specs_are_usage_errors)
{
    close_model();
    err.message[0] = '\0';
    ck_assert_int_eq(aq_synthetic_open(&model, wrong[_i], &err), AQ_USAGE);
    ck_assert_int_eq(err.status, AQ_USAGE);
    ck_assert_msg(strlen(err.message) > 20, "%s", err.message);
}
END_TEST

START_TEST(reading_past_the_end_fails)
{
    open_model("1x2x3:f32");
    char buf[32];
    aq_source *source = model.source;
    ck_assert_int_eq(source->read_at(source, 0, 0, buf, 24, &err), AQ_OK);
    ck_assert_int_eq(source->read_at(source, 0, 24, buf, 0, &err), AQ_OK);
    ck_assert_int_eq(source->read_at(source, 0, 0, buf, 25, &err), AQ_FAILURE);
    ck_assert_int_eq(source->read_at(source, 0, UINT64_MAX, buf, 2, &err), AQ_FAILURE);
    ck_assert_int_eq(source->read_at(source, 1, 0, buf, 1, &err), AQ_FAILURE);
}
END_TEST

/* ---- values ---- */

static uint64_t fnv1a(const uint8_t *p, size_t size)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ p[i]) * 0x100000001b3u;
    return hash;
}

/* The generator's promise to other machines and later versions: these bytes never change. */
static const struct {
    const char *spec;
    uint64_t offset, hash;
} pinned[] = {
    {"100M:f16:0", 0, 0x36a17406ff8d9368u},
    {"100M:bf16:0", 0, 0x57c064d7387df644u},
    {"100M:f32:0", 0, 0x18244be6689ddb61u},
    {"7B:f16:42", 13999000001, 0x2243fc2dcd2ff948u},
    {"9x33x301:f32:18446744073709551615", 1001, 0x680738ee1c3029adu},
};

START_TEST(bytes_never_change)
{
    enum { SIZE = 300000 };
    static uint8_t bytes[SIZE];
    open_model(pinned[_i].spec);
    read_model(pinned[_i].offset, bytes, SIZE);
    uint64_t hash = fnv1a(bytes, SIZE);
    ck_assert_msg(hash == pinned[_i].hash, "%s: 0x%016llx", pinned[_i].spec,
                  (unsigned long long)hash);
}
END_TEST

static const char *const ranged[] = {"3x5x301:f16:7", "2x3x512:bf16", "2x3x700:f32:9",
                                     "100x1x1:f32:1", "3x2x255:f16"};

/* Also under other seeds, every range of a model is the slice of the whole. */
START_TEST(any_range_is_a_slice_of_the_whole)
{
    open_model(ranged[_i]);
    size_t size = (size_t)model.files[0].size;
    uint8_t *whole = malloc(size), *part = malloc(size + 1);
    ck_assert(whole != NULL && part != NULL);
    read_model(0, whole, size);
    uint64_t random = 88172645463325252u;
    for (int i = 0; i < 3000; i++) {
        random ^= random << 13, random ^= random >> 7, random ^= random << 17;
        size_t offset = (size_t)(random >> 8) % size;
        size_t length = (size_t)(random >> 40) % (i % 2 ? 9 : size - offset + 1);
        if (length > size - offset)
            length = size - offset;
        part[length] = 0xa5;
        read_model(offset, part, length);
        ck_assert_mem_eq(part, whole + offset, length);
        ck_assert_uint_eq(part[length], 0xa5);
    }
    free(whole);
    free(part);
}
END_TEST

START_TEST(seeds_and_layers_differ)
{
    float *a = read_floats("2x64x256:f32:1"), *b = read_floats("2x64x256:f32:2");
    enum { LAYER = 64 * 256 };
    int same_seed = 0, same_layer = 0;
    for (int i = 0; i < 2 * LAYER; i++)
        same_seed += a[i] == b[i];
    for (int i = 0; i < LAYER; i++)
        same_layer += a[i] == a[LAYER + i];
    ck_assert_int_lt(same_seed, 8);
    ck_assert_int_lt(same_layer, 8);
    free(a);
    free(b);
}
END_TEST

/* The moments of a normal distribution, in the columns that are no outliers. */
START_TEST(values_are_gaussian_with_outlier_columns)
{
    enum { ROWS = 2048, COLS = 1024 };
    float *values = read_floats("1x2048x1024:f32:3");
    int outliers = 0;
    double n = 0, sum = 0, sum2 = 0, sum4 = 0, beyond2 = 0;
    for (int c = 0; c < COLS; c++) {
        double column2 = 0;
        for (int r = 0; r < ROWS; r++)
            column2 += pow(values[r * COLS + c] / 0.02, 2);
        double deviation = sqrt(column2 / ROWS);
        if (deviation > 2) {
            ck_assert_double_gt(deviation, 7.5);
            ck_assert_double_lt(deviation, 21);
            outliers++;
            continue;
        }
        for (int r = 0; r < ROWS; r++) {
            double x = values[r * COLS + c] / 0.02;
            n++;
            sum += x;
            sum2 += x * x;
            sum4 += x * x * x * x;
            beyond2 += fabs(x) > 2;
        }
    }
    ck_assert_int_eq(outliers, COLS / 256);
    /* Five standard errors of each, at n = 2.1 million. */
    ck_assert_double_lt(fabs(sum / n), 0.0035);
    ck_assert_double_lt(fabs(sum2 / n - 1), 0.005);
    ck_assert_double_lt(fabs(sum4 / n - 3), 0.05);
    ck_assert_double_lt(fabs(beyond2 / n - 0.0455), 0.0008);
    free(values);
}
END_TEST

/* Neighbours in a row, and in a column, know nothing of each other. */
START_TEST(values_are_uncorrelated)
{
    enum { ROWS = 1024, COLS = 254 };
    float *values = read_floats("1x1024x254:f32:5");
    double across = 0, down = 0, square = 0;
    for (int r = 0; r + 1 < ROWS; r++)
        for (int c = 0; c + 1 < COLS; c++) {
            double x = fmax(-0.1, fmin(0.1, values[r * COLS + c]));
            across += x * fmax(-0.1, fmin(0.1, values[r * COLS + c + 1]));
            down += x * fmax(-0.1, fmin(0.1, values[(r + 1) * COLS + c]));
            square += x * x;
        }
    ck_assert_double_lt(fabs(across / square), 0.01);
    ck_assert_double_lt(fabs(down / square), 0.01);
    free(values);
}
END_TEST

/* The integer nearest to x / unit, ties to even, times unit. */
static double nearest(double x, double unit)
{
    return nearbyint(x / unit) * unit;
}

static double f16_value(uint16_t h)
{
    int exponent = h >> 10 & 31;
    double magnitude =
        exponent == 0 ? ldexp(h & 1023, -24) : ldexp(1024 + (h & 1023), exponent - 25);
    return h & 0x8000 ? -magnitude : magnitude;
}

static double bf16_value(uint16_t h)
{
    uint32_t bits = (uint32_t)h << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return (double)value;
}

/* The 16-bit models are the float32 model rounded to nearest even. */
START_TEST(half_precision_is_rounded)
{
    enum { N = 512 * 1024 };
    float *single = read_floats("1x512x1024:f32:11");
    uint16_t *half = malloc(N * sizeof *half);
    ck_assert_ptr_nonnull(half);
    open_model(_i == 0 ? "1x512x1024:f16:11" : "1x512x1024:bf16:11");
    read_model(0, half, N * sizeof *half);
    int subnormal = 0;
    for (int i = 0; i < N; i++) {
        double x = (double)single[i];
        int exponent;
        (void)frexp(x, &exponent);
        double expected, got;
        if (_i == 0) {
            bool small = exponent < -13;
            subnormal += small;
            expected = nearest(x, small ? 0x1p-24 : ldexp(1, exponent - 11));
            got = f16_value(half[i]);
        } else {
            expected = nearest(x, ldexp(1, exponent - 8));
            got = bf16_value(half[i]);
        }
        ck_assert_msg(expected == got, "weight %d: %a became %a, not %a", i, x, got, expected);
    }
    ck_assert(_i != 0 || subnormal > 100);
    free(single);
    free(half);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("synthetic");
    tcase_add_checked_fixture(tests, NULL, close_model);
    tcase_add_loop_test(tests, sizes_are_as_documented, 0, sizeof sizes / sizeof *sizes);
    tcase_add_test(tests, seven_billion_are_seven_billion);
    tcase_add_loop_test(tests, wrong_specs_are_usage_errors, 0, sizeof wrong / sizeof *wrong);
    tcase_add_test(tests, reading_past_the_end_fails);
    tcase_add_loop_test(tests, bytes_never_change, 0, sizeof pinned / sizeof *pinned);
    tcase_add_loop_test(tests, any_range_is_a_slice_of_the_whole, 0,
                        sizeof ranged / sizeof *ranged);
    tcase_add_test(tests, seeds_and_layers_differ);
    tcase_add_test(tests, values_are_gaussian_with_outlier_columns);
    tcase_add_test(tests, values_are_uncorrelated);
    tcase_add_loop_test(tests, half_precision_is_rounded, 0, 2);
    return RUN_SUITE("synthetic", tests);
}
