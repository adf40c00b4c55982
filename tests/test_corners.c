/* SPDX-License-Identifier: Apache-2.0
 * The numeric corners: what becomes of weights at the edges of their types, the same on every
 * instruction set. The manual's section NUMERIC CORNERS says it in words. */
#include <config.h>

#include <math.h>

#include "arrowquant.h"
#include "base/half.h"
#include "scratch.h"
#include "suite.h"

enum { COLUMNS = 512, ROWS = 3, WEIGHTS = ROWS * COLUMNS };

/* Blocks or groups to a row where one of them is lost, so that each is at another of the eight
 * places that are looked at together, and some are left over. */
enum { SHARES = 9, MOST_WEIGHTS = ROWS * SHARES * 256 };

static const aq_dtype sources[] = {AQ_DTYPE_F32, AQ_DTYPE_F16, AQ_DTYPE_BF16};
enum { SOURCES = sizeof sources / sizeof *sources };

static size_t narrow(aq_dtype dtype, const float *x, size_t n, void *out)
{
    for (size_t i = 0; i < n; i++) {
        uint16_t half = dtype == AQ_DTYPE_F16 ? aq_f32_to_f16(x[i]) : aq_f32_to_bf16(x[i]);
        if (dtype == AQ_DTYPE_F32)
            memcpy((char *)out + 4 * i, &x[i], 4);
        else
            memcpy((char *)out + 2 * i, &half, 2);
    }
    return n * (dtype == AQ_DTYPE_F32 ? 4 : 2);
}

/* A model of one tensor, "w". */
static const char *put(aq_dtype dtype, const float *x, uint64_t rows, uint64_t columns)
{
    static char bytes[4 * MOST_WEIGHTS];
    ck_assert_uint_le(rows * columns * 4, sizeof bytes);
    size_t size = narrow(dtype, x, (size_t)(rows * columns), bytes);
    scratch_tensor t = {"w", aq_dtype_name(dtype), {rows, columns}, 2, bytes, size};
    scratch_safetensors("corner.safetensors", &t, 1, NULL);
    return scratch_path("corner.safetensors");
}

static aq_quantize_options options_for(aq_type type)
{
    aq_quantize_options o;
    aq_quantize_options_init(&o, sizeof o);
    o.type = type;
    o.threads = 1;
    o.sync = 0;
    o.force = 1;
    o.checksum = 1;
    return o;
}

/* What one run says of itself. */
typedef struct outcome {
    aq_status status;
    uint64_t checksum, underflows;
    char message[256];
} outcome;

static outcome quantize(const char *path, const aq_quantize_options *o)
{
    outcome out = {0};
    aq_error err = {0};
    aq_quantize_result result = {.size = sizeof result};
    out.status = aq_quantize(path, "null:", o, &result, &err);
    if (out.status == AQ_OK) {
        out.checksum = result.checksum;
        out.underflows = result.underflows;
        aq_quantize_result_free(&result);
    } else {
        snprintf(out.message, sizeof out.message, "%.250s", err.message);
    }
    return out;
}

/* ---- patterns ---- */

typedef float pattern(unsigned i);

static float subnormal(unsigned i)
{
    return ldexpf((float)(i % 7), -149) * (i % 2 ? 1.0f : -1.0f);
}

static float half_subnormal(unsigned i)
{
    return ldexpf((float)(i % 13) - 6.0f, -24);
}

static float minus_zero(unsigned i)
{
    return i % 3 == 0 ? 0.0f : -0.0f;
}

static float ties(unsigned i)
{
    return i % 32 == 0 ? 127.0f : (float)(i % 64) - 31.5f;
}

static float all_equal(unsigned i)
{
    return i < COLUMNS ? 0.75f : -0.75f;
}

static float all_tiny(unsigned i)
{
    (void)i;
    return 1e-12f;
}

static float one_large(unsigned i)
{
    return i % 256 == 77 ? 60000.0f : 1e-3f;
}

static float overflowing(unsigned i)
{
    return i % 128 == 5 ? -3e38f : 1.0f;
}

static float infinite(unsigned i)
{
    return i == 700 ? -INFINITY : 0.5f;
}

