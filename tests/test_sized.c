/* SPDX-License-Identifier: Apache-2.0
 * Programs that were built against an older header, whose structures are shorter, and against a
 * newer one, whose structures are longer: nothing is written past what they have, and nothing that
 * they have not is read. */
#include <config.h>

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "arrowquant.h"
#include "scratch.h"
#include "suite.h"

#define CANARY 0xa5
#define LATER 64 /* bytes of fields that a newer header has */

static aq_error err;

typedef void init_fn(void *options, size_t size);
typedef aq_status call_fn(const void *options, void *result);
typedef void free_fn(void *result);

/* What the functions have in common, each with its own types. */
#define OPTIONS(name)                                   \
    static void name##_init(void *options, size_t size) \
    {                                                   \
        aq_##name##_options_init(options, size);        \
    }
OPTIONS(quantize)
OPTIONS(index)
OPTIONS(compare)
OPTIONS(synthesize)

static aq_status call_quantize(const void *options, void *result)
{
    return aq_quantize("synthetic:2x64x64:f32:1", "null:", options, result, &err);
}

static aq_status call_index(const void *options, void *result)
{
    return aq_index(scratch_dir, options, result, &err);
}

static aq_status call_compare(const void *options, void *result)
{
    return aq_compare("synthetic:2x64x64:f32:1", "synthetic:2x64x64:f32:1", options, result, &err);
}

static aq_status call_synthesize(const void *options, void *result)
{
    (void)result;
    return aq_synthesize("1K", "null:", options, &err);
}

static void free_quantize(void *result)
{
    aq_quantize_result_free(result);
}

static void free_compare(void *result)
{
    aq_compare_result_free(result);
}

static void free_nothing(void *result)
{
    (void)result;
}

/* least: the shortest structure that was ever in a header of the kind. */
static const struct interface {
    const char *name;
    size_t options, least_options, result, least_result;
    init_fn *init;
    call_fn *call;
    free_fn *give_back;
} interfaces[] = {
    {"quantize", sizeof(aq_quantize_options), offsetof(aq_quantize_options, type),
     sizeof(aq_quantize_result), offsetof(aq_quantize_result, mixture), quantize_init,
     call_quantize, free_quantize},
    {"index", sizeof(aq_index_options), offsetof(aq_index_options, sync), sizeof(aq_index_result),
     offsetof(aq_index_result, checksum), index_init, call_index, free_nothing},
    {"compare", sizeof(aq_compare_options), offsetof(aq_compare_options, threads),
     sizeof(aq_compare_result), offsetof(aq_compare_result, threads), compare_init, call_compare,
     free_compare},
    {"synthesize", sizeof(aq_synthesize_options), offsetof(aq_synthesize_options, dtype), 0, 0,
     synthesize_init, call_synthesize, free_nothing},
};

#define INTERFACES ((int)(sizeof interfaces / sizeof *interfaces))

/* A structure of `size` bytes, as one that never was set, with a canary behind it. */
static void *structure(size_t size)
{
    uint8_t *bytes = malloc(size + LATER);
    ck_assert_ptr_nonnull(bytes);
    memset(bytes, CANARY, size + LATER);
    return bytes;
}

static void check_canary(const void *at, size_t size, const char *name)
{
    const uint8_t *bytes = at;
    size_t stated;
    memcpy(&stated, at, sizeof stated);
    ck_assert_msg(stated == size, "%s: %zu bytes became %zu", name, size, stated);
    for (size_t i = size; i < size + LATER; i++)
        ck_assert_msg(bytes[i] == CANARY, "%s of %zu bytes: byte %zu was written", name, size, i);
}

static void *result_of(size_t size)
{
    uint8_t *result = structure(size);
    memcpy(result, &size, sizeof size);
    return result;
}

static void start(void)
{
    scratch_make();
    static const float weights[4] = {1, 2, 3, 4};
    scratch_tensor t = {"w", "F32", {4}, 1, weights, sizeof weights};
    scratch_safetensors("model.safetensors", &t, 1, NULL);
    /* With an index, a directory whose parts have been joined. */
    FILE *index = fopen(scratch_path("model.safetensors.index.json"), "w");
    ck_assert_ptr_nonnull(index);
    fputs("{\"weight_map\": {\"w\": \"model.safetensors\"}}", index);
    ck_assert_int_eq(fclose(index), 0);
}

