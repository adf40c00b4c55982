/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "quantize_report.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "json_report.h"
#include "sandbox.h"

static const char *mode_name(aq_mode mode)
{
    return mode == AQ_MODE_BATCH ? "batch" : "streaming";
}

/* ---- text ---- */

static bool has_reason(const aq_tensor_result *t, const char *reason)
{
    return t->reason != NULL && strcmp(t->reason, reason) == 0;
}

/* Tensors from `first` on that were kept for the same reason as it: how many, and the first names.
 */
static void print_reason(const aq_quantize_result *r, size_t first)
{
    enum { NAMES = 3 };
    const char *reason = r->tensor[first].reason;
    size_t count = 0, named = 0;
    for (size_t i = first; i < r->tensors; i++)
        count += has_reason(&r->tensor[i], reason);
    (void)printf("kept %zu (%s):", count, reason);
    for (size_t i = first; i < r->tensors && named < NAMES; i++)
        if (has_reason(&r->tensor[i], reason))
            (void)printf("%s %s", named++ == 0 ? "" : ",", r->tensor[i].name);
    (void)puts(count > NAMES ? ", ..." : "");
}

static void print_kept(const aq_quantize_result *r)
{
    for (size_t i = 0; i < r->tensors; i++) {
        const char *reason = r->tensor[i].reason;
        bool seen = reason == NULL;
        for (size_t k = 0; k < i && !seen; k++)
            seen = has_reason(&r->tensor[k], reason);
        if (!seen)
            print_reason(r, i);
    }
}

/* " (q4_k 5, q6_k 2)" where there is more than one type. */
static void print_types(const aq_quantize_result *r)
{
    size_t kinds = 0;
    for (size_t i = 0; i < r->tensors; i++) {
        const char *type = r->tensor[i].out_type;
        size_t count = 0, before = 0;
        for (size_t k = 0; k < r->tensors; k++) {
            bool same = r->tensor[k].quantized && strcmp(r->tensor[k].out_type, type) == 0;
            count += same;
            before += same && k < i;
        }
        if (!r->tensor[i].quantized || before > 0 || count == r->tensors_quantized)
            continue;
        (void)printf("%s%s %zu", kinds++ == 0 ? " (" : ", ", type, count);
    }
    if (kinds > 0)
        (void)printf(")");
}

/* Whole blocks that became one value may be dead channels, or a model scaled far down. */
static void print_underflows(const aq_quantize_result *r)
{
    size_t first = 0;
    if (r->underflows == 0)
        return;
    while (r->tensor[first].underflows == 0)
        first++;
    (void)printf("%" PRIu64
                 " blocks or groups have weights too small for their scale and read back "
                 "as one value, the first ones in %s (--keep leaves a tensor as it is)\n",
                 r->underflows, r->tensor[first].name);
}

void quantize_report_text(const char *output, const aq_quantize_options *options,
                          const repeat_runs *runs)
{
    const aq_quantize_result *r = &runs->result;
    char weights[32], in[32], out[32], rate[32], speed[32], memory[32];
    double time = r->time_s > 0.0 ? r->time_s / runs->count : 1e-9;
    bool discarded = strcmp(output, "null:") == 0;
    (void)printf("%s: %zu of %zu tensors to %s", discarded ? "discarded" : output,
                 r->tensors_quantized, r->tensors,
                 r->mixture != NULL ? r->mixture : aq_type_name(options->type));
    print_types(r);
    (void)printf(", %s weights\n", cli_count((double)r->weights, weights, sizeof weights));
    (void)printf("%s -> %s in %.3f s: %s/s, %s weights/s (%s, %u thread%s, %s, peak %s)\n",
                 cli_bytes((double)r->in_bytes, in, sizeof in),
                 cli_bytes((double)r->out_bytes, out, sizeof out), time,
                 cli_bytes((double)r->in_bytes / time, rate, sizeof rate),
                 cli_count((double)r->weights / time, speed, sizeof speed), aq_isa_name(r->isa),
                 r->threads, r->threads == 1 ? "" : "s", mode_name(options->mode),
                 cli_bytes((double)r->rss_peak, memory, sizeof memory));
    if (options->shards > 0)
        (void)printf("part %u of %u; arrowquant index joins all of them\n", options->shard,
                     options->shards);
    if (runs->count > 1)
        (void)printf("the mean of %u runs, %.3f s together\n", runs->count, r->time_s);
    if (r->tensors_weighted > 0)
        (void)printf("%zu tensors weighted by the importance matrix\n", r->tensors_weighted);
    if (r->tensors_substituted > 0)
        (void)printf("%zu tensors got a substitute: their rows are no multiple of the block of the "
                     "type they should have\n",
                     r->tensors_substituted);
    if (r->tensors_short_group > 0)
        (void)printf("%zu tensors have rows that are no multiple of the group size: vLLM and "
                     "transformers refuse such layers (another --group-size, or --keep)\n",
                     r->tensors_short_group);
    print_underflows(r);
    if (options->checksum)
        (void)printf("checksum %016" PRIx64 "\n", r->checksum);
    print_kept(r);
}

