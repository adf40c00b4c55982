/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "help.h"
#include "option_rules.h"
#include "option_values.h"
#include "options.h"

#include <getopt.h>
#include <string.h>

enum {
    OPT_ALL = 256,
    OPT_BASELINE,
    OPT_BINARY,
    OPT_BUDGET,
    OPT_CHECK_TARGETS,
    OPT_COMPARE,
    OPT_CORES,
    OPT_DTYPE,
    OPT_EXPORT,
    OPT_GROUP,
    OPT_KERNELS,
    OPT_LIST,
    OPT_MERGE,
    OPT_MODE,
    OPT_MODEL,
    OPT_MODEL_SIZE,
    OPT_MODEL_SIZES,
    OPT_OUTPUT_DIR,
    OPT_QUICK,
    OPT_ROUNDS,
    OPT_SAVE_BASELINE,
    OPT_SEED,
    OPT_SELFTEST,
    OPT_SINK,
    OPT_STREAMING,
    OPT_STRICT,
    OPT_THREADS,
    OPT_TIMEOUT,
    OPT_TRACES,
    OPT_TYPE,
    OPT_WORK_DIR
};

static const struct option long_options[] = {
    {"all", no_argument, NULL, OPT_ALL},
    {"baseline", required_argument, NULL, OPT_BASELINE},
    {"binary", required_argument, NULL, OPT_BINARY},
    {"budget", required_argument, NULL, OPT_BUDGET},
    {"check-targets", no_argument, NULL, OPT_CHECK_TARGETS},
    {"compare", required_argument, NULL, OPT_COMPARE},
    {"cores", required_argument, NULL, OPT_CORES},
    {"dtype", required_argument, NULL, OPT_DTYPE},
    {"export", required_argument, NULL, OPT_EXPORT},
    {"group", required_argument, NULL, OPT_GROUP},
    {"help", no_argument, NULL, 'h'},
    {"kernels", no_argument, NULL, OPT_KERNELS},
    {"list", no_argument, NULL, OPT_LIST},
    {"merge", no_argument, NULL, OPT_MERGE},
    {"mode", required_argument, NULL, OPT_MODE},
    {"model", required_argument, NULL, OPT_MODEL},
    {"model-size", required_argument, NULL, OPT_MODEL_SIZE},
    {"model-sizes", required_argument, NULL, OPT_MODEL_SIZES},
    {"output-dir", required_argument, NULL, OPT_OUTPUT_DIR},
    {"quick", no_argument, NULL, OPT_QUICK},
    {"quiet", no_argument, NULL, 'q'},
    {"rounds", required_argument, NULL, OPT_ROUNDS},
    {"save-baseline", required_argument, NULL, OPT_SAVE_BASELINE},
    {"seed", required_argument, NULL, OPT_SEED},
    {"selftest", no_argument, NULL, OPT_SELFTEST},
    {"sink", required_argument, NULL, OPT_SINK},
    {"streaming-comparison", no_argument, NULL, OPT_STREAMING},
    {"strict", no_argument, NULL, OPT_STRICT},
    {"threads", required_argument, NULL, OPT_THREADS},
    {"timeout", required_argument, NULL, OPT_TIMEOUT},
    {"traces", required_argument, NULL, OPT_TRACES},
    {"type", required_argument, NULL, OPT_TYPE},
    {"verbose", no_argument, NULL, 'v'},
    {"version", no_argument, NULL, 'V'},
    {"work-dir", required_argument, NULL, OPT_WORK_DIR},
    {NULL, 0, NULL, 0},
};

static int parse_number_option(int option, const char *text, bench_options *options, FILE *err)
{
    uint64_t count = 0;
    switch (option) {
    case OPT_ROUNDS:
        if (bench_parse_count(text, 1, 100000, &count) != 0)
            return bench_usage(err, "--rounds: \"%s\" is not a number from 1 to 100000", text);
        options->rounds = (unsigned)count;
        return -1;
    case OPT_THREADS:
        if (bench_parse_count(text, 1, BENCH_MAX_THREADS, &count) != 0)
            return bench_usage(err, "--threads: \"%s\" is not a number from 1 to %d", text,
                               BENCH_MAX_THREADS);
        options->threads = (unsigned)count;
        return -1;
    case OPT_SEED:
        /* A larger one could not be told apart from its neighbour by a reader of the JSON. */
        if (bench_parse_count(text, 0, UINT64_C(1) << 53, &count) != 0)
            return bench_usage(err, "--seed: \"%s\" is not a number from 0 to 2^53", text);
        options->seed = count;
        options->seed_given = 1;
        return -1;
    case OPT_BUDGET:
        if (bench_parse_seconds(text, &options->budget_s) != 0)
            return bench_usage(err, "--budget: \"%s\" is not a number of seconds", text);
        return -1;
    default:
        if (bench_parse_seconds(text, &options->timeout_s) != 0)
            return bench_usage(err, "--timeout: \"%s\" is not a number of seconds", text);
        return -1;
    }
}

