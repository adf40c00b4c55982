/* SPDX-License-Identifier: Apache-2.0
 * Records of parts, as strangers may have written them. */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "parts/part.h"
#include "scratch.h"
#include "suite.h"

#define HASH "\"00000000000000ff\""

static const char valid[] =
    "{\"arrowquant_part\": 1, \"part\": 2, \"parts\": 3, \"version\": \"1.2.3\","
    "\"options\": \"int4\", \"input\": " HASH ", \"whole\": " HASH ","
    "\"shards\": [{\"name\": \"a.safetensors\", \"index\": 7, \"bytes\": 10}],"
    "\"shards_checksum\": " HASH ", \"copies\": [], \"copies_checksum\": " HASH ","
    "\"texts\": [{\"name\": \"config.json\", \"text\": \"{}\\n\"}]}";

static aq_status read_record(const char *text, aq_part *part, aq_error *err)
{
    scratch_text("arrowquant-part-2-of-3.json", text);
    return aq_part_read(part, scratch_dir, "arrowquant-part-2-of-3.json", err);
}

START_TEST(a_record_is_read)
{
    aq_part part;
    aq_error err;
    ck_assert_msg(read_record(valid, &part, &err) == AQ_OK, "%s", err.message);
    ck_assert_uint_eq(part.part, 2);
    ck_assert_uint_eq(part.parts, 3);
    ck_assert_str_eq(part.identity.options, "int4");
    ck_assert_uint_eq(part.identity.input, 255);
    ck_assert_uint_eq(part.shards.count, 1);
    ck_assert_str_eq(part.shards.file[0].name, "a.safetensors");
    ck_assert_uint_eq(part.shards.file[0].index, 7);
    ck_assert_uint_eq(part.shards.checksum, 255);
    ck_assert_uint_eq(part.texts[0].size, 3);
    aq_part_free(&part);
}
END_TEST

static const struct {
    const char *from, *to;
} hostile[] = {
    {"\"arrowquant_part\": 1", "\"arrowquant_part\": 2"},
    {"\"arrowquant_part\": 1, ", ""},
    {"\"part\": 2", "\"part\": 1"},
    {"\"parts\": 3", "\"parts\": 4"},
    {"\"version\": \"1.2.3\"", "\"version\": 1"},
    {"\"options\": \"int4\",", ""},
    {"\"input\": " HASH, "\"input\": 255"},
    {"\"input\": " HASH, "\"input\": \"00000000000000FF\""},
    {"\"input\": " HASH, "\"input\": \"ff\""},
    {"a.safetensors", "../a.safetensors"},
    {"a.safetensors", "/a"},
    {"a.safetensors", ".."},
    {"a.safetensors", ""},
    {"a.safetensors", "a\\u0000b"},
    {"\"index\": 7", "\"index\": 4294967296"},
    {"\"index\": 7", "\"index\": -1"},
    {"\"bytes\": 10", "\"bytes\": -1"},
    {"\"bytes\": 10", "\"bytes\": 1.5"},
    {"\"bytes\": 10", "\"bytes\": 99999999999999999999"},
    {"\"copies\": []", "\"copies\": {}"},
    {"\"copies\": []", "\"copies\": [1]"},
    {"config.json", "x/config.json"},
    {"config.json", "a.safetensors"},
    {"\"text\": \"{}\\n\"", "\"text\": {}"},
    {"\"part\": 2", "\"part\": 2, \"part\": 2"},
    {"\"part\": 2", "\"p\\u0061rt\": 2, \"part\": 2"},
    {"\"part\": 2", "\"part\" 2"},
    {"\"part\": 2", "\"part\": 2, \"more\": [1, }"},
    {"\"version\": \"1.2.3\"", "\"version\": \"1.2.3\\u0000\""},
    {"\"arrowquant_part\": 1", "\"arrowquant_part\": \"1\""},
    {"\"index\": 7, ", ""},
    {"\"index\": 7", "\"index\": 7, \"index\": 7"},
    {"\"index\": 7", "\"index\": [7]"},
    {"\"index\": 7", "\"index\": 7 8"},
    {"\"copies\": []", "\"copies\": [,]"},
    {"\"texts\": [", "\"texts\": [,"},
    {"\"texts\": [", "\"texts\": 1, \"t\": ["},
    {"\"name\": \"config.json\", ", ""},
    {"\"shards\": [", "\"shards\": [1, "},
    {"\\n\"}]}", "\\n\"}]} x"},
    {"}]}", "}]"},
    {valid, ""},
    {valid, "[]"},
    {valid, "\xff\xfe"},
};

