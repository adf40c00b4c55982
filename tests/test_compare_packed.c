/* SPDX-License-Identifier: Apache-2.0
 * Packed weights beside what they stand for, made by hand and by the library. */
#include <config.h>

#include "compare_pair.h"
#include "suite.h"

#include <stdbool.h>
#include <strings.h>

typedef struct packed {
    size_t rows, cols, group; /* group 0: one per row */
    unsigned bits;
    bool asymmetric;
} packed;

static uint32_t *pack(const uint8_t *levels, size_t count, size_t stride, size_t lanes,
                      unsigned bits)
{
    size_t words = (count * bits + 31) / 32;
    uint32_t *out = room(words * lanes, sizeof *out);
    for (size_t lane = 0; lane < lanes; lane++)
        for (size_t i = 0; i < count; i++)
            out[(i * bits / 32) * (stride == 1 ? 1 : lanes) + lane * (stride == 1 ? words : 1)] |=
                (uint32_t)levels[i * stride + lane * (stride == 1 ? count : 1)] << i * bits % 32;
    return out;
}

static uint8_t *random_levels(size_t n, unsigned bits)
{
    uint8_t *levels = room(n, 1);
    for (size_t i = 0; i < n; i++)
        levels[i] = (uint8_t)(draw() >> 20 & ((1u << bits) - 1));
    return levels;
}

/* Writes a.safetensors with random floats and b.safetensors with a random packed weight, and
 * compares them with a loop over the latter's levels. */
static void check_packed(const packed *p, const char *metadata)
{
    size_t n = p->rows * p->cols, group = p->group == 0 ? p->cols : p->group;
    size_t groups = (p->cols + group - 1) / group;
    float *a = random_floats(n), *b = room(n, sizeof *b), *scales = random_floats(p->rows * groups);
    uint8_t *levels = random_levels(n, p->bits), *zeros = random_levels(p->rows * groups, p->bits);
    for (size_t r = 0; r < p->rows; r++)
        for (size_t c = 0; c < p->cols; c++) {
            size_t g = r * groups + c / group;
            int zero = p->asymmetric ? zeros[g] : 1 << (p->bits - 1);
            b[r * p->cols + c] = (float)(levels[r * p->cols + c] - zero) * scales[g];
        }
    uint32_t *words = pack(levels, p->cols, 1, p->rows, p->bits);
    uint32_t *zero_words = pack(zeros, p->rows, groups, groups, p->bits);
    size_t row_words = (p->cols * p->bits + 31) / 32, zero_rows = (p->rows * p->bits + 31) / 32;
    int64_t shape[2] = {(int64_t)p->rows, (int64_t)p->cols};
    scratch_tensor ta = {"x.weight", "F32", {p->rows, p->cols}, 2, a, n * 4};
    scratch_tensor tb[] = {
        {"x.weight_packed", "I32", {p->rows, row_words}, 2, words, p->rows * row_words * 4},
        {"x.weight_scale", "F32", {p->rows, groups}, 2, scales, p->rows * groups * 4},
        {"x.weight_shape", "I64", {2}, 1, shape, sizeof shape},
        {"x.weight_zero_point", "I32", {zero_rows, groups}, 2, zero_words, zero_rows * groups * 4},
    };
    scratch_safetensors("a.safetensors", &ta, 1, NULL);
    scratch_safetensors("b.safetensors", tb, p->asymmetric ? 4 : 3, metadata);
    compare("a.safetensors", "b.safetensors");
    char type[8];
    snprintf(type, sizeof type, "int%u", p->bits);
    ck_assert_str_eq(result.tensor[0].name, "x.weight");
    ck_assert_str_eq(result.tensor[0].type, type);
    ck_figures(&result.tensor[0], a, b, n);
    free(a);
    free(b);
    free(scales);
    free(levels);
    free(zeros);
    free(words);
    free(zero_words);
}

