/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "formats/files.h"
#include "model_bytes.h"
#include "scratch.h"
#include "suite.h"

/* A shard of tensors of one byte each, named by the letters of `names`. */
static void put_shard(const char *path, const char *names)
{
    char bytes[1024] = {0}, *p = bytes + 8;
    unsigned count = 0;
    *p++ = '{';
    for (; names[count] != '\0'; count++)
        p += sprintf(p, "%s\"%c\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[%u,%u]}",
                     count > 0 ? "," : "", names[count], count, count + 1);
    *p++ = '}';
    uint64_t n = (uint64_t)(p - bytes) - 8;
    memcpy(bytes, &n, sizeof n);
    scratch_write(path, bytes, 8 + (size_t)n + count);
}

static void put_index(const char *weight_map)
{
    char text[2048];
    (void)snprintf(text, sizeof text, "{\"metadata\":{\"total_size\":1e99},\"weight_map\":{%s}}\n",
                   weight_map);
    scratch_text("model.safetensors.index.json", text);
}

static void put_two_shards(void)
{
    put_shard("1.safetensors", "ba");
    put_shard("2.safetensors", "c");
}

#define TWO_SHARDS "\"a\":\"1.safetensors\",\"b\":\"1.safetensors\",\"c\":\"2.safetensors\""

static void expect_open(const char *path, aq_model **m)
{
    aq_error err;
    aq_status status = aq_model_open(path, m, &err);
    ck_assert_msg(status == AQ_OK, "%s", err.message);
}

static void expect_refused(const char *path, const char *words)
{
    aq_error err;
    aq_model *m;
    ck_assert_int_eq(aq_model_open(path, &m, &err), AQ_BAD_INPUT);
    ck_assert_ptr_null(m);
    ck_assert_msg(says(err.message, words), "%s", err.message);
}

START_TEST(opens_index_and_directory)
{
    const char *const paths[] = {".", "model.safetensors.index.json", scratch_dir};
    put_two_shards();
    put_index(TWO_SHARDS);
    scratch_text("config.json", "{}");
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        aq_model *m;
        expect_open(paths[i], &m);
        ck_assert(m->is_directory);
        ck_assert_str_eq(m->directory, i == 2 ? scratch_dir : ".");
        ck_assert_uint_eq(m->file_count, 2);
        ck_assert_str_eq(m->files[0].name, "1.safetensors");
        ck_assert_uint_ne(m->files[0].inode, m->files[1].inode);
        ck_assert_uint_eq(m->tensor_count, 3);
        ck_assert_str_eq(m->tensors[0].name, "b");
        ck_assert_str_eq(m->tensors[2].name, "c");
        ck_assert_uint_eq(m->tensors[2].file, 1);
        ck_assert_uint_eq(m->extra_count, 1);
        ck_assert_str_eq(m->extras[0], "config.json");
        aq_model_close(m);
    }
}
END_TEST

START_TEST(prefers_the_usual_index)
{
    aq_model *m;
    put_two_shards();
    scratch_text("model.fp16.safetensors.index.json", "{}");
    put_index(TWO_SHARDS);
    scratch_text("other.safetensors.index.json", "{}");
    expect_open(".", &m);
    aq_model_close(m);
    ck_assert_int_eq(unlink("model.safetensors.index.json"), 0);
    expect_refused(".", "several .safetensors.index.json");
}
END_TEST

START_TEST(opens_a_directory_of_one_file)
{
    aq_model *m;
    put_shard("weights.safetensors", "xy");
    scratch_text("tokenizer.json", "{}");
    expect_open("./", &m);
    ck_assert(m->is_directory);
    ck_assert_str_eq(m->path, "./");
    ck_assert_str_eq(m->files[0].path, "./weights.safetensors");
    ck_assert_str_eq(m->files[0].name, "weights.safetensors");
    ck_assert_uint_eq(m->extra_count, 1);
    aq_model_close(m);
}
END_TEST

START_TEST(refuses_directories_without_sense)
{
    expect_refused(".", "no .safetensors file");
    put_two_shards();
    expect_refused(".", "2 .safetensors files|index");
}
END_TEST

