/* SPDX-License-Identifier: Apache-2.0
 * safetensors files that lie. */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "formats/dtype.h"
#include "formats/safetensors.h"
#include "safetensors_bytes.h"
#include "suite.h"

static const struct {
    const char *header, *words;
} refused[] = {
    {"", "no safetensors file"},
    {" {}", "'{'"},
    {"[]", "'{'"},
    {"{", "too early"},
    {"{}x", "text after"},
    {"{\"a\"}", "header byte 4|':'"},
    {"{\"a\":}", "'a'|'{'"},
    {"{\"a\":[]}", "'a'|'{'"},
    {"{\"a\":null}", "'a'|'{'"},
    {"{" U8("a", 0, 4, 4) ",}", "expected a string"},
    {"{," U8("a", 0, 4, 4) "}", "expected a string"},
    {"{" U8("a", 0, 2, 2) " " U8("b", 2, 4, 2) "}", "','"},
    {"{" U8("a", 0, 4, 4), "too early"},
    /* the tensor's fields */
    {"{\"a\":{\"shape\":[4],\"data_offsets\":[0,4]}}", "'a'|without dtype"},
    {"{\"a\":{\"dtype\":\"U8\",\"data_offsets\":[0,4]}}", "'a'|without shape"},
    {"{\"a\":{\"dtype\":\"U8\",\"shape\":[4]}}", "'a'|without data_offsets"},
    {F32("\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]"), "'a'|duplicate field"},
    {"{\"a\":{\"dtype\":\"F33\",\"shape\":[1],\"data_offsets\":[0,4]}}", "'a'|unknown dtype 'F33'"},
    {"{\"a\":{\"dtype\":\"f32\",\"shape\":[1],\"data_offsets\":[0,4]}}", "unknown dtype 'f32'"},
    {"{\"a\":{\"dtype\":\"Q8_0\",\"shape\":[1],\"data_offsets\":[0,4]}}", "unknown dtype 'Q8_0'"},
    {"{\"a\":{\"dtype\":\"F32\\u0000\",\"shape\":[1],\"data_offsets\":[0,4]}}", "unknown dtype"},
    {"{\"a\":{\"dtype\":\"F32F32F32F32F32F32\",\"shape\":[1],\"data_offsets\":[0,4]}}",
     "unknown dtype"},
    {"{\"a\":{\"dtype\":4,\"shape\":[1],\"data_offsets\":[0,4]}}", "expected a string"},
    {F32("\"shape\":[1.0],\"data_offsets\":[0,4]"), "whole number"},
    {F32("\"shape\":[1e0],\"data_offsets\":[0,4]"), "whole number"},
    {F32("\"shape\":[1E0],\"data_offsets\":[0,4]"), "whole number"},
    {F32("\"shape\":[-1],\"data_offsets\":[0,4]"), "not negative"},
    {F32("\"shape\":[01],\"data_offsets\":[0,4]"), "leading zero"},
    {F32("\"shape\":[\"1\"],\"data_offsets\":[0,4]"), "whole number"},
    {F32("\"shape\":[18446744073709551616],\"data_offsets\":[0,4]"), "2^64"},
    {F32("\"shape\":[99999999999999999999999],\"data_offsets\":[0,4]"), "2^64"},
    {F32("\"shape\":[4294967296,4294967296],\"data_offsets\":[0,4]"), "product does not fit"},
    {F32("\"shape\":[9223372036854775808,2,0],\"data_offsets\":[0,0]"), "product does not fit"},
    {F32("\"shape\":[4611686018427387904],\"data_offsets\":[0,0]"), "'a'|too many"},
    {F32("\"shape\":[1],\"data_offsets\":[0]"), "'a'"},
    {F32("\"shape\":[1],\"data_offsets\":[0,4,8]"), "'a'"},
    {F32("\"shape\":[1],\"data_offsets\":[4,0]"), "'a'|[4, 0]"},
    {F32("\"shape\":[1],\"data_offsets\":[0,5]"), "'a'|outside|4 bytes"},
    {F32("\"shape\":[1],\"data_offsets\":[18446744073709551612,4]"), "outside"},
    {F32("\"shape\":[1],\"data_offsets\":[0,3]"), "'a'|takes 4|hold 3"},
    {F32("\"shape\":[0],\"data_offsets\":[0,4]"), "takes 0|hold 4"},
    {"{\"a\":{\"dtype\":\"F4\",\"shape\":[7],\"data_offsets\":[0,4]}}", "whole number of bytes"},
    {"{\"a\":{\"dtype\":\"F6_E2M3\",\"shape\":[5],\"data_offsets\":[0,4]}}", "whole number of"},
    /* the ranges together */
    {"{}", "belong to none"},
    {"{" U8("a", 0, 3, 3) "}", "1 bytes after"},
    {"{" U8("a", 1, 4, 3) "}", "'a'|hole"},
    {"{" U8("a", 0, 2, 2) "," U8("b", 3, 4, 1) "}", "'b'|hole"},
    {"{" U8("b", 2, 4, 2) "," U8("a", 0, 3, 3) "}", "'b'|overlap"},
    {"{" U8("a", 0, 4, 4) "," U8("b", 0, 4, 4) "}", "'b'|overlap"},
    /* names */
    {"{" U8("a", 0, 2, 2) "," U8("a", 2, 4, 2) "}", "duplicate tensor 'a'"},
    {"{" U8("a", 0, 2, 2) "," U8("\\u0061", 2, 4, 2) "}", "duplicate tensor 'a'"},
    {"{" U8("a\\u0000b", 0, 4, 4) "}", "NUL"},
    {"{" U8("a\\ud800", 0, 4, 4) "}", "surrogate"},
    {"{" U8("a\\udc00", 0, 4, 4) "}", "surrogate"},
    {"{" U8("a\\ud800\\u0061", 0, 4, 4) "}", "surrogate"},
    {"{" U8("a\\x", 0, 4, 4) "}", "escape"},
    {"{" U8("a\\u12", 0, 4, 4) "}", "escape"},
    {"{" U8("a\n", 0, 4, 4) "}", "control character"},
    {"{" U8("\xc0\x80", 0, 4, 4) "}", "UTF-8"},
    {"{" U8("\xed\xa0\x80", 0, 4, 4) "}", "UTF-8"},
    {"{" U8("\xf4\x90\x80\x80", 0, 4, 4) "}", "UTF-8"},
    {"{" U8("\xff", 0, 4, 4) "}", "UTF-8"},
    {"{" U8("\xe2\x82", 0, 4, 4) "}", "UTF-8"},
    {"{" U8("\xf0\x9f\x98", 0, 4, 4) "}", "UTF-8"},
    {"{\"\xe2\x82", "UTF-8"},
    {"{\"\xf0\x9f\x98", "UTF-8"},
    {"{\"a", "unfinished string"},
    {"{\"a\\", "unfinished string"},
    /* what is ignored must still be JSON */
    {F32("\"x\":tru,\"shape\":[1],\"data_offsets\":[0,4]"), "invalid JSON value"},
    {F32("\"x\":1.,\"shape\":[1],\"data_offsets\":[0,4]"), "invalid number"},
    {F32("\"x\":00,\"shape\":[1],\"data_offsets\":[0,4]"), "leading zero"},
    {F32("\"x\":+1,\"shape\":[1],\"data_offsets\":[0,4]"), "invalid number"},
    {F32("\"x\":1e,\"shape\":[1],\"data_offsets\":[0,4]"), "invalid number"},
    {F32("\"x\":[1,],\"shape\":[1],\"data_offsets\":[0,4]"), "'a'"},
    {F32("\"x\":{1:2},\"shape\":[1],\"data_offsets\":[0,4]"), "expected a string"},
    {F32("\"x\":[}],\"shape\":[1],\"data_offsets\":[0,4]"), "'a'"},
    {F32("\"x\":\"\xfe\",\"shape\":[1],\"data_offsets\":[0,4]"), "UTF-8"},
    /* metadata */
    {"{\"__metadata__\":[]," U8("a", 0, 4, 4) "}", "'{'"},
    {"{\"__metadata__\":{\"k\":1}," U8("a", 0, 4, 4) "}", "not a string"},
    {"{\"__metadata__\":{\"k\":null}," U8("a", 0, 4, 4) "}", "not a string"},
    {"{\"__metadata__\":{\"k\":\"\\u0000\"}," U8("a", 0, 4, 4) "}", "NUL"},
    {"{\"__metadata__\":{\"k\":\"\",\"\\u006b\":\"\"}," U8("a", 0, 4, 4) "}", "duplicate key|'k'"},
    {"{\"__metadata__\":{},\"__metadata\\u005f_\":{}," U8("a", 0, 4, 4) "}",
     "duplicate __metadata__"},
};

