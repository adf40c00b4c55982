/* SPDX-License-Identifier: Apache-2.0
 * GGUF files that lie. */
#include <config.h>

#include <stdlib.h>

#include "formats/dtype.h"
#include "gguf_bytes.h"
#include "suite.h"

static void bad_magic(aq_text *t)
{
    valid_file(t);
    t->data[0] = 'g';
}

static void version_1(aq_text *t)
{
    valid_file(t);
    t->data[4] = 1;
}

static void version_4(aq_text *t)
{
    valid_file(t);
    t->data[4] = 4;
}

static void big_endian(aq_text *t)
{
    valid_file(t);
    memcpy(t->data + 4, "\0\0\0\3", 4);
}

static void many_tensors(aq_text *t)
{
    put_begin(t, UINT64_MAX, 0);
    put_data(t, 64);
}

static void many_kvs(aq_text *t)
{
    put_begin(t, 0, UINT64_C(1) << 60);
    put_data(t, 64);
}

static void long_key(aq_text *t)
{
    put_begin(t, 0, 1);
    put_u64(t, UINT64_MAX - 3);
    put_data(t, 64);
}

static void key_with_nul(aq_text *t)
{
    put_begin(t, 0, 1);
    put_u64(t, 3);
    aq_text_add(t, "a\0b", 3);
    put_data(t, 64);
}

static void key_no_utf8(aq_text *t)
{
    put_begin(t, 0, 1);
    put_kv_u32(t, "a\xff", 1);
}

static void kv_type(aq_text *t, uint32_t type)
{
    put_begin(t, 0, 1);
    put_string(t, "key");
    put_u32(t, type);
    put_data(t, 64);
}

static void unknown_kv_type(aq_text *t)
{
    kv_type(t, AQ_GGUF_TYPES);
}

static void array_of(aq_text *t, uint32_t type, uint64_t count)
{
    put_begin(t, 0, 1);
    put_string(t, "key");
    put_u32(t, AQ_GGUF_ARRAY);
    put_u32(t, type);
    put_u64(t, count);
    put_data(t, 64);
}

static void array_of_arrays(aq_text *t)
{
    array_of(t, AQ_GGUF_ARRAY, 1);
}

static void array_of_unknown(aq_text *t)
{
    array_of(t, 99, 1);
}

static void array_too_long(aq_text *t)
{
    array_of(t, AQ_GGUF_U64, 1000);
}

static void array_count_wraps(aq_text *t)
{
    array_of(t, AQ_GGUF_U64, UINT64_C(1) << 61);
}

static void strings_too_many(aq_text *t)
{
    array_of(t, AQ_GGUF_STRING, UINT64_C(1) << 40);
}

static void alignment_0(aq_text *t)
{
    file_of_alignment(t, 0);
}

static void alignment_24(aq_text *t)
{
    file_of_alignment(t, 24);
}

static void alignment_2g(aq_text *t)
{
    file_of_alignment(t, UINT32_C(1) << 31);
}

static void alignment_type(aq_text *t)
{
    put_begin(t, 0, 1);
    put_string(t, "general.alignment");
    put_u32(t, AQ_GGUF_U64);
    put_u64(t, 32);
    put_data(t, 64);
}

static void duplicate_key(aq_text *t)
{
    put_begin(t, 0, 2);
    put_kv_u32(t, "key", 1);
    put_kv_u32(t, "key", 2);
    put_data(t, 64);
}

static void duplicate_tensor(aq_text *t)
{
    put_begin(t, 2, 0);
    put_tensor(t, "w", 1, eight, 0, 0);
    put_tensor(t, "w", 1, eight, 0, 32);
    put_data(t, 64);
}

static void rank_5(aq_text *t)
{
    static const uint64_t dims[] = {1, 1, 1, 1, 1};
    file_of_tensor(t, 5, dims, 0, 0, 32);
}

/* In one order of multiplying the product wraps, in another it is zero. */
static void dims_wrap_to_zero(aq_text *t)
{
    static const uint64_t dims[] = {0, UINT64_C(1) << 32, UINT64_C(1) << 32};
    file_of_tensor(t, 3, dims, 0, 0, 32);
}

