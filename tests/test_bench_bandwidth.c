/* SPDX-License-Identifier: Apache-2.0
 * The reader of memory: that it reads everything, from memory that is there, with all its threads.
 */
#include <config.h>

#include "bench/measure/bandwidth.h"
#include "bench/measure/digest.h"
#include "suite.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

START_TEST(digest_reads_every_byte)
{
    enum { BYTES = 4096 };
    static unsigned char data[BYTES];
    uint64_t before = bench_digest(data, BYTES);
    ck_assert_uint_eq(before, 0);
    for (size_t i = 0; i < BYTES; i++) {
        data[i] = 0x5a;
        ck_assert_msg(bench_digest(data, BYTES) == UINT64_C(0x5a) << 8 * (i % 8),
                      "byte %zu is not read", i);
        data[i] = 0;
    }
}
END_TEST

START_TEST(size_is_far_above_the_cache_and_within_memory)
{
    ck_assert_uint_eq(bench_bandwidth_size(NAN, NAN), 1u << 27);
    ck_assert_uint_eq(bench_bandwidth_size(1e6, INFINITY), 1u << 27);
    ck_assert_uint_eq(bench_bandwidth_size(0x1p26, INFINITY), 1u << 28);
    ck_assert_uint_eq(bench_bandwidth_size(0x1p32, INFINITY), 1u << 30);
    ck_assert_uint_eq(bench_bandwidth_size(0x1p26, 0x1p28), 1u << 26);
    ck_assert_uint_eq(bench_bandwidth_size(0x1p26, 0), 1u << 18);
}
END_TEST

START_TEST(first_touch_is_over_when_it_is_open)
{
    bench_bandwidth bandwidth;
    ck_assert_int_eq(bench_bandwidth_open(&bandwidth, 3), 0);
    size_t page = (size_t)sysconf(_SC_PAGESIZE), pages = bandwidth.bytes / page, present = 0;
    unsigned char *vector = malloc(pages);
    ck_assert_ptr_nonnull(vector);
    ck_assert_int_eq(mincore(bandwidth.data, bandwidth.bytes, vector), 0);
    for (size_t i = 0; i < pages; i++)
        present += vector[i] & 1;
    ck_assert_uint_eq(present, pages);
    free(vector);
    bench_bandwidth_close(&bandwidth);
    ck_assert_ptr_null(bandwidth.data);
}
END_TEST

START_TEST(any_number_of_threads_reads)
{
    static const unsigned threads[] = {1, 2, 3, 16};
    bench_bandwidth bandwidth;
    ck_assert_int_eq(bench_bandwidth_open(&bandwidth, 1), 0);
    for (size_t i = 0; i < sizeof threads / sizeof threads[0]; i++) {
        double rate = bench_bandwidth_read(&bandwidth, threads[i], 0.002);
        ck_assert_msg(isfinite(rate) && rate > 0, "%u threads: %g", threads[i], rate);
    }
    bench_bandwidth_close(&bandwidth);
    /* More threads than there are blocks: some have nothing to read. */
    enum { BLOCK = 1 << 18 };
    static unsigned char one[BLOCK];
    bench_bandwidth small = {one, BLOCK};
    double rate = bench_bandwidth_read(&small, 4, 0.001);
    ck_assert(isfinite(rate) && rate > 0);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("all");
    tcase_add_test(tcase, digest_reads_every_byte);
    tcase_add_test(tcase, size_is_far_above_the_cache_and_within_memory);
    tcase_add_test(tcase, first_touch_is_over_when_it_is_open);
    tcase_add_test(tcase, any_number_of_threads_reads);
    return RUN_SUITE("bandwidth", tcase);
}
