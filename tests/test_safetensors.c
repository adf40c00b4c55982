/* SPDX-License-Identifier: Apache-2.0
 * What is read of safetensors files, and what is written. */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "formats/dtype.h"
#include "formats/safetensors.h"
#include "safetensors_bytes.h"
#include "suite.h"

START_TEST(reads_what_is_there)
{
    aq_model *m;
    aq_error err;
    aq_tensor_info t;
    const char *key, *value;
    ck_assert_msg(open_header(valid, sizeof valid - 1, VALID_DATA, &m, &err) == AQ_OK, "%s",
                  err.message);
    ck_assert_uint_eq(aq_model_tensors(m), 3);
    aq_model_tensor(m, 0, &t);
    ck_assert_str_eq(t.name, "a/x");
    ck_assert_int_eq(t.dtype, AQ_DTYPE_F32);
    ck_assert_uint_eq(t.rank, 0);
    ck_assert_uint_eq(t.weights, 1);
    ck_assert_uint_eq(t.offset, 8 + sizeof valid - 1);
    aq_model_tensor(m, 1, &t);
    ck_assert_str_eq(t.name, "b");
    ck_assert_uint_eq(t.rank, 2);
    ck_assert_uint_eq(t.shape[0], 2);
    ck_assert_uint_eq(t.shape[1], 3);
    ck_assert_uint_eq(t.bytes, 12);
    ck_assert_str_eq(t.file, "x.safetensors");
    aq_model_tensor(m, 2, &t);
    ck_assert_str_eq(t.name, "empty");
    ck_assert_uint_eq(t.weights, 0);
    ck_assert_uint_eq(aq_model_metadata(m), 2);
    aq_model_metadata_at(m, 1, &key, &value);
    ck_assert_str_eq(key, "note");
    ck_assert_str_eq(value, "a\xc3\xa9\xf0\x9f\x98\x80\n");
    ck_assert_str_eq(aq_model_format(m), "safetensors");
    aq_model_close(m);
}
END_TEST

/* Headers that are right, though unusual, with the bytes of data they need. */
static const struct {
    const char *header;
    size_t data;
} accepted[] = {
    {"{}", 0},
    {"{} \t\r\n", 0},
    {"{\"__metadata__\":null}", 0},
    {"{\"__metadata__\":{}}", 0},
    {"{\"\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1},
    {"{\"a\":{\"dtype\":\"F4\",\"shape\":[3,2],\"data_offsets\":[0,3]}}", 3},
    {"{\"a\":{\"dtype\":\"F6_E2M3\",\"shape\":[8],\"data_offsets\":[0,6]}}", 6},
    {"{\"a\":{\"dtype\":\"F6_E3M2\",\"shape\":[4],\"data_offsets\":[0,3]}}", 3},
    {"{\"a\":{\"dtype\":\"C64\",\"shape\":[1],\"data_offsets\":[0,8]}}", 8},
    {"{\"a\":{\"dtype\":\"U8\",\"shape\":[0,18446744073709551615],\"data_offsets\":[0,0]}}", 0},
    {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1],"
     "\"x\":[1e+5,1E-5,-0.5,1e5]}}",
     1},
    {"{\"a\":{\"d\\u0074ype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1],\"x\":{}}}", 1},
};

START_TEST(accepts_the_unusual)
{
    aq_model *m;
    aq_error err;
    const char *header = accepted[_i].header;
    ck_assert_msg(open_header(header, strlen(header), accepted[_i].data, &m, &err) == AQ_OK,
                  "%s: %s", header, err.message);
    aq_model_close(m);
}
END_TEST

/* Headers that must be refused (4 bytes of data), and what the message must say. */
static void layout_init(aq_layout *layout, aq_out_tensor *tensors, size_t count, aq_out_file *file)
{
    *layout = (aq_layout){.format = AQ_FORMAT_SAFETENSORS,
                          .files = file,
                          .file_count = 1,
                          .tensors = tensors,
                          .tensor_count = count};
}