static float not_a_number(unsigned i)
{
    return i == 1000 ? NAN : i == 1001 ? INFINITY : 0.25f;
}

static float zero(unsigned i)
{
    (void)i;
    return 0.0f;
}

static pattern *const patterns[] = {subnormal, half_subnormal, minus_zero, ties,
                                    all_equal, all_tiny,       one_large,  overflowing,
                                    infinite,  not_a_number,   zero};
enum { PATTERNS = sizeof patterns / sizeof *patterns };

static void fill(float *x, pattern *p)
{
    for (unsigned i = 0; i < WEIGHTS; i++)
        x[i] = p(i);
}

/* The scalar kernels say what is right (test_kernels holds those against ggml's arithmetic). */
static void compare_isas(const char *path, aq_quantize_options *o)
{
    o->isa = AQ_ISA_SCALAR;
    outcome scalar = quantize(path, o);
    for (int isa = AQ_ISA_SCALAR + 1; isa < AQ_ISA_COUNT; isa++) {
        if (!aq_isa_usable((aq_isa)isa))
            continue;
        o->isa = (aq_isa)isa;
        outcome other = quantize(path, o);
        ck_assert_int_eq(other.status, scalar.status);
        ck_assert_uint_eq(other.checksum, scalar.checksum);
        ck_assert_uint_eq(other.underflows, scalar.underflows);
        ck_assert_str_eq(other.message, scalar.message);
    }
}

START_TEST(every_isa_does_the_same)
{
    static float x[WEIGHTS];
    for (int p = 0; p < PATTERNS; p++) {
        fill(x, patterns[p]);
        for (int s = 0; s < SOURCES; s++) {
            const char *path = put(sources[s], x, ROWS, COLUMNS);
            for (int type = 0; type < AQ_TYPE_COUNT; type++)
                for (int keep = 0; keep < 2; keep++) {
                    aq_quantize_options o = options_for((aq_type)type);
                    o.nonfinite = keep ? AQ_NONFINITE_KEEP : AQ_NONFINITE_ERROR;
                    o.asymmetric = p % 2;
                    compare_isas(path, &o);
                }
        }
    }
}
END_TEST

START_TEST(nan_and_infinity_are_found_anywhere)
{
    static const aq_type types[] = {AQ_TYPE_Q8_0, AQ_TYPE_Q4_1, AQ_TYPE_Q6_K, AQ_TYPE_INT4};
    static float x[WEIGHTS];
    for (unsigned at = 0; at < 256; at += at < 70 ? 1 : 31)
        for (size_t t = 0; t < sizeof types / sizeof *types; t++) {
            char words[32];
            fill(x, all_equal);
            x[COLUMNS + at] = at % 2 == 0 ? NAN : -INFINITY;
            const char *path = put(sources[at % SOURCES], x, ROWS, COLUMNS);
            aq_quantize_options o = options_for(types[t]);
            outcome stopped = quantize(path, &o);
            snprintf(words, sizeof words, "'w', index %u ", COLUMNS + at);
            ck_assert_int_eq(stopped.status, AQ_NUMERIC);
            ck_assert_msg(strstr(stopped.message, words) != NULL, "%s", stopped.message);
            o.nonfinite = AQ_NONFINITE_KEEP;
            ck_assert_int_eq(quantize(path, &o).status, AQ_OK);
        }
}
END_TEST

/* ---- underflow ---- */

typedef struct underflow {
    aq_type type;
    aq_dtype dtype;
    float first, rest; /* of each block of 32 */
    uint64_t expected; /* blocks or groups of three rows of 512 */
} underflow;

