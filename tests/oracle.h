/* SPDX-License-Identifier: Apache-2.0
 * The independent judges: packages that are fetched, never committed. ci/oracle puts them in
 * AQ_ORACLE_DIR, by default in the user's cache. */
#ifndef AQ_TESTS_ORACLE_H
#define AQ_TESTS_ORACLE_H

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

enum { ORACLE_SKIP = 77 };

/* Writes the path of a file of the oracle directory. */
static inline const char *oracle_path(const char *name, char *path, size_t size)
{
    const char *directory = getenv("AQ_ORACLE_DIR");
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (directory != NULL && *directory != '\0')
        snprintf(path, size, "%s/%s", directory, name);
    else if (cache != NULL && *cache != '\0')
        snprintf(path, size, "%s/arrowquant-oracle/%s", cache, name);
    else
        snprintf(path, size, "%s/.cache/arrowquant-oracle/%s", home == NULL ? "" : home, name);
    return path;
}

/* ggml's own library; NULL, with a word on standard output, where it is absent. */
static inline void *oracle_ggml(void)
{
    char path[4096];
    oracle_path("node-llama-cpp/bins/linux-x64/libggml-base.so", path, sizeof path);
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL)
        printf("no oracle: %s\n", dlerror());
    return library;
}

#endif