/* What the writer wrote, the reader reads, and finds where the writer said. */
START_TEST(writes_what_it_reads)
{
    static const uint64_t shape[] = {3, 4}, one[] = {5};
    aq_pair pairs[] = {{"who", "\"me\"\t\x01"}, {"format", "np"}};
    aq_model from = {.format = AQ_FORMAT_SAFETENSORS, .metadata = pairs, .metadata_count = 2};
    aq_out_tensor tensors[] = {
        {.name = "w\"\\\n\xc3\xa9", .dtype = AQ_DTYPE_BF16, .rank = 2, .shape = shape, .bytes = 24},
        {.name = "f4", .dtype = AQ_DTYPE_F4, .rank = 2, .shape = shape, .bytes = 6},
        {.name = "f6", .dtype = AQ_DTYPE_F6_E3M2, .rank = 2, .shape = shape, .bytes = 9},
        {.name = "scalar", .dtype = AQ_DTYPE_F64, .rank = 0, .shape = shape, .bytes = 8},
        {.name = "odd", .dtype = AQ_DTYPE_U8, .rank = 1, .shape = one, .bytes = 5},
    };
    enum { COUNT = sizeof tensors / sizeof *tensors };
    aq_out_file file = {0};
    aq_layout layout;
    aq_error err;
    aq_model *m;
    layout_init(&layout, tensors, COUNT, &file);
    ck_assert_msg(aq_safetensors_layout(&layout, 0, &from, &err) == AQ_OK, "%s", err.message);
    ck_assert_uint_eq(file.header_size % 8, 0);
    ck_assert_uint_eq(file.size, file.header_size + 52);
    size_t size = (size_t)file.size;
    uint8_t *bytes = calloc(1, size);
    memcpy(bytes, file.header, (size_t)file.header_size);
    ck_assert_msg(model_from_bytes(bytes, size, "x", aq_safetensors_open, &m, &err) == AQ_OK, "%s",
                  err.message);
    ck_assert_uint_eq(m->tensor_count, COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        ck_assert_str_eq(m->tensors[i].name, tensors[i].name);
        ck_assert_int_eq(m->tensors[i].dtype, tensors[i].dtype);
        ck_assert_uint_eq(m->tensors[i].rank, tensors[i].rank);
        ck_assert_uint_eq(m->tensors[i].offset, tensors[i].offset);
        ck_assert_uint_eq(m->tensors[i].bytes, tensors[i].bytes);
    }
    ck_assert_uint_eq(m->metadata_count, 2);
    for (size_t i = 0; i < 2; i++) {
        ck_assert_str_eq(m->metadata[i].key, pairs[i].key);
        ck_assert_str_eq(m->metadata[i].value, pairs[i].value);
    }
    aq_model_close(m);
    aq_arena_free(&layout.arena);
    free(bytes);
}
END_TEST

START_TEST(writes_the_format_key)
{
    static const char expected[] = "{\"__metadata__\":{\"format\":\"pt\"},"
                                   "\"a\":{\"dtype\":\"I8\",\"shape\":[2],\"data_offsets\":[0,2]}}";
    static const uint64_t shape[] = {2};
    aq_out_tensor tensor = {
        .name = "a", .dtype = AQ_DTYPE_I8, .rank = 1, .shape = shape, .bytes = 2};
    aq_model from = {.format = AQ_FORMAT_GGUF};
    aq_out_file file = {0};
    aq_layout layout;
    aq_error err;
    layout_init(&layout, &tensor, 1, &file);
    ck_assert_int_eq(aq_safetensors_layout(&layout, 0, &from, &err), AQ_OK);
    ck_assert_mem_eq(file.header + 8, expected, sizeof expected - 1);
    for (size_t i = 8 + sizeof expected - 1; i < file.header_size; i++)
        ck_assert_int_eq(file.header[i], ' ');
    aq_arena_free(&layout.arena);
}
END_TEST

