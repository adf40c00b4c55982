/* SPDX-License-Identifier: Apache-2.0
 * GGUF headers that are written, read back. */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "formats/dtype.h"
#include "gguf_bytes.h"
#include "suite.h"

static void layout_init(aq_layout *layout, aq_out_tensor *tensors, size_t count, aq_out_file *file)
{
    *layout = (aq_layout){.format = AQ_FORMAT_GGUF,
                          .files = file,
                          .file_count = 1,
                          .tensors = tensors,
                          .tensor_count = count};
}

static aq_model *reopen(const aq_out_file *file, uint8_t **bytes)
{
    aq_model *m;
    aq_error err;
    size_t size = (size_t)file->size;
    *bytes = calloc(1, size + 1);
    memcpy(*bytes, file->header, (size_t)file->header_size);
    aq_status status = model_from_bytes(*bytes, size, "y", aq_gguf_open, &m, &err);
    ck_assert_msg(status == AQ_OK, "%s", err.message);
    return m;
}

static void check_tensors(const aq_model *m, const aq_layout *layout)
{
    ck_assert_uint_eq(m->tensor_count, layout->tensor_count);
    for (size_t i = 0; i < m->tensor_count; i++) {
        const aq_tensor *in = &m->tensors[i];
        const aq_out_tensor *out = &layout->tensors[i];
        ck_assert_str_eq(in->name, out->name);
        ck_assert_int_eq(in->dtype, out->dtype);
        ck_assert_uint_eq(in->offset, out->offset);
        ck_assert_uint_eq(in->bytes, out->bytes);
        ck_assert_uint_eq(in->rank, out->rank > 0 ? out->rank : 1);
        for (uint32_t d = 0; d < out->rank; d++)
            ck_assert_uint_eq(in->shape[d], out->shape[d]);
    }
}

static const uint64_t matrix[] = {3, 64}, row[] = {5};

static void fill_tensors(aq_out_tensor out[3])
{
    out[0] = (aq_out_tensor){
        .name = "a", .dtype = AQ_DTYPE_Q4_0, .rank = 2, .shape = matrix, .bytes = 108};
    out[1] =
        (aq_out_tensor){.name = "b", .dtype = AQ_DTYPE_F16, .rank = 1, .shape = row, .bytes = 10};
    out[2] = (aq_out_tensor){.name = "c", .dtype = AQ_DTYPE_F32, .shape = row, .bytes = 4};
}

static const char *metadata_of(const aq_model *m, const char *key)
{
    for (size_t i = 0; i < m->metadata_count; i++)
        if (strcmp(m->metadata[i].key, key) == 0)
            return m->metadata[i].value;
    return "";
}

START_TEST(writes_new_metadata)
{
    aq_model from = {.format = AQ_FORMAT_SAFETENSORS, .path = "dir/my-model.safetensors"};
    aq_out_tensor tensors[3];
    aq_out_file file = {0};
    aq_layout layout;
    aq_error err;
    uint8_t *bytes;
    const uint32_t q4_0 = 2;
    fill_tensors(tensors);
    layout_init(&layout, tensors, 3, &file);
    ck_assert_msg(aq_gguf_layout(&layout, 0, &from, &q4_0, "llama", &err) == AQ_OK, "%s",
                  err.message);
    ck_assert_uint_eq(file.header_size % 32, 0);
    ck_assert_uint_eq(file.size, file.header_size + 128 + 32 + 32);
    ck_assert_uint_eq(tensors[1].offset, file.header_size + 128);
    aq_model *m = reopen(&file, &bytes);
    check_tensors(m, &layout);
    ck_assert_uint_eq(m->kv_count, 4);
    ck_assert_str_eq(m->kvs[0].key, "general.architecture");
    ck_assert_str_eq(metadata_of(m, "general.architecture"), "llama");
    ck_assert_str_eq(metadata_of(m, "general.name"), "my-model");
    ck_assert_str_eq(metadata_of(m, "general.file_type"), "2");
    ck_assert_str_eq(metadata_of(m, "general.quantization_version"), "2");
    aq_model_close(m);
    aq_arena_free(&layout.arena);
    free(bytes);
}
END_TEST

