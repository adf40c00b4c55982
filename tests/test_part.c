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
    tcase_add_test(all, names_are_parsed_whole);
    tcase_add_test(all, files_are_summed_wherever_they_are_cut);
    return RUN_SUITE("part", all);
}