START_TEST(refuses_to_write)
{
    static const uint64_t shape[] = {32}, three[] = {3}, whole[] = {UINT64_MAX};
    static const uint64_t wraps[] = {UINT64_C(1) << 32, UINT64_C(1) << 32, 1};
    static const struct {
        aq_out_tensor tensor;
        const char *words;
    } cases[] = {
        {{.name = "t", .dtype = AQ_DTYPE_Q4_K, .rank = 1, .shape = shape, .bytes = 18},
         "in: tensor 't'|Q4_K|.gguf"},
        {{.name = "__metadata__", .dtype = AQ_DTYPE_U8, .rank = 1, .shape = shape, .bytes = 32},
         "in: tensor '__metadata__'"},
        {{.name = "t", .dtype = AQ_DTYPE_U8, .rank = 1, .shape = shape, .bytes = 31},
         "in: tensor 't'|31"},
        {{.name = "t", .dtype = AQ_DTYPE_F4, .rank = 1, .shape = three, .bytes = 2},
         "in: tensor 't'|F4"},
        {{.name = "t", .dtype = AQ_DTYPE_U8, .rank = 3, .shape = wraps, .bytes = 0},
         "in: tensor 't'|U8"},
        {{.name = "t", .dtype = AQ_DTYPE_U8, .rank = 1, .shape = whole, .bytes = UINT64_MAX},
         "in|2^64"},
    };
    aq_model from = {.path = "in", .format = AQ_FORMAT_SAFETENSORS};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        aq_out_tensor tensor = cases[i].tensor;
        aq_out_file file = {0};
        aq_layout layout;
        aq_error err;
        layout_init(&layout, &tensor, 1, &file);
        ck_assert_int_eq(aq_safetensors_layout(&layout, 0, &from, &err), AQ_BAD_INPUT);
        ck_assert_msg(says(err.message, cases[i].words), "%s", err.message);
        aq_arena_free(&layout.arena);
    }
}
END_TEST

/* Each tensor by itself would fit into a file. */
START_TEST(refuses_to_write_more_than_a_file_holds)
{
    static const uint64_t half[] = {UINT64_C(1) << 63};
    aq_out_tensor tensors[] = {
        {.name = "a", .dtype = AQ_DTYPE_U8, .rank = 1, .shape = half, .bytes = half[0]},
        {.name = "b", .dtype = AQ_DTYPE_U8, .rank = 1, .shape = half, .bytes = half[0]},
    };
    aq_model from = {.path = "in", .format = AQ_FORMAT_SAFETENSORS};
    aq_out_file file = {0};
    aq_layout layout;
    aq_error err;
    layout_init(&layout, tensors, 2, &file);
    ck_assert_int_eq(aq_safetensors_layout(&layout, 0, &from, &err), AQ_BAD_INPUT);
    ck_assert_msg(says(err.message, "'b'|2^64"), "%s", err.message);
    aq_arena_free(&layout.arena);
}
END_TEST

START_TEST(numbers_that_name_no_type)
{
    const aq_dtype dtypes[] = {(aq_dtype)-1, AQ_DTYPE_COUNT};
    const aq_type types[] = {(aq_type)-1, AQ_TYPE_COUNT};
    uint64_t bytes;
    for (size_t i = 0; i < 2; i++) {
        ck_assert_ptr_null(aq_dtype_name(dtypes[i]));
        ck_assert(!aq_dtype_bytes(dtypes[i], 32, &bytes));
        ck_assert_ptr_null(aq_type_name(types[i]));
        ck_assert_uint_eq(aq_type_block(types[i]), 0);
        ck_assert_uint_eq(aq_type_bytes(types[i], 32), 0);
        ck_assert_uint_eq(aq_type_bits(types[i]), 0);
    }
    ck_assert_uint_eq(aq_type_bytes(AQ_TYPE_INT4, 32), 0); /* which has no block */
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("safetensors");
    tcase_set_timeout(tests, 120); /* a sanitizer on a busy machine is slow */
    tcase_add_test(tests, reads_what_is_there);
    tcase_add_loop_test(tests, accepts_the_unusual, 0, sizeof accepted / sizeof *accepted);
    tcase_add_test(tests, writes_what_it_reads);
    tcase_add_test(tests, writes_the_format_key);
    tcase_add_test(tests, refuses_to_write);
    tcase_add_test(tests, refuses_to_write_more_than_a_file_holds);
    tcase_add_test(tests, numbers_that_name_no_type);
    return RUN_SUITE("safetensors", tests);
}
