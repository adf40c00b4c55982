/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "arrowquant.h"
#include "scratch.h"
#include "suite.h"

#include <math.h>
#include <stdbool.h>
#include <strings.h>

static aq_error err;
static aq_compare_result result = {.size = sizeof result};
static uint64_t state;

static uint64_t draw(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    return state ^= state << 17;
}

static float draw_float(void)
{
    return (float)((double)(draw() >> 11) * 0x1p-53 - 0.5);
}

static void start(void)
{
    state = 88172645463325252u;
    scratch_make();
}

static void stop(void)
{
    aq_compare_result_free(&result);
    scratch_remove();
}

static void *room(size_t count, size_t size)
{
    void *p = calloc(count + 1, size);
    ck_assert_ptr_nonnull(p);
    return p;
}

static float *random_floats(size_t n)
{
    float *values = room(n, sizeof *values);
    for (size_t i = 0; i < n; i++)
        values[i] = draw_float();
    return values;
}

static aq_status compare_with(unsigned threads, const char *a, const char *b)
{
    aq_compare_options options;
    aq_compare_options_init(&options, sizeof options);
    options.threads = threads;
    aq_compare_result_free(&result);
    err.message[0] = '\0';
    return aq_compare(scratch_path(a), scratch_path(b), &options, &result, &err);
}

static void compare(const char *a, const char *b)
{
    ck_assert_msg(compare_with(2, a, b) == AQ_OK, "%s", err.message);
}

/* ---- the figures, by their definitions ---- */

typedef struct figures {
    double mse, max_abs, snr_db, cosine;
} figures;

static figures figures_of(const float *a, const float *b, size_t n)
{
    long double square = 0, aa = 0, bb = 0, ab = 0, max_abs = 0;
    for (size_t i = 0; i < n; i++) {
        long double x = (long double)a[i], y = (long double)b[i];
        square += (x - y) * (x - y);
        aa += x * x;
        bb += y * y;
        ab += x * y;
        max_abs = fmaxl(max_abs, fabsl(x - y));
    }
    return (figures){(double)(square / (long double)n), (double)max_abs,
                     (double)(10 * log10l(aa / square)), (double)(ab / sqrtl(aa * bb))};
}

static void ck_near(const char *what, double got, double expected)
{
    ck_assert_msg(fabs(got - expected) <= 1e-12 * fabs(expected), "%s: %.17g, not %.17g", what, got,
                  expected);
}

static void ck_figures(const aq_compare_tensor *t, const float *a, const float *b, size_t n)
{
    figures f = figures_of(a, b, n);
    ck_assert_ptr_null(t->skipped);
    ck_assert_uint_eq(t->weights, n);
    ck_near("mse", t->mse, f.mse);
    ck_near("max_abs", t->max_abs, f.max_abs);
    ck_near("snr_db", t->snr_db, f.snr_db);
    ck_near("cosine", t->cosine, f.cosine);
}

/* ---- floats ---- */

static uint16_t cut_to_bf16(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return (uint16_t)(bits >> 16);
}

