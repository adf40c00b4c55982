/* SPDX-License-Identifier: Apache-2.0
 * Reading ahead past the page cache: the bytes that the source gives, wherever tiles lie and
 * whoever takes them; and nothing is waited for that does not come. */
#include <config.h>

#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/pool.h"
#include "formats/files.h"
#include "io/reader.h"
#include "scratch.h"
#include "suite.h"

enum { CHUNK = 64 * 1024, TILES = 1500, MOST = 20000, SIZE = 6 * 1024 * 1024 + 1234 };

/* A file of bytes that tell where they stand, and tiles in it: of many sizes, with gaps that are
 * read over and such that are not, one larger than a chunk, one in pieces, the last at the end. */
typedef struct fixture {
    aq_model model;
    aq_file file;
    aq_range tiles[TILES];
    uint64_t count, pieces;
    bool direct; /* the file system reads past the cache */
} fixture;

static uint8_t byte_at(uint64_t i)
{
    return (uint8_t)(i * 2654435761u >> 13);
}

static void write_file(const char *path)
{
    uint8_t *bytes = malloc(SIZE);
    for (uint64_t i = 0; i < SIZE; i++)
        bytes[i] = byte_at(i);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, bytes, SIZE), SIZE);
    ck_assert_int_eq(close(fd), 0);
    free(bytes);
}

/* Out of the page cache, where the file system has one that lets go. */
static void drop(const char *path)
{
    int fd = open(path, O_RDONLY);
    ck_assert_int_eq(fsync(fd), 0);
    ck_assert_int_eq(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
    ck_assert_int_eq(close(fd), 0);
}

static void make_tiles(fixture *x)
{
    uint64_t at = 777, state = 1;
    while (x->count < TILES - 1) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        uint64_t size = x->count == 100 ? 3 * CHUNK : 1 + (state >> 33) % MOST;
        at += (state >> 20) % 4 == 0 ? (state >> 50) % 9000 : 0;
        at += x->count == 200 ? 200 * 1024 : 0;
        if (at + size >= SIZE)
            break;
        x->tiles[x->count++] = (aq_range){0, at, size};
        at += size;
    }
    x->tiles[x->count++] = (aq_range){0, at, SIZE - at};
    x->pieces = 50;
}

static bool range(const void *arg, uint64_t tile, aq_range *out)
{
    const fixture *x = arg;
    *out = x->tiles[tile];
    return tile != x->pieces;
}

static void set_up(fixture *x)
{
    aq_error err;
    scratch_enter();
    write_file("x");
    drop("x");
    *x = (fixture){.file = {.path = "x", .name = "x"}};
    ck_assert_int_eq(aq_files_open(&x->file, 1, &x->model.source, &err), AQ_OK);
    x->model.files = &x->file;
    x->model.file_count = 1;
    make_tiles(x);
    x->direct = aq_files_cached(x->model.source, 0, 0, SIZE) == 0 &&
                aq_files_open_direct(x->model.source, 0);
}

static void tear_down(fixture *x)
{
    x->model.source->close(x->model.source);
    scratch_leave();
}

static aq_reader *open_reader(const fixture *x, unsigned threads, uint64_t memory)
{
    aq_reader_options o = {.model = &x->model,
                           .range = range,
                           .arg = x,
                           .tiles = x->count,
                           .max_tile = MOST,
                           .threads = threads,
                           .memory = memory,
                           .chunk = CHUNK};
    return aq_reader_open(&o);
}

/* ---- what workers see ---- */

typedef struct job {
    const fixture *x;
    aq_reader *reader;
    uint64_t fail_at; /* the tile that ends the run */
    atomic_uint wrong, there;
} job;

static int check_tile(void *arg, aq_worker worker, uint64_t tile)
{
    job *j = arg;
    (void)worker;
    if (tile == j->fail_at) {
        aq_reader_stop(j->reader);
        return 1;
    }
    const aq_range *at = &j->x->tiles[tile];
    const uint8_t *bytes = aq_reader_acquire(j->reader, tile);
    if (bytes != NULL)
        atomic_fetch_add(&j->there, 1);
    for (uint64_t i = 0; bytes != NULL && i < at->size; i++)
        if (bytes[i] != byte_at(at->offset + i)) {
            atomic_fetch_add(&j->wrong, 1);
            break;
        }
    aq_reader_release(j->reader, tile);
    return 0;
}

static job run(const fixture *x, aq_reader *reader, unsigned threads, uint64_t fail_at)
{
    job j = {.x = x, .reader = reader, .fail_at = fail_at};
    aq_pool *pool = aq_pool_create(threads);
    ck_assert_int_eq(aq_pool_run(pool, x->count, check_tile, &j), fail_at < x->count);
    aq_pool_destroy(pool);
    return j;
}

START_TEST(gives_the_bytes_of_the_file)
{
    static const unsigned threads[] = {1, 2, 3, 16};
    fixture x;
    set_up(&x);
    for (size_t t = 0; t < sizeof threads / sizeof *threads; t++) {
        aq_reader *reader = open_reader(&x, threads[t], UINT64_MAX);
        ck_assert_int_eq(reader != NULL, x.direct);
        job j = run(&x, reader, threads[t], UINT64_MAX);
        ck_assert_uint_eq(j.wrong, 0);
        /* All but the one in pieces and the one too large. */
        ck_assert_uint_eq(j.there, x.direct ? x.count - 2 : 0);
        ck_assert(aq_reader_bytes(reader) >= (x.direct ? (uint64_t)SIZE / 2 : 0));
        aq_reader_close(reader);
    }
    tear_down(&x);
}
END_TEST

