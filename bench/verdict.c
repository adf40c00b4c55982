/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "measure/fitness.h"
#include "util.h"
#include "verdict.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TARGET_CORES = 8 };
static const double seed_range_top = 8; /* the range that goes with the speedup target is 4-8x */

const char *bench_outcome_text(bench_outcome outcome)
{
    static const char *const text[] = {
        [BENCH_MET] = "met",
        [BENCH_MISSED] = "missed",
        [BENCH_INCONCLUSIVE] = "inconclusive",
        [BENCH_NOT_APPLICABLE] = "not applicable",
        [BENCH_SKIPPED] = "skipped",
        [BENCH_FAILED] = "failed",
    };
    return text[outcome];
}

bench_outcome bench_judge(const bench_summary *summary, double limit, int at_least)
{
    if (!(summary->confidence > 0))
        return BENCH_INCONCLUSIVE;
    double worst = at_least ? summary->low : summary->high;
    double best = at_least ? summary->high : summary->low;
    if (at_least ? worst >= limit : worst < limit)
        return BENCH_MET;
    if (at_least ? best < limit : best >= limit)
        return BENCH_MISSED;
    return BENCH_INCONCLUSIVE;
}

/* ---- what a target is judged on ---- */

typedef struct view {
    const bench_options *options;
    const bench_matrix *matrix;
    const bench_run *run;
    const bench_figures *figures;
    const bench_env *env;
} view;

static void settle(bench_target *target, bench_outcome outcome, char *note)
{
    target->outcome = outcome;
    target->note = note;
}

static void judge(bench_target *target, const bench_summary *summary)
{
    target->value = summary->median;
    target->low = summary->low;
    target->high = summary->high;
    target->confidence = summary->confidence;
    target->outcome = bench_judge(summary, target->limit, target->at_least);
    if (target->outcome == BENCH_INCONCLUSIVE)
        target->note = summary->confidence > 0
                           ? bench_copy("the interval holds the limit")
                           : bench_copy("one sample has no interval: take more rounds");
}

/* 1 where the configuration has figures; else the target is settled. */
static int has_figures(const view *v, size_t at, bench_target *target)
{
    const bench_result *result = &v->run->result[at];
    if (result->skip != NULL)
        settle(target, BENCH_SKIPPED, bench_copy(result->skip));
    else if (result->failure != NULL)
        settle(target, BENCH_FAILED, bench_copy(result->failure));
    else if (result->samples == 0)
        settle(target, BENCH_SKIPPED, bench_copy("not sampled"));
    else
        return 1;
    return 0;
}

static int find_case(const view *v, bench_section section, unsigned threads)
{
    for (size_t i = 0; i < v->matrix->count; i++)
        if (v->matrix->cases[i].section == section && v->matrix->cases[i].threads == threads &&
            !v->matrix->cases[i].verify_only)
            return (int)i;
    return -1;
}

/* ---- scaling ---- */

/* NULL where there are enough; else for the caller to free. */
static char *lack_of_cores(const bench_env *env)
{
    if (env->usable_cpus < TARGET_CORES)
        return bench_format("needs %d usable CPUs, this machine has %u", TARGET_CORES,
                            env->usable_cpus);
    if (bench_env_cores(env) < TARGET_CORES)
        return bench_format("needs %d cores, the %u usable CPUs are hardware threads of %u",
                            TARGET_CORES, env->usable_cpus, bench_env_cores(env));
    return NULL;
}

static void judge_scaling(const view *v, bench_target *target, int efficiency)
{
    int at = find_case(v, BENCH_SCALING, TARGET_CORES);
    if (at < 0)
        at = find_case(v, BENCH_SPEEDUP, TARGET_CORES);
    char *lack = lack_of_cores(v->env);
    if (lack != NULL) {
        settle(target, BENCH_NOT_APPLICABLE, lack);
        return;
    }
    if (at < 0) {
        settle(target, BENCH_SKIPPED, bench_copy("no run with 8 threads (--cores 1,8)"));
        return;
    }
    if (!has_figures(v, (size_t)at, target))
        return;
    const bench_figures *figures = &v->figures[at];
    if (figures->speedup.count == 0) {
        settle(target, BENCH_SKIPPED, bench_copy("no 1-thread run to compare with (--cores 1,8)"));
        return;
    }
    judge(target, efficiency ? &figures->efficiency : &figures->speedup);
    if (2 * figures->no_cores > figures->time.count) {
        free(target->note);
        settle(target, BENCH_INCONCLUSIVE,
               bench_format("%zu of %zu samples did not have their 8 cores", figures->no_cores,
                            figures->time.count));
    } else if (target->outcome == BENCH_MET && !efficiency) {
        target->note = bench_copy(target->low > seed_range_top ? "above the range of 4-8x"
                                                               : "within the range of 4-8x");
    }
}

/* ---- times ---- */

