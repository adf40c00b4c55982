/* SPDX-License-Identifier: Apache-2.0
 * arrowquant info: what a model file holds. */
#include <config.h>

#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "cli.h"
#include "json_report.h"
#include "sandbox.h"
#include "table.h"

static const char help_text[] =
    "Usage: arrowquant info [OPTIONS] FILE\n"
    "\n"
    "FILE    a .safetensors file, a model.safetensors.index.json, a directory with either,\n"
    "        a .gguf file, or synthetic:PARAMS[:DTYPE[:SEED]]\n"
    "\n"
    "Shows format, files, metadata, what there is of each element type, and every tensor.\n"
    "Only headers are read.\n"
    "\n"
    "      --json               the same as JSON on standard output\n"
    "      --help               this text\n"
    "\n"
    "Exit codes: 0 ok, 1 failure (I/O, memory), 2 usage, 3 bad input.\n";

typedef struct total {
    uint64_t tensors, weights, bytes;
} total;

typedef struct totals {
    total all, by_dtype[AQ_DTYPE_COUNT];
} totals;

static void add(total *to, const aq_tensor_info *tensor)
{
    to->tensors++;
    to->weights += tensor->weights;
    to->bytes += tensor->bytes;
}

static void sum_up(const aq_model *model, totals *sums)
{
    *sums = (totals){0};
    for (size_t i = 0; i < aq_model_tensors(model); i++) {
        aq_tensor_info tensor;
        aq_model_tensor(model, i, &tensor);
        add(&sums->all, &tensor);
        add(&sums->by_dtype[tensor.dtype], &tensor);
    }
}

/* ---- text ---- */

typedef char number[24];

static const char *decimal(uint64_t value, number text)
{
    (void)snprintf(text, sizeof(number), "%" PRIu64, value);
    return text;
}

static const char *plural(uint64_t n)
{
    return n == 1 ? "" : "s";
}

static void print_summary(const char *path, const aq_model *model, const totals *sums)
{
    char weights[32], bytes[32];
    size_t files = aq_model_files(model);
    print_clean(path, stdout);
    (void)printf(": %s, %zu file%s, %" PRIu64 " tensor%s, %s elements, %s\n",
                 aq_model_format(model), files, plural(files), sums->all.tensors,
                 plural(sums->all.tensors),
                 cli_count((double)sums->all.weights, weights, sizeof weights),
                 cli_bytes((double)sums->all.bytes, bytes, sizeof bytes));
}

static bool print_metadata(const aq_model *model)
{
    table t = {.align = "ll"};
    size_t n = aq_model_metadata(model);
    if (n == 0)
        return true;
    for (size_t i = 0; i < n; i++) {
        const char *cells[2];
        aq_model_metadata_at(model, i, &cells[0], &cells[1]);
        table_row(&t, cells);
    }
    (void)puts("\nMetadata");
    return table_print(&t, 2, stdout);
}

static bool print_types(const totals *sums)
{
    table t = {.align = "lrrr"};
    table_row(&t, (const char *const[]){"Type", "Tensors", "Elements", "Bytes"});
    for (int i = 0; i < AQ_DTYPE_COUNT; i++) {
        const total *own = &sums->by_dtype[i];
        number tensors, weights, bytes;
        if (own->tensors > 0)
            table_row(&t, (const char *const[]){
                              aq_dtype_name((aq_dtype)i), decimal(own->tensors, tensors),
                              decimal(own->weights, weights), decimal(own->bytes, bytes)});
    }
    (void)puts("\nTypes");
    return table_print(&t, 2, stdout);
}

static const char *shape_text(const aq_tensor_info *tensor, char *text, size_t size)
{
    size_t at = 0;
    text[0] = '\0';
    for (unsigned i = 0; i < tensor->rank && at < size; i++)
        at += (size_t)snprintf(text + at, size - at, "%s%" PRIu64, i == 0 ? "" : "x",
                               tensor->shape[i]);
    return tensor->rank == 0 ? "scalar" : text;
}

static bool print_tensors(const aq_model *model)
{
    bool many = aq_model_files(model) > 1;
    table t = {.align = many ? "llrrrl" : "llrrr"};
    if (aq_model_tensors(model) == 0)
        return true;
    table_row(&t, (const char *const[]){"Name", "Type", "Shape", "Bytes", "Offset", "File"});
    for (size_t i = 0; i < aq_model_tensors(model); i++) {
        aq_tensor_info tensor;
        number bytes, offset;
        char shape[256];
        aq_model_tensor(model, i, &tensor);
        const char *slash = strrchr(tensor.file, '/');
        table_row(&t, (const char *const[]){
                          tensor.name, aq_dtype_name(tensor.dtype),
                          shape_text(&tensor, shape, sizeof shape), decimal(tensor.bytes, bytes),
                          decimal(tensor.offset, offset), slash == NULL ? tensor.file : slash + 1});
    }
    (void)puts("\nTensors");
    return table_print(&t, 2, stdout);
}

