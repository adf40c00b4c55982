/* SPDX-License-Identifier: Apache-2.0
 * Every allocation fails in its turn, those from an arena's chunks included, of which a preloaded
 * malloc sees only the few that need a new chunk: what asked for it says so and keeps nothing. */
#include <config.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "arrowquant.h"
#include "base/memory.h"
#include "parts/part.h"
#include "plan/imatrix.h"
#include "scratch.h"
#include "suite.h"

/* ---- the linker's --wrap puts these in the place of the library's own ---- */

static atomic_uint asked, failing; /* allocations so far; which is to fail, 0: none */

static bool is_due(void)
{
    return atomic_fetch_add(&asked, 1) + 1 == atomic_load(&failing);
}

#define WRAP(type, function, parameters, arguments)                  \
    type real_##function parameters __asm__("__real_" #function);    \
    type failing_##function parameters __asm__("__wrap_" #function); \
    type failing_##function parameters                               \
    {                                                                \
        return is_due() ? NULL : real_##function arguments;          \
    }

WRAP(void *, aq_arena_alloc, (aq_arena * arena, size_t size), (arena, size))
WRAP(char *, aq_arena_strndup, (aq_arena * arena, const char *s, size_t length), (arena, s, length))
WRAP(void *, aq_malloc, (size_t size), (size))
WRAP(void *, aq_calloc, (size_t count, size_t size), (count, size))
WRAP(void *, aq_realloc, (void *p, size_t size), (p, size))
WRAP(char *, aq_strdup, (const char *s), (s))
WRAP(void *, aq_buffer_alloc, (size_t size), (size))

/* ---- what is asked of the library ---- */

static aq_status open_synthetic(const char *name, aq_error *err)
{
    aq_model *model;
    aq_status status = aq_model_open(name, &model, err);
    if (status == AQ_OK)
        aq_model_close(model);
    return status;
}

static aq_status open_model(const char *name, aq_error *err)
{
    return open_synthetic(scratch_path(name), err);
}

static aq_status open_imatrix(const char *name, aq_error *err)
{
    aq_imatrix *imatrix;
    aq_status status = aq_imatrix_open(scratch_path(name), &imatrix, err);
    if (status == AQ_OK)
        aq_imatrix_close(imatrix);
    return status;
}

static aq_status quantize_to(const char *input, const char *output, aq_quantize_options *options,
                             aq_error *err)
{
    aq_quantize_result result = {.size = sizeof result};
    options->threads = 2;
    options->sync = 0;
    options->force = 1;
    aq_status status = aq_quantize(input, output, options, &result, err);
    if (status == AQ_OK)
        aq_quantize_result_free(&result);
    return status;
}

static aq_status quantize_file(const char *name, aq_error *err)
{
    aq_quantize_options options;
    aq_quantize_options_init(&options, sizeof options);
    return quantize_to(scratch_path(name), scratch_path("out.gguf"), &options, err);
}

static aq_status quantize_part(unsigned shard, aq_error *err)
{
    aq_quantize_options options;
    aq_quantize_options_init(&options, sizeof options);
    options.type = AQ_TYPE_INT8;
    options.shard = shard;
    options.shards = 2;
    return quantize_to(scratch_path("sharded"), scratch_path("parts"), &options, err);
}

static aq_status quantize_first_part(const char *name, aq_error *err)
{
    (void)name;
    return quantize_part(1, err);
}

static aq_status read_part(const char *name, aq_error *err)
{
    aq_part part;
    aq_status status = aq_part_read(&part, scratch_path("parts"), name, err);
    aq_part_free(&part);
    return status;
}

static aq_status join_parts(const char *name, aq_error *err)
{
    aq_index_options options;
    aq_index_result result = {.size = sizeof result};
    aq_index_options_init(&options, sizeof options);
    return aq_index(scratch_path(name), &options, &result, err);
}

static aq_status compare_with_itself(const char *name, aq_error *err)
{
    aq_compare_options options;
    aq_compare_result result = {.size = sizeof result};
    aq_compare_options_init(&options, sizeof options);
    options.threads = 2;
    const char *path = scratch_path(name);
    aq_status status = aq_compare(path, path, &options, &result, err);
    if (status == AQ_OK)
        aq_compare_result_free(&result);
    return status;
}

/* In this order: parts can be joined once only. */
static const struct {
    const char *what, *name;
    aq_status (*run)(const char *name, aq_error *err);
} asks[] = {
    {"open safetensors", "plain.safetensors", open_model},
    {"open GGUF", "plain.gguf", open_model},
    {"open shards", "sharded", open_model},
    {"open one of their directory", "sharded/model.safetensors.index.json", open_model},
    {"make up a model", "synthetic:2x16x256:f32:1", open_synthetic},
    {"old matrix", "old.imatrix", open_imatrix},
    {"GGUF matrix", "sums.gguf", open_imatrix},
    {"quantize safetensors", "plain.safetensors", quantize_file},
    {"quantize GGUF", "plain.gguf", quantize_file},
    {"compare", "plain.gguf", compare_with_itself},
    {"write a part", "sharded", quantize_first_part},
    {"read a part", "arrowquant-part-1-of-2.json", read_part},
    {"join parts", "parts", join_parts},
};