static float from_bf16(uint16_t half)
{
    uint32_t bits = (uint32_t)half << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Sizes about that of a tile, and of a round of tiles. */
START_TEST(floats_follow_the_definitions)
{
    static const size_t sizes[] = {1, 2, 3, 5, 32767, 32768, 32769, 100003};
    enum { COUNT = sizeof sizes / sizeof *sizes };
    scratch_tensor a[COUNT], b[COUNT];
    char names[COUNT][16];
    float *exact[COUNT], *cut[COUNT], *all_exact, *all_cut;
    uint16_t *halves[COUNT];
    size_t total = 0;
    for (int i = 0; i < COUNT; i++) {
        size_t n = sizes[i];
        snprintf(names[i], sizeof names[i], "t%d", i);
        exact[i] = random_floats(n);
        cut[i] = room(n, sizeof(float));
        halves[i] = room(n, sizeof(uint16_t));
        for (size_t k = 0; k < n; k++) {
            halves[i][k] = cut_to_bf16(exact[i][k]);
            cut[i][k] = from_bf16(halves[i][k]);
        }
        a[i] = (scratch_tensor){names[i], "F32", {n}, 1, exact[i], n * 4};
        /* The other file has them the other way round. */
        b[COUNT - 1 - i] = (scratch_tensor){names[i], "BF16", {n}, 1, halves[i], n * 2};
        total += n;
    }
    scratch_safetensors("a.safetensors", a, COUNT, NULL);
    scratch_safetensors("b.safetensors", b, COUNT, NULL);
    compare("a.safetensors", "b.safetensors");
    ck_assert_uint_eq(result.tensors, COUNT);
    all_exact = room(total, sizeof(float));
    all_cut = room(total, sizeof(float));
    size_t at = 0;
    for (int i = 0; i < COUNT; i++) {
        ck_assert_str_eq(result.tensor[i].name, names[i]);
        ck_assert_str_eq(result.tensor[i].type, "BF16");
        ck_figures(&result.tensor[i], exact[i], cut[i], sizes[i]);
        memcpy(all_exact + at, exact[i], sizes[i] * sizeof(float));
        memcpy(all_cut + at, cut[i], sizes[i] * sizeof(float));
        at += sizes[i];
        free(exact[i]);
        free(cut[i]);
        free(halves[i]);
    }
    ck_figures(&result.total, all_exact, all_cut, total);
    free(all_exact);
    free(all_cut);
}
END_TEST

static void pair_of(const float *a, const float *b, size_t n)
{
    scratch_tensor ta = {"w", "F32", {n}, 1, a, n * 4}, tb = {"w", "F32", {n}, 1, b, n * 4};
    scratch_safetensors("a.safetensors", &ta, 1, NULL);
    scratch_safetensors("b.safetensors", &tb, 1, NULL);
    compare("a.safetensors", "b.safetensors");
}

START_TEST(special_cases)
{
    const float one[] = {1, 2, 3}, zero[] = {0, 0, -0.0f}, minus[] = {-1, -2, -3};
    pair_of(one, one, 3);
    ck_assert(result.total.mse == 0 && result.total.max_abs == 0);
    ck_assert(isinf(result.total.snr_db) && result.total.snr_db > 0);
    ck_assert_double_eq(result.total.cosine, 1);
    pair_of(zero, zero, 3);
    ck_assert(isinf(result.total.snr_db) && result.total.snr_db > 0);
    ck_assert_double_eq(result.total.cosine, 1);
    pair_of(zero, one, 3);
    ck_assert(isinf(result.total.snr_db) && result.total.snr_db < 0);
    ck_assert_double_eq(result.total.cosine, 0);
    pair_of(one, zero, 3);
    ck_assert_double_eq(result.total.snr_db, 0);
    ck_assert_double_eq(result.total.cosine, 0);
    pair_of(one, minus, 3);
    ck_assert_double_eq(result.total.cosine, -1);
    ck_assert_double_eq(result.total.max_abs, 6);
    pair_of(one, one, 0);
    ck_assert_uint_eq(result.total.weights, 0);
    ck_assert_double_eq(result.total.mse, 0);
    ck_assert_double_eq(result.total.cosine, 1);
}
END_TEST

START_TEST(nan_and_infinity)
{
    enum { N = 40000 };
    float *a = random_floats(N), *b = random_floats(N);
    float *a_rest = room(N, sizeof *a), *b_rest = room(N, sizeof *b);
    /* Kept as they were: as if equal, without a part in any sum. */
    a[7] = b[7] = NAN;
    a[N - 1] = b[N - 1] = -INFINITY;
    memcpy(a_rest, a, N * sizeof *a);
    memcpy(b_rest, b, N * sizeof *b);
    a_rest[7] = b_rest[7] = a_rest[N - 1] = b_rest[N - 1] = 0;
    pair_of(a, b, N);
    ck_figures(&result.total, a_rest, b_rest, N);
    ck_figures(&result.tensor[0], a_rest, b_rest, N);
    /* On one side only, anywhere. */
    a[30000] = NAN;
    pair_of(a, b, N);
    ck_assert(isnan(result.total.mse) && isnan(result.total.max_abs));
    ck_assert(isnan(result.total.snr_db) && isnan(result.total.cosine));
    a[30000] = 0;
    b[2] = INFINITY;
    pair_of(a, b, N);
    ck_assert(isinf(result.total.mse) && isinf(result.total.max_abs));
    ck_assert(isinf(result.total.snr_db) && result.total.snr_db < 0);
    ck_assert(isnan(result.total.cosine));
    free(a);
    free(b);
    free(a_rest);
    free(b_rest);
}
END_TEST

START_TEST(threads_do_not_change_a_bit)
{
    enum { N = 700001 };
    float *a = random_floats(N), *b = random_floats(N);
    pair_of(a, b, N);
    aq_compare_tensor first = result.total;
    static const unsigned threads[] = {1, 3, 8, 0};
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(compare_with(threads[i], "a.safetensors", "b.safetensors"), AQ_OK);
        ck_assert_mem_eq(&result.total.mse, &first.mse, sizeof first.mse);
        ck_assert_mem_eq(&result.total.max_abs, &first.max_abs, sizeof first.max_abs);
        ck_assert_mem_eq(&result.total.snr_db, &first.snr_db, sizeof first.snr_db);
        ck_assert_mem_eq(&result.total.cosine, &first.cosine, sizeof first.cosine);
    }
    free(a);
    free(b);
}
END_TEST

