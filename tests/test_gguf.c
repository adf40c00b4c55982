/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "formats/dtype.h"
#include "formats/gguf.h"
#include "model_bytes.h"
#include "suite.h"

/* ---- files made by hand ---- */

static void u32(aq_text *t, uint32_t v)
{
    aq_text_add(t, &v, 4);
}

static void u64(aq_text *t, uint64_t v)
{
    aq_text_add(t, &v, 8);
}

static void string(aq_text *t, const char *s)
{
    u64(t, strlen(s));
    aq_text_puts(t, s);
}

static void begin(aq_text *t, uint64_t tensors, uint64_t kvs)
{
    aq_text_puts(t, "GGUF");
    u32(t, 3);
    u64(t, tensors);
    u64(t, kvs);
}

static void kv_u32(aq_text *t, const char *key, uint32_t value)
{
    string(t, key);
    u32(t, AQ_GGUF_U32);
    u32(t, value);
}

static void tensor(aq_text *t, const char *name, uint32_t rank, const uint64_t *dims, uint32_t type,
                   uint64_t offset)
{
    string(t, name);
    u32(t, rank);
    for (uint32_t i = 0; i < rank; i++)
        u64(t, dims[i]);
    u32(t, type);
    u64(t, offset);
}

static void data(aq_text *t, size_t size)
{
    aq_text_fill(t, '\0', -t->size % 32);
    for (size_t i = 0; i < size; i++)
        aq_text_fill(t, (char)i, 1);
}

static aq_status open_text(const aq_text *t, aq_model **model, aq_error *err)
{
    return model_from_bytes(t->data, t->size, "x.gguf", aq_gguf_open, model, err);
}

static const uint64_t two_rows[] = {32, 2}, eight[] = {8};

static void put_array_of_strings(aq_text *t, const char *key, uint64_t count)
{
    string(t, key);
    u32(t, AQ_GGUF_ARRAY);
    u32(t, AQ_GGUF_STRING);
    u64(t, count);
    for (uint64_t i = 0; i < count; i++)
        string(t, i % 2 ? "odd" : "even");
}

/* Every kind of value, two tensors. */
static void valid_file(aq_text *t)
{
    const double pi = 3.14159265358979;
    const float half = 0.5F;
    begin(t, 2, 8);
    string(t, "general.architecture");
    u32(t, AQ_GGUF_STRING);
    string(t, "lla\nma");
    kv_u32(t, "general.file_type", 1);
    string(t, "f64");
    u32(t, AQ_GGUF_F64);
    aq_text_add(t, &pi, 8);
    string(t, "f32");
    u32(t, AQ_GGUF_F32);
    aq_text_add(t, &half, 4);
    string(t, "i8");
    u32(t, AQ_GGUF_I8);
    aq_text_puts(t, "\x80");
    string(t, "bool");
    u32(t, AQ_GGUF_BOOL);
    aq_text_puts(t, "\x01");
    put_array_of_strings(t, "tokens", 10);
    string(t, "numbers");
    u32(t, AQ_GGUF_ARRAY);
    u32(t, AQ_GGUF_I16);
    u64(t, 2);
    aq_text_add(t, "\x01\x00\xff\xff", 4);
    tensor(t, "blk.0.w", 2, two_rows, 8, 32);
    tensor(t, "bias", 1, eight, 0, 0);
    data(t, 32 + 68);
}

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
    string(&t, long_string.data);
    aq_text_fill(&cut, 'x', 200);
    aq_text_add(&cut, "...", 4);
    shows(AQ_GGUF_STRING, t.data, t.size, cut.data);
    aq_text_free(&t);
    aq_text_free(&long_string);
    aq_text_free(&cut);
}
END_TEST

/* ---- hostile files ---- */

static void one_tensor(aq_text *t, uint32_t rank, const uint64_t *dims, uint32_t type,
                       uint64_t offset, size_t size)
{
    begin(t, 1, 0);
    tensor(t, "w", rank, dims, type, offset);
    data(t, size);
}

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
    begin(t, UINT64_MAX, 0);
    data(t, 64);
}

static void many_kvs(aq_text *t)
{
    begin(t, 0, UINT64_C(1) << 60);
    data(t, 64);
}

static void long_key(aq_text *t)
{
    begin(t, 0, 1);
    u64(t, UINT64_MAX - 3);
    data(t, 64);
}

static void key_with_nul(aq_text *t)
{
    begin(t, 0, 1);
    u64(t, 3);
    aq_text_add(t, "a\0b", 3);
    data(t, 64);
}

static void key_no_utf8(aq_text *t)
{
    begin(t, 0, 1);
    kv_u32(t, "a\xff", 1);
}

static void kv_type(aq_text *t, uint32_t type)
{
    begin(t, 0, 1);
    string(t, "key");
    u32(t, type);
    data(t, 64);
}