static void dims_wrap(aq_text *t)
{
    static const uint64_t dims[] = {UINT64_C(1) << 32, UINT64_C(1) << 32};
    file_of_tensor(t, 2, dims, 0, 0, 32);
}

static void dims_negative(aq_text *t)
{
    static const uint64_t dims[] = {UINT64_MAX};
    file_of_tensor(t, 1, dims, 0, 0, 32);
}

static void bytes_wrap(aq_text *t)
{
    static const uint64_t dims[] = {UINT64_C(1) << 62};
    file_of_tensor(t, 1, dims, 28, 0, 32);
}

static void broken_row(aq_text *t)
{
    static const uint64_t dims[] = {16, 4};
    file_of_tensor(t, 2, dims, 8, 0, 128);
}

static void offset_unaligned(aq_text *t)
{
    file_of_tensor(t, 1, eight, 0, 4, 64);
}

static void offset_far(aq_text *t)
{
    file_of_tensor(t, 1, eight, 0, UINT64_MAX - 31, 64);
}

static void offset_past(aq_text *t)
{
    file_of_tensor(t, 1, eight, 0, 64, 64);
}

static void overlap(aq_text *t)
{
    put_begin(t, 2, 0);
    put_tensor(t, "a", 2, two_rows, 8, 0);
    put_tensor(t, "b", 1, eight, 0, 64);
    put_data(t, 128);
}

static void no_data(aq_text *t)
{
    put_begin(t, 1, 0);
    put_tensor(t, "w", 1, eight, 0, 0);
}

static const struct {
    void (*make)(aq_text *);
    const char *words;
} refused[] = {
    {bad_magic, "no GGUF file"},
    {version_1, "version 1|not supported"},
    {version_4, "version 4|not supported"},
    {big_endian, "big-endian"},
    {many_tensors, "tensors|room"},
    {many_kvs, "metadata keys|room"},
    {long_key, "metadata key|past the file's end"},
    {key_with_nul, "metadata key|NUL"},
    {key_no_utf8, "metadata key|UTF-8"},
    {unknown_kv_type, "unknown type 13"},
    {array_of_arrays, "array of arrays"},
    {array_of_unknown, "unknown array type 99"},
    {array_too_long, "room"},
    {array_count_wraps, "room"},
    {strings_too_many, "room"},
    {alignment_0, "general.alignment"},
    {alignment_24, "general.alignment"},
    {alignment_2g, "general.alignment"},
    {alignment_type, "general.alignment"},
    {duplicate_key, "duplicate key 'key'"},
    {duplicate_tensor, "duplicate tensor 'w'"},
    {rank_5, "'w'|4 dimensions"},
    {dims_wrap, "'w'|does not fit"},
    {dims_wrap_to_zero, "'w'|does not fit"},
    {dims_negative, "'w'|does not fit"},
    {bytes_wrap, "'w'|does not fit"},
    {broken_row, "'w'|rows of 16|Q8_0"},
    {offset_unaligned, "'w'|alignment"},
    {offset_far, "'w'|past the end"},
    {offset_past, "'w'|past the end"},
    {overlap, "'b'|overlap"},
    {no_data, "before its tensor data"},
};

START_TEST(refuses_what_is_wrong)
{
    aq_text t = {0};
    aq_model *m;
    aq_error err;
    refused[_i].make(&t);
    ck_assert_int_eq(open_text(&t, &m, &err), AQ_BAD_INPUT);
    ck_assert_msg(says(err.message, "x.gguf") && says(err.message, refused[_i].words), "%s",
                  err.message);
    aq_text_free(&t);
}
END_TEST

static aq_status open_roomy(const aq_text *t, size_t size, aq_error *err)
{
    aq_model *m;
    uint8_t *bytes = calloc(1, size);
    ck_assert_ptr_nonnull(bytes);
    memcpy(bytes, t->data, t->size);
    aq_status status = model_from_bytes(bytes, size, "x.gguf", aq_gguf_open, &m, err);
    aq_model_close(m);
    free(bytes);
    return status;
}

