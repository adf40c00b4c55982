/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "json_parts.h"
#include "report_gate.h"

static json_t *numbers(const double *value, size_t count)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++)
        (void)json_array_append_new(array, number(value[i]));
    return array;
}

static json_t *judged(const bench_judged *j)
{
    json_t *object = json_object();
    set(object, "rounds", json_integer((json_int_t)j->rounds));
    set(object, "median", number(j->median));
    set(object, "lower", number(j->lower));
    set(object, "upper", number(j->upper));
    set(object, "faster_upper", number(j->faster));
    set(object, "p", number(j->p));
    set(object, "p_faster", number(j->p_faster));
    set(object, "alpha", number(j->alpha));
    set(object, "alpha_faster", number(j->alpha_faster));
    set(object, "decision", text(bench_decision_name(j->decision)));
    set(object, "improved", json_boolean(j->improved));
    return object;
}

static json_t *looks(const bench_judged *look, unsigned count)
{
    json_t *array = json_array();
    for (unsigned i = 0; i < count; i++)
        (void)json_array_append_new(array, judged(&look[i]));
    return array;
}

static json_t *one_metric(const bench_gate *gate, size_t at)
{
    const bench_gate_metric *metric = &gate->metric[at];
    const bench_judged *last = &gate->rule.judged[at];
    json_t *object = json_object();
    set(object, "id", text(metric->id));
    set(object, "label", text(metric->label));
    set(object, "threads", json_integer(gate->config[metric->config].threads));
    set(object, "decision", text(bench_decision_name(last->decision)));
    set(object, "improved", json_boolean(last->improved));
    set(object, "log_ratios", numbers(metric->d, metric->rounds));
    set(object, "control_log_ratios", numbers(metric->control, metric->rounds));
    set(object, "looks", looks(metric->look, metric->looks));
    set(object, "control_looks", looks(metric->control_look, metric->looks));
    return object;
}

static json_t *one_config(const bench_gate_config *config)
{
    json_t *object = json_object(), *samples = json_object(), *orders = json_array();
    for (size_t i = 0; i < config->rounds; i++) {
        json_t *order = json_array();
        for (int place = 0; place < BENCH_ARMS; place++)
            (void)json_array_append_new(order,
                                        text(bench_arm_name(bench_order[config->order[i]][place])));
        (void)json_array_append_new(orders, order);
    }
    for (int arm = 0; arm < BENCH_ARMS; arm++) {
        json_t *times = json_object();
        set(times, "cpu_s", numbers(config->cpu_s[arm], config->rounds));
        set(times, "wall_s", numbers(config->wall_s[arm], config->rounds));
        set(samples, bench_arm_name((bench_arm)arm), times);
    }
    set(object, "threads", json_integer(config->threads));
    set(object, "repeat", json_integer(config->repeat));
    set(object, "rounds", json_integer((json_int_t)config->rounds));
    set(object, "shortest_s", number(config->shortest_s));
    set(object, "no_cores", json_integer((json_int_t)config->no_cores));
    set(object, "orders", orders);
    set(object, "samples", samples);
    return object;
}

static json_t *one_build(const char *path, const char *version)
{
    json_t *object = json_object();
    set(object, "path", text(path));
    set(object, "version", text(version[0] != '\0' ? version : NULL));
    return object;
}

static json_t *rule(void)
{
    json_t *object = json_object(), *rounds = json_array(), *alpha = json_array();
    for (unsigned look = 1; look <= BENCH_LOOKS; look++) {
        (void)json_array_append_new(rounds, json_integer((json_int_t)bench_look_rounds(look)));
        (void)json_array_append_new(alpha, number(bench_look_alpha(look)));
    }
    set(object, "look_rounds", rounds);
    set(object, "look_alpha", alpha);
    set(object, "least_regression", number(bench_least_regression()));
    set(object, "most_passing", number(bench_most_passing()));
    return object;
}

json_t *bench_report_gate_json(const bench_gate *gate)
{
    if (gate == NULL)
        return json_null();
    json_t *object = json_object(), *metrics = json_array(), *configs = json_array();
    for (size_t i = 0; i < gate->metrics; i++)
        (void)json_array_append_new(metrics, one_metric(gate, i));
    for (size_t i = 0; i < gate->configs; i++)
        (void)json_array_append_new(configs, one_config(&gate->config[i]));
    set(object, "verdict", text(bench_gate_verdict(gate)));
    set(object, "failure", text(gate->failure));
    set(object, "old", one_build(gate->old_path, gate->old_version));
    set(object, "new", one_build(gate->new_path, gate->new_version));
    set(object, "identical", json_boolean(gate->identical));
    set(object, "repeats", json_boolean(gate->repeats));
    set(object, "model", text(gate->model));
    set(object, "model_bytes", number(gate->model_bytes));
    set(object, "checksum", text(gate->checksum[0] != '\0' ? gate->checksum : NULL));
    set(object, "rule", rule());
    set(object, "rounds", json_integer((json_int_t)gate->rounds));
    set(object, "stop", text(bench_gate_stop_text(gate->stop)));
    set(object, "spent_s", number(gate->spent_s));
    set(object, "disturbed", json_boolean(gate->rule.disturbed));
    set(object, "metrics", metrics);
    set(object, "configurations", configs);
    return object;
}
