/* SPDX-License-Identifier: Apache-2.0
 * A directory for a test's files, and small model files written without the library. */
#ifndef AQ_TESTS_SCRATCH_H
#define AQ_TESTS_SCRATCH_H

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char scratch_dir[256];

static inline void scratch_die(const char *what)
{
    perror(what);
    abort();
}

static inline void scratch_make(void)
{
    const char *base = getenv("TMPDIR");
    snprintf(scratch_dir, sizeof scratch_dir, "%.200s/arrowquant-test-XXXXXX",
             base == NULL ? "/tmp" : base);
    if (mkdtemp(scratch_dir) == NULL)
        scratch_die(scratch_dir);
}

static inline void scratch_empty(const char *path)
{
    DIR *dir = opendir(path);
    struct dirent *entry;
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        char child[1024];
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        snprintf(child, sizeof child, "%.700s/%.255s", path, entry->d_name);
        if (unlink(child) != 0)
            scratch_empty(child);
    }
    if (dir != NULL)
        closedir(dir);
    rmdir(path);
}

static inline void scratch_remove(void)
{
    if (scratch_dir[0] != '\0')
        scratch_empty(scratch_dir);
    scratch_dir[0] = '\0';
}

/* scratch_make and scratch_remove for tests that stand in the directory. */
static inline void scratch_enter(void)
{
    scratch_make();
    if (chdir(scratch_dir) != 0)
        scratch_die(scratch_dir);
}

static inline void scratch_leave(void)
{
    if (chdir("/") != 0)
        scratch_die("/");
    scratch_remove();
}

/* A path in the directory; valid until the eighth call after this one. */
static inline const char *scratch_path(const char *name)
{
    static char paths[8][512];
    static unsigned next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", scratch_dir, name);
    return path;
}

/* Makes the directories between the scratch directory and `name`, too. */
static inline void scratch_write(const char *name, const void *bytes, size_t size)
{
    char path[512];
    snprintf(path, sizeof path, "%s", scratch_path(name));
    for (char *p = path + strlen(scratch_dir) + 1; (p = strchr(p, '/')) != NULL; *p++ = '/') {
        *p = '\0';
        (void)mkdir(path, 0777);
    }
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(bytes, 1, size, file) != size || fclose(file) != 0)
        scratch_die(path);
}

static inline void scratch_text(const char *name, const char *text)
{
    scratch_write(name, text, strlen(text));
}

/* ---- safetensors ---- */

typedef struct scratch_tensor {
    const char *name, *dtype;
    uint64_t shape[4];
    unsigned rank;
    const void *data;
    size_t size;
} scratch_tensor;

/* `metadata`: the text of a JSON object, or NULL. */
static inline void scratch_safetensors(const char *name, const scratch_tensor *tensors,
                                       size_t count, const char *metadata)
{
    size_t total = 0, room = 4096 + count * 512;
    char *header = malloc(room);
    if (header == NULL)
        scratch_die("malloc");
    size_t at = (size_t)snprintf(header, room, "{");
    if (metadata != NULL)
        at += (size_t)snprintf(header + at, room - at, "\"__metadata__\":%s%s", metadata,
                               count > 0 ? "," : "");
    for (size_t i = 0; i < count; i++) {
        const scratch_tensor *t = &tensors[i];
        at += (size_t)snprintf(header + at, room - at, "%s\"%s\":{\"dtype\":\"%s\",\"shape\":[",
                               i == 0 ? "" : ",", t->name, t->dtype);
        for (unsigned d = 0; d < t->rank; d++)
            at += (size_t)snprintf(header + at, room - at, "%s%llu", d == 0 ? "" : ",",
                                   (unsigned long long)t->shape[d]);
        at += (size_t)snprintf(header + at, room - at, "],\"data_offsets\":[%zu,%zu]}", total,
                               total + t->size);
        total += t->size;
    }
    at += (size_t)snprintf(header + at, room - at, "}");
    const char *path = scratch_path(name);
    FILE *file = fopen(path, "wb");
    uint64_t length = at;
    if (file == NULL)
        scratch_die(path);
    fwrite(&length, 1, sizeof length, file);
    fwrite(header, 1, at, file);
    for (size_t i = 0; i < count; i++)
        fwrite(tensors[i].data, 1, tensors[i].size, file);
    if (ferror(file) || fclose(file) != 0)
        scratch_die(path);
    free(header);
}

#endif