START_TEST(works_within_little_memory)
{
    fixture x;
    set_up(&x);
    ck_assert_ptr_null(open_reader(&x, 2, 2 * CHUNK));
    aq_reader *reader = open_reader(&x, 8, 2 * (CHUNK + AQ_FILES_DIRECT_ALIGN));
    ck_assert_int_eq(reader != NULL, x.direct);
    job j = run(&x, reader, 8, UINT64_MAX);
    ck_assert_uint_eq(j.wrong, 0);
    ck_assert_uint_eq(j.there, x.direct ? x.count - 2 : 0);
    aq_reader_close(reader);
    tear_down(&x);
}
END_TEST

START_TEST(leaves_what_is_cached_to_the_cache)
{
    fixture x;
    aq_error err;
    uint8_t *half = malloc(SIZE / 2);
    set_up(&x);
    ck_assert_int_eq(x.model.source->read_at(x.model.source, 0, 0, half, SIZE / 2, &err), AQ_OK);
    free(half);
    aq_reader *reader = open_reader(&x, 2, UINT64_MAX);
    job j = run(&x, reader, 2, UINT64_MAX);
    ck_assert_uint_eq(j.wrong, 0);
    /* Reading half of it may have brought in some of the rest. */
    ck_assert_uint_lt(j.there, x.count * 3 / 4);
    aq_reader_close(reader);
    uint8_t *all = malloc(SIZE);
    ck_assert_int_eq(x.model.source->read_at(x.model.source, 0, 0, all, SIZE, &err), AQ_OK);
    free(all);
    ck_assert_ptr_null(open_reader(&x, 2, UINT64_MAX));
    tear_down(&x);
}
END_TEST

START_TEST(nobody_waits_after_a_failure)
{
    fixture x;
    set_up(&x);
    for (uint64_t fail_at = 0; fail_at < x.count; fail_at += 37) {
        aq_reader *reader = open_reader(&x, 8, UINT64_MAX);
        job j = run(&x, reader, 8, fail_at);
        ck_assert_uint_eq(j.wrong, 0);
        aq_reader_close(reader);
    }
    aq_reader_close(open_reader(&x, 8, UINT64_MAX)); /* and none was taken */
    tear_down(&x);
}
END_TEST

START_TEST(a_file_that_shrinks_is_left_to_the_source)
{
    fixture x;
    set_up(&x);
    ck_assert_int_eq(truncate("x", SIZE / 2), 0);
    aq_reader *reader = open_reader(&x, 2, UINT64_MAX);
    job j = run(&x, reader, 2, UINT64_MAX);
    ck_assert_uint_eq(j.wrong, 0);
    ck_assert_uint_lt(j.there, x.count * 3 / 4);
    aq_reader_close(reader);
    tear_down(&x);
}
END_TEST

START_TEST(reads_past_the_end_only_what_is_needed)
{
    fixture x;
    set_up(&x);
    uint8_t *buf = aligned_alloc(AQ_FILES_DIRECT_ALIGN, CHUNK);
    const uint64_t start = SIZE / AQ_FILES_DIRECT_ALIGN * AQ_FILES_DIRECT_ALIGN;
    aq_source *s = x.model.source;
    /* a tmpfs has no other cache than itself, and yet may be read past it */
    bool direct = aq_files_open_direct(s, 0);
    ck_assert_int_eq(aq_files_read_direct(s, 0, start, buf, CHUNK, SIZE - start), direct);
    for (uint64_t i = 0; direct && i < SIZE - start; i++)
        ck_assert_uint_eq(buf[i], byte_at(start + i));
    ck_assert(!aq_files_read_direct(s, 0, start, buf, CHUNK, SIZE - start + 1));
    ck_assert(!aq_files_read_direct(s, 0, start + CHUNK, buf, CHUNK, 1));
    free(buf);
    tear_down(&x);
}
END_TEST

/* Another file under the name is not the one whose header was read. */
START_TEST(opens_no_other_file)
{
    aq_file file = {.path = "x", .name = "x"};
    aq_source *source;
    aq_error err;
    scratch_enter();
    write_file("x");
    ck_assert_int_eq(aq_files_open(&file, 1, &source, &err), AQ_OK);
    write_file("y");
    ck_assert_int_eq(rename("y", "x"), 0);
    ck_assert(!aq_files_open_direct(source, 0));
    source->close(source);
    scratch_leave();
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("reader");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, gives_the_bytes_of_the_file);
    tcase_add_test(tests, works_within_little_memory);
    tcase_add_test(tests, leaves_what_is_cached_to_the_cache);
    tcase_add_test(tests, nobody_waits_after_a_failure);
    tcase_add_test(tests, a_file_that_shrinks_is_left_to_the_source);
    tcase_add_test(tests, reads_past_the_end_only_what_is_needed);
    tcase_add_test(tests, opens_no_other_file);
    return RUN_SUITE("reader", tests);
}
