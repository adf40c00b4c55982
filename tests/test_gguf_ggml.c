/* SPDX-License-Identifier: Apache-2.0
 * ggml's own reader on the files that our writer lays out. */
#include <config.h>

#include <stdbool.h>
#include <string.h>

#include "base/text.h"
#include "formats/dtype.h"
#include "formats/gguf.h"
#include "model_bytes.h"
#include "oracle.h"
#include "scratch.h"

typedef struct gguf_parameters {
    bool no_alloc;
    void **context;
} gguf_parameters;

static struct {
    void *(*open)(const char *path, gguf_parameters parameters);
    void (*close)(void *gguf);
    void (*free_context)(void *context);
    int64_t (*tensors)(const void *gguf);
    const char *(*name)(const void *gguf, int64_t i);
    int (*type)(const void *gguf, int64_t i);
    size_t (*offset)(const void *gguf, int64_t i);
    size_t (*size)(const void *gguf, int64_t i);
    size_t (*data_offset)(const void *gguf);
    int64_t (*keys)(const void *gguf);
    const char *(*key)(const void *gguf, int64_t i);
    int (*key_type)(const void *gguf, int64_t i);
    uint32_t (*u32)(const void *gguf, int64_t i);
    const char *(*string)(const void *gguf, int64_t i);
    const int64_t *(*dimensions)(const void *gguf, int64_t i);
    void *(*find_tensor)(void *context, const char *name);
    void (*log_set)(void (*log)(int level, const char *text, void *arg), void *arg);
} ggml;

static unsigned failures;