static void unknown_kv_type(aq_text *t)
{
    kv_type(t, AQ_GGUF_TYPES);
}

static void array_of(aq_text *t, uint32_t type, uint64_t count)
{
    begin(t, 0, 1);
    string(t, "key");
    u32(t, AQ_GGUF_ARRAY);
    u32(t, type);
    u64(t, count);
    data(t, 64);
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

static void alignment(aq_text *t, uint32_t value)
{
    begin(t, 0, 1);
    kv_u32(t, "general.alignment", value);
    data(t, 64);
}

static void alignment_0(aq_text *t)
{
    alignment(t, 0);
}

static void alignment_24(aq_text *t)
{
    alignment(t, 24);
}

static void alignment_2g(aq_text *t)
{
    alignment(t, UINT32_C(1) << 31);
}

static void alignment_type(aq_text *t)
{
    begin(t, 0, 1);
    string(t, "general.alignment");
    u32(t, AQ_GGUF_U64);
    u64(t, 32);
    data(t, 64);
}

static void duplicate_key(aq_text *t)
{
    begin(t, 0, 2);
    kv_u32(t, "key", 1);
    kv_u32(t, "key", 2);
    data(t, 64);
}

static void duplicate_tensor(aq_text *t)
{
    begin(t, 2, 0);
    tensor(t, "w", 1, eight, 0, 0);
    tensor(t, "w", 1, eight, 0, 32);
    data(t, 64);
}

static void rank_5(aq_text *t)
{
    static const uint64_t dims[] = {1, 1, 1, 1, 1};
    one_tensor(t, 5, dims, 0, 0, 32);
}

/* In one order of multiplying the product wraps, in another it is zero. */
static void dims_wrap_to_zero(aq_text *t)
{
    static const uint64_t dims[] = {0, UINT64_C(1) << 32, UINT64_C(1) << 32};
    one_tensor(t, 3, dims, 0, 0, 32);
}

static void dims_wrap(aq_text *t)
{
    static const uint64_t dims[] = {UINT64_C(1) << 32, UINT64_C(1) << 32};
    one_tensor(t, 2, dims, 0, 0, 32);
}

static void dims_negative(aq_text *t)
{
    static const uint64_t dims[] = {UINT64_MAX};
    one_tensor(t, 1, dims, 0, 0, 32);
}

static void bytes_wrap(aq_text *t)
{
    static const uint64_t dims[] = {UINT64_C(1) << 62};
    one_tensor(t, 1, dims, 28, 0, 32);
}

static void broken_row(aq_text *t)
{
    static const uint64_t dims[] = {16, 4};
    one_tensor(t, 2, dims, 8, 0, 128);
}

static void offset_unaligned(aq_text *t)
{
    one_tensor(t, 1, eight, 0, 4, 64);
}

static void offset_far(aq_text *t)
{
    one_tensor(t, 1, eight, 0, UINT64_MAX - 31, 64);
}

static void offset_past(aq_text *t)
{
    one_tensor(t, 1, eight, 0, 64, 64);
}

static void overlap(aq_text *t)
{
    begin(t, 2, 0);
    tensor(t, "a", 2, two_rows, 8, 0);
    tensor(t, "b", 1, eight, 0, 64);
    data(t, 128);
}

static void no_data(aq_text *t)
{
    begin(t, 1, 0);
    tensor(t, "w", 1, eight, 0, 0);
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
        one_tensor(&t, 1, dims, type, 0, 4096);
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

/* ---- writing ---- */

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
    *bytes = calloc(1, file->size + 1);
    memcpy(*bytes, file->header, file->header_size);
    aq_status status = model_from_bytes(*bytes, file->size, "y", aq_gguf_open, &m, &err);
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
        ck_assert_mem_eq(m->kvs[k++].value, from->kvs[i].value, from->kvs[i].size);
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
    alignment(&t, 128);
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

int main(void)
{
    TCase *tests = tcase_create("gguf");
    tcase_set_timeout(tests, 120); /* a sanitizer on a busy machine is slow */
    tcase_add_test(tests, reads_what_is_there);
    tcase_add_test(tests, shows_values);
    tcase_add_loop_test(tests, refuses_what_is_wrong, 0, sizeof refused / sizeof *refused);
    tcase_add_test(tests, knows_every_type);
    tcase_add_test(tests, refuses_every_prefix);
    tcase_add_test(tests, survives_every_flipped_bit);
    tcase_add_test(tests, writes_new_metadata);
    tcase_add_test(tests, names_the_model);
    tcase_add_test(tests, keeps_metadata);
    tcase_add_test(tests, keeps_the_alignment);
    tcase_add_test(tests, refuses_to_write);
    return RUN_SUITE("gguf", tests);
}
