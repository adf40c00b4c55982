/* SPDX-License-Identifier: Apache-2.0
 * The source over files, and what the parsers stand on. */
#include <config.h>

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/spans.h"
#include "base/utf8.h"
#include "formats/files.h"
#include "formats/names.h"
#include "model_bytes.h"
#include "scratch.h"
#include "suite.h"

static aq_source *open_one(const char *path, aq_file *file)
{
    aq_source *source;
    aq_error err;
    *file = (aq_file){.path = path};
    aq_status status = aq_files_open(file, 1, &source, &err);
    ck_assert_msg(status == AQ_OK, "%s", err.message);
    return source;
}

START_TEST(reads_ranges)
{
    char buf[4];
    struct stat st;
    aq_file file;
    aq_error err;
    scratch_write("x", "0123456789", 10);
    ck_assert_int_eq(stat("x", &st), 0);
    aq_source *source = open_one("x", &file);
    ck_assert_uint_eq(file.size, 10);
    ck_assert_uint_eq(file.inode, st.st_ino);
    ck_assert_uint_eq(file.device, st.st_dev);
    ck_assert_int_eq(source->read_at(source, 0, 6, buf, 4, &err), AQ_OK);
    ck_assert_mem_eq(buf, "6789", 4);
    ck_assert_int_eq(source->read_at(source, 0, 10, buf, 0, &err), AQ_OK);
    ck_assert_int_eq(source->read_at(source, 0, 7, buf, 4, &err), AQ_BAD_INPUT);
    ck_assert_int_eq(source->read_at(source, 0, UINT64_MAX, buf, 4, &err), AQ_BAD_INPUT);
    ck_assert_msg(says(err.message, "x: |past the end"), "%s", err.message);
    ck_assert_int_eq(aq_files_unchanged(source, &err), AQ_OK);
    source->close(source);
}
END_TEST

START_TEST(refuses_what_is_no_file)
{
    static const struct {
        const char *path, *words;
        aq_status status;
    } cases[] = {
        {"directory", "directory: not a regular file", AQ_BAD_INPUT},
        {"fifo", "fifo: not a regular file", AQ_BAD_INPUT},
        {"/dev/null", "/dev/null: not a regular file", AQ_BAD_INPUT},
        {"absent", "absent: cannot open: No such file", AQ_FAILURE},
        {"dangling", "dangling: cannot open", AQ_FAILURE},
    };
    ck_assert_int_eq(mkdir("directory", 0777), 0);
    ck_assert_int_eq(mkfifo("fifo", 0666), 0);
    ck_assert_int_eq(symlink("absent", "dangling"), 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        aq_file file = {.path = cases[i].path};
        aq_source *source;
        aq_error err;
        ck_assert_int_eq(aq_files_open(&file, 1, &source, &err), cases[i].status);
        ck_assert_msg(says(err.message, cases[i].words), "%s", err.message);
    }
}
END_TEST

START_TEST(notices_a_file_that_shrinks)
{
    char buf[10];
    aq_file file;
    aq_error err;
    scratch_write("x", "0123456789", 10);
    aq_source *source = open_one("x", &file);
    ck_assert_int_eq(truncate("x", 5), 0);
    ck_assert_int_eq(source->read_at(source, 0, 0, buf, 10, &err), AQ_FAILURE);
    ck_assert_msg(says(err.message, "x: |ends at byte 5"), "%s", err.message);
    ck_assert_int_eq(aq_files_unchanged(source, &err), AQ_FAILURE);
    ck_assert_msg(says(err.message, "x: |changed"), "%s", err.message);
    source->close(source);
}
END_TEST

static void set_time(const char *path, time_t seconds)
{
    const struct timespec times[2] = {{.tv_sec = seconds}, {.tv_sec = seconds}};
    ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
}

START_TEST(notices_a_file_that_is_written)
{
    aq_file file;
    aq_error err;
    scratch_write("x", "0123456789", 10);
    set_time("x", 1000000000);
    aq_source *source = open_one("x", &file);
    scratch_write("x", "9876543210", 10);
    ck_assert_int_eq(aq_files_unchanged(source, &err), AQ_FAILURE);
    source->close(source);
}
END_TEST

enum { MANY = 120 };

