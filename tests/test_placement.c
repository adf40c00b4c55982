/* SPDX-License-Identifier: Apache-2.0
 * Where workers run, and how large caches are, on machines made up of files. */
#include <config.h>

#include "base/caches.h"
#include "base/placement.h"
#include "scratch.h"
#include "suite.h"

#include <pthread.h>
#include <sched.h>

/* CPU i of `cores` * `threads` is a thread of core i % cores, as most systems number them. */
static void put_cores(unsigned cores, unsigned threads)
{
    char path[128], text[128];
    for (unsigned cpu = 0; cpu < cores * threads; cpu++) {
        (void)snprintf(path, sizeof path,
                       "/sys/devices/system/cpu/cpu%u/topology/thread_siblings_list", cpu);
        text[0] = '\0';
        for (unsigned t = 0; t < threads; t++)
            (void)snprintf(text + strlen(text), sizeof text - strlen(text), "%s%u",
                           t > 0 ? "," : "", cpu % cores + t * cores);
        scratch_text(path, text);
    }
    (void)snprintf(text, sizeof text, "0-%u\n", cores * threads - 1);
    scratch_text("/sys/devices/system/cpu/online", text);
    scratch_text("/sys/devices/system/cpu/smt/active", threads > 1 ? "1\n" : "0\n");
    (void)snprintf(text, sizeof text, "Name:\tx\nCpus_allowed_list:\t0-%u\n", cores * threads - 1);
    scratch_text("/proc/self/status", text);
}

/* That a placement for so many threads has these CPUs, a bit each, and no other. */
static void check_placement(unsigned threads, unsigned cpus)
{
    aq_placement *p = aq_placement_create(scratch_dir, threads);
    ck_assert_ptr_nonnull(p);
    ck_assert(aq_placement_confines(p));
    for (unsigned cpu = 0; cpu < 10000; cpu++)
        ck_assert_msg(aq_placement_has(p, cpu) == (cpu < 32 && (cpus >> cpu & 1) != 0), "CPU %u",
                      cpu);
    aq_placement_destroy(p);
}

START_TEST(cores_before_their_second_threads)
{
    put_cores(4, 2);
    check_placement(2, 0x0f);
    check_placement(4, 0x0f);
    check_placement(5, 0x1f);
    check_placement(7, 0x7f);
    put_cores(2, 4);
    check_placement(1, 0x03);
    /* Neighbours in a core, and a core whose second thread is off. */
    scratch_text("/sys/devices/system/cpu/online", "0-1,3-4\n");
    scratch_text("/proc/self/status", "Cpus_allowed_list:\t0-1,3-4\n");
    scratch_text("/sys/devices/system/cpu/cpu0/topology/thread_siblings_list", "0-1\n");
    scratch_text("/sys/devices/system/cpu/cpu1/topology/thread_siblings_list", "0-1\n");
    scratch_text("/sys/devices/system/cpu/cpu3/topology/thread_siblings_list", "3\n");
    scratch_text("/sys/devices/system/cpu/cpu4/topology/thread_siblings_list", "4\n");
    check_placement(2, 0x19);
    check_placement(3, 0x19);
}
END_TEST

static bool confined(unsigned threads)
{
    aq_placement *p = aq_placement_create(scratch_dir, threads);
    bool confines = p != NULL && aq_placement_confines(p);
    aq_placement_destroy(p);
    return confines;
}

START_TEST(the_scheduler_decides)
{
    ck_assert(!confined(2)); /* the system does not tell */
    put_cores(4, 1);
    ck_assert(!confined(2));
    put_cores(4, 2);
    ck_assert(!confined(8)); /* all are needed */
    ck_assert(!confined(9));
    scratch_text("/proc/self/status", "Cpus_allowed_list:\t0-6\n"); /* somebody has chosen */
    ck_assert(!confined(2));
    static const char *const lists[] = {"", "\n", "x", "0-99999\n", "7-0\n", "-1\n"};
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        put_cores(4, 2);
        scratch_text("/sys/devices/system/cpu/cpu3/topology/thread_siblings_list", lists[i]);
        ck_assert(!confined(2));
        put_cores(4, 2);
        scratch_text("/sys/devices/system/cpu/online", lists[i]);
        ck_assert(!confined(2));
    }
}
END_TEST