static const underflow underflows[] = {
    {AQ_TYPE_Q8_0, AQ_DTYPE_F32, 1e-9f, 0.0f, 48},
    {AQ_TYPE_Q8_0, AQ_DTYPE_F32, 0.0f, 0.0f, 0},
    {AQ_TYPE_Q8_0, AQ_DTYPE_F32, 1e-3f, 1e-9f, 0},
    {AQ_TYPE_Q8_0, AQ_DTYPE_F32, -0.0f, 0.0f, 0},
    {AQ_TYPE_Q4_0, AQ_DTYPE_BF16, -1e-9f, 1e-9f, 48},
    {AQ_TYPE_Q5_0, AQ_DTYPE_F32, 1e-8f, 0.0f, 48},
    {AQ_TYPE_Q4_1, AQ_DTYPE_F32, 0.5f, 0.5f, 0},
    {AQ_TYPE_Q4_1, AQ_DTYPE_F32, 1e-9f, 1e-9f, 48},
    {AQ_TYPE_Q5_1, AQ_DTYPE_F32, 0.5f, 0.50000006f, 48},
    {AQ_TYPE_Q6_K, AQ_DTYPE_F32, 1e-12f, 0.0f, 6},
    {AQ_TYPE_Q6_K, AQ_DTYPE_F32, 1.0f, 0.0f, 0},
    {AQ_TYPE_Q4_K, AQ_DTYPE_F32, -0.5f, -0.5f, 0},
    {AQ_TYPE_Q4_K, AQ_DTYPE_F32, 1e-12f, 0.0f, 6},
    {AQ_TYPE_INT8, AQ_DTYPE_F16, 6e-8f, 0.0f, 12},
    {AQ_TYPE_INT8, AQ_DTYPE_F16, 0.0f, 0.0f, 0},
    {AQ_TYPE_INT8, AQ_DTYPE_F16, 0.1245f, 0.0f, 0},
    {AQ_TYPE_INT4, AQ_DTYPE_F32, 1e-30f, 0.0f, 0},
};

START_TEST(underflow_is_counted)
{
    static float x[WEIGHTS];
    const underflow *u = &underflows[_i];
    for (unsigned i = 0; i < WEIGHTS; i++)
        x[i] = i % 32 == 0 ? u->first : u->rest;
    aq_quantize_options o = options_for(u->type);
    const char *path = put(u->dtype, x, ROWS, COLUMNS);
    for (int mode = 0; mode < 2; mode++) {
        o.mode = (aq_mode)mode;
        outcome out = quantize(path, &o);
        ck_assert_msg(out.status == AQ_OK, "%s", out.message);
        ck_assert_uint_eq(out.underflows, u->expected);
    }
}
END_TEST

static uint64_t share_size(aq_type type)
{
    return aq_type_block(type) != 0 ? aq_type_block(type) : options_for(type).group_size;
}

static void put_ordinary(float *x, size_t weights)
{
    for (size_t i = 0; i < weights; i++)
        x[i] = (float)(i * 37 % 101) / 50.0f - 0.99f;
}

/* Exactly one, on every ISA: with nothing in its place, none. */
static void lose_one(const char *path, aq_quantize_options *o, uint64_t expected, unsigned place)
{
    for (int isa = AQ_ISA_SCALAR; isa < AQ_ISA_COUNT; isa++) {
        if (!aq_isa_usable((aq_isa)isa))
            continue;
        o->isa = (aq_isa)isa;
        outcome out = quantize(path, o);
        ck_assert_msg(out.status == AQ_OK, "%s", out.message);
        ck_assert_msg(out.underflows == expected, "%s on %s, share %u: %u lost instead of %u",
                      aq_type_name(o->type), aq_isa_name(o->isa), place, (unsigned)out.underflows,
                      (unsigned)expected);
    }
}

START_TEST(one_underflow_is_found_at_every_place)
{
    static float x[MOST_WEIGHTS];
    aq_quantize_options o = options_for((aq_type)_i);
    /* The last group of a row is short. Groups keep their scales in the weights' own
     * dtype, where only float16's can become zero. */
    const int packed = aq_type_block(o.type) == 0;
    float lost = packed ? 0x1p-24f : 1e-12f;
    uint64_t share = share_size(o.type), short_by = packed ? share / 2 : 0;
    uint64_t columns = SHARES * share - short_by;
    /* int2 has so few levels that the least float16 is a scale for the least float16. */
    int can_lose = o.type != AQ_TYPE_INT2;
    for (unsigned place = 0; place < ROWS * SHARES; place++) {
        uint64_t first = place / SHARES * columns + place % SHARES * share;
        uint64_t count = place % SHARES == SHARES - 1 ? share - short_by : share;
        for (int tiny = 0; tiny < 2; tiny++) {
            put_ordinary(x, (size_t)(ROWS * columns));
            for (uint64_t i = first; i < first + count; i++)
                x[i] = tiny ? (i % 2 ? lost : -lost) : 0.0f;
            o.asymmetric = place % 2 == 1;
            aq_dtype dtype = packed ? AQ_DTYPE_F16 : place % 2 ? AQ_DTYPE_BF16 : AQ_DTYPE_F32;
            lose_one(put(dtype, x, ROWS, columns), &o, (uint64_t)(tiny && can_lose), place);
        }
    }
}
END_TEST

