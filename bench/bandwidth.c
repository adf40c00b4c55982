/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "bandwidth.h"
#include "system.h"
#include "topology.h"
#include "util.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Between two looks at the clock: about ten microseconds of one core. */
enum { BLOCK = 1 << 18 };
/* Four times the cache leaves an eighth of it or less to be found there by a second pass over a
 * buffer that is read in order, even where the cache keeps some old lines. */
static const double caches = 4, least_bytes = 0x1p27, most_bytes = 0x1p30;

typedef uint64_t lane __attribute__((vector_size(64)));

/* Eight independent accumulators, so that loads and not the chain of one sum set the pace. */
uint64_t bench_bandwidth_digest(const unsigned char *data, size_t bytes)
{
    lane sum[8] = {{0}}, total = {0};
    for (size_t i = 0; i < bytes; i += sizeof sum) {
        lane next;
        for (size_t j = 0; j < 8; j++) {
            memcpy(&next, data + i + j * sizeof next, sizeof next);
            sum[j] ^= next;
        }
    }
    for (size_t j = 0; j < 8; j++)
        total ^= sum[j];
    uint64_t word = 0;
    for (size_t i = 0; i < 8; i++)
        word ^= total[i];
    return word;
}

size_t bench_bandwidth_size(double cache_bytes, double free_bytes)
{
    double bytes = isfinite(cache_bytes) ? caches * cache_bytes : 0;
    bytes = fmin(fmax(bytes, least_bytes), most_bytes);
    if (isfinite(free_bytes))
        bytes = fmin(bytes, free_bytes / 4);
    size_t blocks = (size_t)(bytes / BLOCK);
    return (blocks == 0 ? 1 : blocks) * BLOCK;
}

/* ---- threads that begin together ---- */

typedef struct reader {
    struct team *of;
    unsigned char *data;
    size_t bytes;
    double begin, end, read;
} reader;

typedef struct team {
    void (*work)(reader *self);
    double seconds;
    pthread_mutex_t lock;
    pthread_cond_t opened;
    enum { GATE_CLOSED, GATE_OPEN, GATE_GO_HOME } gate; /* under lock */
    double deadline;                                    /* set before the gate opens */
    reader member[BENCH_BANDWIDTH_THREADS];
    pthread_t thread[BENCH_BANDWIDTH_THREADS];
} team;

static void *enter(void *argument)
{
    reader *self = argument;
    team *of = self->of;
    pthread_mutex_lock(&of->lock);
    while (of->gate == GATE_CLOSED)
        pthread_cond_wait(&of->opened, &of->lock);
    int go = of->gate == GATE_OPEN;
    pthread_mutex_unlock(&of->lock);
    if (go)
        of->work(self);
    return NULL;
}

static void open_gate(team *of, int go)
{
    pthread_mutex_lock(&of->lock);
    of->deadline = bench_now() + of->seconds;
    of->gate = go ? GATE_OPEN : GATE_GO_HOME;
    pthread_cond_broadcast(&of->opened);
    pthread_mutex_unlock(&of->lock);
}

/* The same parts for the same number of threads, in whole blocks. */
static void share(const bench_bandwidth *bandwidth, unsigned threads, team *of)
{
    size_t blocks = bandwidth->bytes / BLOCK;
    for (unsigned i = 0; i < threads; i++) {
        size_t from = blocks * i / threads, to = blocks * (i + 1) / threads;
        of->member[i].of = of;
        of->member[i].data = bandwidth->data + from * BLOCK;
        of->member[i].bytes = (to - from) * BLOCK;
    }
}

/* Returns 0 where all of them worked, else what pthread_create returned. */
static int run_team(const bench_bandwidth *bandwidth, unsigned threads, team *of)
{
    unsigned born = 1;
    int wrong = 0;
    pthread_mutex_init(&of->lock, NULL);
    pthread_cond_init(&of->opened, NULL);
    share(bandwidth, threads, of);
    while (born < threads && wrong == 0) {
        wrong = pthread_create(&of->thread[born], NULL, enter, &of->member[born]);
        born += wrong == 0;
    }
    open_gate(of, wrong == 0);
    if (wrong == 0)
        of->work(&of->member[0]);
    for (unsigned i = 1; i < born; i++)
        pthread_join(of->thread[i], NULL);
    pthread_cond_destroy(&of->opened);
    pthread_mutex_destroy(&of->lock);
    return wrong;
}

/* ---- what they do ---- */

static void touch(reader *self)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    for (size_t i = 0; i < self->bytes; i += page)
        self->data[i] = 1;
}

static void read_until_deadline(reader *self)
{
    uint64_t digest = 0;
    self->begin = bench_now();
    do {
        for (size_t i = 0; i < self->bytes; i += BLOCK) {
            digest ^= bench_bandwidth_digest(self->data + i, BLOCK);
            self->read += BLOCK;
            self->end = bench_now();
            if (self->end >= self->of->deadline)
                break;
        }
    } while (self->bytes > 0 && self->end < self->of->deadline);
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
    team *of = bench_alloc(1, sizeof *of);
    bandwidth->bytes = buffer_bytes();
    bandwidth->data = mmap(NULL, bandwidth->bytes, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    int wrong = bandwidth->data == MAP_FAILED ? errno : 0;
    if (wrong == 0) {
        /* Large pages keep page faults and address translation out of the figure; without them it
         * is lower, but it is right. */
        (void)madvise(bandwidth->data, bandwidth->bytes, MADV_HUGEPAGE);
        of->work = touch;
        wrong = run_team(bandwidth, threads, of);
        if (wrong != 0)
            bench_bandwidth_close(bandwidth);
    }
    free(of);
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
    team *of = bench_alloc(1, sizeof *of);
    of->work = read_until_deadline;
    of->seconds = seconds;
    int wrong = run_team(bandwidth, threads, of);
    double read = 0, begin = INFINITY, end = 0;
    for (unsigned i = 0; i < threads; i++) {
        if (of->member[i].bytes == 0)
            continue;
        read += of->member[i].read;
        begin = fmin(begin, of->member[i].begin);
        end = fmax(end, of->member[i].end);
    }
    free(of);
    errno = wrong;
    return wrong == 0 ? read / (end - begin) : NAN;
}