START_TEST(collects_what_is_carried_along)
{
    static const char *const kept[] = {"a.txt", "config.json", "merges.txt", "tokenizer.model"};
    static const char *const left[] = {".hidden",      "pytorch_model.bin",
                                       "x.pt",         "m.gguf",
                                       "flax.msgpack", "pytorch_model.bin.index.json"};
    aq_model *m;
    put_shard("model.safetensors", "x");
    for (size_t i = 4; i-- > 0;)
        scratch_text(kept[i], "");
    for (size_t i = 0; i < sizeof left / sizeof *left; i++)
        scratch_text(left[i], "");
    ck_assert_int_eq(mkdir("original", 0777), 0);
    ck_assert_int_eq(symlink("nowhere", "dangling"), 0);
    ck_assert_int_eq(mkfifo("fifo", 0666), 0);
    expect_open(".", &m);
    ck_assert_uint_eq(m->extra_count, 4);
    for (size_t i = 0; i < 4; i++)
        ck_assert_str_eq(m->extras[i], kept[i]);
    aq_model_close(m);
}
END_TEST

/* As a cache of downloads has them: names are links to blobs elsewhere. */
START_TEST(follows_links)
{
    aq_model *m;
    ck_assert_int_eq(mkdir("blobs", 0777), 0);
    ck_assert_int_eq(mkdir("snapshot", 0777), 0);
    put_two_shards();
    put_index(TWO_SHARDS);
    ck_assert_int_eq(rename("1.safetensors", "blobs/0123"), 0);
    ck_assert_int_eq(rename("2.safetensors", "blobs/4567"), 0);
    ck_assert_int_eq(rename("model.safetensors.index.json", "blobs/89ab"), 0);
    ck_assert_int_eq(symlink("../blobs/0123", "snapshot/1.safetensors"), 0);
    ck_assert_int_eq(symlink("../blobs/4567", "snapshot/2.safetensors"), 0);
    ck_assert_int_eq(symlink("../blobs/89ab", "snapshot/model.safetensors.index.json"), 0);
    expect_open("snapshot", &m);
    ck_assert_uint_eq(m->tensor_count, 3);
    aq_model_close(m);
    expect_open("snapshot/model.safetensors.index.json", &m);
    aq_model_close(m);
}
END_TEST

#define A "\"a\":\"1.safetensors\","
#define B "\"b\":\"1.safetensors\","

static const struct {
    const char *map, *words;
} disagreements[] = {
    {A B "\"c\":\"3.safetensors\"", "'3.safetensors'|missing"},
    {A B "\"c\":\"2.safetensors\",\"d\":\"2.safetensors\"", "'d'|missing from shard|2.safe"},
    {A "\"c\":\"2.safetensors\"", "'b'|'1.safetensors'|not in weight_map"},
    {A "\"b\":\"2.safetensors\",\"c\":\"2.safetensors\"", "'b'|'1.safetensors'|not in '2.s"},
    {A A B "\"c\":\"2.safetensors\"", "duplicate tensor 'a'"},
    {A B "\"\\u0061\":\"2.safetensors\"", "duplicate tensor 'a'"},
    {A B "\"c\":\"../2.safetensors\"", "'c'|plain file name"},
    {A B "\"c\":\"/2.safetensors\"", "plain file name"},
    {A B "\"c\":\"sub/2.safetensors\"", "plain file name"},
    {A B "\"c\":\".2.safetensors\"", "plain file name"},
    {A B "\"c\":\".safetensors\"", "plain file name"},
    {A B "\"c\":\"\"", "plain file name"},
    {A B "\"c\":\"2.bin\"", "plain file name"},
    {A B "\"c\":\"2\\u0000.safetensors\"", "plain file name"},
    {A B "\"c\":\"2\\n.safetensors\"", "plain file name"},
    {A B "\"c\":\"2\\u007f.safetensors\"", "plain file name"},
    {A B "\"c\":2", "expected a string"},
    {A B "\"c\"", "':'"},
    {A "x", "expected a string"},
    {A B "\"c\":\"fifo.safetensors\"", "fifo|not a regular file"},
    {A B "\"c\":\"directory.safetensors\"", "directory|not a regular file"},
    {"", "no weight_map"},
};

START_TEST(refuses_disagreements)
{
    put_two_shards();
    ck_assert_int_eq(mkfifo("fifo.safetensors", 0666), 0);
    ck_assert_int_eq(mkdir("directory.safetensors", 0777), 0);
    put_index(disagreements[_i].map);
    expect_refused(".", disagreements[_i].words);
}
END_TEST

START_TEST(refuses_a_long_shard_name)
{
    char map[400];
    (void)snprintf(map, sizeof map, "\"a\":\"%0250d.safetensors\"", 1);
    put_index(map);
    expect_refused(".", "plain file name");
}
END_TEST