/* ---- rounding ---- */

START_TEST(ties_and_minus_zero)
{
    float x[32] = {127.0f, 0.5f, 1.5f, -0.5f, -2.5f, -0.0f};
    static const int8_t expected[] = {127, 1, 2, -1, -3, 0};
    int8_t block[34];
    for (int isa = 0; isa < AQ_ISA_COUNT; isa++) {
        if (!aq_isa_usable((aq_isa)isa))
            continue;
        ck_assert_int_eq(
            aq_quantize_rows(AQ_TYPE_Q8_0, AQ_DTYPE_F32, x, 1, 32, block, (aq_isa)isa, NULL),
            AQ_OK);
        ck_assert_mem_eq(block + 2, expected, sizeof expected);
    }
}
END_TEST

/* ---- shapes ---- */

static const struct shape {
    const char *dtype;
    uint64_t dims[4];
    unsigned rank;
    size_t bytes;
    size_t quantized; /* to q8_0 and to int8 */
} shapes[] = {
    {"F32", {0}, 0, 4, 0},
    {"F16", {0, 32}, 2, 0, 0},
    {"F16", {32, 0}, 2, 0, 0},
    {"F32", {1, 32}, 2, 128, 2},
    {"F32", {64, 1}, 2, 256, 1}, /* no whole block */
    {"BF16", {2, 3, 2, 32}, 4, 768, 2},
    {"F16", {0, UINT64_C(1) << 40}, 2, 0, 0},
    {"F64", {2, 32}, 2, 512, 0},
    {"F16", {64}, 1, 128, 0},
};

START_TEST(shapes_at_the_edges)
{
    static const char zeros[1024];
    const struct shape *s = &shapes[_i];
    scratch_tensor t = {"w", s->dtype, {0}, s->rank, zeros, s->bytes};
    memcpy(t.shape, s->dims, sizeof t.shape);
    scratch_safetensors("shape.safetensors", &t, 1, NULL);
    size_t quantized = 0;
    for (int packed = 0; packed < 2; packed++) {
        aq_error err;
        aq_quantize_result result = {.size = sizeof result};
        aq_quantize_options o = options_for(packed ? AQ_TYPE_INT8 : AQ_TYPE_Q8_0);
        const char *out = scratch_path(packed ? "o.safetensors" : "o.gguf");
        aq_status status = aq_quantize(scratch_path("shape.safetensors"), out, &o, &result, &err);
        ck_assert_msg(status == AQ_OK, "%s", status == AQ_OK ? "" : err.message);
        quantized += result.tensors_quantized;
        aq_quantize_result_free(&result);
        aq_compare_result compared = {.size = sizeof compared};
        status = aq_compare(scratch_path("shape.safetensors"), out, NULL, &compared, &err);
        ck_assert_msg(status == AQ_OK, "%s", status == AQ_OK ? "" : err.message);
        aq_compare_result_free(&compared);
    }
    ck_assert_uint_eq(quantized, s->quantized);
}
END_TEST

int main(void)
{
    TCase *all = tcase_create("corners");
    tcase_add_checked_fixture(all, scratch_make, scratch_remove);
    tcase_add_test(all, every_isa_does_the_same);
    tcase_add_test(all, nan_and_infinity_are_found_anywhere);
    tcase_add_loop_test(all, underflow_is_counted, 0, sizeof underflows / sizeof *underflows);
    tcase_add_loop_test(all, one_underflow_is_found_at_every_place, 0, AQ_TYPE_COUNT);
    tcase_add_test(all, ties_and_minus_zero);
    tcase_add_loop_test(all, shapes_at_the_edges, 0, sizeof shapes / sizeof *shapes);
    return RUN_SUITE("corners", all);
}