/* What the file has room for is not yet sensible. */
START_TEST(bounds_what_there_is_room_for)
{
    static const struct {
        uint64_t tensors, kvs, key, size;
        const char *words;
    } roomy[] = {
        {1024 * 1024 + 1, 0, 0, 26 * 1024 * 1024, "1048577 tensors|or than 1048576"},
        {0, 65536 + 1, 0, 1024 * 1024, "65537 metadata keys|or than 65536"},
        {0, 1, 256 * 1024 * 1024, 257 * 1024 * 1024, "a metadata key|larger than 256 MiB"},
    };
    aq_text t = {0};
    aq_error err;
    put_begin(&t, roomy[_i].tensors, roomy[_i].kvs);
    put_u64(&t, roomy[_i].key);
    ck_assert_int_eq(open_roomy(&t, (size_t)roomy[_i].size, &err), AQ_BAD_INPUT);
    ck_assert_msg(says(err.message, roomy[_i].words), "%s", err.message);
    aq_text_free(&t);
}
END_TEST

/* A tensor without weights takes no room from another. */
START_TEST(empty_tensors_overlap_nothing)
{
    static const uint64_t none[] = {0};
    aq_text t = {0};
    aq_model *m;
    aq_error err;
    put_begin(&t, 2, 0);
    put_tensor(&t, "w", 1, (const uint64_t[]){32}, 0, 0);
    put_tensor(&t, "none", 1, none, 0, 32);
    put_data(&t, 128);
    ck_assert_msg(open_text(&t, &m, &err) == AQ_OK, "%s", err.message);
    ck_assert_uint_eq(m->tensor_count, 2);
    aq_model_close(m);
    aq_text_free(&t);
}
END_TEST

START_TEST(refuses_every_prefix)
{
    aq_text t = {0};
    aq_model *m;
    aq_error err;
    valid_file(&t);
    for (size_t n = 0; n < t.size; n++) {
        uint8_t *prefix = malloc(n + 1);
        memcpy(prefix, t.data, n);
        ck_assert_msg(model_from_bytes(prefix, n, "x.gguf", aq_gguf_open, &m, &err) == AQ_BAD_INPUT,
                      "%zu bytes", n);
        free(prefix);
    }
    aq_text_free(&t);
}
END_TEST

START_TEST(survives_every_flipped_bit)
{
    aq_text t = {0};
    aq_error err;
    aq_model *m;
    size_t opened = 0;
    valid_file(&t);
    for (size_t bit = 0; bit < 8 * (t.size - 100); bit++) {
        t.data[bit / 8] = (char)(t.data[bit / 8] ^ 1 << bit % 8);
        aq_status status = open_text(&t, &m, &err);
        ck_assert(status == AQ_OK || status == AQ_BAD_INPUT);
        for (size_t i = 0; m != NULL && i < m->tensor_count; i++) {
            const aq_tensor *found = &m->tensors[i];
            uint64_t bytes;
            ck_assert(aq_dtype_bytes(found->dtype, found->weights, &bytes));
            ck_assert_uint_eq(bytes, found->bytes);
            ck_assert(found->offset <= t.size && bytes <= t.size - found->offset);
        }
        opened += m != NULL;
        aq_model_close(m);
        t.data[bit / 8] = (char)(t.data[bit / 8] ^ 1 << bit % 8);
    }
    ck_assert_uint_gt(opened, 0);
    aq_text_free(&t);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("gguf_hostile");
    tcase_set_timeout(tests, 120); /* a sanitizer on a busy machine is slow */
    tcase_add_loop_test(tests, refuses_what_is_wrong, 0, sizeof refused / sizeof *refused);
    tcase_add_loop_test(tests, bounds_what_there_is_room_for, 0, 3);
    tcase_add_test(tests, empty_tensors_overlap_nothing);
    tcase_add_test(tests, refuses_every_prefix);
    tcase_add_test(tests, survives_every_flipped_bit);
    return RUN_SUITE("gguf_hostile", tests);
}
