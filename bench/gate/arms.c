/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "arms.h"
#include "measure/child.h"
#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const double most_seconds = 60; /* for --help and for the loader's list */

const bench_arm bench_order[BENCH_ORDERS][BENCH_ARMS] = {
    {BENCH_OLD, BENCH_NEW, BENCH_COPY_OF_OLD},
    {BENCH_NEW, BENCH_OLD, BENCH_COPY_OF_OLD},
    {BENCH_COPY_OF_OLD, BENCH_OLD, BENCH_NEW},
    {BENCH_COPY_OF_OLD, BENCH_NEW, BENCH_OLD},
};

unsigned bench_next_order(bench_rng *rng, size_t round, unsigned last)
{
    return round % 2 == 0 ? bench_rng_below(rng, BENCH_ORDERS) : last ^ 1u;
}

const char *bench_arm_name(bench_arm arm)
{
    static const char *const name[] = {"old", "new", "copy"};
    return name[arm];
}

/* ---- files ---- */

static char *copy_file(const char *from, const char *to)
{
    static char block[1 << 16];
    int in = open(from, O_RDONLY | O_CLOEXEC);
    int out = in < 0 ? -1 : open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
    ssize_t got = 1;
    while (out >= 0 && got > 0) {
        got = read(in, block, sizeof block);
        for (ssize_t done = 0; got > 0 && done < got;) {
            ssize_t put = write(out, block + done, (size_t)(got - done));
            done += put > 0 ? put : 0;
            if (put < 0 && errno != EINTR)
                got = -1;
        }
    }
    char *wrong = NULL;
    if (in < 0 || out < 0 || got < 0)
        wrong = bench_format("cannot copy %s to %s: %s", from, to, strerror(errno));
    if (in >= 0)
        close(in);
    if (out >= 0 && close(out) != 0 && wrong == NULL)
        wrong = bench_format("cannot write %s: %s", to, strerror(errno));
    return wrong;
}

static int same_files(const char *left, const char *right)
{
    FILE *a = fopen(left, "re"), *b = fopen(right, "re");
    int same = a != NULL && b != NULL, c = 0;
    while (same && c != EOF) {
        c = getc(a);
        same = c == getc(b);
    }
    if (a != NULL)
        (void)fclose(a);
    if (b != NULL)
        (void)fclose(b);
    return same;
}

/* ---- libraries ---- */

static char *setting(const char *library_path)
{
    return bench_format("LD_LIBRARY_PATH=%s", library_path);
}

/* Where the dynamic loader finds libarrowquant for a program: its path, "" where it needs none, or
 * "not found". The caller frees it. */
static char *find_library(const char *program, const char *library_path)
{
    static const char name[] = "libarrowquant.so";
    char *environment = setting(library_path), *found = bench_copy("");
    const char *argv[] = {"env", environment, "LD_TRACE_LOADED_OBJECTS=1", program, NULL};
    bench_child child = {0};
    if (bench_child_run((char *const *)argv, most_seconds, &child) == 0) {
        const char *line = strstr(child.out, name);
        const char *arrow = line == NULL ? NULL : strstr(line, " => ");
        if (arrow != NULL && memchr(line, '\n', (size_t)(arrow - line)) == NULL) {
            free(found);
            size_t length = strcspn(arrow + 4, "\n");
            found = bench_format("%.*s", (int)length, arrow + 4);
            char *address = strstr(found, " (0x");
            if (address != NULL)
                *address = '\0';
        }
    }
    bench_child_free(&child);
    free(environment);
    return found;
}

static char *stage_library(const bench_program *program, const char *directory, const char *staged)
{
    char *library = find_library(program->path, program->library_path), *wrong = NULL;
    const char *slash = strrchr(library, '/');
    if (library[0] == '\0') {
        free(library);
        return NULL;
    }
    if (slash == NULL) {
        wrong = bench_format("%s cannot find its libarrowquant.so: set LD_LIBRARY_PATH, or give "
                             "the program at the top of its build directory",
                             program->path);
        free(library);
        return wrong;
    }
    char *copy = bench_format("%s%s", directory, slash);
    wrong = copy_file(library, copy);
    char *used = wrong == NULL ? find_library(staged, directory) : NULL;
    if (used != NULL && strcmp(used, copy) != 0)
        wrong = bench_format("%s insists on %s and ignores LD_LIBRARY_PATH, so its library cannot "
                             "be told from that of the other build",
                             program->path, used);
    free(used);
    free(copy);
    free(library);
    return wrong;
}

