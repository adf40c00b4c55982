/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "merge.h"
#include "util.h"
#include "write_file.h"

#include <stdlib.h>
#include <string.h>

const char *bench_merge_outcome(const bench_results *machine, const char *target)
{
    for (size_t i = 0; i < machine->targets; i++)
        if (strcmp(machine->target[i].id, target) == 0)
            return machine->target[i].outcome;
    return NULL;
}

const char *bench_merge_status(const bench_read_result *result)
{
    static const char *const text[] = {
        [BENCH_READ_OK] = "ok", [BENCH_READ_SKIPPED] = "skipped", [BENCH_READ_FAILED] = "failed"};
    return result == NULL ? "not run" : text[result->status];
}

/* ---- reading ---- */

/* The same run under two names would count twice. */
static char *find_twin(const bench_merge *merge, size_t at)
{
    const bench_results *b = &merge->machine[at];
    for (size_t i = 0; i < at; i++) {
        const bench_results *a = &merge->machine[i];
        if (strcmp(a->machine.date, b->machine.date) == 0 && a->seed == b->seed &&
            strcmp(a->command, b->command) == 0 &&
            strcmp(a->machine.cpu_model, b->machine.cpu_model) == 0)
            return bench_format("%s: is the same run as %s", merge->file[at], merge->file[i]);
    }
    return NULL;
}

static char *read_all(bench_merge *merge)
{
    char *wrong = NULL;
    for (size_t i = 0; wrong == NULL && i < merge->options->merge_count; i++) {
        merge->machines = i + 1;
        wrong = bench_results_read(merge->file[i], &merge->machine[i]);
        if (wrong == NULL)
            wrong = find_twin(merge, i);
    }
    return wrong;
}

/* ---- putting together ---- */

static int same_text(const char *a, const char *b)
{
    return strcmp(a != NULL ? a : "", b != NULL ? b : "") == 0;
}

static int same_work(const bench_results *a, const bench_results *b)
{
    return strcmp(a->type, b->type) == 0 && strcmp(a->dtype, b->dtype) == 0;
}

static int same_model(const bench_results *a, const bench_read_result *x, const bench_results *b,
                      const bench_read_result *y)
{
    const bench_read_model *m = &a->model[x->model], *n = &b->model[y->model];
    return strcmp(m->label, n->label) == 0 && same_text(m->params, n->params) &&
           m->synthetic == n->synthetic;
}

static int same_case(const bench_merged_case *c, const bench_results *b, const bench_read_result *y)
{
    const bench_read_result *x = c->first;
    return same_work(c->of, b) && same_model(c->of, x, b, y) && strcmp(x->name, y->name) == 0 &&
           strcmp(x->group, y->group) == 0 && strcmp(x->output, y->output) == 0 &&
           x->threads == y->threads && x->streaming == y->streaming;
}

static bench_merged_case *find_case(bench_merge *merge, size_t machine,
                                    const bench_read_result *result)
{
    const bench_results *of = &merge->machine[machine];
    for (size_t i = 0; i < merge->count; i++)
        if (same_case(&merge->cases[i], of, result))
            return &merge->cases[i];
    merge->cases = bench_grow(merge->cases, merge->count + 1, sizeof *merge->cases);
    bench_merged_case *added = &merge->cases[merge->count++];
    *added = (bench_merged_case){result, of,
                                 bench_alloc(merge->machines, sizeof(const bench_read_result *))};
    return added;
}

static void put_together(bench_merge *merge)
{
    for (size_t i = 0; i < merge->machines; i++)
        for (size_t j = 0; j < merge->machine[i].count; j++) {
            const bench_read_result *result = &merge->machine[i].result[j];
            find_case(merge, i, result)->on[i] = result;
        }
}

/* ---- judging ---- */

static void add_failure(bench_merge *merge, char *text)
{
    merge->failure = bench_grow(merge->failure, merge->failures + 1, sizeof *merge->failure);
    merge->failure[merge->failures++] = text;
}

static const bench_read_result *with_checksum(const bench_results *machine, size_t model)
{
    for (size_t i = 0; i < machine->count; i++)
        if (machine->result[i].model == model && machine->result[i].checksum != NULL &&
            machine->result[i].status == BENCH_READ_OK)
            return &machine->result[i];
    return NULL;
}

