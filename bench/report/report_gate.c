/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "report_gate.h"
#include "text_cells.h"
#include "text_section.h"
#include "util.h"

enum { CELL = BENCH_CELL };

const char *bench_judged_text(const bench_judged *judged)
{
    return judged->improved && judged->decision == BENCH_PASS
               ? "pass, faster"
               : bench_decision_name(judged->decision);
}

/* In plain text nothing else draws the eye to it. */
static const char *decision_text(const bench_judged *judged)
{
    return judged->decision == BENCH_REGRESSION ? "REGRESSION" : bench_judged_text(judged);
}

static const char *percent(double d, char *out)
{
    return bench_cell_slower(d, "none", out);
}

static void print_metrics(const bench_text_writer *w, const bench_gate *gate)
{
    char median[CELL], lower[CELL], upper[CELL], control[CELL];
    for (size_t i = 0; i < gate->metrics; i++) {
        const bench_judged *judged = &gate->rule.judged[i];
        if (judged->look == 0)
            (void)fprintf(w->out, "%-26s %-9s %-9s %-9s %-9s %-7zu %s\n", gate->metric[i].label,
                          "-", "-", "-", "-", gate->metric[i].rounds, decision_text(judged));
        else
            (void)fprintf(w->out, "%-26s %-9s %-9s %-9s %-9s %-7zu %s\n", gate->metric[i].label,
                          percent(judged->median, median), percent(judged->lower, lower),
                          percent(judged->upper, upper),
                          percent(gate->rule.control[i].median, control), judged->rounds,
                          decision_text(judged));
    }
}

static void print_verdict(const bench_text_writer *w, const bench_gate *gate)
{
    static const struct {
        const char *mark, *color, *text;
    } line[] = {
        [BENCH_GO_ON] = {"❔", "\033[33m", "Inconclusive: it ended before the first look."},
        [BENCH_PASS] = {"✅", "\033[32m", "No regression: nothing is slower by 5% or more."},
        [BENCH_REGRESSION] = {"❌", "\033[31m",
                              "Regression: this build is slower than the old one."},
        [BENCH_UNDECIDED] = {"❔", "\033[33m",
                             "Inconclusive: neither a regression nor its absence is shown."},
        [BENCH_INVALID] = {"❔", "\033[33m",
                           "Environment invalid: the old build differs from its own copy just so."},
    };
    bench_decision decision = gate->rule.decision;
    (void)fprintf(w->out, "\n%s%s %s%s\n\n", w->color ? line[decision].color : "",
                  line[decision].mark, line[decision].text, w->color ? "\033[0m" : "");
}

static void print_configs(const bench_text_writer *w, const bench_gate *gate)
{
    char shortest[CELL];
    for (size_t c = 0; c < gate->configs; c++) {
        const bench_gate_config *config = &gate->config[c];
        if (config->rounds == 0)
            continue;
        (void)fprintf(w->out, "%u thread%s: %u quantization%s an observation, the shortest %s s%s",
                      config->threads, config->threads == 1 ? "" : "s", config->repeat,
                      config->repeat == 1 ? "" : "s",
                      bench_number(config->shortest_s, shortest, CELL),
                      config->shortest_s < 0.2 ? " (under 0.2 s: more noise)" : "");
        if (config->no_cores > 0)
            (void)fprintf(w->out, "; %zu of %zu did not have their cores", config->no_cores,
                          BENCH_ARMS * config->rounds);
        (void)fputs(".\n", w->out);
    }
}

static void print_setting(const bench_text_writer *w, const bench_gate *gate)
{
    const bench_options *options = w->report->options;
    char bytes[CELL];
    (void)fprintf(w->out, "Old %s %s\nNew %s %s%s\n", gate->old_version, gate->old_path,
                  gate->new_version, gate->new_path,
                  gate->identical ? "\nBoth are the same program, byte for byte." : "");
    (void)fprintf(w->out, "Model %s (%s) to %s, %s, output discarded; checksum %s from both.\n",
                  gate->model, bench_bytes(gate->model_bytes, bytes, sizeof bytes),
                  aq_type_name(options->type),
                  options->mode == AQ_MODE_BATCH ? "batch" : "streaming", gate->checksum);
    if (!gate->repeats)
        fputs("One of the builds does not know quantize --repeat: one quantization each time.\n",
              w->out);
    print_configs(w, gate);
    (void)fprintf(w->out, "%zu rounds in %.1f s: %s.\n", gate->rounds, gate->spent_s,
                  bench_gate_stop_text(gate->stop));
}

static const char key[] =
    "\nNew against old: medians of paired ratios of adjacent runs, first of each discarded. A\n"
    "regression needs a lower bound above 0 (exact sign test, looks after 12, 24 and 48 rounds\n"
    "at error rates .0025, .0025, .005, shared out by Holm) and a median of +3% or more; to\n"
    "pass, the one-sided 95% upper bound must be under +5%. Control: the old build against a\n"
    "copy of itself in the same rounds. Wall time with many threads is noisy: a verdict on it\n"
    "is dependable only from +10% on.\n";

void bench_report_gate_text(const bench_text_writer *w)
{
    const bench_gate *gate = w->report->gate;
    if (gate == NULL)
        return;
    bench_text_heading(
        w, "Comparison with Another Build",
        "Metric                     New/old   Lower     Upper     Control   Rounds  Verdict");
    if (gate->failure != NULL) {
        (void)fprintf(w->out, "%sfailed: %s%s\n", w->color ? "\033[31m" : "", gate->failure,
                      w->color ? "\033[0m" : "");
        return;
    }
    print_metrics(w, gate);
    print_verdict(w, gate);
    print_setting(w, gate);
    fputs(key, w->out);
}
