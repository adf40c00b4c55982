/* SPDX-License-Identifier: Apache-2.0
 * arrowquant quantize: from options to aq_quantize. */
#include <config.h>

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "base/small.h"
#include "cli.h"
#include "json_report.h"
#include "quantize_report.h"
#include "repeat.h"
#include "sandbox.h"

typedef struct command {
    aq_quantize_options options;
    const char **keep;
    bool type_given, json, quiet;
    unsigned repeat;
    const char *input, *output;
} command;

static const char help_text[] =
    "Usage: arrowquant quantize [OPTIONS] INPUT OUTPUT\n"
    "\n"
    "INPUT   a .safetensors file, a model.safetensors.index.json, a directory with either,\n"
    "        a .gguf file, or synthetic:PARAMS[:DTYPE[:SEED]]\n"
    "OUTPUT  NAME.gguf, NAME.safetensors, DIR/ (a model directory, sharded as the input is),\n"
    "        or null: (quantize and discard, for measuring)\n"
    "\n"
    "  -t, --type TYPE          gguf: q8_0 (default) q4_0 q4_1 q5_0 q5_1 q2_k q2_k_s\n"
    "                           q3_k_s q3_k_m q3_k_l q4_k_s q4_k_m q5_k_s q5_k_m q6_k;\n"
    "                           q3_k, q4_k and q5_k are the ones that end in _m\n"
    "                           safetensors: int8 (default) int4 int2\n"
    "      --pure               one type for every quantized tensor; always so for safetensors\n"
    "                           input. GGUF input follows llama-quantize's mixture otherwise\n"
    "      --imatrix FILE       weigh columns by an importance matrix of llama-imatrix (GGUF or "
    ".dat);\n"
    "                           GGUF input\n"
    "  -j, --threads N          default: the CPUs this process may use\n"
    "  -m, --mode MODE          streaming (default): bounded memory; batch: whole model in memory\n"
    "      --group-size N       safetensors types: weights per scale, a multiple of 8;\n"
    "                           0 = one scale per row; default 128\n"
    "      --asymmetric         safetensors types: with zero points; default symmetric\n"
    "      --memory-limit SIZE  refuse at the start if it cannot be kept (64M, 2GiB, ...)\n"
    "      --tile-size SIZE     bytes of the source that a thread quantizes at a time;\n"
    "                           default half of the L2 cache, from 128K to 1M;\n"
    "                           less for many threads and few weights\n"
    "      --io WAY             auto (default): what is not in the page cache is read past it;\n"
    "                           cached: all through it, where it stays for the next run\n"
    "      --isa ISA            use nothing above scalar, avx2, avx512 or neon\n"
    "      --keep GLOB          leave matching tensors as they are (repeatable)\n"
    "      --nonfinite ACTION   error (default): stop at a NaN or infinity, naming it;\n"
    "                           keep: its block or group reads back as NaN\n"
    "      --arch NAME          general.architecture of a GGUF made from safetensors\n"
    "      --shard K/N          only the K-th of N parts of a model directory, by bytes; the\n"
    "                           others may be made anywhere; arrowquant index joins them\n"
    "      --force              replace OUTPUT\n"
    "      --no-sync            do not wait for the disk before OUTPUT appears\n"
    "      --checksum           report a checksum of the output, the same for null: as for a file\n"
    "      --repeat N           null: only: N times in a row, for measuring; times are sums\n"
    "      --json               the result as JSON on standard output\n"
    "  -q, --quiet              no progress, no summary\n"
    "      --help               this text\n"
    "\n"
    "Exit codes: 0 ok, 1 failure (I/O, memory), 2 usage, 3 bad input, 4 numeric.\n";

enum {
    OPT_PURE = 256,
    OPT_IMATRIX,
    OPT_GROUP_SIZE,
    OPT_ASYMMETRIC,
    OPT_MEMORY_LIMIT,
    OPT_TILE_SIZE,
    OPT_IO,
    OPT_ISA,
    OPT_KEEP,
    OPT_NONFINITE,
    OPT_ARCH,
    OPT_SHARD,
    OPT_FORCE,
    OPT_NO_SYNC,
    OPT_CHECKSUM,
    OPT_REPEAT,
    OPT_JSON,
    OPT_HELP
};