/* A synthetic model is the same everywhere, and one version makes the same bytes of it. */
static void compare_outputs(bench_merge *merge, size_t one, size_t other)
{
    const bench_results *a = &merge->machine[one], *b = &merge->machine[other];
    if (!same_work(a, b) || !same_text(a->version, b->version))
        return;
    for (size_t i = 0; i < a->models; i++)
        for (size_t j = 0; j < b->models; j++) {
            const bench_read_result *x = with_checksum(a, i), *y = with_checksum(b, j);
            if (x == NULL || y == NULL || !same_model(a, x, b, y) || !a->model[i].synthetic ||
                strcmp(x->checksum, y->checksum) == 0)
                continue;
            add_failure(merge, bench_format("%s: model %s has output %s, and in %s %s",
                                            merge->file[other], b->model[j].label, y->checksum,
                                            merge->file[one], x->checksum));
        }
}

static void judge(bench_merge *merge)
{
    int missed = 0, inconclusive = 0;
    for (size_t i = 0; i < merge->machines; i++) {
        const bench_results *machine = &merge->machine[i];
        merge->doubts += machine->machine.doubts;
        for (size_t j = 0; j < machine->failures; j++)
            add_failure(merge, bench_format("%s: %s", merge->file[i], machine->failure[j]));
        for (size_t j = 0; j < machine->targets; j++) {
            missed |= strcmp(machine->target[j].outcome, "missed") == 0;
            inconclusive |= strcmp(machine->target[j].outcome, "inconclusive") == 0;
        }
        for (size_t j = 0; j < i; j++)
            compare_outputs(merge, j, i);
    }
    const bench_options *o = merge->options;
    merge->exit_code = merge->failures > 0              ? 1
                       : o->strict && merge->doubts > 0 ? 6
                       : o->check_targets && missed     ? 4
                       : o->strict && inconclusive      ? 5
                                                        : 0;
}

/* ---- reporting ---- */

typedef int writer(const bench_merge *merge, FILE *out);

typedef struct writing {
    const bench_merge *merge;
    writer *write;
} writing;

static int write_merge(const void *what, FILE *out)
{
    const writing *w = what;
    return w->write(w->merge, out);
}

static char *write_file(const bench_merge *merge, const char *path, writer *write)
{
    const writing w = {merge, write};
    return bench_write_file(path, write_merge, &w);
}

static char *write_reports(const bench_merge *merge)
{
    static writer *const export_writer[BENCH_FORMATS] = {
        [BENCH_JSON] = bench_merge_json,
        [BENCH_CSV] = bench_merge_csv,
        [BENCH_MARKDOWN] = bench_merge_markdown,
        [BENCH_HTML] = bench_merge_html,
    };
    const bench_options *o = merge->options;
    char *text = bench_format("%s/merged_benchmark_report.txt", o->output_dir);
    char *json = bench_format("%s/merged_benchmark_results.json", o->output_dir);
    char *wrong = bench_make_directories(o->output_dir);
    if (wrong == NULL)
        wrong = write_file(merge, text, bench_merge_text);
    if (wrong == NULL)
        wrong = write_file(merge, json, bench_merge_json);
    for (size_t i = 0; wrong == NULL && i < o->exports_count; i++)
        wrong = write_file(merge, o->exports[i].path, export_writer[o->exports[i].format]);
    free(json);
    free(text);
    return wrong;
}

static char *report(bench_merge *merge, FILE *err)
{
    put_together(merge);
    judge(merge);
    char *wrong = write_reports(merge);
    if (wrong == NULL && !merge->options->quiet &&
        (bench_merge_text(merge, stdout) != 0 || fflush(stdout) != 0))
        wrong = bench_copy("cannot write to standard output");
    for (size_t i = 0; i < merge->failures; i++)
        (void)fprintf(err, "arrowquant-bench: %s\n", merge->failure[i]);
    return wrong;
}

int bench_merge_run(const bench_options *options, FILE *err)
{
    bench_merge merge = {.options = options, .file = options->merge_file};
    merge.machine = bench_alloc(options->merge_count, sizeof *merge.machine);
    char *wrong = read_all(&merge);
    if (wrong == NULL)
        wrong = report(&merge, err);
    if (wrong != NULL) {
        (void)fprintf(err, "arrowquant-bench: %s\n", wrong);
        merge.exit_code = 1;
        free(wrong);
    }
    for (size_t i = 0; i < merge.machines; i++)
        bench_results_free(&merge.machine[i]);
    for (size_t i = 0; i < merge.count; i++)
        free(merge.cases[i].on);
    for (size_t i = 0; i < merge.failures; i++)
        free(merge.failure[i]);
    free(merge.machine);
    free(merge.cases);
    free(merge.failure);
    return merge.exit_code;
}
