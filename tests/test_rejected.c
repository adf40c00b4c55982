/* SPDX-License-Identifier: Apache-2.0
 * What refusing a hostile file of 100 MB costs: CPU time, and memory above the file's size. */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "formats/model_config.h"
#include "model_bytes.h"
#include "parts/part.h"
#include "scratch.h"
#include "suite.h"

#define EMPTY "{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}"

enum { HEADER = 100000000, MOST_ABOVE = 64 * 1024 * 1024, MOST_SECONDS = 2 };

/* A header that goes on and on: `first`, then `more` (with the number of the repetition where it
 * says %zu) as often as there is room, then `last`. */
static const struct endless {
    const char *first, *more, *last;
} endless[] = {
    {"\"t\":" EMPTY, ",\"t%zu\":" EMPTY, ",\"t\":" EMPTY "}"},
    {"\"t\":" EMPTY, ",\"t\":" EMPTY, "}"},
    {"\"__metadata__\":{\"\":\"\"", ",\"%zu\":\"\"", "}}"},
    {"\"t\":{\"dtype\":\"U8\",\"data_offsets\":[0,0],\"shape\":[0", ",1,1,1,1,1,1,1,1,1,1,1,1,1",
     "}}"},
    {"\"t\":{\"x\":[[[0", ",{},[],\"\\u0041\",1e5,{},[],\"\\u0041\",1e5", "]]}}"},
    {"\"", "\\ud83d\\ude00\\ud83d\\ude00\\ud83d\\ude00\\ud83d\\ude00", "\":0}"},
    {"\"t\":", "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", ""},
    {"", "                                                          ", "x"},
};

static char *text;

static void put_header(const struct endless *e)
{
    uint64_t length = HEADER;
    size_t end = HEADER + 8 - strlen(e->last), at = 8;
    memcpy(text, &length, 8);
    at += (size_t)snprintf(text + at, 256, "{%s", e->first);
    for (size_t i = 0; at + 256 < end; i++)
        at += (size_t)snprintf(text + at, 256, e->more, i);
    memset(text + at, ' ', end - at);
    memcpy(text + end, e->last, strlen(e->last));
}

static double cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* What else runs on a CPU makes it slower: the least of a few tries counts. */
enum { MOST_TRIES = 4 };

/* The text that is read is one copy of the file; all else is what refusing it costs. */
static void expect_cheap_refusal(size_t size, open_fn *open)
{
    aq_error err;
    aq_model *model;
    double seconds = MOST_SECONDS + 1;
    aq_memory_reset_peak();
    uint64_t before = aq_memory_now();
    for (int i = 0; i < MOST_TRIES && seconds > MOST_SECONDS; i++) {
        double begin = cpu_seconds();
        ck_assert_int_eq(model_from_bytes(text, size, "hostile", open, &model, &err), AQ_BAD_INPUT);
        seconds = cpu_seconds() - begin;
    }
    uint64_t above = aq_memory_peak() - before;
    above = above > size ? above - size : 0;
    printf("%-70.70s %.2f s, %.1f MiB above the file\n", err.message, seconds,
           (double)above / 1048576);
    ck_assert_uint_le(above, MOST_ABOVE);
    ck_assert_uint_eq(aq_memory_now(), before);
#if !defined(AQ_INSTRUMENTED)
    if (getenv("AQ_SLOW") == NULL) /* as valgrind is */
        ck_assert_double_le(seconds, MOST_SECONDS);
#endif
}

START_TEST(a_hundred_megabytes_are_refused_cheaply)
{
    put_header(&endless[_i]);
    expect_cheap_refusal(HEADER + 8, aq_safetensors_open);
}
END_TEST