/* ---- one arm ---- */

static char *stage(const char *parent, const bench_program *program, bench_arm arm,
                   bench_arms *arms)
{
    /* Names of one length: the length of a path shifts the stack of the program that is run. */
    char *directory = bench_format("%s/arm%d", parent, (int)arm);
    arms->program[arm] = bench_format("%s/arrowquant", directory);
    char *wrong = NULL;
    if (mkdir(directory, 0700) != 0)
        wrong = bench_format("cannot make %s: %s", directory, strerror(errno));
    if (wrong == NULL)
        wrong = copy_file(program->path, arms->program[arm]);
    if (wrong == NULL && program->elf)
        wrong = stage_library(program, directory, arms->program[arm]);
    const char *inherited = program->library_path;
    char *path = inherited == NULL || inherited[0] == '\0'
                     ? bench_copy(directory)
                     : bench_format("%s:%s", directory, inherited);
    arms->environment[arm] = setting(path);
    free(path);
    free(directory);
    return wrong;
}

/* Runs "quantize --help": that it runs at all, and whether it knows --repeat. */
static char *ask(const bench_arms *arms, bench_arm arm, int *repeats)
{
    const char *argv[] = {"env", arms->environment[arm], arms->program[arm], "quantize", "--help",
                          NULL};
    bench_child child = {0};
    char *wrong = NULL;
    if (bench_child_run((char *const *)argv, most_seconds, &child) != 0)
        wrong = bench_format("cannot run %s: %s", arms->program[arm], strerror(errno));
    else
        wrong = bench_child_failure(&child);
    if (wrong != NULL) {
        char *longer = bench_format("the %s build does not run as arrowquant: %s%s",
                                    bench_arm_name(arm), wrong,
                                    strstr(wrong, "ermission denied") != NULL
                                        ? " (is the work directory mounted noexec? --work-dir)"
                                        : "");
        free(wrong);
        wrong = longer;
    } else {
        *repeats = strstr(child.out, "--repeat") != NULL;
    }
    bench_child_free(&child);
    return wrong;
}

static char *staged_library(const bench_arms *arms, bench_arm arm)
{
    return find_library(arms->program[arm], arms->environment[arm] + strlen("LD_LIBRARY_PATH="));
}

static int identical(const bench_arms *arms)
{
    if (!same_files(arms->program[BENCH_OLD], arms->program[BENCH_NEW]))
        return 0;
    char *a = staged_library(arms, BENCH_OLD), *b = staged_library(arms, BENCH_NEW);
    int same = (a[0] == '\0' && b[0] == '\0') || same_files(a, b);
    free(a);
    free(b);
    return same;
}

char *bench_arms_stage(const char *directory, const bench_program *old_program,
                       const bench_program *new_program, bench_arms *arms)
{
    const bench_program *const from[BENCH_ARMS] = {old_program, new_program, old_program};
    int old_repeats = 0, new_repeats = 0;
    char *wrong = NULL;
    memset(arms, 0, sizeof *arms);
    for (int arm = 0; arm < BENCH_ARMS && wrong == NULL; arm++)
        wrong = stage(directory, from[arm], (bench_arm)arm, arms);
    if (wrong == NULL)
        wrong = ask(arms, BENCH_OLD, &old_repeats);
    if (wrong == NULL)
        wrong = ask(arms, BENCH_NEW, &new_repeats);
    arms->repeats = old_repeats && new_repeats;
    if (wrong == NULL)
        arms->identical = old_program->elf && new_program->elf && identical(arms);
    return wrong;
}

void bench_arms_free(bench_arms *arms)
{
    for (int arm = 0; arm < BENCH_ARMS; arm++) {
        free(arms->program[arm]);
        free(arms->environment[arm]);
    }
    memset(arms, 0, sizeof *arms);
}
