/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "help.h"
#include "options.h"
#include "sizes.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
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

enum {
    OPT_ALL = 256,
    OPT_BINARY,
    OPT_BUDGET,
    OPT_CHECK_TARGETS,
    OPT_CORES,
    OPT_DTYPE,
    OPT_EXPORT,
    OPT_GROUP,
    OPT_LIST,
    OPT_MODE,
    OPT_MODEL,
    OPT_MODEL_SIZE,
    OPT_MODEL_SIZES,
    OPT_OUTPUT_DIR,
    OPT_QUICK,
    OPT_ROUNDS,
    OPT_SEED,
    OPT_SINK,
    OPT_STREAMING,
    OPT_STRICT,
    OPT_THREADS,
    OPT_TIMEOUT,
    OPT_TYPE,
    OPT_WORK_DIR
};

static const struct option long_options[] = {
    {"all", no_argument, NULL, OPT_ALL},
    {"binary", required_argument, NULL, OPT_BINARY},
    {"budget", required_argument, NULL, OPT_BUDGET},
    {"check-targets", no_argument, NULL, OPT_CHECK_TARGETS},
    {"cores", required_argument, NULL, OPT_CORES},
    {"dtype", required_argument, NULL, OPT_DTYPE},
    {"export", required_argument, NULL, OPT_EXPORT},
    {"group", required_argument, NULL, OPT_GROUP},
    {"help", no_argument, NULL, 'h'},
    {"list", no_argument, NULL, OPT_LIST},
    {"mode", required_argument, NULL, OPT_MODE},
    {"model", required_argument, NULL, OPT_MODEL},
    {"model-size", required_argument, NULL, OPT_MODEL_SIZE},
    {"model-sizes", required_argument, NULL, OPT_MODEL_SIZES},
    {"output-dir", required_argument, NULL, OPT_OUTPUT_DIR},
    {"quick", no_argument, NULL, OPT_QUICK},
    {"quiet", no_argument, NULL, 'q'},
    {"rounds", required_argument, NULL, OPT_ROUNDS},
    {"seed", required_argument, NULL, OPT_SEED},
    {"sink", required_argument, NULL, OPT_SINK},
    {"streaming-comparison", no_argument, NULL, OPT_STREAMING},
    {"strict", no_argument, NULL, OPT_STRICT},
    {"threads", required_argument, NULL, OPT_THREADS},
    {"timeout", required_argument, NULL, OPT_TIMEOUT},
    {"type", required_argument, NULL, OPT_TYPE},
    {"verbose", no_argument, NULL, 'v'},
    {"version", no_argument, NULL, 'V'},
    {"work-dir", required_argument, NULL, OPT_WORK_DIR},
    {NULL, 0, NULL, 0},
};

const char *bench_section_name(bench_section section)
{
    return section_name[section];
}

const char *bench_section_title(bench_section section)
{
    return section_title[section];
}

__attribute__((format(printf, 2, 3))) static int usage(FILE *err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("arrowquant-bench: ", err);
    (void)vfprintf(err, format, args);
    fputs(" (try --help)\n", err);
    va_end(args);
    return 2;
}

/* ---- values ---- */

static int parse_count(const char *text, uint64_t least, uint64_t most, uint64_t *value)
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

static int parse_seconds(const char *text, double *value)
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

static int parse_cores(const char *text, bench_options *options, FILE *err)
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
        if (length >= sizeof item || parse_count(item, 1, BENCH_MAX_THREADS, &cores) != 0)
            return usage(err, "--cores: \"%s\" is not a list of thread counts from 1 to %d", text,
                         BENCH_MAX_THREADS);
        for (size_t i = 0; i < options->cores_count; i++)
            if (options->cores[i] == cores)
                return usage(err, "--cores: %u stands twice in \"%s\"", (unsigned)cores, text);
        if (options->cores_count == BENCH_MAX_CORES)
            return usage(err, "--cores: more than %d thread counts", BENCH_MAX_CORES);
        options->cores[options->cores_count++] = (unsigned)cores;
        at += length;
        if (*at == '\0')
            return -1;
    }
}

static int parse_size_name(const char *name, const char *text, size_t length, char *out,
                           size_t room, FILE *err)
{
    bench_size size;
    if (length < room) {
        memcpy(out, text, length);
        out[length] = '\0';
    }
    if (length >= room || bench_size_parse(out, &size) != 0)
        return usage(err,
                     "%s: \"%.*s\" is not 100M, 600M, 7B, 7B-seed, LAYERSxROWSxCOLUMNS or a "
                     "number of weights",
                     name, (int)(length < 60 ? length : 60), text);
    return -1;
}