START_TEST(refuses_what_is_wrong)
{
    aq_model *m;
    aq_error err;
    const char *header = refused[_i].header;
    aq_status status = open_header(header, strlen(header), 4, &m, &err);
    ck_assert_msg(status == AQ_BAD_INPUT, "%s: accepted", header);
    ck_assert_msg(says(err.message, "x.safetensors") && says(err.message, refused[_i].words),
                  "%s: %s", header, err.message);
}
END_TEST

static size_t nested(char *out, unsigned depth)
{
    char *p = out;
    p += sprintf(p, "{\"a\":{\"x\":");
    memset(p, '[', depth);
    memset(p + depth, ']', depth);
    p += 2 * depth;
    p += sprintf(p, ",\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]}}");
    return (size_t)(p - out);
}

START_TEST(bounds_the_depth)
{
    char header[2048];
    aq_model *m;
    aq_error err;
    size_t n = nested(header, 126); /* two objects are open around it */
    ck_assert_msg(open_header(header, n, 4, &m, &err) == AQ_OK, "%s", err.message);
    aq_model_close(m);
    n = nested(header, 127);
    ck_assert_int_eq(open_header(header, n, 4, &m, &err), AQ_BAD_INPUT);
    ck_assert_msg(says(err.message, "nested deeper"), "%s", err.message);
}
END_TEST

