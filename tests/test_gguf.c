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
    tcase_add_test(tests, knows_every_type);
    return RUN_SUITE("gguf", tests);
}
