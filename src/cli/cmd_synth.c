/* SPDX-License-Identifier: Apache-2.0
 * arrowquant synth: a synthetic model, for measuring and for tests. */
#include <config.h>

#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <strings.h>

#include "cli.h"
#include "sandbox.h"

static const char help_text[] =
    "Usage: arrowquant synth [OPTIONS] --params PARAMS OUTPUT\n"
    "\n"
    "OUTPUT  NAME.safetensors, or null: (make and discard)\n"
    "\n"
    "Weights are Gaussian, with a few outlier columns, and depend on the arguments alone: the\n"
    "same file comes out on every machine.\n"
    "\n"
    "      --params PARAMS      100M = 50 layers of 512x4096, 600M = 100 of 1024x6144,\n"
    "                           7B = layers of 2048x8192 until there are 7.0e9 weights,\n"
    "                           7B-seed = 200 of 2048x8192, LAYERSxROWSxCOLUMNS,\n"
    "                           or a number of weights (250K, 1.5B, ...)\n"
    "      --dtype DTYPE        f16 (default), bf16 or f32\n"
    "      --seed S             another model of the same shape; default 0\n"
    "  -j, --threads N          default: the CPUs this process may use\n"
    "      --force              replace OUTPUT\n"
    "      --no-sync            do not wait for the disk before OUTPUT appears\n"
    "  -q, --quiet              no progress, no summary\n"
    "      --help               this text\n"
    "\n"
    "Exit codes: 0 ok, 1 failure (I/O, memory), 2 usage.\n";

typedef struct command {
    aq_synthesize_options options;
    const char *params, *output;
    bool quiet;
} command;

enum { OPT_PARAMS = 256, OPT_DTYPE, OPT_SEED, OPT_FORCE, OPT_NO_SYNC, OPT_HELP };

static const struct option long_options[] = {
    {"params", required_argument, NULL, OPT_PARAMS},
    {"dtype", required_argument, NULL, OPT_DTYPE},
    {"seed", required_argument, NULL, OPT_SEED},
    {"threads", required_argument, NULL, 'j'},
    {"force", no_argument, NULL, OPT_FORCE},
    {"no-sync", no_argument, NULL, OPT_NO_SYNC},
    {"quiet", no_argument, NULL, 'q'},
    {"help", no_argument, NULL, OPT_HELP},
    {NULL, 0, NULL, 0},
};

static int bad(const char *option, const char *value, const char *expected)
{
    return cli_usage("synth", "--%s '%s': expected %s", option, value, expected);
}

static bool parse_dtype(const char *value, aq_dtype *dtype)
{
    static const aq_dtype known[] = {AQ_DTYPE_F16, AQ_DTYPE_BF16, AQ_DTYPE_F32};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcasecmp(value, aq_dtype_name(known[i])) == 0) {
            *dtype = known[i];
            return true;
        }
    return false;
}

/* Non-zero is the exit code of a usage error. */
static int take(command *c, int option, const char *value)
{
    switch (option) {
    case OPT_PARAMS:
        c->params = value;
        return 0;
    case OPT_DTYPE:
        return parse_dtype(value, &c->options.dtype) ? 0 : bad("dtype", value, "f16, bf16 or f32");
    case OPT_SEED:
        return cli_number(value, UINT64_MAX, &c->options.seed)
                   ? 0
                   : bad("seed", value, "a whole number below 2^64");
    case 'j':
        return cli_threads(value, &c->options.threads) ? 0 : bad("threads", value, CLI_THREADS);
    case OPT_FORCE:
        c->options.force = 1;
        return 0;
    case OPT_NO_SYNC:
        c->options.sync = 0;
        return 0;
    case 'q':
        c->quiet = true;
        return 0;
    default: /* getopt has said what is wrong */
        (void)fputs("Try 'arrowquant synth --help'.\n", stderr);
        return AQ_USAGE;
    }
}

/* -1 to go on, else the exit code. */
static int parse(command *c, int argc, char **argv)
{
    int option;
    while ((option = getopt_long(argc, argv, "j:q", long_options, NULL)) != -1) {
        if (option == OPT_HELP) {
            (void)fputs(help_text, stdout);
            return cli_flush() ? AQ_OK : AQ_FAILURE;
        }
        int failed = take(c, option, optarg);
        if (failed != 0)
            return failed;
    }
    if (c->params == NULL)
        return cli_usage("synth", "--params is missing: say how large the model is to be");
    if (argc - optind != 1)
        return cli_usage("synth", "expected one OUTPUT, got %d arguments", argc - optind);
    c->output = argv[optind];
    return -1;
}

/* The model says the same of itself before it is written. */
static void print_summary(const command *c)
{
    char spec[256], weights[32], bytes[32];
    aq_model *model;
    uint64_t all_weights = 0, all_bytes = 0;
    (void)snprintf(spec, sizeof spec, "synthetic:%s:%s:%" PRIu64, c->params,
                   aq_dtype_name(c->options.dtype), c->options.seed);
    if (aq_model_open(spec, &model, NULL) != AQ_OK)
        return;
    for (size_t i = 0; i < aq_model_tensors(model); i++) {
        aq_tensor_info tensor;
        aq_model_tensor(model, i, &tensor);
        all_weights += tensor.weights;
        all_bytes += tensor.bytes;
    }
    (void)printf("%s: %zu tensors of %s, %s weights, %s\n", c->output, aq_model_tensors(model),
                 aq_dtype_name(c->options.dtype),
                 cli_count((double)all_weights, weights, sizeof weights),
                 cli_bytes((double)all_bytes, bytes, sizeof bytes));
    aq_model_close(model);
}

int cmd_synth(int argc, char **argv)
{
    command c = {.params = NULL};
    aq_error error;
    cli_progress progress;
    unsigned started = 0;
    aq_synthesize_options_init(&c.options, sizeof c.options);
    int code = parse(&c, argc, argv);
    if (code >= 0)
        return code;
    sandbox_enter(NULL, 0, c.output, false);
    c.options.cancel = &cli_cancel;
    c.options.progress = cli_progress_start(&progress, c.output, c.quiet);
    c.options.progress_arg = &progress;
    c.options.started = &started;
    aq_status status = aq_synthesize(c.params, c.output, &c.options, &error);
    cli_progress_end(&progress);
    if (status != AQ_OK)
        return cli_fail(&error);
    cli_warn_threads(c.options.threads, started);
    if (!c.quiet)
        print_summary(&c);
    return cli_flush() ? AQ_OK : AQ_FAILURE;
}
