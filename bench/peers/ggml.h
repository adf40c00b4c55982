/* SPDX-License-Identifier: Apache-2.0
 * ggml, loaded at run time where it is to be had: the judge of the GGUF types' bytes, and their
 * peer in speed. */
#ifndef AQ_BENCH_PEERS_GGML_H
#define AQ_BENCH_PEERS_GGML_H

#include "arrowquant.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef size_t peer_quantize_fn(int type, const float *src, void *dst, int64_t start, int64_t rows,
                                int64_t cols, const float *importance);
typedef void peer_widen_fn(const void *src, float *dst, int64_t n);

typedef struct peer_ggml {
    peer_quantize_fn *quantize;            /* ggml_quantize_chunk */
    peer_widen_fn *widen_f16, *widen_bf16; /* ggml_fp16_to_fp32_row, ggml_bf16_to_fp32_row */
} peer_ggml;

/* AQ_ORACLE_DIR, else arrowquant-oracle in the user's cache directory. */
static inline void peer_directory(char *path, size_t size)
{
    const char *directory = getenv("AQ_ORACLE_DIR"), *cache = getenv("XDG_CACHE_HOME");
    const char *home = getenv("HOME");
    if (directory != NULL && *directory != '\0')
        (void)snprintf(path, size, "%s", directory);
    else if (cache != NULL && *cache != '\0')
        (void)snprintf(path, size, "%s/arrowquant-oracle", cache);
    else
        (void)snprintf(path, size, "%s/.cache/arrowquant-oracle", home == NULL ? "" : home);
}

/* false, with the reason on standard output, where it is not there. */
static inline bool peer_ggml_open(peer_ggml *ggml)
{
    char directory[PATH_MAX], path[PATH_MAX + 64];
    peer_directory(directory, sizeof directory);
    (void)snprintf(path, sizeof path, "%s/node-llama-cpp/bins/linux-x64/libggml-base.so",
                   directory);
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        printf("ggml is not there: %s\n", dlerror());
        return false;
    }
    /* POSIX has dlsym give functions as object pointers. */
    *(void **)&ggml->quantize = dlsym(library, "ggml_quantize_chunk");
    *(void **)&ggml->widen_f16 = dlsym(library, "ggml_fp16_to_fp32_row");
    *(void **)&ggml->widen_bf16 = dlsym(library, "ggml_bf16_to_fp32_row");
    if (!ggml->quantize || !ggml->widen_f16 || !ggml->widen_bf16) {
        printf("%s: not the ggml that is wanted\n", path);
        return false;
    }
    return true;
}

/* ggml's number of a type: GGUF's. */
static inline int peer_ggml_type(aq_type type)
{
    switch (type) {
    case AQ_TYPE_Q4_0:
        return 2;
    case AQ_TYPE_Q4_1:
        return 3;
    case AQ_TYPE_Q5_0:
        return 6;
    case AQ_TYPE_Q5_1:
        return 7;
    case AQ_TYPE_Q2_K:
    case AQ_TYPE_Q3_K:
    case AQ_TYPE_Q4_K:
    case AQ_TYPE_Q5_K:
    case AQ_TYPE_Q6_K:
        return 10 + (int)(type - AQ_TYPE_Q2_K);
    default:
        return 8;
    }
}

#endif
