/* SPDX-License-Identifier: Apache-2.0
 * Synthetic models as files. */
#include <config.h>

#include "formats/model.h"
#include "scratch.h"
#include "suite.h"

static aq_error err;

static void start(void)
{
    scratch_make();
}

static void stop(void)
{
    scratch_remove();
}

static aq_synthesize_options options_for(aq_dtype dtype, uint64_t seed)
{
    aq_synthesize_options options;
    aq_synthesize_options_init(&options, sizeof options);
    options.dtype = dtype;
    options.seed = seed;
    options.sync = 0;
    return options;
}

static uint8_t *read_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    ck_assert_ptr_nonnull(file);
    fseek(file, 0, SEEK_END);
    *size = (size_t)ftell(file);
    rewind(file);
    uint8_t *bytes = malloc(*size);
    ck_assert_ptr_nonnull(bytes);
    ck_assert_uint_eq(fread(bytes, 1, *size, file), *size);
    fclose(file);
    return bytes;
}

static aq_model *open_model(const char *path)
{
    aq_model *model;
    ck_assert_msg(aq_model_open(path, &model, &err) == AQ_OK, "%s", err.message);
    return model;
}

static const struct {
    const char *params, *spec;
    aq_dtype dtype;
    uint64_t seed;
} files[] = {
    {"3x70x513", "synthetic:3x70x513:f16:0", AQ_DTYPE_F16, 0},
    {"300K", "synthetic:300K:bf16:7", AQ_DTYPE_BF16, 7},
    {"2x1x1", "synthetic:2x1x1:f32:18446744073709551615", AQ_DTYPE_F32, UINT64_MAX},
};

/* Tensor by tensor, the file holds what the virtual model does. */
START_TEST(files_hold_the_model)
{
    const char *path = scratch_path("m.safetensors");
    aq_synthesize_options options = options_for(files[_i].dtype, files[_i].seed);
    ck_assert_msg(aq_synthesize(files[_i].params, path, &options, &err) == AQ_OK, "%s",
                  err.message);
    aq_model *a = open_model(files[_i].spec), *b = open_model(path);
    ck_assert_str_eq(aq_model_format(b), "safetensors");
    ck_assert_uint_eq(a->tensor_count, b->tensor_count);
    for (size_t i = 0; i < a->tensor_count; i++) {
        const aq_tensor *ta = &a->tensors[i], *tb = &b->tensors[i];
        size_t bytes = (size_t)ta->bytes;
        uint8_t *x = malloc(bytes), *y = malloc(bytes);
        ck_assert(x != NULL && y != NULL);
        ck_assert_str_eq(ta->name, tb->name);
        ck_assert_int_eq(ta->dtype, tb->dtype);
        ck_assert_uint_eq(ta->bytes, tb->bytes);
        ck_assert_uint_eq(tb->rank, 2);
        ck_assert_mem_eq(ta->shape, tb->shape, 2 * sizeof *ta->shape);
        ck_assert_int_eq(a->source->read_at(a->source, 0, ta->offset, x, bytes, &err), AQ_OK);
        ck_assert_int_eq(b->source->read_at(b->source, 0, tb->offset, y, bytes, &err), AQ_OK);
        ck_assert_mem_eq(x, y, bytes);
        free(x);
        free(y);
    }
    aq_model_close(a);
    aq_model_close(b);
}
END_TEST

START_TEST(threads_do_not_change_a_byte)
{
    size_t size, other_size;
    aq_synthesize_options options = options_for(AQ_DTYPE_F16, 1);
    options.threads = 1;
    const char *path = scratch_path("m.safetensors");
    ck_assert_int_eq(aq_synthesize("4M", path, &options, &err), AQ_OK);
    uint8_t *first = read_file(path, &size);
    options.threads = 8;
    options.force = 1;
    ck_assert_int_eq(aq_synthesize("4M", path, &options, &err), AQ_OK);
    uint8_t *second = read_file(path, &other_size);
    ck_assert_uint_eq(size, other_size);
    ck_assert_mem_eq(first, second, size);
    free(first);
    free(second);
}
END_TEST

START_TEST(outputs_are_not_replaced_unasked)
{
    const char *path = scratch_path("m.safetensors");
    aq_synthesize_options options = options_for(AQ_DTYPE_F16, 1);
    size_t size;
    scratch_write("m.safetensors", "old", 3);
    ck_assert_int_eq(aq_synthesize("1K", path, &options, &err), AQ_USAGE);
    uint8_t *bytes = read_file(path, &size);
    ck_assert(size == 3 && memcmp(bytes, "old", 3) == 0);
    free(bytes);
    options.force = 1;
    ck_assert_int_eq(aq_synthesize("1K", path, &options, &err), AQ_OK);
    free(read_file(path, &size));
    ck_assert_uint_gt(size, 2 * 1024);
}
END_TEST

START_TEST(wrong_arguments)
{
    static const struct {
        const char *params, *output;
        int dtype;
    } wrong[] = {
        {"100Q", "m.safetensors", AQ_DTYPE_F16},   {"", "m.safetensors", AQ_DTYPE_F16},
        {"1K:f32", "m.safetensors", AQ_DTYPE_F16}, {"1K", "m.gguf", AQ_DTYPE_F16},
        {"1K", "safetensors", AQ_DTYPE_F16},       {"1K", "m.safetensors", AQ_DTYPE_I8},
        {"1K", "m.safetensors", AQ_DTYPE_COUNT},   {"1K", "m.safetensors", AQ_DTYPE_F64},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        const char *path = scratch_path(wrong[i].output);
        aq_synthesize_options options = options_for((aq_dtype)wrong[i].dtype, 0);
        ck_assert_int_eq(aq_synthesize(wrong[i].params, path, &options, &err), AQ_USAGE);
        ck_assert_int_ne(access(path, F_OK), 0);
    }
    aq_synthesize_options options = options_for(AQ_DTYPE_F16, 0);
    options.size = 3;
    ck_assert_int_eq(aq_synthesize("1K", "null:", &options, &err), AQ_USAGE);
}
END_TEST

START_TEST(cancelled_runs_leave_nothing)
{
    const volatile int cancel = 1;
    aq_synthesize_options options = options_for(AQ_DTYPE_F16, 0);
    options.cancel = &cancel;
    ck_assert_int_eq(aq_synthesize("4M", scratch_path("m.safetensors"), &options, &err),
                     AQ_CANCELLED);
    ck_assert_int_eq(rmdir(scratch_dir), 0);
}
END_TEST

START_TEST(null_discards)
{
    ck_assert_int_eq(aq_synthesize("1M", "null:", NULL, NULL), AQ_OK);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("synthesize");
    tcase_add_checked_fixture(tests, start, stop);
    tcase_add_loop_test(tests, files_hold_the_model, 0, (int)(sizeof files / sizeof *files));
    tcase_add_test(tests, threads_do_not_change_a_byte);
    tcase_add_test(tests, outputs_are_not_replaced_unasked);
    tcase_add_test(tests, wrong_arguments);
    tcase_add_test(tests, cancelled_runs_leave_nothing);
    tcase_add_test(tests, null_discards);
    return RUN_SUITE("synthesize", tests);
}