START_TEST(hostile_records_are_refused)
{
    char text[2048];
    const char *from = hostile[_i].from, *to = hostile[_i].to, *at = strstr(valid, from);
    ck_assert_ptr_nonnull(at);
    (void)snprintf(text, sizeof text, "%.*s%s%s", (int)(at - valid), valid, to, at + strlen(from));
    aq_part part;
    aq_error err;
    ck_assert_msg(read_record(text, &part, &err) == AQ_BAD_INPUT, "%s was accepted", text);
    ck_assert_ptr_nonnull(strstr(err.message, "part-2-of-3.json"));
    aq_part_free(&part);
}
END_TEST

/* Fields in any order, others between them, names written with escapes. */
START_TEST(order_and_other_fields_do_not_matter)
{
    static const char text[] =
        "{\"texts\":[],\"copies_checksum\":" HASH ",\"copies\":[],\"shards_checksum\":" HASH
        ",\"shards\":[{\"more\":{\"a\":[null]},\"bytes\":18446744073709551615,\"index\":4294967295,"
        "\"name\":\"\\u0061\"}],\"whole\":" HASH ",\"input\":" HASH ",\"options\":\"\","
        "\"\\u0076ersion\":\"\",\"parts\":3,\"part\":2,\"more\":[1.5],\"arrowquant_part\":1}";
    aq_part part;
    aq_error err;
    ck_assert_msg(read_record(text, &part, &err) == AQ_OK, "%s", err.message);
    ck_assert_str_eq(part.shards.file[0].name, "a");
    ck_assert_uint_eq(part.shards.file[0].index, UINT32_MAX);
    ck_assert_uint_eq(part.shards.file[0].bytes, UINT64_MAX);
    ck_assert_uint_eq(part.text_count, 0);
    aq_part_free(&part);
}
END_TEST

/* What is in the place of `list` comes `times` times; the last one counted must be refused. */
static void expect_bounded(const char *list, const char *item, size_t most, const char *words)
{
    size_t room = (most + 2) * (strlen(item) + 1) + sizeof valid, at = 0;
    char *text = malloc(room);
    const char *found = strstr(valid, list);
    ck_assert_ptr_nonnull(text);
    ck_assert_ptr_nonnull(found);
    found = strchr(found, '[') + 1;
    at = (size_t)snprintf(text, room, "%.*s", (int)(found - valid), valid);
    for (size_t i = 0; i < most + 1; i++)
        at += (size_t)snprintf(text + at, room - at, "%s%s", i > 0 ? "," : "", item);
    (void)snprintf(text + at, room - at, "%s", strchr(found, ']'));
    aq_part part;
    aq_error err;
    ck_assert_int_eq(read_record(text, &part, &err), AQ_BAD_INPUT);
    ck_assert_msg(strstr(err.message, words) != NULL, "%s", err.message);
    aq_part_free(&part);
    free(text);
}

START_TEST(lists_are_bounded)
{
    expect_bounded("\"shards\"", "{\"name\":\"a\",\"index\":1,\"bytes\":1}", 131072,
                   "too many files");
    expect_bounded("\"texts\"", "{\"name\":\"config.json\",\"text\":\"\"}", 16, "too many texts");
}
END_TEST