#define EXPECT(condition)                                          \
    do {                                                           \
        if (!(condition)) {                                        \
            printf("%s:%d: %s\n", __FILE__, __LINE__, #condition); \
            failures++;                                            \
        }                                                          \
    } while (0)

static bool load(void)
{
    static const struct {
        const char *name;
        void *function;
    } symbols[] = {
        {"gguf_init_from_file", &ggml.open},
        {"gguf_free", &ggml.close},
        {"ggml_free", &ggml.free_context},
        {"gguf_get_n_tensors", &ggml.tensors},
        {"gguf_get_tensor_name", &ggml.name},
        {"gguf_get_tensor_type", &ggml.type},
        {"gguf_get_tensor_offset", &ggml.offset},
        {"gguf_get_tensor_size", &ggml.size},
        {"gguf_get_data_offset", &ggml.data_offset},
        {"gguf_get_n_kv", &ggml.keys},
        {"gguf_get_key", &ggml.key},
        {"gguf_get_kv_type", &ggml.key_type},
        {"gguf_get_val_u32", &ggml.u32},
        {"gguf_get_val_str", &ggml.string},
        {"ggml_get_tensor", &ggml.find_tensor},
        {"gguf_get_tensor_ne", &ggml.dimensions},
        {"ggml_log_set", &ggml.log_set},
    };
    void *library = oracle_ggml();
    for (size_t i = 0; library != NULL && i < sizeof symbols / sizeof *symbols; i++) {
        void *symbol = dlsym(library, symbols[i].name);
        if (symbol == NULL) {
            printf("no oracle: %s is missing\n", symbols[i].name);
            return false;
        }
        memcpy(symbols[i].function, &symbol, sizeof symbol);
    }
    return library != NULL;
}

static void no_log(int level, const char *text, void *arg)
{
    (void)level, (void)text, (void)arg;
}

/* The header, and zeros up to the file's size. */
static const char *write_file(const aq_out_file *file)
{
    uint8_t *bytes = calloc(1, (size_t)file->size + 1);
    memcpy(bytes, file->header, (size_t)file->header_size);
    scratch_write("model.gguf", bytes, (size_t)file->size);
    free(bytes);
    return scratch_path("model.gguf");
}

static void compare_tensors(const void *gguf, void *context, const aq_layout *layout)
{
    EXPECT(ggml.tensors(gguf) == (int64_t)layout->tensor_count);
    for (int64_t i = 0; i < ggml.tensors(gguf); i++) {
        const aq_out_tensor *t = &layout->tensors[i];
        EXPECT(strcmp(ggml.name(gguf, i), t->name) == 0);
        EXPECT(ggml.type(gguf, i) == aq_dtype_get(t->dtype)->ggml);
        EXPECT(ggml.data_offset(gguf) + ggml.offset(gguf, i) == t->offset);
        EXPECT(ggml.size(gguf, i) == t->bytes);
        EXPECT(ggml.find_tensor(context, t->name) != NULL);
        for (uint32_t d = 0; d < 4; d++) /* innermost first, and ones where there is none */
            EXPECT(ggml.dimensions(gguf, i)[d] ==
                   (d < t->rank ? (int64_t)t->shape[t->rank - 1 - d] : 1));
    }
}

static void compare_keys(const void *gguf, const aq_model *m)
{
    EXPECT(ggml.keys(gguf) == (int64_t)m->kv_count);
    for (int64_t i = 0; i < ggml.keys(gguf); i++) {
        const aq_pair *pair = &m->metadata[i];
        char number[16];
        EXPECT(strcmp(ggml.key(gguf, i), pair->key) == 0);
        EXPECT(ggml.key_type(gguf, i) == (int)m->kvs[i].type);
        if (ggml.key_type(gguf, i) == AQ_GGUF_STRING)
            EXPECT(strcmp(ggml.string(gguf, i), pair->value) == 0);
        if (ggml.key_type(gguf, i) == AQ_GGUF_U32) {
            (void)snprintf(number, sizeof number, "%u", ggml.u32(gguf, i));
            EXPECT(strcmp(number, pair->value) == 0);
        }
    }
}

/* ggml and our reader must make the same of what our writer laid out. */
static void check(aq_layout *layout, const aq_model *from)
{
    static const uint32_t q8_0 = 7;
    aq_error err;
    aq_model *m = NULL;
    void *context = NULL;
    aq_status status = aq_gguf_layout(layout, 0, from, &q8_0, "llama", &err);
    if (status != AQ_OK)
        printf("%s\n", err.message);
    EXPECT(status == AQ_OK);
    const char *path = write_file(&layout->files[0]);
    void *gguf = ggml.open(path, (gguf_parameters){false, &context});
    EXPECT(gguf != NULL);
    EXPECT(aq_model_open(path, &m, &err) == AQ_OK);
    if (gguf != NULL && m != NULL) {
        compare_tensors(gguf, context, layout);
        compare_keys(gguf, m);
    }
    if (gguf != NULL)
        ggml.close(gguf);
    if (context != NULL)
        ggml.free_context(context);
    aq_model_close(m);
    aq_arena_free(&layout->arena);
}

static void check_tensors(aq_out_tensor *tensors, size_t count)
{
    aq_model from = {.format = AQ_FORMAT_SAFETENSORS, .path = "some/model.safetensors"};
    aq_out_file file = {0};
    aq_layout layout = {.format = AQ_FORMAT_GGUF,
                        .files = &file,
                        .file_count = 1,
                        .tensors = tensors,
                        .tensor_count = count};
    check(&layout, &from);
}

#define NAME_63 "123456789012345678901234567890123456789012345678901234567890123"

static void check_shapes(void)
{
    static const uint64_t matrix[] = {3, 64}, four[] = {2, 3, 5, 32}, odd[] = {7}, none[] = {0, 32};
    aq_out_tensor tensors[] = {
        {.name = NAME_63, .dtype = AQ_DTYPE_Q4_0, .rank = 2, .shape = matrix, .bytes = 108},
        {.name = "four", .dtype = AQ_DTYPE_Q8_0, .rank = 4, .shape = four, .bytes = 1020},
        {.name = "odd", .dtype = AQ_DTYPE_I8, .rank = 1, .shape = odd, .bytes = 7},
        {.name = "scalar", .dtype = AQ_DTYPE_F64, .shape = odd, .bytes = 8},
        {.name = "caf\xc3\xa9", .dtype = AQ_DTYPE_BF16, .rank = 1, .shape = odd, .bytes = 14},
        {.name = "none", .dtype = AQ_DTYPE_F32, .rank = 2, .shape = none, .bytes = 0},
        {.name = "last", .dtype = AQ_DTYPE_I64, .rank = 1, .shape = odd, .bytes = 56},
    };
    check_tensors(tensors, sizeof tensors / sizeof *tensors);
    check_tensors(tensors, 0);
}

/* Every type of ggml's, at the size that ggml says. */
static void check_types(void)
{
    static const uint64_t row[] = {3, 256};
    aq_out_tensor tensors[AQ_DTYPE_COUNT];
    size_t count = 0;
    for (int i = 0; i < AQ_DTYPE_COUNT; i++) {
        uint64_t bytes;
        aq_dtype dtype = (aq_dtype)i;
        if (aq_dtype_get(dtype)->ggml < 0 || !aq_dtype_bytes(dtype, 768, &bytes))
            continue;
        tensors[count++] = (aq_out_tensor){
            .name = aq_dtype_name(dtype), .dtype = dtype, .rank = 2, .shape = row, .bytes = bytes};
    }
    EXPECT(count > 30);
    check_tensors(tensors, count);
}

static void put_u32(aq_text *t, uint32_t value)
{
    aq_text_add(t, &value, sizeof value);
}

static void put_string(aq_text *t, const char *s)
{
    uint64_t length = strlen(s);
    aq_text_add(t, &length, sizeof length);
    aq_text_puts(t, s);
}

/* What a GGUF file brings along: an alignment of its own, and settings to be replaced. */
static void check_kept(void)
{
    static const uint64_t matrix[] = {3, 64}, odd[] = {7};
    const uint64_t counts[2] = {0, 3};
    aq_out_tensor tensors[] = {
        {.name = "a", .dtype = AQ_DTYPE_Q8_0, .rank = 2, .shape = matrix, .bytes = 204},
        {.name = "b", .dtype = AQ_DTYPE_F32, .rank = 1, .shape = odd, .bytes = 28}};
    aq_out_file file = {0};
    aq_layout layout = {.format = AQ_FORMAT_GGUF,
                        .files = &file,
                        .file_count = 1,
                        .tensors = tensors,
                        .tensor_count = 2};
    aq_text t = {0};
    aq_model *from;
    aq_error err;
    aq_text_puts(&t, "GGUF");
    put_u32(&t, 3);
    aq_text_add(&t, counts, sizeof counts);
    put_string(&t, "general.file_type");
    put_u32(&t, AQ_GGUF_STRING);
    put_string(&t, "of another type");
    put_string(&t, "general.alignment");
    put_u32(&t, AQ_GGUF_U32);
    put_u32(&t, 256);
    put_string(&t, "x");
    put_u32(&t, AQ_GGUF_STRING);
    put_string(&t, "");
    aq_status status = model_from_bytes(t.data, t.size, "x", aq_gguf_open, &from, &err);
    EXPECT(status == AQ_OK);
    if (status == AQ_OK)
        check(&layout, from);
    EXPECT(file.header_size % 256 == 0);
    aq_model_close(from);
    aq_text_free(&t);
}

int main(void)
{
    if (!load())
        return ORACLE_SKIP;
    ggml.log_set(no_log, NULL);
    scratch_make();
    check_shapes();
    check_types();
    check_kept();
    scratch_remove();
    return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
