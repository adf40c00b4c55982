/* SPDX-License-Identifier: Apache-2.0
 * Outputs are whole or absent, and nothing is replaced that was not asked to be. */
#include <config.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/output.h"
#include "scratch.h"
#include "suite.h"

static void expect_file(const char *path, const char *text)
{
    char buf[256];
    FILE *f = fopen(path, "r");
    ck_assert_msg(f != NULL, "%s is missing", path);
    size_t n = fread(buf, 1, sizeof buf - 1, f);
    buf[n] = '\0';
    ck_assert_int_eq(fclose(f), 0);
    ck_assert_str_eq(buf, text);
}

static unsigned entries(const char *path)
{
    unsigned n = 0;
    DIR *dir = opendir(path);
    ck_assert_ptr_nonnull(dir);
    for (const struct dirent *e; (e = readdir(dir)) != NULL;)
        n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
    (void)closedir(dir);
    return n;
}

/* One file of a four-byte header and four bytes of data; or a directory of two, with company. */
static aq_out_file files[2];
static aq_out_tensor tensors[2];
static aq_out_text texts[1] = {{"model.safetensors.index.json", "{}", 2}};
static const char *copies[1] = {"tokenizer.json"};
static aq_file input = {.path = "in/model-1.safetensors", .name = "model-1.safetensors"};
static aq_model model;

static aq_layout single_file(void)
{
    files[0] = (aq_out_file){.header = (const uint8_t *)"head", .header_size = 4, .size = 8};
    tensors[0] = (aq_out_tensor){.name = "t", .bytes = 4, .offset = 4};
    struct stat st;
    bool exists = stat(input.path, &st) == 0; /* in a test before it did, perhaps */
    input.device = exists ? st.st_dev : 0;
    input.inode = exists ? st.st_ino : 0;
    model = (aq_model){.files = &input, .file_count = 1};
    return (aq_layout){.files = files, .file_count = 1, .tensors = tensors, .tensor_count = 1};
}

static aq_layout two_shards(void)
{
    aq_layout l = single_file();
    files[0].name = "model-1.safetensors";
    files[1] = files[0];
    files[1].name = "model-2.safetensors";
    tensors[1] = tensors[0];
    tensors[1].file = 1;
    ck_assert_int_eq(mkdir("in", 0777), 0);
    scratch_text("in/tokenizer.json", "tokens");
    scratch_text("in/model-1.safetensors", "weights");
    model.directory = "in";
    l.file_count = 2;
    l.tensor_count = 2;
    l.texts = texts;
    l.text_count = 1;
    l.copies = copies;
    l.copy_count = 1;
    return l;
}

static aq_sink *open_ok(const char *path, const aq_layout *l, bool force)
{
    aq_sink *sink;
    aq_error error;
    aq_status status = aq_output_open(path, l, &model, force, true, &sink, &error);
    ck_assert_msg(status == AQ_OK, "%s", status == AQ_OK ? "" : error.message);
    return sink;
}

static void expect_refusal(const char *path, const aq_layout *l, bool force, const char *word)
{
    aq_sink *sink;
    aq_error error;
    ck_assert_int_eq(aq_output_open(path, l, &model, force, true, &sink, &error), AQ_USAGE);
    ck_assert_msg(strstr(error.message, word) != NULL, "%s", error.message);
    ck_assert_ptr_null(sink);
}

static void write_all(aq_sink *sink, uint32_t file_count)
{
    aq_error error;
    for (uint32_t i = 0; i < file_count; i++) {
        ck_assert_int_eq(sink->write_at(sink, i, 6, "ta", 2, &error), AQ_OK);
        ck_assert_int_eq(sink->write_at(sink, i, 0, "head", 4, &error), AQ_OK);
        ck_assert_int_eq(sink->write_at(sink, i, 4, "da", 2, &error), AQ_OK);
    }
}