static int apply_flag(int option, bench_options *options)
{
    switch (option) {
    case OPT_ALL:
        bench_options_select_all(options);
        return 1;
    case OPT_STREAMING:
        options->selected[BENCH_STREAMING] = 1;
        return 1;
    case OPT_QUICK:
        options->quick = 1;
        return 1;
    case OPT_KERNELS:
        options->kernels = 1;
        return 1;
    case OPT_LIST:
        options->list = 1;
        return 1;
    case OPT_CHECK_TARGETS:
        options->check_targets = 1;
        return 1;
    case OPT_MERGE:
        options->merge = 1;
        return 1;
    case OPT_SELFTEST:
        options->selftest = 1;
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
        return bench_parse_cores(text, options, err);
    case OPT_MODEL_SIZE:
        options->selected[BENCH_SCALING] = 1;
        return bench_parse_size_name("--model-size", text, strlen(text), options->model_size,
                                     sizeof options->model_size, err);
    case OPT_MODEL_SIZES:
        options->selected[BENCH_SIZES] = 1;
        return bench_parse_model_sizes(text, options, err);
    case OPT_GROUP:
        return bench_parse_group(text, options, err);
    case OPT_DTYPE:
        options->dtype_given = 1;
        return bench_parse_dtype(text, options, err);
    case OPT_MODE:
        return bench_parse_mode(text, options, err);
    case OPT_SINK:
        return bench_parse_sink(text, options, err);
    case OPT_EXPORT:
        return bench_parse_export(text, options, err);
    case OPT_TYPE:
        options->type_given = 1;
        if (aq_type_parse(text, &options->type) != 0)
            return bench_usage(err, "--type: there is no type \"%s\"", text);
        return -1;
    case OPT_MODEL:
        return bench_parse_path("--model", text, &options->model, err);
    case OPT_COMPARE:
        return bench_parse_path("--compare", text, &options->compare, err);
    case OPT_TRACES:
        options->selftest = 1;
        return bench_parse_path("--traces", text, &options->traces, err);
    case OPT_BINARY:
        return bench_parse_path("--binary", text, &options->binary, err);
    case OPT_BASELINE:
        return bench_parse_baseline("--baseline", text, &options->baseline, err);
    case OPT_SAVE_BASELINE:
        return bench_parse_baseline("--save-baseline", text, &options->save_baseline, err);
    case OPT_WORK_DIR:
        return bench_parse_path("--work-dir", text, &options->work_dir, err);
    case OPT_OUTPUT_DIR:
        return bench_parse_path("--output-dir", text, &options->output_dir, err);
    default:
        return parse_number_option(option, text, options, err);
    }
}

static int unknown_option(char **argv, int option, FILE *err)
{
    const char *text = argv[optind - 1];
    if (option == ':')
        return bench_usage(err, "%s needs a value", text);
    /* A short option that is unknown inside a cluster is known by its letter alone. */
    if (optopt > 0 && optopt < 256)
        return bench_usage(err, "there is no option -%c", optopt);
    if (optopt != 0)
        return bench_usage(err, "%s takes no value", text);
    return bench_usage(err, "there is no option %s, or it is ambiguous", text);
}

/* What may stand beside --merge: how the result is written and judged. */
static int goes_with_merge(int option)
{
    static const int known[] = {
        OPT_MERGE, OPT_EXPORT, OPT_CHECK_TARGETS, OPT_STRICT, OPT_OUTPUT_DIR, 'q', 'v'};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (known[i] == option)
            return 1;
    return 0;
}

static const char *option_name(int option)
{
    for (size_t i = 0; long_options[i].name != NULL; i++)
        if (long_options[i].val == option)
            return long_options[i].name;
    return "";
}

/* The arguments that are no options: files of --merge. odd: an option that makes no sense with it,
 * or 0. */
static int check_merge(const bench_options *options, size_t files, const char *first, int odd,
                       FILE *err)
{
    if (!options->merge)
        return files == 0 ? -1 : bench_usage(err, "unexpected argument \"%s\"", first);
    if (files == 0)
        return bench_usage(err, "--merge: name the results that are to be joined");
    if (files > BENCH_MAX_MERGED)
        return bench_usage(err, "--merge: more than %d files", BENCH_MAX_MERGED);
    if (odd != 0)
        return bench_usage(err, "--merge measures nothing, so that --%s makes no sense with it",
                           option_name(odd));
    for (size_t i = 0; i < options->exports_count; i++)
        if (options->exports[i].format > BENCH_HTML)
            return bench_usage(err, "--export: this format has no place for several machines; "
                                    "json, csv, markdown and html have");
    return -1;
}

static void take_file(bench_options *options, size_t *files, const char *text)
{
    if (*files < BENCH_MAX_MERGED)
        options->merge_file[options->merge_count++] = text;
    ++*files;
}

int bench_options_parse(int argc, char **argv, bench_options *options, FILE *out, FILE *err)
{
    bench_options_defaults(options);
    optind = 0; /* GNU: start afresh, so that tests can parse many command lines */
    opterr = 0;
    int option, odd = 0;
    size_t files = 0;
    while ((option = getopt_long(argc, argv, "-:hqvV", long_options, NULL)) != -1) {
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
        if (option == 1) { /* no option */
            take_file(options, &files, optarg);
            continue;
        }
        if (!goes_with_merge(option))
            odd = option;
        if (apply_flag(option, options))
            continue;
        int code = apply_value(option, optarg, options, err);
        if (code >= 0)
            return code;
    }
    for (; optind < argc; optind++) /* after "--" */
        take_file(options, &files, argv[optind]);
    bench_options_finish(options);
    return check_merge(options, files, options->merge_file[0], odd, err);
}