static int parse_model_sizes(const char *text, bench_options *options, FILE *err)
{
    size_t room = sizeof options->model_sizes[0];
    options->model_sizes_count = 0;
    for (const char *at = text;; at++) {
        size_t length = strcspn(at, ","), n = options->model_sizes_count;
        if (n == BENCH_MAX_SIZES)
            return usage(err, "--model-sizes: more than %d sizes", BENCH_MAX_SIZES);
        int code = parse_size_name("--model-sizes", at, length, options->model_sizes[n], room, err);
        if (code >= 0)
            return code;
        for (size_t i = 0; i < n; i++)
            if (strcmp(options->model_sizes[i], options->model_sizes[n]) == 0)
                return usage(err, "--model-sizes: %s stands twice", options->model_sizes[n]);
        options->model_sizes_count++;
        at += length;
        if (*at == '\0')
            return -1;
    }
}

static int parse_group(const char *text, bench_options *options, FILE *err)
{
    for (int i = 0; i < BENCH_SECTIONS; i++)
        if (strcmp(text, section_name[i]) == 0) {
            options->selected[i] = 1;
            return -1;
        }
    return usage(err, "--group: no group is called \"%s\"; --list lists them", text);
}

static int parse_dtype(const char *text, bench_options *options, FILE *err)
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
    return usage(err, "--dtype: \"%s\" is not f16, bf16 or f32", text);
}

static int parse_export(const char *text, bench_options *options, FILE *err)
{
    size_t length = strcspn(text, "=");
    if (text[length] != '=' || text[length + 1] == '\0')
        return usage(err, "--export: \"%s\" is not FORMAT=FILE", text);
    if (options->exports_count == BENCH_MAX_EXPORTS)
        return usage(err, "--export: more than %d files", BENCH_MAX_EXPORTS);
    for (int i = 0; i < BENCH_FORMATS; i++)
        if (strlen(format_name[i]) == length && memcmp(text, format_name[i], length) == 0) {
            bench_export *item = &options->exports[options->exports_count++];
            item->format = (bench_export_format)i;
            item->path = text + length + 1;
            return -1;
        }
    return usage(err,
                 "--export: format \"%.*s\" is not json, csv, markdown, html, google-benchmark, "
                 "github or bencher",
                 (int)(length < 60 ? length : 60), text);
}

static int parse_sink(const char *text, bench_options *options, FILE *err)
{
    if (strcmp(text, "null") == 0)
        options->sink = BENCH_SINK_NULL;
    else if (strcmp(text, "file") == 0)
        options->sink = BENCH_SINK_FILE;
    else
        return usage(err, "--sink: \"%s\" is not null or file", text);
    return -1;
}

static int parse_mode(const char *text, bench_options *options, FILE *err)
{
    if (strcmp(text, "streaming") == 0)
        options->mode = AQ_MODE_STREAMING;
    else if (strcmp(text, "batch") == 0)
        options->mode = AQ_MODE_BATCH;
    else
        return usage(err, "--mode: \"%s\" is not streaming or batch", text);
    return -1;
}

static int parse_path(const char *name, const char *text, const char **path, FILE *err)
{
    if (text[0] == '\0')
        return usage(err, "%s: the path is empty", name);
    *path = text;
    return -1;
}

static int parse_number_option(int option, const char *text, bench_options *options, FILE *err)
{
    uint64_t count = 0;
    switch (option) {
    case OPT_ROUNDS:
        if (parse_count(text, 1, 100000, &count) != 0)
            return usage(err, "--rounds: \"%s\" is not a number from 1 to 100000", text);
        options->rounds = (unsigned)count;
        return -1;
    case OPT_THREADS:
        if (parse_count(text, 1, BENCH_MAX_THREADS, &count) != 0)
            return usage(err, "--threads: \"%s\" is not a number from 1 to %d", text,
                         BENCH_MAX_THREADS);
        options->threads = (unsigned)count;
        return -1;
    case OPT_SEED:
        /* A larger one could not be told apart from its neighbour by a reader of the JSON. */
        if (parse_count(text, 0, UINT64_C(1) << 53, &count) != 0)
            return usage(err, "--seed: \"%s\" is not a number from 0 to 2^53", text);
        options->seed = count;
        options->seed_given = 1;
        return -1;
    case OPT_BUDGET:
        if (parse_seconds(text, &options->budget_s) != 0)
            return usage(err, "--budget: \"%s\" is not a number of seconds", text);
        return -1;
    default:
        if (parse_seconds(text, &options->timeout_s) != 0)
            return usage(err, "--timeout: \"%s\" is not a number of seconds", text);
        return -1;
    }
}

/* ---- options ---- */

static void select_all(bench_options *options)
{
    options->selected[BENCH_SCALING] = 1;
    options->selected[BENCH_SIZES] = 1;
    options->selected[BENCH_STREAMING] = 1;
}