/* ---- what they are asked of ---- */

static void require(aq_status status, const aq_error *err)
{
    if (status != AQ_OK)
        scratch_die(err->message);
}

static void make_matrices(void)
{
    static const float sums[4] = {1, 2, 3, 4}, count[1] = {2};
    static const struct {
        int32_t entries, length;
        char name[4];
        int32_t calls, count;
        float values[4];
    } old = {1, 4, {'n', 'a', 'm', 'e'}, 1, 4, {1, 2, 3, 4}};
    const scratch_tensor tensors[] = {
        {"name.in_sum2", "F32", {1, 4}, 2, sums, sizeof sums},
        {"name.counts", "F32", {1, 1}, 2, count, sizeof count},
    };
    aq_error err;
    aq_quantize_options options;
    const char *const all = "*";
    scratch_write("old.imatrix", &old, sizeof old);
    scratch_safetensors("sums.safetensors", tensors, 2, NULL);
    aq_quantize_options_init(&options, sizeof options);
    options.keep = &all;
    options.keep_count = 1;
    require(
        quantize_to(scratch_path("sums.safetensors"), scratch_path("sums.gguf"), &options, &err),
        &err);
}

static void make_shards(void)
{
    static const float weights[2 * 64];
    static const char config[] = "{\"model_type\": \"x\"}\n";
    static const char index[] = "{\"metadata\":{\"total_size\":1024},\"weight_map\":{"
                                "\"a.weight\":\"model-00001-of-00002.safetensors\","
                                "\"b.weight\":\"model-00002-of-00002.safetensors\"}}";
    const scratch_tensor a = {"a.weight", "F32", {2, 64}, 2, weights, sizeof weights};
    const scratch_tensor b = {"b.weight", "F32", {2, 64}, 2, weights, sizeof weights};
    if (mkdir(scratch_path("sharded"), 0777) != 0)
        scratch_die("mkdir");
    scratch_safetensors("sharded/model-00001-of-00002.safetensors", &a, 1, "{\"format\":\"pt\"}");
    scratch_safetensors("sharded/model-00002-of-00002.safetensors", &b, 1, "{\"format\":\"pt\"}");
    scratch_write("sharded/model.safetensors.index.json", index, sizeof index - 1);
    scratch_write("sharded/config.json", config, sizeof config - 1);
    scratch_write("sharded/tokenizer.json", "{}", 2);
}

static void enter(void)
{
    aq_error err;
    aq_synthesize_options options;
    aq_quantize_options quantize;
    scratch_make();
    aq_synthesize_options_init(&options, sizeof options);
    aq_quantize_options_init(&quantize, sizeof quantize);
    require(aq_synthesize("2x16x256", scratch_path("plain.safetensors"), &options, &err), &err);
    require(
        quantize_to(scratch_path("plain.safetensors"), scratch_path("plain.gguf"), &quantize, &err),
        &err);
    make_matrices();
    make_shards();
    require(quantize_part(1, &err), &err);
    require(quantize_part(2, &err), &err);
}

static void leave(void)
{
    scratch_remove();
}

START_TEST(any_that_fails_is_said)
{
    unsigned failures = 0;
    for (unsigned n = 1;; n++) {
        aq_error err = {0};
        uint64_t before = aq_memory_now();
        atomic_store(&asked, 0);
        atomic_store(&failing, n);
        aq_status status = asks[_i].run(asks[_i].name, &err);
        bool hit = atomic_load(&asked) >= n;
        atomic_store(&failing, 0);
        ck_assert_msg(status == AQ_OK || (hit && status == AQ_FAILURE), "%s, allocation %u: %d %s",
                      asks[_i].what, n, (int)status, err.message);
        ck_assert_msg(status == AQ_OK || strstr(err.message, "memory") != NULL,
                      "%s, allocation %u: %s", asks[_i].what, n, err.message);
        ck_assert_msg(aq_memory_now() == before, "%s, allocation %u: %lld bytes are kept",
                      asks[_i].what, n, (long long)(aq_memory_now() - before));
        failures += status != AQ_OK;
        if (!hit)
            break;
    }
    ck_assert_msg(failures > 1, "%s: no allocation failed", asks[_i].what);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("allocations");
    tcase_add_unchecked_fixture(tests, enter, leave);
    tcase_add_loop_test(tests, any_that_fails_is_said, 0, sizeof asks / sizeof *asks);
    return RUN_SUITE("allocations", tests);
}