static aq_status open_bytes(const void *bytes, size_t size, aq_error *err)
{
    aq_model *m;
    aq_status status = model_from_bytes(bytes, size, "x.safetensors", aq_safetensors_open, &m, err);
    aq_model_close(m);
    return status;
}

START_TEST(refuses_lying_lengths)
{
    static const struct {
        uint64_t length;
        size_t size;
        const char *words;
    } cases[] = {
        {0, 0, "too few"},
        {2, 7, "too few"},
        {0, 8, "no safetensors file"},
        {3, 10, "cut short"},
        {100000001, 10, "more than"},
        {UINT64_MAX, 10, "more than"},
        {100000000, 10, "cut short"},
    };
    aq_error err;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char bytes[16] = {0};
        memcpy(bytes, &cases[i].length, 8);
        memcpy(bytes + 8, "{}", 2);
        ck_assert_int_eq(open_bytes(bytes, cases[i].size, &err), AQ_BAD_INPUT);
        ck_assert_msg(says(err.message, cases[i].words), "%zu: %s", i, err.message);
    }
}
END_TEST

START_TEST(refuses_every_prefix)
{
    size_t size;
    aq_error err;
    uint8_t *bytes = file_of(valid, sizeof valid - 1, VALID_DATA, &size);
    ck_assert_int_eq(open_bytes(bytes, size, &err), AQ_OK);
    for (size_t n = 0; n < size; n++) {
        /* A copy of exactly n bytes, so that a sanitizer sees any read past them. */
        uint8_t *prefix = malloc(n + 1);
        memcpy(prefix, bytes, n);
        ck_assert_msg(open_bytes(prefix, n, &err) == AQ_BAD_INPUT, "%zu bytes", n);
        ck_assert(err.message[0] != '\0');
        free(prefix);
    }
    free(bytes);
}
END_TEST

/* What a model promises to those who use it. */
static void check_consistent(const aq_model *m, size_t size)
{
    for (size_t i = 0; i < m->tensor_count; i++) {
        const aq_tensor *t = &m->tensors[i];
        uint64_t weights = 1, bytes;
        for (uint32_t d = 0; d < t->rank; d++)
            weights *= t->shape[d];
        ck_assert(aq_dtype_bytes(t->dtype, weights, &bytes));
        ck_assert_uint_eq(weights, t->weights);
        ck_assert_uint_eq(bytes, t->bytes);
        ck_assert(t->offset <= size && t->bytes <= size - t->offset);
    }
}