static void judge_time(const view *v, bench_target *target, const char *label)
{
    for (size_t i = 0; i < v->matrix->count; i++) {
        const bench_case *item = &v->matrix->cases[i];
        const bench_model *model = &v->matrix->model[item->model];
        if (item->section != BENCH_SIZES || item->work != BENCH_QUANTIZE || item->verify_only)
            continue;
        if (model->path != NULL) {
            settle(target, BENCH_NOT_APPLICABLE,
                   bench_copy("another model was measured (--model)"));
            return;
        }
        if (strcmp(model->label, label) != 0)
            continue;
        if (model->scaled)
            settle(target, BENCH_NOT_APPLICABLE,
                   bench_format("the model was scaled down to %s (--quick)", model->params));
        else if (has_figures(v, i, target))
            judge(target, &v->figures[i].time);
        return;
    }
    settle(target, BENCH_SKIPPED, bench_format("not selected (--model-sizes %s)", label));
}

/* ---- memory ---- */

/* What streaming holds does not grow with the model, so a smaller model makes for a larger ratio:
 * where even that is under the limit, the full one is, and where it is not, nothing is shown. */
static void note_memory(const bench_model *model, bench_target *target)
{
    if (model->path != NULL && target->outcome == BENCH_MISSED)
        target->note = bench_copy("of a small model, the program itself is most of the memory");
    if (!model->scaled)
        return;
    free(target->note);
    if (target->outcome == BENCH_MET)
        target->note = bench_format("already on a model scaled down to %s", model->params);
    else
        settle(target, BENCH_NOT_APPLICABLE,
               bench_format("the model was scaled down to %s (--quick)", model->params));
}

static void judge_memory(const view *v, bench_target *target)
{
    for (size_t i = 0; i < v->matrix->count; i++) {
        const bench_case *item = &v->matrix->cases[i];
        if (item->section != BENCH_STREAMING || item->mode != AQ_MODE_STREAMING ||
            item->verify_only)
            continue;
        if (!has_figures(v, i, target) || !has_figures(v, (size_t)item->pair, target))
            return;
        judge(target, &v->figures[i].memory_ratio);
        note_memory(&v->matrix->model[item->model], target);
        return;
    }
    settle(target, BENCH_SKIPPED, bench_copy("not selected (--streaming-comparison)"));
}

/* ---- all of it ---- */

static void set_targets(bench_verdict *verdict)
{
    static const bench_target all[BENCH_TARGETS] = {
        {.id = "speedup_8_cores",
         .label = "8-core speedup",
         .unit = "x",
         .at_least = 1,
         .limit = 4},
        {.id = "efficiency_8_cores",
         .label = "8-core efficiency",
         .unit = "",
         .at_least = 1,
         .limit = 0.5},
        {.id = "time_100M", .label = "100M model time", .unit = "s", .limit = 120},
        {.id = "time_600M", .label = "600M model time", .unit = "s", .limit = 600},
        {.id = "time_7B", .label = "7B model time", .unit = "s", .limit = 1800},
        {.id = "memory_ratio", .label = "Streaming / batch memory", .unit = "", .limit = 0.5},
    };
    memcpy(verdict->target, all, sizeof all);
    for (int i = 0; i < BENCH_TARGETS; i++)
        verdict->target[i].value = verdict->target[i].low = verdict->target[i].high = NAN;
}

int bench_worse_code(int a, int b)
{
    static const int order[] = {2, 1, 6, 3, 4, 5};
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++)
        if (a == order[i] || b == order[i])
            return order[i];
    return 0;
}

int bench_exit_code(const bench_verdict *verdict, size_t failures, size_t doubts, int check_targets,
                    int strict)
{
    int missed = 0, inconclusive = 0;
    for (int i = 0; i < BENCH_TARGETS; i++) {
        missed |= verdict->target[i].outcome == BENCH_MISSED;
        inconclusive |= verdict->target[i].outcome == BENCH_INCONCLUSIVE;
    }
    if (failures > 0)
        return 1;
    if (strict && doubts > 0)
        return 6;
    if (check_targets && missed)
        return 4;
    return strict && inconclusive ? 5 : 0;
}

void bench_verdict_make(const bench_options *options, const bench_matrix *matrix,
                        const bench_run *run, const bench_figures *figures, bench_env *env,
                        bench_verdict *verdict)
{
    const view v = {options, matrix, run, figures, env};
    set_targets(verdict);
    judge_scaling(&v, &verdict->target[0], 0);
    judge_scaling(&v, &verdict->target[1], 1);
    judge_time(&v, &verdict->target[2], "100M");
    judge_time(&v, &verdict->target[3], "600M");
    judge_time(&v, &verdict->target[4], "7B");
    judge_memory(&v, &verdict->target[5]);
    bench_fitness_after(&run->seen, env);
    verdict->exit_code = bench_exit_code(verdict, run->failures, env->doubts,
                                         options->check_targets, options->strict);
}

void bench_verdict_free(bench_verdict *verdict)
{
    for (int i = 0; i < BENCH_TARGETS; i++)
        free(verdict->target[i].note);
    memset(verdict, 0, sizeof *verdict);
}