START_TEST(a_visitor_goes_as_it_came)
{
    cpu_set_t before, during, after;
    put_cores(1, 2); /* the first CPU of two */
    aq_placement *p = aq_placement_create(scratch_dir, 1);
    ck_assert_ptr_nonnull(p);
    ck_assert_int_eq(sched_getaffinity(0, sizeof before, &before), 0);
    aq_placement_visit(p);
    ck_assert_int_eq(sched_getaffinity(0, sizeof during, &during), 0);
    aq_placement_leave(p);
    ck_assert_int_eq(sched_getaffinity(0, sizeof after, &after), 0);
    ck_assert(CPU_EQUAL(&before, &after));
    if (CPU_ISSET(0, &before)) { /* else it is refused */
        ck_assert_int_eq(CPU_COUNT(&during), 1);
        ck_assert(CPU_ISSET(0, &during));
    }
    aq_placement_destroy(p);
    aq_placement_visit(NULL);
    aq_placement_leave(NULL);
    aq_placement_enter(NULL);
}
END_TEST

typedef struct waiting {
    pthread_mutex_t lock;
    const aq_placement *placement;
    cpu_set_t begun, entered;
} waiting;

static void *wait_and_enter(void *arg)
{
    waiting *w = arg;
    (void)pthread_mutex_lock(&w->lock);
    (void)sched_getaffinity(0, sizeof w->begun, &w->begun);
    aq_placement_enter(w->placement);
    (void)sched_getaffinity(0, sizeof w->entered, &w->entered);
    (void)pthread_mutex_unlock(&w->lock);
    return NULL;
}

START_TEST(workers_begin_apart)
{
    cpu_set_t all;
    ck_assert_int_eq(sched_getaffinity(0, sizeof all, &all), 0);
    if (CPU_COUNT(&all) < 2)
        return;
    aq_placement *p = aq_placement_create(scratch_dir, 2); /* of the true CPUs */
    ck_assert_ptr_nonnull(p);
    waiting w = {.lock = PTHREAD_MUTEX_INITIALIZER, .placement = p};
    pthread_t thread;
    (void)pthread_mutex_lock(&w.lock);
    ck_assert_int_eq(pthread_create(&thread, NULL, wait_and_enter, &w), 0);
    aq_placement_begin(p, thread, 1);
    (void)pthread_mutex_unlock(&w.lock);
    (void)pthread_join(thread, NULL);
    ck_assert_int_eq(CPU_COUNT(&w.begun), 1);
    ck_assert(CPU_EQUAL(&w.entered, &all));
    aq_placement_destroy(p);
    aq_placement_begin(NULL, pthread_self(), 1);
}
END_TEST

START_TEST(caches_by_level)
{
    ck_assert_uint_eq(aq_cache_listed(scratch_dir, 2), 0);
    const char *const listed[][3] = {{"1", "Data", "48K"},
                                     {"1", "Instruction", "32K"},
                                     {"2", "Unified", "2M"},
                                     {"3", "Unified", "36864K"}};
    for (unsigned i = 0; i < 4; i++) {
        static const char *const names[] = {"level", "type", "size"};
        for (unsigned n = 0; n < 3; n++) {
            char path[128], text[32];
            (void)snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%u/%s", i,
                           names[n]);
            (void)snprintf(text, sizeof text, "%s\n", listed[i][n]);
            scratch_text(path, text);
        }
    }
    ck_assert_uint_eq(aq_cache_listed(scratch_dir, 1), 48 * 1024);
    ck_assert_uint_eq(aq_cache_listed(scratch_dir, 2), 2 * 1024 * 1024);
    ck_assert_uint_eq(aq_cache_listed(scratch_dir, 3), 36864 * 1024);
    ck_assert_uint_eq(aq_cache_listed(scratch_dir, 4), 0);
    static const char *const nonsense[] = {"", "K", "-1K", "99999999999999999999G"};
    for (size_t i = 0; i < sizeof nonsense / sizeof nonsense[0]; i++) {
        scratch_text("/sys/devices/system/cpu/cpu0/cache/index2/size", nonsense[i]);
        ck_assert_uint_eq(aq_cache_listed(scratch_dir, 2), 0);
    }
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("placement");
    tcase_add_checked_fixture(tests, scratch_make, scratch_remove);
    tcase_add_test(tests, cores_before_their_second_threads);
    tcase_add_test(tests, the_scheduler_decides);
    tcase_add_test(tests, a_visitor_goes_as_it_came);
    tcase_add_test(tests, workers_begin_apart);
    tcase_add_test(tests, caches_by_level);
    return RUN_SUITE("placement", tests);
}
