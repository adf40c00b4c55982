/* SPDX-License-Identifier: Apache-2.0
 * What is read of GGUF files. */
#include <config.h>

#include <stdlib.h>

#include "formats/dtype.h"
#include "gguf_bytes.h"
#include "suite.h"

START_TEST(reads_what_is_there)
{
    static const char *const values[] = {
        "lla ma",
        "1",
        "3.14159265358979",
        "0.5",
        "-128",
        "true",
        "[even, odd, even, odd, even, odd, even, odd, ... 10 in all]",
        "[1, -1]"};
    aq_text t = {0};
    aq_model *m;
    aq_error err;
    aq_tensor_info info;
    const char *key, *value;
    valid_file(&t);
    ck_assert_msg(open_text(&t, &m, &err) == AQ_OK, "%s", err.message);
    ck_assert_str_eq(aq_model_format(m), "gguf");
    ck_assert_uint_eq(aq_model_tensors(m), 2);
    aq_model_tensor(m, 0, &info); /* in the order they lie in, not that of the header */
    ck_assert_str_eq(info.name, "bias");
    ck_assert_int_eq(info.dtype, AQ_DTYPE_F32);
    ck_assert_uint_eq(info.offset, t.size - 100);
    aq_model_tensor(m, 1, &info);
    ck_assert_str_eq(info.name, "blk.0.w");
    ck_assert_int_eq(info.dtype, AQ_DTYPE_Q8_0);
    ck_assert_uint_eq(info.rank, 2);
    ck_assert_uint_eq(info.shape[0], 2);
    ck_assert_uint_eq(info.shape[1], 32);
    ck_assert_uint_eq(info.bytes, 68);
    ck_assert_uint_eq(info.offset, t.size - 68);
    ck_assert_uint_eq(aq_model_metadata(m), 8);
    for (size_t i = 0; i < 8; i++) {
        aq_model_metadata_at(m, i, &key, &value);
        ck_assert_str_eq(value, values[i]);
        ck_assert_str_eq(key, m->kvs[i].key);
    }
    aq_model_close(m);
    aq_text_free(&t);
}
END_TEST

static void shows(uint32_t type, const void *bytes, uint64_t size, const char *expected)
{
    aq_arena arena = {0};
    aq_gguf_kv kv = {"k", type, bytes, size};
    ck_assert_str_eq(aq_gguf_text(&arena, &kv), expected);
    aq_arena_free(&arena);
}

START_TEST(shows_values)
{
    aq_text t = {0}, long_string = {0}, cut = {0};
    shows(AQ_GGUF_U8, "\xff", 1, "255");
    shows(AQ_GGUF_U64, "\xff\xff\xff\xff\xff\xff\xff\xff", 8, "18446744073709551615");
    shows(AQ_GGUF_I64, "\0\0\0\0\0\0\0\x80", 8, "-9223372036854775808");
    shows(AQ_GGUF_I32, "\xfe\xff\xff\xff", 4, "-2");
    shows(AQ_GGUF_BOOL, "", 1, "false");
    shows(AQ_GGUF_STRING, "\0\0\0\0\0\0\0", 8, "");
    shows(AQ_GGUF_STRING, "\x03\0\0\0\0\0\0\0a\xff\tb", 11, "a? ");
    aq_text_fill(&long_string, 'x', 201);
    aq_text_add(&long_string, "", 1);
    put_string(&t, long_string.data);
    aq_text_fill(&cut, 'x', 200);
    aq_text_add(&cut, "...", 4);
    shows(AQ_GGUF_STRING, t.data, t.size, cut.data);
    aq_text_free(&t);
    aq_text_free(&long_string);
    aq_text_free(&cut);
}
END_TEST