START_TEST(a_file_appears_whole)
{
    aq_error error;
    aq_layout l = single_file();
    (void)umask(027);
    aq_sink *sink = open_ok("out.gguf", &l, false);
    ck_assert_int_ne(access("out.gguf", F_OK), 0);
    write_all(sink, 1);
    ck_assert_int_ne(access("out.gguf", F_OK), 0);
    ck_assert_int_eq(sink->commit(sink, &error), AQ_OK);
    sink->close(sink);
    expect_file("out.gguf", "headdata");
    ck_assert_uint_eq(entries("."), 1);
    struct stat st;
    ck_assert_int_eq(stat("out.gguf", &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0640);
}
END_TEST

START_TEST(without_commit_nothing_stays)
{
    aq_layout l = single_file();
    scratch_text("out.gguf", "old");
    aq_sink *sink = open_ok("out.gguf", &l, true);
    write_all(sink, 1);
    sink->close(sink);
    expect_file("out.gguf", "old");
    ck_assert_uint_eq(entries("."), 1);
}
END_TEST

START_TEST(what_was_not_written_is_no_output)
{
    aq_error error;
    aq_layout l = single_file();
    aq_sink *sink = open_ok("out.gguf", &l, false);
    ck_assert_int_eq(sink->write_at(sink, 0, 0, "headda", 6, &error), AQ_OK);
    ck_assert_int_eq(sink->commit(sink, &error), AQ_FAILURE);
    ck_assert_ptr_nonnull(strstr(error.message, "2 bytes were never written"));
    sink->close(sink);
    ck_assert_uint_eq(entries("."), 0);
}
END_TEST

START_TEST(an_existing_file_needs_force)
{
    aq_error error;
    aq_layout l = single_file();
    scratch_text("out.gguf", "old");
    expect_refusal("out.gguf", &l, false, "--force");
    expect_file("out.gguf", "old");
    aq_sink *sink = open_ok("out.gguf", &l, true);
    write_all(sink, 1);
    ck_assert_int_eq(sink->commit(sink, &error), AQ_OK);
    sink->close(sink);
    expect_file("out.gguf", "headdata");
}
END_TEST

START_TEST(a_file_that_appears_meanwhile_is_kept)
{
    aq_error error;
    aq_layout l = single_file();
    aq_sink *sink = open_ok("out.gguf", &l, false);
    write_all(sink, 1);
    scratch_text("out.gguf", "somebody's");
    ck_assert_int_eq(sink->commit(sink, &error), AQ_USAGE);
    sink->close(sink);
    expect_file("out.gguf", "somebody's");
    ck_assert_uint_eq(entries("."), 1);
}
END_TEST

START_TEST(an_input_is_never_replaced)
{
    ck_assert_int_eq(mkdir("in", 0777), 0);
    scratch_text("in/model-1.safetensors", "weights");
    aq_layout l = single_file();
    ck_assert_int_eq(symlink("in/model-1.safetensors", "soft"), 0);
    ck_assert_int_eq(link("in/model-1.safetensors", "hard"), 0);
    expect_refusal("in/model-1.safetensors", &l, true, "input");
    expect_refusal("in/../soft", &l, true, "input");
    expect_refusal("hard", &l, true, "input");
}
END_TEST

START_TEST(odd_targets_are_refused)
{
    aq_layout l = single_file();
    ck_assert_int_eq(mkdir("dir", 0777), 0);
    ck_assert_int_eq(mkfifo("fifo", 0666), 0);
    expect_refusal("dir", &l, true, "directory");
    expect_refusal("fifo", &l, true, "regular");
}
END_TEST

START_TEST(a_directory_appears_whole)
{
    aq_error error;
    aq_layout l = two_shards();
    aq_sink *sink = open_ok("out", &l, false);
    write_all(sink, 2);
    ck_assert_int_eq(sink->commit(sink, &error), AQ_OK);
    sink->close(sink);
    expect_file("out/model-1.safetensors", "headdata");
    expect_file("out/model-2.safetensors", "headdata");
    expect_file("out/tokenizer.json", "tokens");
    expect_file("out/model.safetensors.index.json", "{}");
    ck_assert_uint_eq(entries("out"), 4);
}
END_TEST

START_TEST(a_new_directory_goes_with_the_failure)
{
    aq_layout l = two_shards();
    aq_sink *sink = open_ok("out", &l, false);
    sink->close(sink);
    ck_assert_int_ne(access("out", F_OK), 0);
}
END_TEST

START_TEST(a_directory_in_use_needs_force_and_no_strangers)
{
    aq_error error;
    aq_layout l = two_shards();
    ck_assert_int_eq(mkdir("out", 0777), 0);
    scratch_text("out/notes.txt", "mine");
    expect_refusal("out", &l, false, "--force");
    scratch_text("out/other.safetensors", "stale");
    expect_refusal("out", &l, true, "other.safetensors");
    ck_assert_int_eq(unlink("out/other.safetensors"), 0);
    aq_sink *sink = open_ok("out", &l, true);
    write_all(sink, 2);
    ck_assert_int_eq(sink->commit(sink, &error), AQ_OK);
    sink->close(sink);
    expect_file("out/notes.txt", "mine");
    expect_refusal("in", &l, true, "input");
}
END_TEST

START_TEST(the_checksum_does_not_see_order_or_cuts)
{
    static const char bytes[] = "0123456789abcdefghijklmnopqrstuvwxyz";
    static const size_t cuts[3][4] = {{0, 36, 36, 36}, {0, 5, 18, 36}, {0, 7, 7, 36}};
    aq_error error;
    uint64_t sums[3];
    for (unsigned round = 0; round < 3; round++) {
        aq_sink *sink = aq_checksum_sink(aq_null_sink());
        for (unsigned i = 3; i > 0; i--) { /* backwards */
            size_t from = cuts[round][i - 1], n = cuts[round][i] - from;
            ck_assert_int_eq(sink->write_at(sink, 1, 1003 + from, bytes + from, n, &error), AQ_OK);
        }
        sums[round] = aq_checksum_sink_value(sink);
        sink->close(sink);
    }
    ck_assert_uint_ne(sums[0], 0);
    ck_assert_uint_eq(sums[0], sums[1]);
    ck_assert_uint_eq(sums[0], sums[2]);
    aq_sink *sink = aq_checksum_sink(aq_null_sink());
    ck_assert_int_eq(sink->write_at(sink, 0, 1003, bytes, 36, &error), AQ_OK);
    ck_assert_uint_ne(aq_checksum_sink_value(sink), sums[0]);
    sink->close(sink);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("output");
    tcase_add_checked_fixture(tests, scratch_enter, scratch_leave);
    tcase_add_test(tests, a_file_appears_whole);
    tcase_add_test(tests, without_commit_nothing_stays);
    tcase_add_test(tests, what_was_not_written_is_no_output);
    tcase_add_test(tests, an_existing_file_needs_force);
    tcase_add_test(tests, a_file_that_appears_meanwhile_is_kept);
    tcase_add_test(tests, an_input_is_never_replaced);
    tcase_add_test(tests, odd_targets_are_refused);
    tcase_add_test(tests, a_directory_appears_whole);
    tcase_add_test(tests, a_new_directory_goes_with_the_failure);
    tcase_add_test(tests, a_directory_in_use_needs_force_and_no_strangers);
    tcase_add_test(tests, the_checksum_does_not_see_order_or_cuts);
    return RUN_SUITE("output", tests);
}
