/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "placement.h"

#ifdef HAVE_SCHED_GETAFFINITY

#include <ctype.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cgroup.h"
#include "memory.h"

enum { MOST_CPUS = 8192 };

typedef struct cpus {
    cpu_set_t sets[MOST_CPUS / CPU_SETSIZE];
} cpus;

struct aq_placement {
    cpus chosen;
    bool confines; /* to fewer than are allowed */
    cpus before;   /* what a visitor had */
    bool visited;
};

static bool has(const cpus *c, unsigned cpu)
{
    return CPU_ISSET_S(cpu, sizeof *c, c->sets);
}

static void add(cpus *c, unsigned cpu)
{
    CPU_SET_S(cpu, sizeof *c, c->sets);
}

static unsigned count(const cpus *c)
{
    return (unsigned)CPU_COUNT_S(sizeof *c, c->sets);
}

/* ---- what the system tells ---- */

/* "0-3,8": what the kernel writes. */
static bool parse(const char *list, cpus *c)
{
    *c = (cpus){0};
    for (const char *at = list; isdigit((unsigned char)*at);) {
        char *end;
        unsigned long from = strtoul(at, &end, 10), to = from;
        if (*end == '-')
            to = strtoul(end + 1, &end, 10);
        if (to >= MOST_CPUS)
            return false;
        for (unsigned long cpu = from; cpu <= to; cpu++)
            add(c, (unsigned)cpu);
        at = *end == ',' ? end + 1 : end;
    }
    return count(c) > 0;
}

static bool read_list(const char *root, const char *directory, const char *name, cpus *c)
{
    char line[4096];
    return aq_read_line_under(root, directory, name, line, sizeof line) && parse(line, c);
}

static bool read_allowed(const char *root, cpus *c)
{
    static const char key[] = "Cpus_allowed_list:";
    char line[4096];
    bool found = false;
    FILE *f = aq_open_under(root, "/proc/self/status", "");
    while (f != NULL && !found && fgets(line, sizeof line, f) != NULL)
        found = strncmp(line, key, sizeof key - 1) == 0;
    if (f != NULL)
        (void)fclose(f);
    return found && parse(line + sizeof key - 1 + strspn(line + sizeof key - 1, " \t"), c);
}

/* One of each core's. */
static bool find_cores(const char *root, const cpus *online, cpus *cores)
{
    cpus seen = {0}, siblings;
    *cores = seen;
    for (unsigned cpu = 0; cpu < MOST_CPUS; cpu++) {
        char directory[64];
        if (!has(online, cpu) || has(&seen, cpu))
            continue;
        (void)snprintf(directory, sizeof directory, "/sys/devices/system/cpu/cpu%u/topology", cpu);
        if (!read_list(root, directory, "/thread_siblings_list", &siblings))
            return false;
        CPU_OR_S(sizeof seen, seen.sets, seen.sets, siblings.sets);
        add(cores, cpu);
    }
    return true;
}

static bool same(const cpus *a, const cpus *b)
{
    return CPU_EQUAL_S(sizeof *a, a->sets, b->sets);
}

/* ---- the choice ---- */

static bool choose(const char *root, unsigned threads, cpus *chosen)
{
    static const char directory[] = "/sys/devices/system/cpu";
    char active[8];
    cpus online, allowed;
    /* The first file alone settles it for most virtual machines. */
    if (!aq_read_line_under(root, directory, "/smt/active", active, sizeof active) ||
        active[0] != '1' || !read_list(root, directory, "/online", &online) ||
        !read_allowed(root, &allowed) || !same(&online, &allowed) || threads >= count(&online) ||
        !find_cores(root, &online, chosen))
        return false;
    for (unsigned cpu = 0; cpu < MOST_CPUS && count(chosen) < threads; cpu++)
        if (has(&online, cpu))
            add(chosen, cpu);
    return !same(chosen, &online);
}

aq_placement *aq_placement_create(const char *root, unsigned threads)
{
    aq_placement *p = aq_calloc(1, sizeof *p);
    if (p == NULL)
        return NULL;
    p->confines = choose(root, threads, &p->chosen);
    if (p->confines || (sched_getaffinity(0, sizeof p->chosen, p->chosen.sets) == 0 &&
                        threads <= count(&p->chosen)))
        return p;
    aq_free(p);
    return NULL;
}

void aq_placement_destroy(aq_placement *p)
{
    aq_free(p);
}

bool aq_placement_has(const aq_placement *p, unsigned cpu)
{
    return cpu < MOST_CPUS && has(&p->chosen, cpu);
}

bool aq_placement_confines(const aq_placement *p)
{
    return p->confines;
}

void aq_placement_begin(const aq_placement *p, pthread_t thread, unsigned worker)
{
    int here = p != NULL ? sched_getcpu() : -1;
    if (here < 0)
        return;
    unsigned cpu = (unsigned)here;
    for (unsigned left = worker % count(&p->chosen); left > 0; left -= has(&p->chosen, cpu))
        cpu = (cpu + 1) % MOST_CPUS;
    cpus one = {0};
    add(&one, cpu);
    (void)pthread_setaffinity_np(thread, sizeof one, one.sets);
}

/* A refusal leaves things as they are. */
void aq_placement_enter(const aq_placement *p)
{
    if (p != NULL)
        (void)sched_setaffinity(0, sizeof p->chosen, p->chosen.sets);
}

void aq_placement_visit(aq_placement *p)
{
    if (p == NULL || !p->confines)
        return;
    p->visited = sched_getaffinity(0, sizeof p->before, p->before.sets) == 0;
    if (p->visited)
        aq_placement_enter(p);
}

void aq_placement_leave(const aq_placement *p)
{
    if (p != NULL && p->visited)
        (void)sched_setaffinity(0, sizeof p->before, p->before.sets);
}

#else

#include <stddef.h>

aq_placement *aq_placement_create(const char *root, unsigned threads)
{
    (void)root, (void)threads;
    return NULL;
}

void aq_placement_destroy(aq_placement *p)
{
    (void)p;
}

bool aq_placement_has(const aq_placement *p, unsigned cpu)
{
    (void)p, (void)cpu;
    return false;
}

bool aq_placement_confines(const aq_placement *p)
{
    (void)p;
    return false;
}

void aq_placement_begin(const aq_placement *p, pthread_t thread, unsigned worker)
{
    (void)p, (void)thread, (void)worker;
}

void aq_placement_enter(const aq_placement *p)
{
    (void)p;
}

void aq_placement_visit(aq_placement *p)
{
    (void)p;
}

void aq_placement_leave(const aq_placement *p)
{
    (void)p;
}

#endif