START_TEST(refuses_a_tensor_in_two_shards)
{
    put_two_shards();
    put_shard("2.safetensors", "ca");
    put_index(TWO_SHARDS);
    expect_refused(".", "'a'|in two shards|'1.safetensors'|'2.safetensors'");
}
END_TEST

START_TEST(names_the_shard_that_is_bad)
{
    put_two_shards();
    put_index(TWO_SHARDS);
    ck_assert_int_eq(truncate("2.safetensors", 20), 0);
    expect_refused(".", "2.safetensors|cut short");
}
END_TEST

static const struct {
    const char *text, *words;
} bad_indices[] = {
    {"", "too early"},
    {"[]", "'{'"},
    {"{}", "no weight_map"},
    {"{\"weight_map\":[]}", "'{'"},
    {"{\"weight_map\":{},\"weight_map\":{}}", "duplicate weight_map"},
    {"{\"weight_map\":{\"a\":\"1.safetensors\"}} x", "text after"},
    {"{\"metadata\":{,}}", "byte"},
    {"{\"weight_map\":{\"a\":\"1.safetensors\"}", "too early"},
};

START_TEST(refuses_bad_indices)
{
    put_two_shards();
    scratch_text("model.safetensors.index.json", bad_indices[_i].text);
    expect_refused("model.safetensors.index.json", bad_indices[_i].words);
}
END_TEST

START_TEST(refuses_a_huge_index)
{
    scratch_text("model.safetensors.index.json", "{}");
    ck_assert_int_eq(truncate("model.safetensors.index.json", (off_t)1 << 40), 0);
    expect_refused(".", "too many for an index");
}
END_TEST

/* Each of them is there; they are only too many. */
START_TEST(refuses_more_shards_than_any_model_has)
{
    enum { MANY = 65537 };
    const size_t room = (size_t)MANY * 40 + 64;
    char *text = malloc(room);
    ck_assert_ptr_nonnull(text);
    size_t at = (size_t)snprintf(text, room, "{\"weight_map\":{");
    for (unsigned i = 0; i < MANY; i++)
        at += (size_t)snprintf(text + at, room - at, "%s\"%u\":\"%u.safetensors\"",
                               i > 0 ? "," : "", i, i);
    (void)snprintf(text + at, room - at, "}}");
    scratch_text("model.safetensors.index.json", text);
    free(text);
    expect_refused("model.safetensors.index.json", "65537 shards|more than 65536");
}
END_TEST

START_TEST(says_what_cannot_be_opened)
{
    aq_model *m;
    aq_error err;
    ck_assert_int_eq(aq_model_open("no/model.safetensors.index.json", &m, &err), AQ_FAILURE);
    ck_assert_msg(says(err.message, "no/model|cannot open"), "%s", err.message);
    put_two_shards();
    put_index(TWO_SHARDS);
    ck_assert_int_eq(unlink("1.safetensors"), 0);
    ck_assert_int_eq(symlink("1.safetensors", "1.safetensors"), 0); /* leads nowhere */
    ck_assert_int_eq(aq_model_open(".", &m, &err), AQ_FAILURE);
    ck_assert_msg(says(err.message, "1.safetensors|cannot open"), "%s", err.message);
}
END_TEST

START_TEST(refuses_every_prefix_of_an_index)
{
    static const char text[] = "{\"weight_map\":{" TWO_SHARDS "}}";
    aq_model *m;
    put_two_shards();
    scratch_text("model.safetensors.index.json", text);
    expect_open(".", &m);
    aq_model_close(m);
    for (size_t n = 0; n < sizeof text - 1; n++) {
        scratch_write("model.safetensors.index.json", text, n);
        expect_refused(".", "model.safetensors.index.json");
    }
}
END_TEST

START_TEST(survives_every_flipped_bit_of_an_index)
{
    char text[] = "{\"weight_map\":{" TWO_SHARDS "}}";
    put_two_shards();
    for (size_t bit = 0; bit < 8 * (sizeof text - 1); bit++) {
        aq_model *m;
        aq_error err;
        text[bit / 8] = (char)(text[bit / 8] ^ 1 << bit % 8);
        scratch_write("model.safetensors.index.json", text, sizeof text - 1);
        /* No letter can change without the shards' disagreeing. */
        ck_assert_msg(aq_model_open(".", &m, &err) == AQ_BAD_INPUT, "bit %zu", bit);
        text[bit / 8] = (char)(text[bit / 8] ^ 1 << bit % 8);
    }
}
END_TEST