static int print_text(const char *path, const aq_model *model)
{
    totals sums;
    sum_up(model, &sums);
    print_summary(path, model, &sums);
    bool ok = print_metadata(model) && print_types(&sums) && print_tensors(model);
    return ok ? AQ_OK : AQ_FAILURE;
}

/* ---- JSON ---- */

static json_t *metadata(const aq_model *model)
{
    json_t *object = json_object();
    for (size_t i = 0; i < aq_model_metadata(model); i++) {
        const char *key, *value;
        aq_model_metadata_at(model, i, &key, &value);
        object = report_member(object, key, report_text(value));
    }
    return object;
}

static json_t *types(const totals *sums)
{
    json_t *list = json_array();
    for (int i = 0; i < AQ_DTYPE_COUNT; i++) {
        const total *own = &sums->by_dtype[i];
        if (own->tensors > 0)
            list = report_append(
                list, json_pack("{s:s, s:o, s:o, s:o}", "dtype", aq_dtype_name((aq_dtype)i),
                                "tensors", report_integer(own->tensors), "elements",
                                report_integer(own->weights), "bytes", report_integer(own->bytes)));
    }
    return list;
}

static json_t *tensor_object(const aq_tensor_info *tensor)
{
    json_t *shape = json_array();
    for (unsigned i = 0; i < tensor->rank; i++)
        shape = report_append(shape, report_integer(tensor->shape[i]));
    return json_pack("{s:o, s:s, s:o, s:o, s:o, s:o, s:o}", "name", report_text(tensor->name),
                     "dtype", aq_dtype_name(tensor->dtype), "shape", shape, "elements",
                     report_integer(tensor->weights), "bytes", report_integer(tensor->bytes),
                     "offset", report_integer(tensor->offset), "file", report_text(tensor->file));
}

static json_t *tensors(const aq_model *model)
{
    json_t *list = json_array();
    for (size_t i = 0; i < aq_model_tensors(model); i++) {
        aq_tensor_info tensor;
        aq_model_tensor(model, i, &tensor);
        list = report_append(list, tensor_object(&tensor));
    }
    return list;
}

static json_t *files(const aq_model *model)
{
    json_t *list = json_array();
    for (size_t i = 0; i < aq_model_files(model); i++)
        list = report_append(list, report_text(aq_model_file(model, i)));
    return list;
}

static int print_json(const char *path, const aq_model *model)
{
    totals sums;
    sum_up(model, &sums);
    json_t *root = report_success();
    json_t *rest =
        json_pack("{s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "path", report_text(path),
                  "format", aq_model_format(model), "files", files(model), "tensors_total",
                  report_integer(sums.all.tensors), "elements_total",
                  report_integer(sums.all.weights), "bytes_total", report_integer(sums.all.bytes),
                  "metadata", metadata(model), "types", types(&sums), "tensors", tensors(model));
    return report_print(report_joined(root, rest));
}

/* ---- the command ---- */

static int info(const char *path, bool json)
{
    aq_error error;
    aq_model *model;
    sandbox_enter(&path, 1, NULL, false);
    if (aq_model_open(path, &model, &error) != AQ_OK) {
        if (json)
            report_failure(&error);
        return cli_fail(&error);
    }
    int code = json ? print_json(path, model) : print_text(path, model);
    aq_model_close(model);
    return code != AQ_OK || !cli_flush() ? AQ_FAILURE : AQ_OK;
}

int cmd_info(int argc, char **argv)
{
    enum { OPT_JSON = 256, OPT_HELP };
    static const struct option options[] = {{"json", no_argument, NULL, OPT_JSON},
                                            {"help", no_argument, NULL, OPT_HELP},
                                            {NULL, 0, NULL, 0}};
    bool json = false;
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == OPT_HELP) {
            (void)fputs(help_text, stdout);
            return cli_flush() ? AQ_OK : AQ_FAILURE;
        }
        if (option != OPT_JSON) {
            (void)fputs("Try 'arrowquant info --help'.\n", stderr);
            return AQ_USAGE;
        }
        json = true;
    }
    if (argc - optind != 1)
        return cli_usage("info", "expected one FILE, got %d arguments", argc - optind);
    return info(argv[optind], json);
}