START_TEST(an_older_caller_keeps_what_is_behind)
{
    const struct interface *f = &interfaces[_i];
    for (size_t size = f->least_options; size <= f->options; size += sizeof size) {
        void *options = structure(size);
        f->init(options, size);
        check_canary(options, size, f->name);
        ck_assert_msg(f->call(options, NULL) == AQ_OK, "%s: %s", f->name, err.message);
        free(options);
    }
    for (size_t size = f->least_result; size > 0 && size <= f->result; size += sizeof size) {
        void *result = result_of(size);
        ck_assert_msg(f->call(NULL, result) == AQ_OK, "%s: %s", f->name, err.message);
        check_canary(result, size, f->name);
        f->give_back(result);
        check_canary(result, size, f->name);
        free(result);
    }
}
END_TEST

START_TEST(a_newer_caller_finds_zeros)
{
    const struct interface *f = &interfaces[_i];
    static const uint8_t zeros[LATER];
    size_t size = f->options + LATER;
    uint8_t *options = structure(size);
    f->init(options, size);
    check_canary(options, size, f->name);
    ck_assert_mem_eq(options + f->options, zeros, LATER);
    ck_assert_msg(f->call(options, NULL) == AQ_OK, "%s: %s", f->name, err.message);
    for (size_t i = f->options; i < size; i++) {
        options[i] = 1;
        ck_assert_int_eq(f->call(options, NULL), AQ_USAGE);
        ck_assert_msg(strstr(err.message, "does not know") != NULL, "%s", err.message);
        options[i] = 0;
    }
    free(options);
    if (f->result == 0)
        return;
    size = f->result + LATER;
    uint8_t *result = result_of(size);
    ck_assert_msg(f->call(NULL, result) == AQ_OK, "%s: %s", f->name, err.message);
    check_canary(result, size, f->name);
    ck_assert_mem_eq(result + f->result, zeros, LATER);
    f->give_back(result);
    free(result);
}
END_TEST

START_TEST(sizes_that_were_never_set_are_refused)
{
    const struct interface *f = &interfaces[_i];
    const size_t wrong[] = {0, 1, sizeof(size_t) - 1, 4097, SIZE_MAX};
    void *options = structure(f->options), *result = result_of(f->result + sizeof(size_t));
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        f->init(options, f->options);
        memcpy(options, &wrong[i], sizeof *wrong);
        ck_assert_int_eq(f->call(options, NULL), AQ_USAGE);
        ck_assert_msg(strstr(err.message, "options_init") != NULL, "%s", err.message);
        if (f->result == 0)
            continue;
        memcpy(result, &wrong[i], sizeof *wrong);
        ck_assert_int_eq(f->call(NULL, result), AQ_USAGE);
        ck_assert_msg(strstr(err.message, ".size = sizeof result") != NULL, "%s", err.message);
    }
    /* Too short for its own size: nothing can be said, and nothing is written. */
    uint8_t *bytes = structure(1);
    f->init(bytes, 1);
    ck_assert_uint_eq(bytes[0], CANARY);
    free(bytes);
    free(options);
    free(result);
}
END_TEST

START_TEST(what_an_older_caller_lacks_has_its_default)
{
    size_t size = offsetof(aq_quantize_options, group_size);
    union {
        aq_quantize_options as;
        uint8_t bytes[sizeof(aq_quantize_options)];
    } options;
    memset(options.bytes, CANARY, sizeof options.bytes);
    aq_quantize_options_init(&options.as, size);
    options.as.type = AQ_TYPE_INT4;
    aq_quantize_result result = {.size = sizeof result}, wanted = {.size = sizeof wanted};
    ck_assert_msg(aq_quantize("synthetic:2x64x256:f32:1", "null:", &options.as, &result, &err) ==
                      AQ_OK,
                  "%s", err.message);
    aq_quantize_options whole;
    aq_quantize_options_init(&whole, sizeof whole);
    whole.type = AQ_TYPE_INT4;
    ck_assert_int_eq(aq_quantize("synthetic:2x64x256:f32:1", "null:", &whole, &wanted, &err),
                     AQ_OK);
    ck_assert_uint_gt(wanted.out_bytes, 0);
    ck_assert_uint_eq(result.out_bytes, wanted.out_bytes);
    aq_quantize_result_free(&result);
    aq_quantize_result_free(&wanted);
}
END_TEST

int main(void)
{
    TCase *all = tcase_create("sized");
    tcase_add_checked_fixture(all, start, scratch_remove);
    tcase_add_loop_test(all, an_older_caller_keeps_what_is_behind, 0, INTERFACES);
    tcase_add_loop_test(all, a_newer_caller_finds_zeros, 0, INTERFACES);
    tcase_add_loop_test(all, sizes_that_were_never_set_are_refused, 0, INTERFACES);
    tcase_add_test(all, what_an_older_caller_lacks_has_its_default);
    return RUN_SUITE("sized", all);
}