static aq_source *open_many(aq_file files[MANY], char names[MANY][8])
{
    aq_source *source;
    aq_error err;
    for (unsigned i = 0; i < MANY; i++) {
        unsigned char byte = (unsigned char)i;
        (void)snprintf(names[i], 8, "%u", i);
        scratch_write(names[i], &byte, 1);
        files[i] = (aq_file){.path = names[i]};
    }
    ck_assert_int_eq(aq_files_open(files, MANY, &source, &err), AQ_OK);
    return source;
}

/* A file that was closed for want of descriptors is compared when it is opened again. */
START_TEST(notices_a_file_that_was_replaced)
{
    aq_file files[MANY];
    char names[MANY][8];
    aq_error err;
    unsigned char byte;
    aq_source *source = open_many(files, names);
    scratch_write("new", "x", 1);
    ck_assert_int_eq(rename("new", names[MANY - 1]), 0);
    ck_assert_int_eq(aq_files_unchanged(source, &err), AQ_FAILURE);
    ck_assert_int_eq(source->read_at(source, MANY - 1, 0, &byte, 1, &err), AQ_FAILURE);
    ck_assert_msg(says(err.message, "119: |changed"), "%s", err.message);
    ck_assert_int_eq(unlink(names[MANY - 1]), 0);
    ck_assert_int_eq(source->read_at(source, MANY - 1, 0, &byte, 1, &err), AQ_FAILURE);
    ck_assert_msg(says(err.message, "119: |No such file"), "%s", err.message);
    source->close(source);
}
END_TEST

typedef struct reader {
    aq_source *source;
    unsigned seed, wrong, most;
} reader;

static void *read_everywhere(void *arg)
{
    reader *r = arg;
    for (unsigned i = 0; i < 3000; i++) {
        unsigned char byte = 255;
        aq_error err;
        r->seed = r->seed * 1664525 + 1013904223;
        unsigned file = (r->seed >> 8) % MANY;
        if (r->source->read_at(r->source, file, 0, &byte, 1, &err) != AQ_OK || byte != file)
            r->wrong++;
        unsigned open = aq_files_descriptors(r->source);
        r->most = open > r->most ? open : r->most;
    }
    return NULL;
}