/* Keys, or tensors, without end; the last one has the first one's name. */
static void put_gguf(int tensors)
{
    char *p = text;
    uint32_t version = 3;
    uint64_t counts[2] = {tensors ? 1048576 : 0, tensors ? 0 : 65536};
    uint64_t count = counts[0] + counts[1], length = tensors ? 8 : 1500;
    memset(text, 0, HEADER);
    memcpy(p, "GGUF", 4);
    memcpy(p + 4, &version, 4);
    memcpy(p + 8, counts, 16);
    p += 24;
    for (uint64_t i = 0; i < count; i++) {
        memcpy(p, &length, 8);
        memset(p + 8, 'a', (size_t)length);
        for (uint64_t k = 0, n = i + 1 < count ? i : 0; k < 8; k++, n /= 16)
            p[8 + k] = "0123456789abcdef"[n % 16];
        p += 8 + length + (tensors ? 16 : 5); /* no dimensions, F32, offset 0; or an uint8 */
    }
}

START_TEST(a_hundred_megabytes_of_gguf_are_refused_cheaply)
{
    put_gguf(_i);
    expect_cheap_refusal(HEADER, aq_gguf_open);
}
END_TEST

#if !defined(AQ_INSTRUMENTED)
/* Of the process: what a library allocates besides is not counted by ours. */
static uint64_t memory_status(const char *key)
{
    char line[128];
    unsigned long long kilobytes = 0;
    FILE *status = fopen("/proc/self/status", "r");
    while (status != NULL && fgets(line, sizeof line, status) != NULL)
        if (strncmp(line, key, strlen(key)) == 0)
            (void)sscanf(line + strlen(key), ": %llu", &kilobytes);
    if (status != NULL)
        (void)fclose(status);
    return (uint64_t)kilobytes * 1024;
}

static aq_status read_record(const char *name, aq_error *err)
{
    aq_part part;
    aq_status status = aq_part_read(&part, scratch_dir, name, err);
    aq_part_free(&part);
    return status;
}

static aq_status read_config(const char *name, aq_error *err)
{
    json_t *config;
    const char *extras[] = {name};
    aq_model model = {.directory = scratch_dir, .extras = extras, .extra_count = 1};
    return aq_config_read(&model, &config, err);
}

static const struct json_file {
    const char *name;
    size_t size;
    aq_status (*read)(const char *name, aq_error *err);
} json_files[] = {
    {"arrowquant-part-1-of-2.json", 60 * 1024 * 1024, read_record},
    {"config.json", 16 * 1024 * 1024, read_config},
};

START_TEST(a_file_of_empty_values_is_refused_cheaply)
{
    const struct json_file *file = &json_files[_i];
    aq_error err;
    memset(text, ' ', file->size);
    memcpy(text, "{\"\":[[]", 7);
    for (size_t i = 7; i + 3 <= file->size; i += 3)
        memcpy(text + i, ",[]", 3);
    scratch_write(file->name, text, file->size);
    uint64_t before = memory_status("VmRSS");
    double begin = cpu_seconds();
    ck_assert_int_eq(file->read(file->name, &err), AQ_BAD_INPUT);
    double seconds = cpu_seconds() - begin;
    uint64_t above = memory_status("VmHWM");
    above = above > before + file->size ? above - before - file->size : 0;
    printf("%s: %.2f s, %.1f MiB above the file\n", err.message, seconds, (double)above / 1048576);
    if (getenv("AQ_SLOW") == NULL) { /* else both would be valgrind's */
        ck_assert_uint_le(above, MOST_ABOVE);
        ck_assert_double_le(seconds, MOST_SECONDS);
    }
}
END_TEST
#endif

static void allocate(void)
{
    text = malloc(HEADER + 8);
    ck_assert_ptr_nonnull(text);
    scratch_make();
}

static void release(void)
{
    scratch_remove();
    free(text);
}

int main(void)
{
    TCase *all = tcase_create("rejected");
    tcase_add_checked_fixture(all, allocate, release);
    tcase_add_loop_test(all, a_hundred_megabytes_are_refused_cheaply, 0,
                        sizeof endless / sizeof *endless);
    tcase_add_loop_test(all, a_hundred_megabytes_of_gguf_are_refused_cheaply, 0, 2);
#if !defined(AQ_INSTRUMENTED)
    tcase_add_loop_test(all, a_file_of_empty_values_is_refused_cheaply, 0,
                        sizeof json_files / sizeof *json_files);
#endif
    return RUN_SUITE("rejected", all);
}