/* What a directory may hold under a record's name, and what would wait for ever for a reader. */
START_TEST(only_a_regular_file_of_some_size_is_a_record)
{
    static const char name[] = "arrowquant-part-2-of-3.json";
    const char *path = scratch_path(name);
    aq_part part;
    aq_error err;
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    ck_assert_int_eq(aq_part_read(&part, scratch_dir, name, &err), AQ_BAD_INPUT);
    ck_assert_ptr_nonnull(strstr(err.message, "not a regular file"));
    aq_part_free(&part);
    ck_assert_int_eq(unlink(path), 0);
    scratch_text(name, valid);
    ck_assert_int_eq(truncate(path, 64 * 1024 * 1024 + 1), 0);
    ck_assert_int_eq(aq_part_read(&part, scratch_dir, name, &err), AQ_BAD_INPUT);
    ck_assert_ptr_nonnull(strstr(err.message, "too many for the record"));
    aq_part_free(&part);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(aq_part_read(&part, scratch_dir, name, &err), AQ_FAILURE);
    ck_assert_int_eq(aq_part_read(&part, scratch_dir, name, NULL), AQ_FAILURE);
    ck_assert_int_eq(aq_part_read(&part, scratch_dir, "x", &err), AQ_BAD_INPUT);
}
END_TEST

START_TEST(names_are_parsed_whole)
{
    static const char *const bad[] = {
        "arrowquant-part-0-of-3.json",  "arrowquant-part-4-of-3.json",
        "arrowquant-part-2-of-3.json~", "arrowquant-part-02-of-3.json",
        "arrowquant-part-+2-of-3.json", "arrowquant-part- 2-of-3.json",
        "arrowquant-part--1-of-3.json", "arrowquant-part-1-of-65537.json",
        "arrowquant-part-1-of-.json",   "arrowquant-part-1-of-3",
        "xarrowquant-part-1-of-3.json", ""};
    unsigned part, parts;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_msg(!aq_part_name_parse(bad[i], &part, &parts), "%s", bad[i]);
    aq_arena arena = {0};
    const char *name = aq_part_name(&arena, 12, 65536);
    ck_assert(aq_part_name_parse(name, &part, &parts));
    ck_assert_uint_eq(part, 12);
    ck_assert_uint_eq(parts, 65536);
    aq_arena_free(&arena);
}
END_TEST

START_TEST(files_are_summed_wherever_they_are_cut)
{
    static unsigned char bytes[3 << 20];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(i * 7 + i / 1000);
    scratch_write("one", bytes, sizeof bytes);
    aq_part_file file = {"one", 3, sizeof bytes};
    const aq_part_files files = {.file = &file, .count = 1};
    uint64_t sum, other;
    aq_error err;
    ck_assert_int_eq(aq_part_sum(&files, scratch_dir, NULL, &sum, &err), AQ_OK);
    file.index = 4;
    ck_assert_int_eq(aq_part_sum(&files, scratch_dir, NULL, &other, &err), AQ_OK);
    ck_assert_uint_ne(sum, other);
    file.index = 3;
    bytes[sizeof bytes - 1] ^= 1;
    scratch_write("one", bytes, sizeof bytes);
    ck_assert_int_eq(aq_part_sum(&files, scratch_dir, NULL, &other, &err), AQ_OK);
    ck_assert_uint_ne(sum, other);
    file.bytes--;
    ck_assert_int_eq(aq_part_sum(&files, scratch_dir, NULL, &other, &err), AQ_BAD_INPUT);
    const volatile int cancel = 1;
    file.bytes++;
    ck_assert_int_eq(aq_part_sum(&files, scratch_dir, &cancel, &other, &err), AQ_CANCELLED);
}
END_TEST

int main(void)
{
    TCase *all = tcase_create("records");
    tcase_add_checked_fixture(all, scratch_make, scratch_remove);
    tcase_add_test(all, a_record_is_read);
    tcase_add_loop_test(all, hostile_records_are_refused, 0,
                        (int)(sizeof hostile / sizeof hostile[0]));
    tcase_add_test(all, order_and_other_fields_do_not_matter);
    tcase_add_test(all, lists_are_bounded);
    tcase_add_test(all, only_a_regular_file_of_some_size_is_a_record);
    tcase_add_test(all, names_are_parsed_whole);
    tcase_add_test(all, files_are_summed_wherever_they_are_cut);
    return RUN_SUITE("part", all);
}