START_TEST(survives_every_flipped_bit)
{
    size_t size, opened = 0;
    aq_error err;
    aq_model *m;
    uint8_t *bytes = file_of(valid, sizeof valid - 1, VALID_DATA, &size);
    for (size_t bit = 0; bit < 8 * (size - VALID_DATA); bit++) {
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        err.message[0] = '\0';
        aq_status status =
            model_from_bytes(bytes, size, "x.safetensors", aq_safetensors_open, &m, &err);
        if (status == AQ_OK) {
            opened++;
            check_consistent(m, size);
            aq_model_close(m);
        } else {
            ck_assert_int_eq(status, AQ_BAD_INPUT);
            ck_assert(says(err.message, "x.safetensors"));
        }
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    ck_assert_uint_gt(opened, 0); /* a letter of a name may change */
    free(bytes);
}
END_TEST

static double cpu_seconds(void)
{
    struct timespec t;
    ck_assert_int_eq(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t), 0);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* CPU time of opening that many tensors, last in the file first in the header. */
static double cost_of_opening(unsigned count)
{
    char *header = malloc(count * (size_t)96), *p = header;
    aq_model *m;
    aq_error err;
    *p++ = '{';
    for (unsigned i = count; i-- > 0;)
        p += sprintf(p,
                     "\"model.layers.%u.weight\":{\"dtype\":\"U8\",\"shape\":[1,1],"
                     "\"data_offsets\":[%u,%u]}%c",
                     i, i, i + 1, i > 0 ? ',' : '}');
    double begin = cpu_seconds();
    aq_status status = open_header(header, (size_t)(p - header), count, &m, &err);
    double cost = cpu_seconds() - begin;
    ck_assert_msg(status == AQ_OK, "%s", err.message);
    ck_assert_uint_eq(aq_model_tensors(m), count);
    ck_assert_str_eq(m->tensors[7].name, "model.layers.7.weight");
    aq_model_close(m);
    free(header);
    return cost;
}

/* Eight times the tensors cost about eight times as much, not 64 times. */
START_TEST(opening_is_not_quadratic)
{
    double few = 1e9, many = 1e9;
    for (int round = 0; round < 3; round++) {
        double a = cost_of_opening(8000), b = cost_of_opening(64000);
        few = a < few ? a : few;
        many = b < many ? b : many;
    }
    ck_assert_msg(many < 24 * few, "%g s for 8 times what took %g s", many, few);
}
END_TEST

/* Headers of the size that is allowed, made to cost as much as possible before they are refused.
 * The bound is on what the library holds. */
enum { HUGE_SIZE = AQ_SAFETENSORS_HEADER_MAX / 4 };

static size_t repeat(char *out, const char *begin, const char *piece)
{
    size_t at = strlen(begin), n = strlen(piece);
    memcpy(out, begin, at);
    for (; at + n <= HUGE_SIZE; at += n)
        memcpy(out + at, piece, n);
    return at;
}

/* As many tensors as there is room for, and one that has the name of the first. */
static size_t many_entries(char *out, unsigned step)
{
    size_t at = (size_t)sprintf(out, "{");
    for (uint32_t i = 0; at + 256 < HUGE_SIZE; i++) {
        unsigned offset = i * step % 1000003;
        at += (size_t)sprintf(out + at,
                              "\"%x\":{\"dtype\":\"I8\",\"shape\":[0],\"data_offsets\":[%u,%u]},",
                              i, offset, offset);
    }
    at +=
        (size_t)sprintf(out + at, "\"0\":{\"dtype\":\"I8\",\"shape\":[0],\"data_offsets\":[0,0]}}");
    return at;
}

static size_t costly(int kind, char *out)
{
    switch (kind) {
    case 0:
        return repeat(out, "{\"a\":{\"x\":", "[");
    case 1:
        return repeat(out, "{\"a\":{\"x\":[", "0,");
    case 2:
        return repeat(out, "{\"a\":{\"x\":[", "{\"\":[]},");
    case 3:
        return repeat(out, "{\"a\":{\"shape\":[", "1,");
    case 4:
        return repeat(out, "{\"", "\\u0061");
    case 5:
        return repeat(out, "{\"__metadata__\":{", "\"\":\"\",");
    case 6:
        return many_entries(out, 0);
    default:
        return many_entries(out, 7919);
    }
}

START_TEST(refuses_cheaply)
{
    size_t size;
    aq_error err;
    char *header = malloc(HUGE_SIZE + 256);
    uint8_t *bytes = file_of(header, costly(_i, header), 1000003, &size);
    free(header);
    aq_memory_reset_peak();
    ck_assert_int_eq(open_bytes(bytes, size, &err), AQ_BAD_INPUT);
    free(bytes);
    /* A quarter of the allowed size, so a quarter of 64 MiB above it. */
    ck_assert_uint_le(aq_memory_peak(), size + 16 * 1024 * 1024);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("safetensors_hostile");
    tcase_set_timeout(tests, 120); /* a sanitizer on a busy machine is slow */
    tcase_add_loop_test(tests, refuses_what_is_wrong, 0, sizeof refused / sizeof *refused);
    tcase_add_test(tests, bounds_the_depth);
    tcase_add_test(tests, refuses_lying_lengths);
    tcase_add_test(tests, refuses_every_prefix);
    tcase_add_test(tests, survives_every_flipped_bit);
    tcase_add_test(tests, opening_is_not_quadratic);
    tcase_add_loop_test(tests, refuses_cheaply, 0, 8);
    return RUN_SUITE("safetensors_hostile", tests);
}