/* Of an array, the first. */
START_TEST(numbers_are_found_by_their_keys)
{
    static const struct {
        uint32_t type;
        const char *bytes;
        bool found;
        uint64_t value;
    } cases[] = {
        {AQ_GGUF_U8, "\xff", true, 255},
        {AQ_GGUF_U16, "\x01\x02", true, 513},
        {AQ_GGUF_U64, "\x01\0\0\0\x01\0\0\0", true, (UINT64_C(1) << 32) + 1},
        {AQ_GGUF_I8, "\x7f", true, 127},
        {AQ_GGUF_I8, "\xff", false, 0},
        {AQ_GGUF_I64, "\x05\0\0\0\0\0\0\0", true, 5},
        {AQ_GGUF_F32, "\0\0\0\0", false, 0},
        {AQ_GGUF_BOOL, "\x01", false, 0},
        {AQ_GGUF_ARRAY, "\x04\0\0\0\x02\0\0\0\0\0\0\0\x07\0\0\0\x08\0\0\0", true, 7},
        {AQ_GGUF_ARRAY, "\x06\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0", false, 0},
        {AQ_GGUF_ARRAY, "\x04\0\0\0\0\0\0\0\0\0\0\0", false, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *const others[] = {"arch", "archcount", "other.count", "arch.counts"};
        aq_gguf_kv kvs[5];
        uint64_t value = 0;
        for (size_t k = 0; k < 4; k++)
            kvs[k] = (aq_gguf_kv){others[k], AQ_GGUF_U8, (const uint8_t *)"\x63", 1};
        kvs[4] = (aq_gguf_kv){"arch.count", cases[i].type, (const uint8_t *)cases[i].bytes, 8};
        aq_model m = {.kvs = kvs, .kv_count = 5};
        ck_assert_msg(aq_gguf_number(&m, "arch", "count", &value) == cases[i].found, "%zu", i);
        ck_assert(!cases[i].found || value == cases[i].value);
        m.kv_count = 4;
        ck_assert(!aq_gguf_number(&m, "arch", "count", &value));
    }
}
END_TEST

START_TEST(strings_are_found_by_their_keys)
{
    aq_text t = {0};
    aq_model *m;
    aq_error err;
    valid_file(&t);
    ck_assert_msg(open_text(&t, &m, &err) == AQ_OK, "%s", err.message);
    ck_assert_str_eq(aq_gguf_string(m, "general.architecture"), "lla ma");
    ck_assert_ptr_null(aq_gguf_string(m, "general.file_type"));
    ck_assert_ptr_null(aq_gguf_string(m, "general.name"));
    ck_assert_str_eq(aq_model_file(m, 0), "x.gguf");
    ck_assert_ptr_null(aq_model_file(m, 1));
    aq_model_close(m);
    aq_text_free(&t);
}
END_TEST

/* 4 and 5, 31 to 33, 36 to 38 were types once. */
START_TEST(knows_every_type)
{
    static const uint64_t dims[] = {256};
    for (uint32_t type = 0; type < 50; type++) {
        bool removed = type == 4 || type == 5 || (type >= 31 && type <= 33) ||
                       (type >= 36 && type <= 38) || type > 42;
        aq_text t = {0};
        aq_model *m;
        aq_error err;
        file_of_tensor(&t, 1, dims, type, 0, 4096);
        aq_status status = open_text(&t, &m, &err);
        if (removed) {
            ck_assert_int_eq(status, AQ_BAD_INPUT);
            ck_assert_msg(says(err.message, "'w'|removed"), "%s", err.message);
        } else {
            ck_assert_msg(status == AQ_OK, "%s", err.message);
            ck_assert_int_eq(aq_dtype_get(m->tensors[0].dtype)->ggml, (int)type);
        }
        aq_model_close(m);
        aq_text_free(&t);
    }
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("gguf");
    tcase_set_timeout(tests, 120); /* a sanitizer on a busy machine is slow */
    tcase_add_test(tests, reads_what_is_there);
    tcase_add_test(tests, shows_values);
    tcase_add_test(tests, numbers_are_found_by_their_keys);
    tcase_add_test(tests, strings_are_found_by_their_keys);
    tcase_add_test(tests, knows_every_type);
    return RUN_SUITE("gguf", tests);
}
