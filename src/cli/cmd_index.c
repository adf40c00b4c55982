/* SPDX-License-Identifier: Apache-2.0
 * arrowquant index: the parts of a run made whole. */
#include <config.h>

#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>

#include "cli.h"
#include "json_report.h"
#include "sandbox.h"

static const char help_text[] =
    "Usage: arrowquant index [OPTIONS] DIR\n"
    "\n"
    "Joins what 'arrowquant quantize --shard K/N INPUT DIR' made, here or on other machines: "
    "where\n"
    "all N parts are in DIR, are of one run, and hold the bytes that were written, the index and\n"
    "config.json are written and the parts' records removed. DIR is then what one run writes.\n"
    "\n"
    "      --no-sync            do not wait for the disk before the index appears\n"
    "      --json               the result as JSON on standard output\n"
    "  -q, --quiet              no summary\n"
    "      --help               this text\n"
    "\n"
    "Exit codes: 0 ok, 1 failure (I/O, memory), 2 usage, 3 bad input: also where a part is\n"
    "missing or stale.\n";

enum { OPT_NO_SYNC = 256, OPT_JSON, OPT_HELP };

static const struct option long_options[] = {
    {"no-sync", no_argument, NULL, OPT_NO_SYNC},
    {"json", no_argument, NULL, OPT_JSON},
    {"quiet", no_argument, NULL, 'q'},
    {"help", no_argument, NULL, OPT_HELP},
    {NULL, 0, NULL, 0},
};

typedef struct command {
    const char *directory;
    aq_index_options options;
    bool json, quiet;
} command;

/* -1 to go on, else the exit code. */
static int parse(command *c, int argc, char **argv)
{
    int option;
    while ((option = getopt_long(argc, argv, "q", long_options, NULL)) != -1) {
        switch (option) {
        case OPT_HELP:
            (void)fputs(help_text, stdout);
            return cli_flush() ? AQ_OK : AQ_FAILURE;
        case OPT_NO_SYNC:
            c->options.sync = 0;
            break;
        case OPT_JSON:
            c->json = true;
            break;
        case 'q':
            c->quiet = true;
            break;
        default: /* getopt has said what is wrong */
            (void)fputs("Try 'arrowquant index --help'.\n", stderr);
            return AQ_USAGE;
        }
    }
    if (argc - optind != 1)
        return cli_usage("index", "expected one DIR, got %d arguments", argc - optind);
    c->directory = argv[optind];
    return -1;
}

static void print_text(const command *c, const aq_index_result *r)
{
    char bytes[32];
    if (r->parts == 0)
        (void)printf("%s: whole already: %zu shards, %s\n", c->directory, r->shards,
                     cli_bytes((double)r->bytes, bytes, sizeof bytes));
    else
        (void)printf("%s: joined %u part%s: %zu shard%s, %s, checksum %016" PRIx64 "\n",
                     c->directory, r->parts, r->parts == 1 ? "" : "s", r->shards,
                     r->shards == 1 ? "" : "s", cli_bytes((double)r->bytes, bytes, sizeof bytes),
                     r->checksum);
}

static int print_json(const command *c, const aq_index_result *r)
{
    char checksum[17];
    (void)snprintf(checksum, sizeof checksum, "%016" PRIx64, r->checksum);
    json_t *root = report_success();
    json_t *rest = json_pack("{s:o, s:o, s:o, s:o, s:o}", "directory", report_text(c->directory),
                             "parts", report_integer(r->parts), "shards", report_integer(r->shards),
                             "bytes", report_integer(r->bytes), "checksum",
                             r->parts == 0 ? json_null() : json_string(checksum));
    return report_print(report_joined(root, rest));
}

int cmd_index(int argc, char **argv)
{
    command c = {.directory = NULL};
    aq_error error;
    aq_index_result result = {.size = sizeof result};
    aq_index_options_init(&c.options, sizeof c.options);
    int code = parse(&c, argc, argv);
    if (code >= 0)
        return code;
    sandbox_enter(&c.directory, 1, c.directory, false);
    c.options.cancel = &cli_cancel;
    if (aq_index(c.directory, &c.options, &result, &error) != AQ_OK) {
        if (c.json)
            report_failure(&error);
        return cli_fail(&error);
    }
    code = AQ_OK;
    if (c.json)
        code = print_json(&c, &result);
    else if (!c.quiet)
        print_text(&c, &result);
    return code != AQ_OK || !cli_flush() ? AQ_FAILURE : AQ_OK;
}
