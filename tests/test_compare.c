/* SPDX-License-Identifier: Apache-2.0
 * Figures of floats, what is not compared, and what is refused. */
#include <config.h>

#include "compare_pair.h"
#include "suite.h"

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

int main(void)
{
    TCase *tests = tcase_create("compare");
    tcase_add_checked_fixture(tests, start, stop);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, floats_follow_the_definitions);
    tcase_add_test(tests, special_cases);
    tcase_add_test(tests, nan_and_infinity);
    tcase_add_test(tests, threads_do_not_change_a_bit);
    tcase_add_test(tests, other_tensors);
    tcase_add_loop_test(tests, wrong_pairs_are_bad_input, 0, COUNT_OF(wrong));
    tcase_add_test(tests, the_first_difference_is_named);
    tcase_add_test(tests, options_are_obeyed);
    return RUN_SUITE("compare", tests);
}