/* ---- packed weights ---- */

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

/* ---- what is not compared ---- */

START_TEST(other_tensors)
{
    static const int64_t numbers[5000] = {1, 2, 3};
    static const uint8_t eights[4] = {1, 2, 3, 4};
    static const float floats[4] = {1, 2, 3, 4};
    scratch_tensor a[] = {{"ids", "I64", {5000}, 1, numbers, sizeof numbers},
                          {"eight", "F8_E4M3", {4}, 1, eights, sizeof eights},
                          {"w", "F32", {4}, 1, floats, sizeof floats}};
    scratch_tensor b[] = {{"ids", "I64", {5000}, 1, numbers, sizeof numbers},
                          {"eight", "F32", {4}, 1, floats, sizeof floats},
                          {"w", "F32", {1, 4}, 2, floats, sizeof floats}};
    scratch_safetensors("a.safetensors", a, 3, NULL);
    scratch_safetensors("b.safetensors", b, 3, NULL);
    compare("a.safetensors", "b.safetensors");
    ck_assert_str_eq(result.tensor[0].skipped, "I64: the bytes are equal");
    ck_assert_str_eq(result.tensor[1].skipped, "F8_E4M3 and F32: no figures for these types");
    ck_assert_ptr_null(result.tensor[2].skipped);
    ck_assert_uint_eq(result.total.weights, 4);
}
END_TEST

/* ---- what is wrong ---- */

static const float four[4] = {1, 2, 3, 4};
static const int64_t id = 5, other_id = 6, shape22[] = {2, 2}, shape13[] = {1, 3};
static const uint32_t two_words[2];

#define F32_22(name)                     \
    {                                    \
        name, "F32", {2, 2}, 2, four, 16 \
    }
#define PACKED(cols)                                           \
    {                                                          \
        "w_packed", "I32", {2, cols}, 2, two_words, 8 * (cols) \
    }
#define SCALE(cols)                                      \
    {                                                    \
        "w_scale", "F32", {2, cols}, 2, four, 8 * (cols) \
    }
#define SHAPE(dims)                        \
    {                                      \
        "w_shape", "I64", {2}, 1, dims, 16 \
    }

static const struct {
    const char *names; /* in the message */
    scratch_tensor a[2], b[4];
    const char *metadata;
} wrong[] = {
    {"'w'", {F32_22("w")}, {F32_22("v")}, NULL},
    {"'v'", {F32_22("w")}, {F32_22("w"), F32_22("v")}, NULL},
    {"[4]", {F32_22("w")}, {{"w", "F32", {4}, 1, four, 16}}, NULL},
    {"byte 0", {{"id", "I64", {1}, 1, &id, 8}}, {{"id", "I64", {1}, 1, &other_id, 8}}, NULL},
    {"'w_scale'", {F32_22("w")}, {PACKED(1), SHAPE(shape22)}, NULL},
    {"'w_shape'", {F32_22("w")}, {PACKED(1), SCALE(1)}, NULL},
    {"dimension 0 is 1", {F32_22("w")}, {PACKED(1), SCALE(1), SHAPE(shape13)}, NULL},
    {"leave open", {F32_22("w")}, {PACKED(1), SCALE(1), SHAPE(shape22)}, NULL},
    {"contradict",
     {F32_22("w")},
     {PACKED(1), SCALE(1), SHAPE(shape22)},
     "{\"arrowquant.bits\":\"5\"}"},
    {"fit no level",
     {{"w", "F32", {2, 2}, 2, four, 16}},
     {{"w_packed", "I32", {2, 0}, 2, "", 0}, SCALE(1), SHAPE(shape22)},
     NULL},
    {"do not fit groups",
     {F32_22("w")},
     {PACKED(1), SCALE(2), SHAPE(shape22)},
     "{\"arrowquant.bits\":\"8\",\"arrowquant.group_size\":\"2\"}"},
    {"how many weights",
     {{"w", "F32", {1, 3}, 2, four, 12}},
     {{"w_packed", "I32", {1, 1}, 2, two_words, 4},
      {"w_scale", "F32", {1, 2}, 2, four, 8},
      SHAPE(shape13)},
     "{\"arrowquant.bits\":\"8\"}"},
    {"'w_scale'",
     {F32_22("w")},
     {PACKED(1), {"w_scale", "I32", {2, 1}, 2, four, 8}, SHAPE(shape22)},
     "{\"arrowquant.bits\":\"8\"}"},
    {"'w_zero_point'",
     {F32_22("w")},
     {PACKED(1), SCALE(1), SHAPE(shape22), {"w_zero_point", "I32", {2, 1}, 2, four, 8}},
     "{\"arrowquant.bits\":\"8\"}"},
    {"two to eight dimensions",
     {{"w", "F32", {4}, 1, four, 16}},
     {PACKED(1), SCALE(1), SHAPE(shape22)},
     NULL},
};

