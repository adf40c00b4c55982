/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "option_values.h"
#include "results/baseline_file.h"
#include "sizes.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static const char *const section_name[BENCH_SECTIONS] = {
    [BENCH_SCALING] = "parallel_quantization",
    [BENCH_SPEEDUP] = "speedup_analysis",
    [BENCH_SIZES] = "model_sizes",
    [BENCH_STREAMING] = "streaming_vs_batch",
};

static const char *const section_title[BENCH_SECTIONS] = {
    [BENCH_SCALING] = "Parallel Scaling Results",
    [BENCH_SPEEDUP] = "Speedup Analysis Results",
    [BENCH_SIZES] = "Model Size Results",
    [BENCH_STREAMING] = "Streaming vs Batch Results",
};

static const char *const format_name[BENCH_FORMATS] = {
    [BENCH_JSON] = "json",
    [BENCH_CSV] = "csv",
    [BENCH_MARKDOWN] = "markdown",
    [BENCH_HTML] = "html",
    [BENCH_GOOGLE] = "google-benchmark",
    [BENCH_GITHUB] = "github",
    [BENCH_BENCHER] = "bencher",
};

const char *bench_section_name(bench_section section)
{
    return section_name[section];
}

const char *bench_section_title(bench_section section)
{
    return section_title[section];
}

int bench_usage(FILE *err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("arrowquant-bench: ", err);
    (void)vfprintf(err, format, args);
    fputs(" (try --help)\n", err);
    va_end(args);
    return 2;
}

int bench_parse_count(const char *text, uint64_t least, uint64_t most, uint64_t *value)
{
    if (!isdigit((unsigned char)text[0]))
        return -1;
    char *end;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (errno != 0 || *end != '\0' || number < least || number > most)
        return -1;
    *value = number;
    return 0;
}

int bench_parse_seconds(const char *text, double *value)
{
    if (!isdigit((unsigned char)text[0]) && text[0] != '.')
        return -1;
    char *end;
    double seconds = strtod(text, &end);
    if (*end != '\0' || !isfinite(seconds) || seconds <= 0)
        return -1;
    *value = seconds;
    return 0;
}

int bench_parse_cores(const char *text, bench_options *options, FILE *err)
{
    char item[16];
    options->cores_count = 0;
    for (const char *at = text;; at++) {
        size_t length = strcspn(at, ",");
        uint64_t cores = 0;
        if (length < sizeof item) {
            memcpy(item, at, length);
            item[length] = '\0';
        }
        if (length >= sizeof item || bench_parse_count(item, 1, BENCH_MAX_THREADS, &cores) != 0)
            return bench_usage(err, "--cores: \"%s\" is not a list of thread counts from 1 to %d",
                               text, BENCH_MAX_THREADS);
        for (size_t i = 0; i < options->cores_count; i++)
            if (options->cores[i] == cores)
                return bench_usage(err, "--cores: %u stands twice in \"%s\"", (unsigned)cores,
                                   text);
        if (options->cores_count == BENCH_MAX_CORES)
            return bench_usage(err, "--cores: more than %d thread counts", BENCH_MAX_CORES);
        options->cores[options->cores_count++] = (unsigned)cores;
        at += length;
        if (*at == '\0')
            return -1;
    }
}

int bench_parse_size_name(const char *name, const char *text, size_t length, char *out, size_t room,
                          FILE *err)
{
    bench_size size;
    if (length < room) {
        memcpy(out, text, length);
        out[length] = '\0';
    }
    if (length >= room || bench_size_parse(out, &size) != 0)
        return bench_usage(err,
                           "%s: \"%.*s\" is not 100M, 600M, 7B, 7B-seed, LAYERSxROWSxCOLUMNS or a "
                           "number of weights",
                           name, (int)(length < 60 ? length : 60), text);
    return -1;
}

