/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "bandwidth.h"
#include "digest.h"
#include "system.h"
#include "team.h"
#include "topology.h"
#include "util.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* Between two looks at the clock: about ten microseconds of one core. */
enum { BLOCK = 1 << 18 };
/* Four times the cache leaves an eighth of it or less to be found there by a second pass over a
 * buffer that is read in order, even where the cache keeps some old lines. */
static const double caches = 4, least_bytes = 0x1p27, most_bytes = 0x1p30;

size_t bench_bandwidth_size(double cache_bytes, double free_bytes)
{
    double bytes = isfinite(cache_bytes) ? caches * cache_bytes : 0;
    bytes = fmin(fmax(bytes, least_bytes), most_bytes);
    if (isfinite(free_bytes))
        bytes = fmin(bytes, free_bytes / 4);
    size_t blocks = (size_t)(bytes / BLOCK);
    return (blocks == 0 ? 1 : blocks) * BLOCK;
}

/* ---- who reads what ---- */

typedef struct reader {
    unsigned char *data;
    size_t bytes;
    double begin, end, read;
} reader;

typedef struct readers {
    double seconds;
    reader one[BENCH_BANDWIDTH_THREADS];
} readers;

/* The same parts for the same number of threads, in whole blocks. */
static void share(const bench_bandwidth *bandwidth, unsigned threads, readers *all)
{
    size_t blocks = bandwidth->bytes / BLOCK;
    for (unsigned i = 0; i < threads; i++) {
        size_t from = blocks * i / threads, to = blocks * (i + 1) / threads;
        all->one[i].data = bandwidth->data + from * BLOCK;
        all->one[i].bytes = (to - from) * BLOCK;
    }
}

/* ---- what they do ---- */

static void touch(void *context, unsigned index)
{
    reader *self = &((readers *)context)->one[index];
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    for (size_t i = 0; i < self->bytes; i += page)
        self->data[i] = 1;
}

static void read_until_deadline(void *context, unsigned index)
{
    readers *all = context;
    reader *self = &all->one[index];
    uint64_t digest = 0;
    self->begin = bench_now();
    double deadline = self->begin + all->seconds;
    do {
        for (size_t i = 0; i < self->bytes; i += BLOCK) {
            digest ^= bench_digest(self->data + i, BLOCK);
            self->read += BLOCK;
            self->end = bench_now();
            if (self->end >= deadline)
                break;
        }
    } while (self->bytes > 0 && self->end < deadline);
    /* As if it were used, so that the compiler cannot leave the reading out. */
    __asm__ volatile("" : : "r"(digest) : "memory");
}

/* The kernel's figure and not sysconf's, which is that of a whole socket on some machines of which
 * a guest has a part. */
static size_t buffer_bytes(void)
{
    bench_cpus *cpus = bench_alloc(1, sizeof *cpus);
    bench_cpus_allowed(cpus);
    double cache = bench_cpus_cache(cpus);
    free(cpus);
    return bench_bandwidth_size(cache, bench_memory_available());
}

int bench_bandwidth_open(bench_bandwidth *bandwidth, unsigned threads)
{
    bandwidth->bytes = buffer_bytes();
    bandwidth->data = mmap(NULL, bandwidth->bytes, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    int wrong = bandwidth->data == MAP_FAILED ? errno : 0;
    if (wrong == 0) {
        /* Large pages keep page faults and address translation out of the figure; without them it
         * is lower, but it is right. */
        (void)madvise(bandwidth->data, bandwidth->bytes, MADV_HUGEPAGE);
        readers *all = bench_alloc(1, sizeof *all);
        share(bandwidth, threads, all);
        wrong = bench_team_run(threads, touch, all);
        free(all);
        if (wrong != 0)
            bench_bandwidth_close(bandwidth);
    }
    errno = wrong;
    return wrong == 0 ? 0 : -1;
}

void bench_bandwidth_close(bench_bandwidth *bandwidth)
{
    (void)munmap(bandwidth->data, bandwidth->bytes);
    *bandwidth = (bench_bandwidth){0};
}

double bench_bandwidth_read(const bench_bandwidth *bandwidth, unsigned threads, double seconds)
{
    readers *all = bench_alloc(1, sizeof *all);
    all->seconds = seconds;
    share(bandwidth, threads, all);
    int wrong = bench_team_run(threads, read_until_deadline, all);
    double read = 0, begin = INFINITY, end = 0;
    for (unsigned i = 0; i < threads; i++) {
        if (all->one[i].bytes == 0)
            continue;
        read += all->one[i].read;
        begin = fmin(begin, all->one[i].begin);
        end = fmax(end, all->one[i].end);
    }
    free(all);
    errno = wrong;
    return wrong == 0 ? read / (end - begin) : NAN;
}