START_TEST(names_the_model)
{
    static const struct {
        const char *path, *directory, *name;
    } cases[] = {
        {"w.safetensors", NULL, "w"},
        {"/a/b.c", NULL, "b.c"},
        {"d/", "d/", "d"},
        {".", ".", ""},
        {"/", "/", ""},
        {"x/i.index.json", "x", "x"},
        {"../..", "../..", ""},
        {"a\xff", NULL, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        aq_model from = {.format = AQ_FORMAT_SAFETENSORS,
                         .path = cases[i].path,
                         .is_directory = cases[i].directory != NULL,
                         .directory = cases[i].directory};
        aq_out_file file = {0};
        aq_layout layout;
        aq_error err;
        uint8_t *bytes;
        layout_init(&layout, NULL, 0, &file);
        ck_assert_int_eq(aq_gguf_layout(&layout, 0, &from, NULL, NULL, &err), AQ_OK);
        aq_model *m = reopen(&file, &bytes);
        ck_assert_str_eq(metadata_of(m, "general.architecture"), "unknown");
        ck_assert_str_eq(metadata_of(m, "general.name"), cases[i].name);
        ck_assert_str_eq(metadata_of(m, "general.file_type"), "");
        aq_model_close(m);
        aq_arena_free(&layout.arena);
        free(bytes);
    }
}
END_TEST

/* All keys in their order, those that tell how the file was quantized last. */
static void check_kept(const aq_model *from, const aq_model *m, const uint32_t *file_type)
{
    size_t k = 0;
    for (size_t i = 0; i < from->kv_count; i++) {
        if (file_type != NULL && strcmp(from->kvs[i].key, "general.file_type") == 0)
            continue;
        ck_assert_str_eq(m->kvs[k].key, from->kvs[i].key);
        ck_assert_uint_eq(m->kvs[k].type, from->kvs[i].type);
        ck_assert_uint_eq(m->kvs[k].size, from->kvs[i].size);
        ck_assert_mem_eq(m->kvs[k++].value, from->kvs[i].value, (size_t)from->kvs[i].size);
    }
    ck_assert_str_eq(metadata_of(m, "general.file_type"), file_type != NULL ? "8" : "1");
    ck_assert_str_eq(metadata_of(m, "general.quantization_version"), file_type != NULL ? "2" : "");
    ck_assert_uint_eq(m->kv_count, k + (file_type != NULL ? 2 : 0));
    if (file_type != NULL)
        ck_assert_str_eq(m->kvs[k + 1].key, "general.file_type");
}

START_TEST(keeps_metadata)
{
    static const uint32_t q5_0 = 8;
    const uint32_t *const types[] = {NULL, &q5_0};
    aq_text t = {0};
    aq_model *from;
    aq_error err;
    valid_file(&t);
    ck_assert_int_eq(open_text(&t, &from, &err), AQ_OK);
    for (size_t i = 0; i < 2; i++) {
        aq_out_tensor tensors[3];
        aq_out_file file = {0};
        aq_layout layout;
        uint8_t *bytes;
        fill_tensors(tensors);
        layout_init(&layout, tensors, 3, &file);
        ck_assert_int_eq(aq_gguf_layout(&layout, 0, from, types[i], "ignored", &err), AQ_OK);
        aq_model *m = reopen(&file, &bytes);
        check_tensors(m, &layout);
        check_kept(from, m, types[i]);
        aq_model_close(m);
        aq_arena_free(&layout.arena);
        free(bytes);
    }
    aq_model_close(from);
    aq_text_free(&t);
}
END_TEST

START_TEST(keeps_the_alignment)
{
    aq_text t = {0};
    aq_model *from;
    aq_error err;
    aq_out_tensor tensors[3];
    aq_out_file file = {0};
    aq_layout layout;
    uint8_t *bytes;
    file_of_alignment(&t, 128);
    ck_assert_int_eq(open_text(&t, &from, &err), AQ_OK);
    fill_tensors(tensors);
    layout_init(&layout, tensors, 3, &file);
    ck_assert_int_eq(aq_gguf_layout(&layout, 0, from, NULL, NULL, &err), AQ_OK);
    ck_assert_uint_eq(file.header_size % 128, 0);
    ck_assert_uint_eq(file.size, file.header_size + 3 * 128);
    aq_model *m = reopen(&file, &bytes);
    check_tensors(m, &layout);
    aq_model_close(m);
    aq_model_close(from);
    aq_arena_free(&layout.arena);
    aq_text_free(&t);
    free(bytes);
}
END_TEST

#define NAME_63 "123456789012345678901234567890123456789012345678901234567890123"

START_TEST(refuses_to_write)
{
    static const uint64_t ones[] = {1, 1, 1, 1, 1}, odd[] = {2, 48};
    static const uint64_t wraps[] = {UINT64_C(1) << 32, UINT64_C(1) << 32};
    static const uint64_t whole[] = {UINT64_MAX};
    static const struct {
        aq_out_tensor tensor;
        const char *words;
    } cases[] = {
        {{.name = NAME_63 "4", .dtype = AQ_DTYPE_F32, .rank = 1, .shape = ones, .bytes = 4},
         NAME_63 "|63 bytes|rename"},
        {{.name = "t", .dtype = AQ_DTYPE_BOOL, .rank = 1, .shape = ones, .bytes = 1}, "'t'|BOOL"},
        {{.name = "t", .dtype = AQ_DTYPE_U8, .rank = 1, .shape = ones, .bytes = 1}, "'t'|U8"},
        {{.name = "t", .dtype = AQ_DTYPE_I8, .rank = 5, .shape = ones, .bytes = 1},
         "'t'|4 dimensions|5"},
        {{.name = "t", .dtype = AQ_DTYPE_Q8_0, .rank = 2, .shape = odd, .bytes = 102}, "'t'|Q8_0"},
        {{.name = "t", .dtype = AQ_DTYPE_F16, .rank = 1, .shape = ones, .bytes = 4}, "'t'|F16"},
        {{.name = "t", .dtype = AQ_DTYPE_I8, .rank = 2, .shape = wraps, .bytes = 0}, "'t'|I8"},
        {{.name = "t", .dtype = AQ_DTYPE_I8, .rank = 1, .shape = whole, .bytes = UINT64_MAX},
         "'t'|I8"},
        {{.name = "t", .dtype = AQ_DTYPE_F64, .rank = 1, .shape = whole, .bytes = UINT64_MAX},
         "'t'|F64"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        aq_model from = {.format = AQ_FORMAT_SAFETENSORS, .path = "x"};
        aq_out_tensor out = cases[i].tensor;
        aq_out_file file = {0};
        aq_layout layout;
        aq_error err;
        layout_init(&layout, &out, 1, &file);
        ck_assert_int_eq(aq_gguf_layout(&layout, 0, &from, NULL, NULL, &err), AQ_BAD_INPUT);
        ck_assert_msg(says(err.message, cases[i].words), "%s", err.message);
        aq_arena_free(&layout.arena);
    }
}
END_TEST

/* Each tensor by itself would fit into a file. */
START_TEST(refuses_to_write_more_than_a_file_holds)
{
    static const uint64_t half[] = {INT64_MAX}, rest[] = {INT64_MAX - 63};
    aq_out_tensor tensors[] = {
        {.name = "a", .dtype = AQ_DTYPE_I8, .rank = 1, .shape = half, .bytes = half[0]},
        {.name = "b", .dtype = AQ_DTYPE_I8, .rank = 1, .shape = half, .bytes = half[0]},
    };
    for (int i = 0; i < 2; i++) {
        aq_model from = {.format = AQ_FORMAT_SAFETENSORS, .path = "x"};
        aq_out_file file = {0};
        aq_layout layout;
        aq_error err;
        layout_init(&layout, tensors, 2, &file);
        ck_assert_int_eq(aq_gguf_layout(&layout, 0, &from, NULL, NULL, &err), AQ_BAD_INPUT);
        ck_assert_msg(says(err.message, "2^64"), "%s", err.message);
        aq_arena_free(&layout.arena);
        /* Now the tensors fit, but not with a header before them. */
        tensors[1].shape = rest;
        tensors[1].bytes = rest[0];
    }
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("gguf_write");
    tcase_set_timeout(tests, 120); /* a sanitizer on a busy machine is slow */
    tcase_add_test(tests, writes_new_metadata);
    tcase_add_test(tests, names_the_model);
    tcase_add_test(tests, keeps_metadata);
    tcase_add_test(tests, keeps_the_alignment);
    tcase_add_test(tests, refuses_to_write);
    tcase_add_test(tests, refuses_to_write_more_than_a_file_holds);
    return RUN_SUITE("gguf_write", tests);
}
