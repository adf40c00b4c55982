/* SPDX-License-Identifier: Apache-2.0
 * The comparison in the forms that other tools read. */
#include <config.h>

#include "google.h"
#include "json_parts.h"
#include "report_gate.h"

#include <stdio.h>

/* ---- Google Benchmark: compare.py sets old against new by their names ---- */

static void google_arm(const bench_gate_config *config, bench_arm arm, json_t *benchmarks)
{
    char name[64];
    (void)snprintf(name, sizeof name, "compare_%u_threads_%s", config->threads,
                   bench_arm_name(arm));
    const bench_google_run run = {name, config->rounds, config->threads, config->repeat};
    for (size_t i = 0; i < config->rounds; i++)
        (void)json_array_append_new(
            benchmarks, bench_google_repetition(&run, i, config->wall_s[arm][i] / config->repeat,
                                                config->cpu_s[arm][i] / config->repeat));
    (void)json_array_append_new(
        benchmarks, bench_google_median(
                        &run, bench_median(config->wall_s[arm], config->rounds) / config->repeat,
                        bench_median(config->cpu_s[arm], config->rounds) / config->repeat));
}

void bench_gate_google(const bench_gate *gate, json_t *benchmarks)
{
    if (gate == NULL || gate->failure != NULL)
        return;
    for (size_t c = 0; c < gate->configs; c++)
        for (int arm = 0; arm < BENCH_ARMS && gate->config[c].rounds > 0; arm++)
            google_arm(&gate->config[c], (bench_arm)arm, benchmarks);
}

/* ---- ratios of new to old ---- */

/* Of a metric that was judged; NULL of any other. */
static const bench_judged *judged(const bench_gate *gate, size_t metric)
{
    const bench_judged *last = &gate->rule.judged[metric];
    return gate->failure == NULL && last->look > 0 ? last : NULL;
}

void bench_gate_github(const bench_gate *gate, json_t *entries)
{
    for (size_t i = 0; gate != NULL && i < gate->metrics; i++) {
        const bench_judged *last = judged(gate, i);
        if (last == NULL)
            continue;
        json_t *entry = json_object();
        set(entry, "name", json_sprintf("compare_%s ratio", gate->metric[i].id));
        set(entry, "unit", text("new/old"));
        set(entry, "value", json_real(exp(last->median)));
        set(entry, "range", json_sprintf("%.6g..%.6g", exp(last->lower), exp(last->upper)));
        set(entry, "extra",
            json_sprintf("%s, %zu rounds", bench_decision_name(last->decision), last->rounds));
        (void)json_array_append_new(entries, entry);
    }
}

void bench_gate_bencher(const bench_gate *gate, json_t *root)
{
    for (size_t i = 0; gate != NULL && i < gate->metrics; i++) {
        const bench_judged *last = judged(gate, i);
        if (last == NULL)
            continue;
        json_t *measures = json_object(), *measure = json_object();
        set(measure, "value", json_real(exp(last->median)));
        set(measure, "lower_value", json_real(exp(last->lower)));
        set(measure, "upper_value", json_real(exp(last->upper)));
        set(measures, "ratio", measure);
        char name[64];
        (void)snprintf(name, sizeof name, "compare_%s", gate->metric[i].id);
        set(root, name, measures);
    }
}