START_TEST(shares_few_descriptors)
{
    enum { THREADS = 8 };
    aq_file files[MANY];
    char names[MANY][8];
    pthread_t threads[THREADS];
    reader readers[THREADS];
    aq_source *source = open_many(files, names);
    for (unsigned i = 0; i < THREADS; i++) {
        readers[i] = (reader){.source = source, .seed = i};
        ck_assert_int_eq(pthread_create(&threads[i], NULL, read_everywhere, &readers[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
        ck_assert_uint_eq(readers[i].wrong, 0);
        ck_assert_uint_le(readers[i].most, AQ_FILES_DESCRIPTORS);
    }
    source->close(source);
}
END_TEST

/* ---- the small parts ---- */

START_TEST(knows_utf8)
{
    static const struct {
        const char *s;
        size_t size, length;
    } cases[] = {
        {"", 0, 0},
        {"a", 1, 1},
        {"\0", 1, 1},
        {"\x80", 1, 0},
        {"\xc3\xa9", 2, 2},
        {"\xc3\xa9", 1, 0},
        {"\xc1\xbf", 2, 0},
        {"\xe2\x82\xac", 3, 3},
        {"\xe2\x82\xac", 2, 0},
        {"\xe0\x9f\xbf", 3, 0},
        {"\xed\x9f\xbf", 3, 3},
        {"\xed\xa0\x80", 3, 0},
        {"\xf0\x90\x80\x80", 4, 4},
        {"\xf0\x8f\xbf\xbf", 4, 0},
        {"\xf4\x8f\xbf\xbf", 4, 4},
        {"\xf4\x90\x80\x80", 4, 0},
        {"\xf4\x8f\xbf\xbf", 3, 0},
        {"\xf0\x90\x80"
         "a",
         4, 0},
        {"\xf5\x80\x80\x80", 4, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_msg(aq_utf8_char(cases[i].s, cases[i].size) == cases[i].length, "%zu", i);
    unsigned wrong = 0;
    for (unsigned code = 0; code < 0x110000; code++) {
        char out[4];
        bool surrogate = code >= 0xd800 && code <= 0xdfff;
        size_t n = aq_utf8_put(out, code);
        wrong += aq_utf8_char(out, n) != (surrogate ? 0 : n);
    }
    ck_assert_uint_eq(wrong, 0);
}
END_TEST

START_TEST(keeps_messages_clean)
{
    aq_error err;
    char long_name[2 * AQ_MESSAGE_SIZE];
    aq_fail(&err, AQ_BAD_INPUT, "a\n%s\x7f", "\xc3\xa9\xff\xc3");
    ck_assert_str_eq(err.message, "a?\xc3\xa9???");
    for (size_t i = 0; i < sizeof long_name - 1; i++)
        long_name[i] = i % 2 ? '\xa9' : '\xc3';
    long_name[sizeof long_name - 1] = '\0';
    aq_fail(&err, AQ_BAD_INPUT, "%s", long_name);
    ck_assert(aq_utf8_valid(err.message, strlen(err.message)));
}
END_TEST

static const char *number_name(const void *owner, uint32_t i, size_t *length)
{
    const char(*names)[8] = (const char(*)[8])owner;
    *length = strlen(names[i]);
    return names[i];
}

START_TEST(finds_names)
{
    enum { COUNT = 1000 };
    static char names[COUNT + 1][8];
    aq_names set;
    for (uint32_t i = 0; i < COUNT; i++)
        (void)snprintf(names[i], sizeof names[i], "n%u", i);
    (void)snprintf(names[COUNT], sizeof names[COUNT], "n%u", 321U);
    ck_assert(aq_names_init(&set, COUNT + 1, number_name, names));
    for (uint32_t i = 0; i < COUNT; i++)
        ck_assert_uint_eq(aq_names_add(&set, i), AQ_NAMES_NONE);
    ck_assert_uint_eq(aq_names_add(&set, COUNT), 321);
    ck_assert_uint_eq(aq_names_find(&set, "n999", 4), 999);
    ck_assert_uint_eq(aq_names_find(&set, "n9990", 4), 999);
    ck_assert_uint_eq(aq_names_find(&set, "n1000", 5), AQ_NAMES_NONE);
    ck_assert_uint_eq(aq_names_find(&set, "", 0), AQ_NAMES_NONE);
    aq_names_free(&set);
}
END_TEST

static uint64_t pattern(unsigned kind, uint32_t i, uint32_t count)
{
    switch (kind) {
    case 0:
        return i;
    case 1:
        return count - i;
    case 2:
        return 7;
    case 3:
        return i % 3;
    case 4: /* organ pipe: bad for a median of three */
        return i < count / 2 ? i : count - i;
    default:
        return (i * UINT64_C(0x9e3779b97f4a7c15)) >> 40;
    }
}

START_TEST(sorts_spans)
{
    for (uint32_t count = 0; count < 5000; count = count * 2 + 1) {
        aq_spans spans = {0};
        uint64_t sum = 0;
        unsigned wrong = 0;
        for (uint32_t i = 0; i < count; i++) {
            uint64_t at = pattern((unsigned)_i, i, count);
            wrong += !aq_spans_add(&spans, (aq_span){at, at + i % 2, i, 0});
        }
        aq_spans_sort(&spans);
        for (uint32_t i = 0; i < count; i++) {
            const aq_span *b = &spans.items[i], *a = i > 0 ? b - 1 : b;
            sum += b->name;
            wrong += a->begin > b->begin || (a->begin == b->begin && a->end > b->end);
            wrong += i > 0 && a->begin == b->begin && a->end == b->end && a->name >= b->name;
        }
        ck_assert_uint_eq(wrong, 0);
        ck_assert_uint_eq(sum, (uint64_t)count * (count > 0 ? count - 1 : 0) / 2);
        aq_spans_free(&spans);
    }
}
END_TEST

int main(void)
{
    TCase *files = tcase_create("files"), *parts = tcase_create("parts");
    tcase_add_checked_fixture(files, scratch_enter, scratch_leave);
    tcase_set_timeout(files, 120);
    tcase_set_timeout(parts, 120);
    tcase_add_test(files, reads_ranges);
    tcase_add_test(files, refuses_what_is_no_file);
    tcase_add_test(files, notices_a_file_that_shrinks);
    tcase_add_test(files, notices_a_file_that_is_written);
    tcase_add_test(files, notices_a_file_that_was_replaced);
    tcase_add_test(files, shares_few_descriptors);
    tcase_add_test(parts, knows_utf8);
    tcase_add_test(parts, keeps_messages_clean);
    tcase_add_test(parts, finds_names);
    tcase_add_loop_test(parts, sorts_spans, 0, 6);
    return RUN_SUITE("files", files, parts);
}