static int apply_flag(int option, bench_options *options)
{
    switch (option) {
    case OPT_ALL:
        select_all(options);
        return 1;
    case OPT_STREAMING:
        options->selected[BENCH_STREAMING] = 1;
        return 1;
    case OPT_QUICK:
        options->quick = 1;
        return 1;
    case OPT_LIST:
        options->list = 1;
        return 1;
    case OPT_CHECK_TARGETS:
        options->check_targets = 1;
        return 1;
    case OPT_STRICT:
        options->strict = 1;
        return 1;
    case 'q':
        options->quiet = 1;
        return 1;
    case 'v':
        options->verbose = 1;
        return 1;
    default:
        return 0;
    }
}

static int apply_value(int option, const char *text, bench_options *options, FILE *err)
{
    switch (option) {
    case OPT_CORES:
        options->selected[BENCH_SCALING] = 1;
        return parse_cores(text, options, err);
    case OPT_MODEL_SIZE:
        options->selected[BENCH_SCALING] = 1;
        return parse_size_name("--model-size", text, strlen(text), options->model_size,
                               sizeof options->model_size, err);
    case OPT_MODEL_SIZES:
        options->selected[BENCH_SIZES] = 1;
        return parse_model_sizes(text, options, err);
    case OPT_GROUP:
        return parse_group(text, options, err);
    case OPT_DTYPE:
        return parse_dtype(text, options, err);
    case OPT_MODE:
        return parse_mode(text, options, err);
    case OPT_SINK:
        return parse_sink(text, options, err);
    case OPT_EXPORT:
        return parse_export(text, options, err);
    case OPT_TYPE:
        if (aq_type_parse(text, &options->type) != 0)
            return usage(err, "--type: there is no type \"%s\"", text);
        return -1;
    case OPT_MODEL:
        return parse_path("--model", text, &options->model, err);
    case OPT_BINARY:
        return parse_path("--binary", text, &options->binary, err);
    case OPT_WORK_DIR:
        return parse_path("--work-dir", text, &options->work_dir, err);
    case OPT_OUTPUT_DIR:
        return parse_path("--output-dir", text, &options->output_dir, err);
    default:
        return parse_number_option(option, text, options, err);
    }
}

static int unknown_option(char **argv, int option, FILE *err)
{
    const char *text = argv[optind - 1];
    if (option == ':')
        return usage(err, "%s needs a value", text);
    /* A short option that is unknown inside a cluster is known by its letter alone. */
    if (optopt > 0 && optopt < 256)
        return usage(err, "there is no option -%c", optopt);
    if (optopt != 0)
        return usage(err, "%s takes no value", text);
    return usage(err, "there is no option %s, or it is ambiguous", text);
}

static void set_defaults(bench_options *options)
{
    static const unsigned cores[] = {1, 2, 4, 8, 16};
    static const char *const sizes[] = {"100M", "600M", "7B"};
    memset(options, 0, sizeof *options);
    memcpy(options->cores, cores, sizeof cores);
    options->cores_count = sizeof cores / sizeof cores[0];
    strcpy(options->model_size, "100M");
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        strcpy(options->model_sizes[i], sizes[i]);
    options->model_sizes_count = sizeof sizes / sizeof sizes[0];
    options->type = AQ_TYPE_Q8_0;
    options->dtype = AQ_DTYPE_F16;
    options->mode = AQ_MODE_STREAMING;
    options->timeout_s = 3600;
    options->output_dir = ".benchmarks/parallel";
}

static void finish(bench_options *options)
{
    int any = 0;
    for (int i = 0; i < BENCH_SECTIONS; i++)
        any |= options->selected[i];
    if (!any) {
        select_all(options);
        if (options->list)
            options->selected[BENCH_SPEEDUP] = 1;
        else
            options->quick = 1;
    }
    if (options->budget_s == 0)
        options->budget_s = options->quick ? 15 : 300;
}

int bench_options_parse(int argc, char **argv, bench_options *options, FILE *out, FILE *err)
{
    set_defaults(options);
    optind = 0; /* GNU: start afresh, so that tests can parse many command lines */
    opterr = 0;
    int option;
    while ((option = getopt_long(argc, argv, "+:hqvV", long_options, NULL)) != -1) {
        if (option == '?' || option == ':')
            return unknown_option(argv, option, err);
        if (option == 'h') {
            bench_help_print(out);
            return 0;
        }
        if (option == 'V') {
            (void)fprintf(out, "arrowquant-bench %s\n", PACKAGE_VERSION);
            return 0;
        }
        if (apply_flag(option, options))
            continue;
        int code = apply_value(option, optarg, options, err);
        if (code >= 0)
            return code;
    }
    if (optind < argc)
        return usage(err, "unexpected argument \"%s\"", argv[optind]);
    finish(options);
    return -1;
}
