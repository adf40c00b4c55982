/* SPDX-License-Identifier: Apache-2.0
 * Usage: llama_file FTYPE PURE THREADS INPUT OUTPUT
 * llama_model_quantize of the oracle's libllama, timed from its call to its return (loading the
 * library not included), with the peak of the process's memory, as JSON on standard output. */
#include <config.h>

#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LIBRARY "/node-llama-cpp/bins/linux-x64/libllama.v0.5.0.so"

/* llama.h's of that version. */
typedef struct quantize_params {
    int32_t threads;
    int ftype, output_type, embedding_type;
    bool allow_requantize, quantize_output, only_copy, pure, keep_split, dry_run;
    const void *imatrix, *overrides, *types;
    const int32_t *prune;
} quantize_params;

typedef quantize_params default_params_fn(void);
typedef uint32_t quantize_fn(const char *in, const char *out, const quantize_params *params);
typedef void log_fn(int level, const char *text, void *arg);
typedef void log_set_fn(log_fn *log, void *arg);

static void quiet(int level, const char *text, void *arg)
{
    (void)arg;
    enum { LEVEL_ERROR = 4 };
    if (level >= LEVEL_ERROR)
        (void)fputs(text, stderr);
}

static void *symbol(void *library, const char *name)
{
    void *found = dlsym(library, name);
    if (found == NULL) {
        (void)fprintf(stderr, "llama_file: %s\n", dlerror());
        exit(1);
    }
    return found;
}

static void *open_library(void)
{
    const char *directory = getenv("AQ_ORACLE_DIR");
    char path[4096];
    (void)snprintf(path, sizeof path, "%s" LIBRARY, directory == NULL ? "" : directory);
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        (void)fprintf(stderr, "llama_file: %s (ci/oracle fetches it)\n", dlerror());
        exit(1);
    }
    return library;
}

static double now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static uint64_t peak_bytes(void)
{
    char line[256];
    unsigned long long kilobytes = 0;
    FILE *file = fopen("/proc/self/status", "r");
    if (file == NULL)
        return 0;
    while (fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, "VmHWM:", 6) == 0)
            kilobytes = strtoull(line + 6, NULL, 10);
    (void)fclose(file);
    return kilobytes * 1024;
}

int main(int argc, char **argv)
{
    if (argc != 6) {
        (void)fputs("Usage: llama_file FTYPE PURE THREADS INPUT OUTPUT\n", stderr);
        return 2;
    }
    void *library = open_library();
    default_params_fn *defaults;
    quantize_fn *quantize;
    log_set_fn *log_set;
    *(void **)&defaults = symbol(library, "llama_model_quantize_default_params");
    *(void **)&quantize = symbol(library, "llama_model_quantize");
    *(void **)&log_set = symbol(library, "llama_log_set");
    log_set(quiet, NULL);
    quantize_params params = defaults();
    params.ftype = atoi(argv[1]);
    params.pure = atoi(argv[2]) != 0;
    params.threads = atoi(argv[3]);
    double begin = now();
    uint32_t failed = quantize(argv[4], argv[5], &params);
    double time = now() - begin;
    if (failed != 0)
        return 1;
    (void)printf("{\"time_s\": %.6f, \"peak_bytes\": %llu}\n", time,
                 (unsigned long long)peak_bytes());
    return 0;
}
