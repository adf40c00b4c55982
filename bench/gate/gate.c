/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "gate_internal.h"
#include "measure/child.h"
#include "measure/system.h"
#include "util.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *bench_gate_stop_text(bench_gate_stop stop)
{
    static const char *const text[] = {
        [BENCH_GATE_DECIDED] = "decided",
        [BENCH_GATE_ALL_ROUNDS] = "all rounds made",
        [BENCH_GATE_ROUNDS_ASKED] = "no further look within the rounds asked for",
        [BENCH_GATE_BUDGET] = "time budget spent",
    };
    return text[stop];
}

const char *bench_gate_verdict(const bench_gate *gate)
{
    if (gate->failure != NULL)
        return "failed";
    return bench_decision_name(gate->rule.decision != BENCH_GO_ON ? gate->rule.decision
                                                                  : BENCH_UNDECIDED);
}

int bench_gate_exit_code(const bench_gate *gate, int strict)
{
    if (gate->failure != NULL)
        return 1;
    switch (gate->rule.decision) {
    case BENCH_PASS:
        return 0;
    case BENCH_REGRESSION:
        return 3;
    case BENCH_INVALID:
        return 6;
    default:
        return strict ? 5 : 0;
    }
}

/* ---- what is measured ---- */

static void add_metric(bench_gate *gate, const char *id, const char *label, size_t config,
                       int is_cpu)
{
    bench_gate_metric *metric = &gate->metric[gate->metrics++];
    bench_gate_config *from = &gate->config[config];
    metric->id = id;
    metric->label = label;
    metric->config = config;
    for (int arm = 0; arm < BENCH_ARMS; arm++)
        metric->time[arm] = is_cpu ? from->cpu_s[arm] : from->wall_s[arm];
}

/* Where only one CPU may be used, more threads show nothing. */
static void set_metrics(bench_gate *gate, unsigned threads)
{
    gate->configs = threads > 1 ? 2 : 1;
    gate->config[0].threads = 1;
    gate->config[1].threads = threads;
    add_metric(gate, "cpu_time_1_thread", "CPU time, 1 thread", 0, 1);
    add_metric(gate, "wall_time_1_thread", "Wall time, 1 thread", 0, 0);
    if (threads > 1)
        add_metric(gate, "wall_time_many_threads", "Wall time, many threads", 1, 0);
    for (size_t c = 0; c < gate->configs; c++)
        gate->config[c].shortest_s = INFINITY;
}

/* ---- rounds ---- */

static char *keep(bench_gate_context *ctx, bench_gate_config *config, bench_arm arm,
                  const bench_sample *sample)
{
    double cpu = sample->user_s + sample->system_s;
    if (!(cpu > 0))
        return bench_format("the %s build reported no CPU time for %g s: give a larger model",
                            bench_arm_name(arm), sample->time_s);
    config->cpu_s[arm][config->rounds] = cpu;
    config->wall_s[arm][config->rounds] = sample->time_s;
    config->shortest_s = fmin(config->shortest_s, sample->time_s);
    config->no_cores += (size_t)sample->no_cores;
    if (!ctx->options->verbose)
        return NULL;
    char wall[32], cpu_text[32];
    bench_progress_clear(ctx->progress);
    (void)fprintf(stderr, "round %zu  %s, %u thread%s  wall %s s, CPU %s s\n", config->rounds + 1,
                  bench_arm_name(arm), config->threads, config->threads == 1 ? "" : "s",
                  bench_number(sample->time_s, wall, sizeof wall),
                  bench_number(cpu, cpu_text, sizeof cpu_text));
    return NULL;
}

static char *make_round(bench_gate_context *ctx, bench_gate_config *config)
{
    size_t round = config->rounds;
    config->order[round] =
        bench_next_order(&ctx->rng, round, round == 0 ? 0 : config->order[round - 1]);
    (void)bench_store_warm(&ctx->store, ctx->model);
    char *wrong = NULL;
    for (int i = 0; i < BENCH_ARMS && wrong == NULL; i++) {
        bench_arm arm = bench_order[config->order[round]][i];
        bench_sample sample;
        wrong = bench_gate_observe(ctx, arm, config->threads, config->repeat, 0, &sample);
        if (wrong == NULL)
            wrong = keep(ctx, config, arm, &sample);
        bench_sample_free(&sample);
    }
    config->rounds += wrong == NULL;
    return wrong;
}

static int config_wanted(const bench_gate *gate, size_t config)
{
    for (size_t i = 0; i < gate->metrics; i++)
        if (gate->metric[i].config == config && bench_rule_wants(&gate->rule, i))
            return 1;
    return 0;
}

/* Rounds of one number of threads up to `target`, on their own: whatever runs is then preceded by
 * its like, and the first of a round is in no other state than the last. Returns 0 where the time
 * is up. */
static int make_rounds(bench_gate_context *ctx, bench_gate_config *config, size_t target,
                       double deadline)
{
    while (config->rounds < target && ctx->gate->failure == NULL && bench_interrupted() == 0) {
        if (bench_now() >= deadline)
            return 0;
        bench_progress_show(ctx->progress, (double)config->rounds / BENCH_GATE_ROUNDS, "comparing");
        ctx->gate->failure = make_round(ctx, config);
    }
    return ctx->gate->failure == NULL && bench_interrupted() == 0;
}

/* ---- looks ---- */