/* Short rows, rows of many tiles, tiles of many rows, rows that are no multiple of a word. */
static const packed packed_cases[] = {
    {64, 256, 128, 8, false},    {64, 256, 128, 4, true},    {64, 256, 64, 2, true},
    {1, 32, 32, 4, true},        {5000, 40, 8, 2, true},     {5000, 40, 8, 8, true},
    {4099, 33, 0, 8, true},      {3, 70000, 8, 8, true},     {3, 70000, 56, 2, true},
    {9, 70001, 0, 4, true},      {33, 32768, 1024, 4, true}, {7, 1000, 250, 4, false},
    {100, 1000, 1000, 2, false},
};

START_TEST(packed_weights)
{
    check_packed(&packed_cases[_i], NULL);
}
END_TEST

/* What the columns leave open is in the metadata. */
START_TEST(packed_weights_with_metadata)
{
    char metadata[128];
    static const packed cases[] = {{11, 3, 0, 2, true},       {11, 3, 0, 4, true},
                                   {11, 4, 0, 8, true},       {5, 300, 128, 4, true},
                                   {2, 33000, 1024, 8, true}, {4, 100, 128, 4, false},
                                   {2, 32769, 24, 4, true}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(metadata, sizeof metadata,
                 "{\"arrowquant.bits\":\"%u\",\"arrowquant.group_size\":\"%zu\"}", cases[i].bits,
                 cases[i].group);
        check_packed(&cases[i], metadata);
    }
}
END_TEST

/* ---- a directory with config.json ---- */

static void model_directories(const char *config)
{
    /* Levels 0 1 2 and 3 2 1, of which 8 is taken. */
    static const uint32_t words[] = {0x210, 0x123};
    static const float scales[] = {1, 2};
    static const int64_t shape[] = {2, 3};
    static const float exact[] = {-8, -7, -6, -10, -12, -14};
    scratch_tensor a = {"x.weight", "F32", {2, 3}, 2, exact, sizeof exact};
    scratch_tensor b[] = {
        {"x.weight_packed", "I32", {2, 1}, 2, words, sizeof words},
        {"x.weight_scale", "F32", {2, 1}, 2, scales, sizeof scales},
        {"x.weight_shape", "I64", {2}, 1, shape, sizeof shape},
    };
    mkdir(scratch_path("a"), 0700);
    mkdir(scratch_path("b"), 0700);
    scratch_safetensors("a/model.safetensors", &a, 1, NULL);
    scratch_safetensors("b/model.safetensors", b, 3, NULL);
    scratch_write("b/config.json", config, strlen(config));
}

#define CONFIG(groups) "{\"quantization_config\":{\"config_groups\":{" groups "}}}"
#define GROUP(name, bits) \
    "\"" name "\":{\"weights\":{\"num_bits\":" bits ",\"strategy\":\"channel\"}}"

START_TEST(bits_from_config_json)
{
    model_directories(CONFIG(GROUP("group_0", "4")));
    compare("a", "b");
    ck_assert_str_eq(result.tensor[0].type, "int4");
    ck_assert_double_eq(result.total.mse, 0);
}
END_TEST

static const char *const wrong_configs[] = {"{", "{}",
                                            CONFIG(GROUP("group_0", "4") "," GROUP("group_1", "8")),
                                            CONFIG(GROUP("group_0", "\"4\"")), "[]"};

START_TEST(configs_that_do_not_tell)
{
    model_directories(wrong_configs[_i]);
    ck_assert_int_eq(compare_with(2, "a", "b"), AQ_BAD_INPUT);
    ck_assert_msg(strstr(err.message, _i == 0 ? "config.json" : "leave open") != NULL, "%s",
                  err.message);
}
END_TEST

/* ---- what is really written ---- */

