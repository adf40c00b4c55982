/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "sandbox.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

bool sandbox_off;
static int version;

int sandbox_version(void)
{
    return version;
}

/* The kernel's interface in full: what the C library's headers say of it is often years older, and
 * the numbers are the same on every architecture. */
enum { CREATE_RULESET = 444, ADD_RULE = 445, RESTRICT_SELF = 446 };
enum { GET_VERSION = 1, RULE_PATH_BENEATH = 1 };

typedef struct ruleset_attributes {
    uint64_t files, network, scopes; /* network from version 4, scopes from 6 */
} ruleset_attributes;

typedef struct __attribute__((packed)) path_rule {
    uint64_t allowed;
    int32_t parent;
} path_rule;

#define RIGHT(n) (UINT64_C(1) << (n))
#define WRITE_FILE RIGHT(1)
#define READ_FILE RIGHT(2)
#define READ_DIR RIGHT(3)
#define REMOVE_DIR RIGHT(4)
#define REMOVE_FILE RIGHT(5)
#define MAKE_DIR RIGHT(7)
#define MAKE_REG RIGHT(8)
#define MAKE_SYM RIGHT(12)
#define REFER RIGHT(13)
#define TRUNCATE RIGHT(14)

/* All rights that this version knows, so that all are denied but for the rules. */
static uint64_t known_rights(int abi)
{
    unsigned count = abi >= 5 ? 16 : abi >= 3 ? 15 : abi >= 2 ? 14 : 13;
    return RIGHT(count) - 1;
}

typedef struct sandbox {
    int ruleset;
    uint64_t known;
} sandbox;

static void allow(const sandbox *s, int descriptor, uint64_t rights)
{
    path_rule rule = {.allowed = rights & s->known, .parent = descriptor};
    (void)syscall(ADD_RULE, s->ruleset, RULE_PATH_BENEATH, &rule, 0);
}

/* A path that is not there needs no rule: it cannot be opened either way. */
static void allow_path(const sandbox *s, const char *path, uint64_t rights)
{
    int descriptor;
    do
        descriptor = open(path, O_PATH | O_CLOEXEC);
    while (descriptor < 0 && errno == EINTR);
    if (descriptor < 0)
        return;
    allow(s, descriptor, rights);
    (void)close(descriptor);
}

/* Every file of a directory: in download caches they are links to elsewhere. */
static void allow_entries(const sandbox *s, const char *path)
{
    DIR *directory = opendir(path);
    if (directory == NULL)
        return;
    allow(s, dirfd(directory), READ_DIR);
    const struct dirent *entry;
    while ((entry = readdir(directory)) != NULL) {
        struct stat st;
        int descriptor = openat(dirfd(directory), entry->d_name, O_PATH | O_CLOEXEC);
        if (descriptor < 0)
            continue;
        if (fstat(descriptor, &st) == 0 && S_ISREG(st.st_mode))
            allow(s, descriptor, READ_FILE);
        (void)close(descriptor);
    }
    (void)closedir(directory);
}

/* The directory that `path` is in, into parent[PATH_MAX]; false where it is too long. */
static bool parent_of(const char *path, char *parent)
{
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/')
        length--;
    while (length > 0 && path[length - 1] != '/')
        length--;
    if (length >= PATH_MAX)
        return false;
    memcpy(parent, length == 0 ? "." : path, length == 0 ? 1 : length);
    parent[length == 0 ? 1 : length] = '\0';
    return true;
}

static bool ends_with(const char *s, const char *end)
{
    size_t a = strlen(s), b = strlen(end);
    return a >= b && strcmp(s + a - b, end) == 0;
}

static void allow_input(const sandbox *s, const char *path)
{
    struct stat st;
    char parent[PATH_MAX];
    if (stat(path, &st) != 0)
        return;
    if (S_ISDIR(st.st_mode))
        allow_entries(s, path);
    else if (ends_with(path, ".index.json") && parent_of(path, parent))
        allow_entries(s, parent);
    allow_path(s, path, S_ISDIR(st.st_mode) ? READ_DIR : READ_FILE);
}

/* Temporaries are made beside the output; a directory that is not there yet, or is replaced as a
 * whole, in its parent. What is carried over into it, links among it, changes its directory. */
static void allow_output(const sandbox *s, const char *path, bool replaces)
{
    const uint64_t rights = READ_FILE | WRITE_FILE | TRUNCATE | MAKE_REG | REMOVE_FILE | READ_DIR;
    struct stat st;
    char real[PATH_MAX], parent[PATH_MAX];
    if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode)) {
        if (parent_of(path, parent))
            allow_path(s, parent, rights | MAKE_DIR | REMOVE_DIR);
        return;
    }
    allow_path(s, path, rights);
    if (replaces && realpath(path, real) != NULL && strcmp(real, "/") != 0 &&
        parent_of(real, parent))
        allow_path(s, parent, rights | MAKE_DIR | REMOVE_DIR | MAKE_SYM | REFER);
}

/* What the kernel says of CPUs, memory and this process, and jansson's seed. */
static void allow_system(const sandbox *s)
{
    allow_path(s, "/proc", READ_FILE | READ_DIR);
    allow_path(s, "/sys", READ_FILE | READ_DIR);
    allow_path(s, "/dev/urandom", READ_FILE);
}

static int create_ruleset(int abi, uint64_t known)
{
    ruleset_attributes attributes = {.files = known, .network = 3, .scopes = 3};
    size_t size = abi >= 6 ? 24 : abi >= 4 ? 16 : 8;
    return (int)syscall(CREATE_RULESET, &attributes, size, 0);
}

/* A program that is watched from within, by a sanitizer or for its coverage, writes files at its
 * end: it stops short of the last step. */
static void restrict_self(const sandbox *s, int abi)
{
#if defined(AQ_INSTRUMENTED)
    (void)s, (void)abi;
#else
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && syscall(RESTRICT_SELF, s->ruleset, 0) == 0)
        version = abi;
#endif
}

void sandbox_enter(const char *const *inputs, size_t count, const char *output, bool replaces)
{
    if (sandbox_off)
        return;
    int abi = (int)syscall(CREATE_RULESET, NULL, 0, GET_VERSION);
    if (abi < 1)
        return;
    sandbox s = {.known = known_rights(abi)};
    s.ruleset = create_ruleset(abi, s.known);
    if (s.ruleset < 0)
        return;
    allow_system(&s);
    for (size_t i = 0; i < count; i++)
        if (strncmp(inputs[i], "synthetic:", strlen("synthetic:")) != 0)
            allow_input(&s, inputs[i]);
    if (output != NULL && strcmp(output, "null:") != 0)
        allow_output(&s, output, replaces);
    restrict_self(&s, abi);
    (void)close(s.ruleset);
}
