/* SPDX-License-Identifier: Apache-2.0
 * arrowquant compare: how far a quantized model is from its original. */
#include <config.h>

#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>

#include "cli.h"
#include "json_report.h"
#include "sandbox.h"
#include "table.h"

static const char help_text[] =
    "Usage: arrowquant compare [OPTIONS] ORIGINAL QUANTIZED\n"
    "\n"
    "Per tensor, and over all weights: mean squared error, largest error, signal-to-noise\n"
    "ratio in dB, cosine. Tensors are matched by name; compressed-tensors' packed weights are\n"
    "found under their original names. Tensors that are no weights must be equal.\n"
    "\n"
    "  -j, --threads N          default: the CPUs this process may use\n"
    "      --json               the result as JSON on standard output\n"
    "  -q, --quiet              no progress\n"
    "      --help               this text\n"
    "\n"
    "Exit codes: 0 ok, 1 failure (I/O, memory), 2 usage, 3 bad input: also where the two are\n"
    "not two forms of one model.\n";

typedef struct command {
    aq_compare_options options;
    bool json, quiet;
} command;

/* ---- text ---- */

static void add_row(table *t, const aq_compare_tensor *tensor)
{
    char weights[24], mse[32], max_abs[32], snr[32], cosine[32];
    (void)snprintf(weights, sizeof weights, "%" PRIu64, tensor->weights);
    (void)snprintf(mse, sizeof mse, "%.4e", tensor->mse);
    (void)snprintf(max_abs, sizeof max_abs, "%.4e", tensor->max_abs);
    (void)snprintf(snr, sizeof snr, "%.2f", tensor->snr_db);
    (void)snprintf(cosine, sizeof cosine, "%.8f", tensor->cosine);
    table_row(t, (const char *const[]){tensor->name, tensor->type == NULL ? "" : tensor->type,
                                       weights, mse, max_abs, snr, cosine});
}

static int print_text(const aq_compare_result *result)
{
    table t = {.align = "llrrrrr"};
    table_row(
        &t, (const char *const[]){"Name", "Type", "Weights", "MSE", "Max abs", "SNR dB", "Cosine"});
    for (size_t i = 0; i < result->tensors; i++)
        if (result->tensor[i].skipped == NULL)
            add_row(&t, &result->tensor[i]);
    add_row(&t, &result->total);
    if (!table_print(&t, 0, stdout))
        return AQ_FAILURE;
    for (size_t i = 0; i < result->tensors; i++)
        if (result->tensor[i].skipped != NULL) {
            (void)fputs("without figures: ", stdout);
            print_clean(result->tensor[i].name, stdout);
            (void)printf(" (%s)\n", result->tensor[i].skipped);
        }
    return AQ_OK;
}

/* ---- JSON ---- */

static json_t *figures(const aq_compare_tensor *tensor)
{
    if (tensor->skipped != NULL)
        return json_pack("{s:n, s:n, s:n, s:n}", "mse", "max_abs", "snr_db", "cosine");
    return json_pack("{s:o, s:o, s:o, s:o}", "mse", report_number(tensor->mse), "max_abs",
                     report_number(tensor->max_abs), "snr_db", report_number(tensor->snr_db),
                     "cosine", report_number(tensor->cosine));
}

static json_t *tensors(const aq_compare_result *result, uint64_t *compared)
{
    json_t *list = json_array();
    for (size_t i = 0; i < result->tensors; i++) {
        const aq_compare_tensor *tensor = &result->tensor[i];
        json_t *object =
            json_pack("{s:o, s:o, s:o, s:o}", "name", report_text(tensor->name), "type",
                      report_text(tensor->type), "skipped", report_text(tensor->skipped), "weights",
                      report_integer(tensor->weights));
        list = report_append(list, report_joined(object, figures(tensor)));
        *compared += tensor->skipped == NULL;
    }
    return list;
}

static int print_json(const char *original, const char *quantized, const aq_compare_result *result)
{
    uint64_t compared = 0;
    json_t *root = report_success(), *list = tensors(result, &compared);
    json_t *total =
        report_joined(json_pack("{s:o}", "weights", report_integer(result->total.weights)),
                      figures(&result->total));
    json_t *rest =
        json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "original", report_text(original), "quantized",
                  report_text(quantized), "tensors_total", report_integer(result->tensors),
                  "tensors_compared", report_integer(compared), "total", total, "tensors", list);
    return report_print(report_joined(root, rest));
}

/* ---- the command ---- */

static int compare(command *c, const char *original, const char *quantized)
{
    aq_error error;
    aq_compare_result result = {.size = sizeof result};
    cli_progress progress;
    sandbox_enter((const char *const[]){original, quantized}, 2, NULL, false);
    c->options.cancel = &cli_cancel;
    c->options.progress = cli_progress_start(&progress, quantized, c->quiet);
    c->options.progress_arg = &progress;
    aq_status status = aq_compare(original, quantized, &c->options, &result, &error);
    cli_progress_end(&progress);
    if (status != AQ_OK) {
        if (c->json)
            report_failure(&error);
        return cli_fail(&error);
    }
    cli_warn_threads(c->options.threads, result.threads);
    int code = c->json ? print_json(original, quantized, &result) : print_text(&result);
    aq_compare_result_free(&result);
    return code != AQ_OK || !cli_flush() ? AQ_FAILURE : AQ_OK;
}

int cmd_compare(int argc, char **argv)
{
    enum { OPT_JSON = 256, OPT_HELP };
    static const struct option options[] = {{"threads", required_argument, NULL, 'j'},
                                            {"json", no_argument, NULL, OPT_JSON},
                                            {"quiet", no_argument, NULL, 'q'},
                                            {"help", no_argument, NULL, OPT_HELP},
                                            {NULL, 0, NULL, 0}};
    command c = {.json = false};
    int option;
    aq_compare_options_init(&c.options, sizeof c.options);
    while ((option = getopt_long(argc, argv, "j:q", options, NULL)) != -1) {
        switch (option) {
        case 'j':
            if (!cli_threads(optarg, &c.options.threads))
                return cli_usage("compare", "--threads '%s': expected " CLI_THREADS, optarg);
            break;
        case 'q':
            c.quiet = true;
            break;
        case OPT_JSON:
            c.json = true;
            break;
        case OPT_HELP:
            (void)fputs(help_text, stdout);
            return cli_flush() ? AQ_OK : AQ_FAILURE;
        default: /* getopt has said what is wrong */
            (void)fputs("Try 'arrowquant compare --help'.\n", stderr);
            return AQ_USAGE;
        }
    }
    if (argc - optind != 2)
        return cli_usage("compare", "expected ORIGINAL and QUANTIZED, got %d arguments",
                         argc - optind);
    return compare(&c, argv[optind], argv[optind + 1]);
}