/* The ratios that were met with these weights, to 1.5 dB: a bit more or less makes 6 dB. */
static const struct {
    aq_type type;
    const char *output;
    uint64_t group;
    bool asymmetric;
    double snr_db;
} written[] = {
    {AQ_TYPE_Q8_0, "q.gguf", 0, false, 40.5},
    {AQ_TYPE_Q4_0, "q.gguf", 0, false, 17.4},
    {AQ_TYPE_Q4_1, "q.gguf", 0, false, 20.3},
    {AQ_TYPE_Q5_0, "q.gguf", 0, false, 22.6},
    {AQ_TYPE_Q5_1, "q.gguf", 0, false, 26.6},
    {AQ_TYPE_INT8, "q.safetensors", 128, false, 35.0},
    {AQ_TYPE_INT8, "q.safetensors", 0, true, 34.4},
    {AQ_TYPE_INT4, "q.safetensors", 128, false, 11.3},
    {AQ_TYPE_INT4, "q.safetensors", 128, true, 15.1},
    {AQ_TYPE_INT4, "q.safetensors", 8, true, 24.9},
    {AQ_TYPE_INT2, "q.safetensors", 64, true, 7.4},
};

START_TEST(written_models_are_understood)
{
    /* 41 rows: zero points of a last word that is not full. 416 columns: a short last group. */
    const char *original = "synthetic:3x41x416:bf16:5";
    aq_quantize_options options;
    aq_quantize_options_init(&options, sizeof options);
    options.type = written[_i].type;
    options.group_size = written[_i].group;
    options.asymmetric = written[_i].asymmetric;
    const char *output = scratch_path(written[_i].output);
    ck_assert_msg(aq_quantize(original, output, &options, NULL, &err) == AQ_OK, "%s", err.message);
    ck_assert_msg(aq_compare(original, output, NULL, &result, &err) == AQ_OK, "%s", err.message);
    ck_assert_uint_eq(result.tensors, 3);
    ck_assert_uint_eq(result.total.weights, 3 * 41 * 416);
    for (size_t i = 0; i < result.tensors; i++) {
        ck_assert_int_eq(strcasecmp(result.tensor[i].type, aq_type_name(options.type)), 0);
        ck_assert_double_gt(result.tensor[i].cosine, 0.8);
    }
    ck_assert_double_lt(fabs(result.total.snr_db - written[_i].snr_db), 1.5);
}
END_TEST

START_TEST(packed_weights_of_three_dimensions)
{
    float *a = random_floats(3 * 11 * 72);
    scratch_tensor t = {"w", "F32", {3, 11, 72}, 3, a, 3 * 11 * 72 * 4};
    aq_quantize_options options;
    aq_quantize_options_init(&options, sizeof options);
    options.type = AQ_TYPE_INT8;
    options.asymmetric = 1;
    options.group_size = 24;
    scratch_safetensors("a.safetensors", &t, 1, NULL);
    const char *output = scratch_path("q.safetensors");
    ck_assert_msg(aq_quantize(scratch_path("a.safetensors"), output, &options, NULL, &err) == AQ_OK,
                  "%s", err.message);
    compare("a.safetensors", "q.safetensors");
    ck_assert_str_eq(result.tensor[0].type, "int8");
    ck_assert_uint_eq(result.total.weights, 3 * 11 * 72);
    /* Steps of at most 1/255: half of one, and what rounding the zero point adds. */
    ck_assert_double_lt(result.total.max_abs, 1.001 / 255);
    free(a);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("compare_packed");
    tcase_add_checked_fixture(tests, start, stop);
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, packed_weights, 0, COUNT_OF(packed_cases));
    tcase_add_test(tests, packed_weights_with_metadata);
    tcase_add_test(tests, bits_from_config_json);
    tcase_add_loop_test(tests, written_models_are_understood, 0, COUNT_OF(written));
    tcase_add_test(tests, packed_weights_of_three_dimensions);
    tcase_add_loop_test(tests, configs_that_do_not_tell, 0, COUNT_OF(wrong_configs));
    return RUN_SUITE("compare_packed", tests);
}