static size_t count_of(const scratch_tensor *tensors, size_t most)
{
    size_t n = 0;
    while (n < most && tensors[n].name != NULL)
        n++;
    return n;
}

START_TEST(wrong_pairs_are_bad_input)
{
    scratch_safetensors("a.safetensors", wrong[_i].a, count_of(wrong[_i].a, 2), NULL);
    scratch_safetensors("b.safetensors", wrong[_i].b, count_of(wrong[_i].b, 4), wrong[_i].metadata);
    ck_assert_int_eq(compare_with(2, "a.safetensors", "b.safetensors"), AQ_BAD_INPUT);
    ck_assert_msg(strstr(err.message, wrong[_i].names) != NULL, "%s", err.message);
    ck_assert_msg(strstr(err.message, "b.safetensors") != NULL, "%s", err.message);
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

START_TEST(the_first_difference_is_named)
{
    enum { N = 4000000 };
    uint8_t *a = room(N, 1), *b = room(N, 1);
    for (int i = 3000000; i < N; i += 1000)
        b[i] = 1;
    scratch_tensor ta = {"ids", "U8", {N}, 1, a, N}, tb = {"ids", "U8", {N}, 1, b, N};
    scratch_safetensors("a.safetensors", &ta, 1, NULL);
    scratch_safetensors("b.safetensors", &tb, 1, NULL);
    for (unsigned threads = 1; threads <= 8; threads *= 2) {
        ck_assert_int_eq(compare_with(threads, "a.safetensors", "b.safetensors"), AQ_BAD_INPUT);
        ck_assert_msg(strstr(err.message, "byte 3000000") != NULL, "%s", err.message);
    }
    free(a);
    free(b);
}
END_TEST

static uint64_t seen_done, seen_total;

static void on_progress(void *arg, uint64_t done, uint64_t total)
{
    ck_assert_ptr_eq(arg, &seen_done);
    ck_assert_uint_ge(done, seen_done);
    seen_done = done;
    seen_total = total;
}

START_TEST(options_are_obeyed)
{
    scratch_tensor t = {"w", "F32", {4}, 1, four, 16};
    scratch_safetensors("a.safetensors", &t, 1, NULL);
    const char *path = scratch_path("a.safetensors");
    aq_compare_options options;
    aq_compare_options_init(&options, sizeof options);
    options.progress = on_progress;
    options.progress_arg = &seen_done;
    ck_assert_int_eq(aq_compare(path, path, &options, &result, &err), AQ_OK);
    ck_assert_uint_eq(seen_done, 16);
    ck_assert_uint_eq(seen_total, 16);
    aq_compare_result_free(&result);
    ck_assert_int_eq(aq_compare(path, path, NULL, &result, NULL), AQ_OK);
    const volatile int cancel = 1;
    options.cancel = &cancel;
    aq_compare_result_free(&result);
    ck_assert_int_eq(aq_compare(path, path, &options, &result, &err), AQ_CANCELLED);
    ck_assert_int_eq(aq_compare(path, path, &options, &result, NULL), AQ_CANCELLED);
    options.size = 1;
    ck_assert_int_eq(aq_compare(path, path, &options, &result, &err), AQ_USAGE);
    ck_assert_int_eq(aq_compare(path, scratch_path("no"), NULL, &result, &err), AQ_FAILURE);
    aq_compare_result_free(NULL);
}
END_TEST

#define COUNT_OF(list) ((int)(sizeof(list) / sizeof *(list)))

int main(void)
{
    TCase *tests = tcase_create("compare");
    tcase_add_checked_fixture(tests, start, stop);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, floats_follow_the_definitions);
    tcase_add_test(tests, special_cases);
    tcase_add_test(tests, nan_and_infinity);
    tcase_add_test(tests, threads_do_not_change_a_bit);
    tcase_add_loop_test(tests, packed_weights, 0, COUNT_OF(packed_cases));
    tcase_add_test(tests, packed_weights_with_metadata);
    tcase_add_test(tests, bits_from_config_json);
    tcase_add_loop_test(tests, written_models_are_understood, 0, COUNT_OF(written));
    tcase_add_test(tests, packed_weights_of_three_dimensions);
    tcase_add_test(tests, other_tensors);
    tcase_add_loop_test(tests, wrong_pairs_are_bad_input, 0, COUNT_OF(wrong));
    tcase_add_loop_test(tests, configs_that_do_not_tell, 0, COUNT_OF(wrong_configs));
    tcase_add_test(tests, the_first_difference_is_named);
    tcase_add_test(tests, options_are_obeyed);
    return RUN_SUITE("compare", tests);
}