static void pair_up(bench_gate_metric *metric, size_t rounds)
{
    for (; metric->rounds < rounds; metric->rounds++) {
        size_t r = metric->rounds;
        metric->d[r] = log(metric->time[BENCH_NEW][r] / metric->time[BENCH_OLD][r]);
        metric->control[r] = log(metric->time[BENCH_COPY_OF_OLD][r] / metric->time[BENCH_OLD][r]);
    }
}

static void look(bench_gate *gate)
{
    const double *d[BENCH_RULE_METRICS], *control[BENCH_RULE_METRICS];
    int wanted[BENCH_RULE_METRICS] = {0};
    for (size_t i = 0; i < gate->metrics; i++) {
        wanted[i] = bench_rule_wants(&gate->rule, i);
        d[i] = gate->metric[i].d;
        control[i] = gate->metric[i].control;
    }
    bench_rule_look(&gate->rule, d, control);
    for (size_t i = 0; i < gate->metrics; i++)
        if (wanted[i]) {
            gate->metric[i].look[gate->metric[i].looks] = gate->rule.judged[i];
            gate->metric[i].control_look[gate->metric[i].looks++] = gate->rule.control[i];
        }
}

/* The rounds that the next look needs. */
static int reach(bench_gate_context *ctx, size_t target, double deadline)
{
    bench_gate *gate = ctx->gate;
    size_t order[BENCH_GATE_CONFIGS] = {0, 1};
    int reached = 1;
    bench_shuffle(&ctx->rng, order, gate->configs);
    for (size_t i = 0; i < gate->configs && reached; i++)
        if (config_wanted(gate, order[i]))
            reached = make_rounds(ctx, &gate->config[order[i]], target, deadline);
    for (size_t i = 0; i < gate->metrics; i++)
        if (bench_rule_wants(&gate->rule, i)) {
            pair_up(&gate->metric[i], gate->config[gate->metric[i].config].rounds);
            if (gate->metric[i].rounds > gate->rounds)
                gate->rounds = gate->metric[i].rounds;
        }
    return reached;
}

static void summarize(bench_gate *gate, uint64_t seed)
{
    for (size_t i = 0; i < gate->metrics; i++)
        for (int arm = 0; arm < BENCH_ARMS; arm++)
            gate->metric[i].summary[arm] =
                bench_summarize(gate->metric[i].time[arm], gate->metric[i].rounds, seed);
}

static void sample(bench_gate_context *ctx, uint64_t seed)
{
    bench_gate *gate = ctx->gate;
    double begin = bench_now(), steal = bench_steal_s(), throttled = bench_throttled_s();
    size_t asked = ctx->options->rounds != 0 ? ctx->options->rounds : BENCH_GATE_ROUNDS;
    gate->stop = BENCH_GATE_ALL_ROUNDS;
    while (gate->rule.decision == BENCH_GO_ON && gate->rule.looks < BENCH_LOOKS) {
        size_t target = bench_look_rounds(gate->rule.looks + 1);
        if (asked < target && (gate->rule.looks > 0 || gate->rounds >= asked)) {
            gate->stop = BENCH_GATE_ROUNDS_ASKED;
            break;
        }
        size_t rounds = asked < target ? asked : target;
        if (!reach(ctx, rounds, begin + ctx->options->compare_budget_s)) {
            gate->stop = BENCH_GATE_BUDGET;
            break;
        }
        if (rounds == target)
            look(gate);
    }
    if (gate->rule.decision != BENCH_GO_ON && gate->rule.decision != BENCH_UNDECIDED)
        gate->stop = BENCH_GATE_DECIDED;
    bench_rule_end(&gate->rule);
    summarize(gate, seed);
    gate->spent_s = bench_now() - begin;
    gate->steal_part = (bench_steal_s() - steal) / (gate->spent_s * ctx->cpus);
    gate->throttled_s = bench_throttled_s() - throttled;
}

/* ---- all of it ---- */

void bench_gate_run(const bench_options *options, const char *work_parent,
                    const bench_program *old_program, const bench_program *new_program,
                    unsigned cpus, uint64_t seed, bench_progress *progress, bench_gate *gate)
{
    bench_gate_context ctx = {
        .options = options, .gate = gate, .progress = progress, .rng = {seed}, .cpus = cpus};
    unsigned threads = options->threads != 0 ? options->threads : cpus > 8 ? 8 : cpus;
    memset(gate, 0, sizeof *gate);
    gate->old_path = bench_copy(old_program->path);
    gate->new_path = bench_copy(new_program->path);
    set_metrics(gate, threads);
    bench_rule_begin(&gate->rule, gate->metrics);
    ctx.matrix.models = 2;
    ctx.matrix.model = bench_alloc(ctx.matrix.models, sizeof *ctx.matrix.model);
    gate->failure =
        bench_store_open(&ctx.store, work_parent, new_program->path, options, &ctx.matrix);
    if (gate->failure == NULL)
        gate->failure = bench_gate_prepare(&ctx, old_program, new_program);
    if (gate->failure == NULL && bench_interrupted() == 0)
        sample(&ctx, seed);
    bench_progress_clear(progress);
    bench_store_close(&ctx.store);
    bench_arms_free(&ctx.arms);
    free(ctx.matrix.model);
}

void bench_gate_free(bench_gate *gate)
{
    free(gate->failure);
    free(gate->old_path);
    free(gate->new_path);
    memset(gate, 0, sizeof *gate);
}