/* More shards than descriptors. */
START_TEST(opens_many_shards)
{
    enum { COUNT = 200 };
    char *map = calloc(COUNT, 64), *p = map, name[32];
    aq_model *m;
    for (unsigned i = 0; i < COUNT; i++) {
        uint64_t n = 0;
        char bytes[128];
        int length = sprintf(
            bytes + 8, "{\"t%u\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", i);
        n = (uint64_t)length;
        memcpy(bytes, &n, sizeof n);
        bytes[8 + n] = (char)i;
        (void)snprintf(name, sizeof name, "%03u.safetensors", i);
        scratch_write(name, bytes, 9 + (size_t)n);
        p += sprintf(p, "%s\"t%u\":\"%s\"", i > 0 ? "," : "", i, name);
    }
    char *text = calloc(1, strlen(map) + 64);
    (void)sprintf(text, "{\"weight_map\":{%s}}", map);
    scratch_text("model.safetensors.index.json", text);
    expect_open(".", &m);
    ck_assert_uint_eq(m->tensor_count, COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        const aq_tensor *t = &m->tensors[(i * 77) % COUNT];
        aq_error err;
        unsigned char byte;
        ck_assert_int_eq(m->source->read_at(m->source, t->file, t->offset, &byte, 1, &err), AQ_OK);
        ck_assert_uint_eq(byte, (i * 77) % COUNT);
        ck_assert_uint_le(aq_files_descriptors(m->source), AQ_FILES_DESCRIPTORS);
    }
    aq_model_close(m);
    free(text);
    free(map);
}
END_TEST

START_TEST(writes_an_index)
{
    static const char expected[] = "{\n  \"metadata\": {\n    \"total_size\": 3\n  },\n"
                                   "  \"weight_map\": {\n    \"a\\\"\": \"1.safetensors\",\n"
                                   "    \"b\": \"1.safetensors\",\n"
                                   "    \"c\": \"2.safetensors\"\n  }\n}\n";
    aq_out_file files[] = {{.name = "1.safetensors"}, {.name = "2.safetensors"}};
    aq_out_tensor tensors[] = {{.name = "b", .bytes = 1},
                               {.name = "a\"", .bytes = 1},
                               {.name = "c", .bytes = 1, .file = 1}};
    aq_out_text config = {.name = "config.json", .text = "{}", .size = 2};
    aq_layout layout = {.files = files,
                        .file_count = 2,
                        .tensors = tensors,
                        .tensor_count = 3,
                        .texts = &config,
                        .text_count = 1};
    aq_error err;
    ck_assert_int_eq(aq_shards_index(&layout, "model.safetensors.index.json", &err), AQ_OK);
    ck_assert_uint_eq(layout.text_count, 2);
    ck_assert_str_eq(layout.texts[0].name, "config.json");
    ck_assert_str_eq(layout.texts[1].name, "model.safetensors.index.json");
    ck_assert_uint_eq(layout.texts[1].size, sizeof expected - 1);
    ck_assert_str_eq(layout.texts[1].text, expected);
    aq_arena_free(&layout.arena);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("shards");
    tcase_set_timeout(tests, 120); /* a sanitizer on a busy machine is slow */
    tcase_add_checked_fixture(tests, scratch_enter, scratch_leave);
    tcase_add_test(tests, opens_index_and_directory);
    tcase_add_test(tests, prefers_the_usual_index);
    tcase_add_test(tests, opens_a_directory_of_one_file);
    tcase_add_test(tests, refuses_directories_without_sense);
    tcase_add_test(tests, collects_what_is_carried_along);
    tcase_add_test(tests, follows_links);
    tcase_add_loop_test(tests, refuses_disagreements, 0,
                        sizeof disagreements / sizeof *disagreements);
    tcase_add_test(tests, refuses_a_long_shard_name);
    tcase_add_test(tests, refuses_a_tensor_in_two_shards);
    tcase_add_test(tests, names_the_shard_that_is_bad);
    tcase_add_loop_test(tests, refuses_bad_indices, 0, sizeof bad_indices / sizeof *bad_indices);
    tcase_add_test(tests, refuses_a_huge_index);
    tcase_add_test(tests, refuses_more_shards_than_any_model_has);
    tcase_add_test(tests, says_what_cannot_be_opened);
    tcase_add_test(tests, refuses_every_prefix_of_an_index);
    tcase_add_test(tests, survives_every_flipped_bit_of_an_index);
    tcase_add_test(tests, opens_many_shards);
    tcase_add_test(tests, writes_an_index);
    return RUN_SUITE("shards", tests);
}