static const struct option long_options[] = {
    {"type", required_argument, NULL, 't'},
    {"pure", no_argument, NULL, OPT_PURE},
    {"imatrix", required_argument, NULL, OPT_IMATRIX},
    {"threads", required_argument, NULL, 'j'},
    {"mode", required_argument, NULL, 'm'},
    {"group-size", required_argument, NULL, OPT_GROUP_SIZE},
    {"asymmetric", no_argument, NULL, OPT_ASYMMETRIC},
    {"memory-limit", required_argument, NULL, OPT_MEMORY_LIMIT},
    {"tile-size", required_argument, NULL, OPT_TILE_SIZE},
    {"io", required_argument, NULL, OPT_IO},
    {"isa", required_argument, NULL, OPT_ISA},
    {"keep", required_argument, NULL, OPT_KEEP},
    {"nonfinite", required_argument, NULL, OPT_NONFINITE},
    {"arch", required_argument, NULL, OPT_ARCH},
    {"shard", required_argument, NULL, OPT_SHARD},
    {"force", no_argument, NULL, OPT_FORCE},
    {"no-sync", no_argument, NULL, OPT_NO_SYNC},
    {"checksum", no_argument, NULL, OPT_CHECKSUM},
    {"repeat", required_argument, NULL, OPT_REPEAT},
    {"json", no_argument, NULL, OPT_JSON},
    {"quiet", no_argument, NULL, 'q'},
    {"help", no_argument, NULL, OPT_HELP},
    {NULL, 0, NULL, 0},
};

static int bad(const char *option, const char *value, const char *expected)
{
    return cli_usage("quantize", "--%s '%s': expected %s", option, value, expected);
}

static int take_type(command *c, const char *value)
{
    c->options.mixture = AQ_MIXTURE_OF_TYPE;
    if (aq_mixture_parse(value, &c->options.mixture) == 0)
        c->options.type = aq_mixture_type(c->options.mixture);
    else if (aq_type_parse(value, &c->options.type) != 0)
        return bad("type", value,
                   "q8_0, q4_0, q4_1, q5_0, q5_1, q2_k, q2_k_s, q3_k_s, q3_k_m, q3_k_l, q4_k_s, "
                   "q4_k_m, q5_k_s, q5_k_m, q6_k, int8, int4 or int2");
    c->type_given = true;
    return 0;
}

static int take_mode(command *c, const char *value)
{
    if (strcmp(value, "streaming") == 0)
        c->options.mode = AQ_MODE_STREAMING;
    else if (strcmp(value, "batch") == 0)
        c->options.mode = AQ_MODE_BATCH;
    else
        return bad("mode", value, "streaming or batch");
    return 0;
}

static int take_io(command *c, const char *value)
{
    if (strcmp(value, "auto") == 0)
        c->options.io = AQ_IO_AUTO;
    else if (strcmp(value, "cached") == 0)
        c->options.io = AQ_IO_CACHED;
    else
        return bad("io", value, "auto or cached");
    return 0;
}

static int take_nonfinite(command *c, const char *value)
{
    if (strcmp(value, "error") == 0)
        c->options.nonfinite = AQ_NONFINITE_ERROR;
    else if (strcmp(value, "keep") == 0)
        c->options.nonfinite = AQ_NONFINITE_KEEP;
    else
        return bad("nonfinite", value, "error or keep");
    return 0;
}

static int take_group_size(command *c, const char *value)
{
    const uint64_t most = UINT64_C(1) << 31;
    if (!cli_number(value, most, &c->options.group_size) || c->options.group_size % 8 != 0)
        return bad("group-size", value, "a multiple of 8, or 0 for one per row");
    return 0;
}

static int take_memory_limit(command *c, const char *value)
{
    if (!cli_size(value, &c->options.memory_limit) || c->options.memory_limit == 0)
        return bad("memory-limit", value, "a size such as 16M or 2GiB");
    return 0;
}

static int take_tile_size(command *c, const char *value)
{
    uint64_t size;
    if (!cli_size(value, &size) || size < AQ_TILE_LEAST || size > AQ_TILE_MOST)
        return bad("tile-size", value, "a size from 4K to 1G");
    c->options.tile_bytes = size;
    return 0;
}

static int take_repeat(command *c, const char *value)
{
    uint64_t count;
    if (!cli_number(value, 1000000, &count) || count == 0)
        return bad("repeat", value, "a number from 1 to 1000000");
    c->repeat = (unsigned)count;
    return 0;
}

static int take_shard(command *c, const char *value)
{
    const uint64_t most = 65536;
    char part[8];
    uint64_t number, parts;
    size_t length = strcspn(value, "/");
    if (length >= sizeof part || value[length] != '/')
        return bad("shard", value, "K/N, the K-th of N parts");
    memcpy(part, value, length);
    part[length] = '\0';
    if (!cli_number(part, most, &number) || !cli_number(value + length + 1, most, &parts) ||
        number < 1 || number > parts)
        return bad("shard", value, "K/N, the K-th of N parts, with K from 1 to N");
    c->options.shard = (unsigned)number;
    c->options.shards = (unsigned)parts;
    return 0;
}

static int take_isa(command *c, const char *value)
{
    if (aq_isa_parse(value, &c->options.isa) != 0)
        return bad("isa", value, "scalar, avx2, avx512 or neon");
    return 0;
}