/* ---- JSON ---- */

static json_t *workers(const aq_quantize_result *r)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < r->threads; i++) {
        const aq_thread_stats *t = &r->thread[i];
        list =
            report_append(list, json_pack("{s:f, s:f, s:f, s:f, s:o}", "cpu_s", t->cpu_s, "read_s",
                                          t->read_s, "kernel_s", t->kernel_s, "write_s", t->write_s,
                                          "tiles", report_integer(t->tiles)));
    }
    return list;
}

static json_t *tensors(const aq_quantize_result *r)
{
    json_t *list = json_array();
    for (size_t i = 0; i < r->tensors; i++) {
        const aq_tensor_result *t = &r->tensor[i];
        list = report_append(
            list,
            json_pack("{s:s, s:s, s:s, s:b, s:s?, s:o, s:o, s:o, s:o}", "name", t->name, "dtype",
                      aq_dtype_name(t->dtype), "type", t->out_type, "quantized", t->quantized,
                      "reason", t->reason, "weights", report_integer(t->weights), "in_bytes",
                      report_integer(t->in_bytes), "out_bytes", report_integer(t->out_bytes),
                      "underflows", report_integer(t->underflows)));
    }
    return list;
}

static json_t *checksum(const aq_quantize_options *options, const aq_quantize_result *r)
{
    char text[17];
    if (!options->checksum)
        return json_null();
    (void)snprintf(text, sizeof text, "%016" PRIx64, r->checksum);
    return json_string(text);
}

/* Null where nothing was given up. */
static json_t *sandbox(void)
{
    char text[32];
    if (sandbox_version() == 0)
        return json_null();
    (void)snprintf(text, sizeof text, "landlock %d", sandbox_version());
    return json_string(text);
}

static json_t *what_ran(const char *input, const char *output, const aq_quantize_options *options,
                        const aq_quantize_result *r)
{
    unsigned asked = cli_thread_count(options->threads);
    return json_pack(
        "{s:i, s:s, s:s, s:i, s:o, s:o, s:s, s:s?, s:s, s:s, s:o, s:o, s:o}", "schema_version", 1,
        "version", aq_version(), "status", "ok", "exit_code", 0, "input", report_text(input),
        "output", report_text(output), "type", aq_type_name(options->type), "mixture", r->mixture,
        "mode", mode_name(options->mode), "isa", aq_isa_name(r->isa), "threads_requested",
        report_integer(asked), "threads", report_integer(r->threads), "sandbox", sandbox());
}

static json_t *run_times(const repeat_runs *runs)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < runs->count; i++)
        list = report_append(list, json_real(runs->time_s[i]));
    return list;
}

static json_t *times(const repeat_runs *runs)
{
    const aq_quantize_result *r = &runs->result;
    return json_pack("{s:o, s:o, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f}", "repeat",
                     report_integer(runs->count), "run_times_s", run_times(runs), "time_s",
                     r->time_s, "open_s", r->open_s, "run_s", r->run_s, "commit_s", r->commit_s,
                     "load_s", r->load_s, "kernel_s", r->kernel_s, "store_s", r->store_s, "user_s",
                     r->user_s, "system_s", r->system_s);
}

static json_t *counts(const aq_quantize_options *options, const aq_quantize_result *r)
{
    return json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, "
        "s:o, s:o}",
        "weights", report_integer(r->weights), "in_bytes", report_integer(r->in_bytes),
        "direct_bytes", report_integer(r->direct_bytes), "out_bytes", report_integer(r->out_bytes),
        "accounted_bytes", report_integer(r->accounted_bytes), "allocations",
        report_integer(r->allocations), "rss_before_bytes", report_integer(r->rss_before),
        "rss_peak_bytes", report_integer(r->rss_peak), "voluntary_switches",
        report_integer(r->voluntary_switches), "involuntary_switches",
        report_integer(r->involuntary_switches), "checksum", checksum(options, r), "workers",
        workers(r), "tensors_total", report_integer(r->tensors), "tensors_quantized",
        report_integer(r->tensors_quantized), "tensors_short_group",
        report_integer(r->tensors_short_group), "tensors_weighted",
        report_integer(r->tensors_weighted), "tensors_substituted",
        report_integer(r->tensors_substituted), "underflows", report_integer(r->underflows),
        "tensors", tensors(r));
}

int quantize_report_json(const char *input, const char *output, const aq_quantize_options *options,
                         const repeat_runs *runs)
{
    json_t *root = what_ran(input, output, options, &runs->result);
    root = report_joined(root, times(runs));
    return report_print(report_joined(root, counts(options, &runs->result)));
}