int bench_parse_model_sizes(const char *text, bench_options *options, FILE *err)
{
    size_t room = sizeof options->model_sizes[0];
    options->model_sizes_count = 0;
    for (const char *at = text;; at++) {
        size_t length = strcspn(at, ","), n = options->model_sizes_count;
        if (n == BENCH_MAX_SIZES)
            return bench_usage(err, "--model-sizes: more than %d sizes", BENCH_MAX_SIZES);
        int code =
            bench_parse_size_name("--model-sizes", at, length, options->model_sizes[n], room, err);
        if (code >= 0)
            return code;
        for (size_t i = 0; i < n; i++)
            if (strcmp(options->model_sizes[i], options->model_sizes[n]) == 0)
                return bench_usage(err, "--model-sizes: %s stands twice", options->model_sizes[n]);
        options->model_sizes_count++;
        at += length;
        if (*at == '\0')
            return -1;
    }
}

int bench_parse_group(const char *text, bench_options *options, FILE *err)
{
    for (int i = 0; i < BENCH_SECTIONS; i++)
        if (strcmp(text, section_name[i]) == 0) {
            options->selected[i] = 1;
            return -1;
        }
    return bench_usage(err, "--group: no group is called \"%s\"; --list lists them", text);
}

int bench_parse_dtype(const char *text, bench_options *options, FILE *err)
{
    static const struct {
        const char *name;
        aq_dtype dtype;
    } known[] = {{"f16", AQ_DTYPE_F16}, {"bf16", AQ_DTYPE_BF16}, {"f32", AQ_DTYPE_F32}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(text, known[i].name) == 0) {
            options->dtype = known[i].dtype;
            return -1;
        }
    return bench_usage(err, "--dtype: \"%s\" is not f16, bf16 or f32", text);
}

int bench_parse_export(const char *text, bench_options *options, FILE *err)
{
    size_t length = strcspn(text, "=");
    if (text[length] != '=' || text[length + 1] == '\0')
        return bench_usage(err, "--export: \"%s\" is not FORMAT=FILE", text);
    if (options->exports_count == BENCH_MAX_EXPORTS)
        return bench_usage(err, "--export: more than %d files", BENCH_MAX_EXPORTS);
    for (int i = 0; i < BENCH_FORMATS; i++)
        if (strlen(format_name[i]) == length && memcmp(text, format_name[i], length) == 0) {
            bench_export *item = &options->exports[options->exports_count++];
            item->format = (bench_export_format)i;
            item->path = text + length + 1;
            return -1;
        }
    return bench_usage(
        err,
        "--export: format \"%.*s\" is not json, csv, markdown, html, google-benchmark, "
        "github or bencher",
        (int)(length < 60 ? length : 60), text);
}

int bench_parse_sink(const char *text, bench_options *options, FILE *err)
{
    if (strcmp(text, "null") == 0)
        options->sink = BENCH_SINK_NULL;
    else if (strcmp(text, "file") == 0)
        options->sink = BENCH_SINK_FILE;
    else
        return bench_usage(err, "--sink: \"%s\" is not null or file", text);
    return -1;
}

int bench_parse_mode(const char *text, bench_options *options, FILE *err)
{
    if (strcmp(text, "streaming") == 0)
        options->mode = AQ_MODE_STREAMING;
    else if (strcmp(text, "batch") == 0)
        options->mode = AQ_MODE_BATCH;
    else
        return bench_usage(err, "--mode: \"%s\" is not streaming or batch", text);
    return -1;
}

int bench_parse_baseline(const char *name, const char *text, const char **value, FILE *err)
{
    if (!bench_baseline_name_valid(text))
        return bench_usage(err,
                           "%s: \"%.64s\" is not a plain name (letters, digits, '.', '-' and '_', "
                           "at most 64, beginning with none of '.' and '-')",
                           name, text);
    *value = text;
    return -1;
}

int bench_parse_path(const char *name, const char *text, const char **path, FILE *err)
{
    if (text[0] == '\0')
        return bench_usage(err, "%s: the path is empty", name);
    *path = text;
    return -1;
}