/* An option with a value; non-zero is the exit code of a usage error. */
static int take_value(command *c, int option, const char *value)
{
    switch (option) {
    case 't':
        return take_type(c, value);
    case 'j':
        return cli_threads(value, &c->options.threads) ? 0 : bad("threads", value, CLI_THREADS);
    case 'm':
        return take_mode(c, value);
    case OPT_GROUP_SIZE:
        return take_group_size(c, value);
    case OPT_MEMORY_LIMIT:
        return take_memory_limit(c, value);
    case OPT_TILE_SIZE:
        return take_tile_size(c, value);
    case OPT_REPEAT:
        return take_repeat(c, value);
    case OPT_ISA:
        return take_isa(c, value);
    case OPT_IO:
        return take_io(c, value);
    case OPT_NONFINITE:
        return take_nonfinite(c, value);
    case OPT_SHARD:
        return take_shard(c, value);
    case OPT_KEEP:
        c->keep[c->options.keep_count++] = value;
        return 0;
    case OPT_IMATRIX:
        c->options.imatrix = value;
        return 0;
    case OPT_ARCH:
        c->options.arch = value;
        return 0;
    default: /* getopt has said what is wrong */
        (void)fputs("Try 'arrowquant quantize --help'.\n", stderr);
        return AQ_USAGE;
    }
}

/* An option without one; false where it is none of these. */
static bool take_flag(command *c, int option)
{
    switch (option) {
    case OPT_ASYMMETRIC:
        c->options.asymmetric = 1;
        return true;
    case OPT_FORCE:
        c->options.force = 1;
        return true;
    case OPT_NO_SYNC:
        c->options.sync = 0;
        return true;
    case OPT_CHECKSUM:
        c->options.checksum = 1;
        return true;
    case OPT_JSON:
        c->json = true;
        return true;
    case 'q':
        c->quiet = true;
        return true;
    case OPT_PURE:
        c->options.pure = 1;
        return true;
    default:
        return false;
    }
}

/* -1 to go on, else the exit code. */
static int parse(command *c, int argc, char **argv)
{
    int option;
    while ((option = getopt_long(argc, argv, "t:j:m:q", long_options, NULL)) != -1) {
        if (option == OPT_HELP) {
            (void)fputs(help_text, stdout);
            return cli_flush() ? AQ_OK : AQ_FAILURE;
        }
        int failed = take_flag(c, option) ? 0 : take_value(c, option, optarg);
        if (failed != 0)
            return failed;
    }
    if (argc - optind != 2)
        return cli_usage("quantize", "expected INPUT and OUTPUT, got %d arguments", argc - optind);
    c->input = argv[optind];
    c->output = argv[optind + 1];
    if (c->repeat > 1 && strcmp(c->output, "null:") != 0)
        return cli_usage("quantize", "--repeat is for measuring and needs the output null:, not %s",
                         c->output);
    bool gguf = aq_ends_with(c->output, ".gguf") || strcmp(c->output, "null:") == 0;
    if (!c->type_given)
        c->options.type = gguf ? AQ_TYPE_Q8_0 : AQ_TYPE_INT8;
    return -1;
}

static int quantize(command *c)
{
    aq_error error;
    repeat_runs runs;
    cli_progress progress;
    const char *inputs[] = {c->input, c->options.imatrix};
    sandbox_enter(inputs, c->options.imatrix == NULL ? 1 : 2, c->output,
                  c->options.force != 0 && c->options.shards == 0);
    c->options.keep = c->keep;
    c->options.cancel = &cli_cancel;
    c->options.progress = cli_progress_start(&progress, c->input, c->quiet);
    c->options.progress_arg = &progress;
    aq_status status = repeat_quantize(c->input, c->output, &c->options, c->repeat, &runs, &error);
    cli_progress_end(&progress);
    if (status != AQ_OK) {
        if (c->json)
            report_failure(&error);
        return cli_fail(&error);
    }
    cli_warn_threads(c->options.threads, runs.result.threads);
    int code = AQ_OK;
    if (c->json)
        code = quantize_report_json(c->input, c->output, &c->options, &runs);
    else if (!c->quiet)
        quantize_report_text(c->output, &c->options, &runs);
    repeat_free(&runs);
    return code != AQ_OK || !cli_flush() ? AQ_FAILURE : AQ_OK;
}

int cmd_quantize(int argc, char **argv)
{
    command c = {.repeat = 1};
    aq_quantize_options_init(&c.options, sizeof c.options);
    c.keep = calloc((size_t)argc, sizeof *c.keep);
    if (c.keep == NULL) {
        cli_error("out of memory");
        return AQ_FAILURE;
    }
    int code = parse(&c, argc, argv);
    if (code < 0)
        code = quantize(&c);
    free(c.keep);
    return code;
}
