/* SPDX-License-Identifier: Apache-2.0
 * arrowquant-bench: options, cases, measure, figures, verdict, reports, in this order. */
#include <config.h>

#include "gate/gate.h"
#include "measure/binary.h"
#include "measure/child.h"
#include "report/report.h"
#include "report/report_selftest.h"
#include "results/merge.h"
#include "util.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

static int complain(char *what)
{
    (void)fprintf(stderr, "arrowquant-bench: %s\n", what);
    free(what);
    return 1;
}

typedef struct bench_programs {
    bench_program old_program, new_program;
} bench_programs;

/* What --compare names, looked at before anything is measured. Returns an exit code. */
static int find_programs(const bench_options *options, const char *binary, bench_programs *programs)
{
    int code = 0;
    char *wrong = NULL;
    if (options->compare != NULL)
        wrong = bench_program_find(options->compare, 1, &programs->old_program, &code);
    if (options->compare != NULL && wrong == NULL)
        wrong = bench_program_find(binary, 0, &programs->new_program, &code);
    if (wrong == NULL)
        return 0;
    char *named = bench_format("--compare: %s", wrong);
    free(wrong);
    (void)complain(named);
    return code;
}

static uint64_t random_seed(void)
{
    uint32_t seed = 0;
    if (getrandom(&seed, sizeof seed, 0) != (ssize_t)sizeof seed)
        seed = (uint32_t)getpid();
    return seed;
}

static const char *work_parent(const bench_options *options)
{
    const char *temporary = getenv("TMPDIR");
    if (options->work_dir != NULL)
        return options->work_dir;
    return temporary != NULL && temporary[0] != '\0' ? temporary : options->output_dir;
}

/* Ends this program as the signal would have. */
static int end_by_signal(int number)
{
    sigset_t all;
    sigfillset(&all);
    signal(number, SIG_DFL);
    sigprocmask(SIG_UNBLOCK, &all, NULL);
    raise(number);
    return 128 + number;
}

static int use_color(void)
{
    const char *no_color = getenv("NO_COLOR");
    return isatty(STDOUT_FILENO) && (no_color == NULL || no_color[0] == '\0');
}

static int print_report(const bench_report *report)
{
    char *wrong = bench_report_files(report);
    if (wrong == NULL && !report->options->quiet &&
        (bench_report_text(report, use_color(), stdout) != 0 || fflush(stdout) != 0))
        wrong = bench_copy("cannot write to standard output");
    if (report->baseline != NULL && report->baseline->worse > 0)
        (void)fprintf(stderr,
                      "arrowquant-bench: warning: worse than baseline %s: %zu of %zu runs\n",
                      report->baseline->name, report->baseline->worse, report->baseline->rows);
    for (size_t i = 0; i < report->run->failures; i++)
        (void)fprintf(stderr, "arrowquant-bench: %s\n", report->run->failure[i]);
    if (report->gate != NULL && report->gate->failure != NULL)
        (void)fprintf(stderr, "arrowquant-bench: --compare: %s\n", report->gate->failure);
    return wrong == NULL ? report->verdict->exit_code : complain(wrong);
}

/* What lives through a run; the report points at the rest. */
typedef struct job {
    bench_report report;
    bench_env env;
    bench_run samples;
    bench_gate gate;
    bench_kernels kernels;
    bench_baseline baseline;
    bench_fit fit;
    bench_verdict verdict;
} job;

/* From the samples to the reports. */
static int conclude(job *j)
{
    bench_report *report = &j->report;
    bench_figures *figures = bench_figures_make(report->matrix, &j->samples, report->seed);
    report->figures = figures;
    j->fit = bench_scaling_fit(report->matrix, &j->samples, figures, bench_env_cores(&j->env),
                               report->seed);
    if (report->baseline != NULL)
        bench_baseline_compare(&j->baseline, report->matrix, &j->samples, report->seed);
    bench_verdict_make(report->options, report->matrix, &j->samples, figures, &j->env, &j->verdict);
    if (report->gate != NULL)
        j->verdict.exit_code = bench_worse_code(
            j->verdict.exit_code, bench_gate_exit_code(report->gate, report->options->strict));
    int code = print_report(report);
    bench_verdict_free(&j->verdict);
    free(figures);
    return code;
}

static void compare(job *j, const bench_programs *programs, unsigned cpus, bench_progress *progress)
{
    const bench_options *options = j->report.options;
    bench_disturbance *seen = &j->samples.seen;
    bench_counters from, to;
    bench_counters_read(&from);
    bench_gate_run(options, work_parent(options), &programs->old_program, &programs->new_program,
                   cpus, j->report.seed, progress, &j->gate);
    bench_counters_read(&to);
    *seen = bench_disturbance_worse(*seen, bench_counters_between(&from, &to));
    memcpy(j->samples.version, j->gate.new_version, sizeof j->samples.version);
    j->report.gate = &j->gate;
}

/* Seconds of the budget. */
static double spent(const bench_report *report)
{
    double sum = 0;
    for (unsigned group = 0; group < report->matrix->groups; group++)
        sum += report->run->group[group].spent_s;
    return sum;
}

static int measure_and_conclude(job *j, bench_store *store, const bench_programs *programs,
                                unsigned cpus)
{
    bench_progress progress;
    bench_progress_begin(&progress, stderr, j->report.options->quiet);
    bench_measure(store, j->report.seed, cpus, &progress, &j->samples);
    bench_store_close(store);
    if (j->report.kernels != NULL && bench_interrupted() == 0)
        bench_kernels_measure(j->report.options, j->report.seed,
                              j->report.options->budget_s - spent(&j->report), &progress,
                              &j->samples, &j->kernels);
    if (j->report.options->compare != NULL && bench_interrupted() == 0)
        compare(j, programs, cpus, &progress);
    return bench_interrupted() != 0 ? 0 : conclude(j);
}

/* With --strict there will be no verdict: nothing is measured for it, and this is the exit code. */
static int refuse_unfit(const bench_options *options, const bench_env *env)
{
    if (!options->strict || env->doubts == 0)
        return 0;
    for (size_t i = 0; i < env->doubts; i++)
        (void)fprintf(stderr, "arrowquant-bench: not fit for a verdict: %s\n", env->doubt[i]);
    return 6;
}

static int run(const bench_options *options, const bench_matrix *matrix,
               const bench_machine *machine, const char *command, const char *binary,
               const bench_programs *programs)
{
    bench_store store = {0};
    bench_signals_install();
    char *wrong = bench_make_directories(options->output_dir);
    if (wrong == NULL)
        wrong = bench_store_open(&store, work_parent(options), binary, options, matrix);
    if (wrong != NULL) {
        bench_store_close(&store);
        return complain(wrong);
    }
    job j = {.report = {.options = options,
                        .matrix = matrix,
                        .run = &j.samples,
                        .env = &j.env,
                        .baseline = options->baseline != NULL ? &j.baseline : NULL,
                        .fit = &j.fit,
                        .verdict = &j.verdict,
                        .binary = binary,
                        .command = command,
                        .seed = options->seed_given ? options->seed : random_seed()}};
    if (options->kernels) {
        bench_kernels_build(options, machine, &j.kernels);
        j.report.kernels = &j.kernels;
    }
    bench_env_read(store.directory, &j.env);
    int code = refuse_unfit(options, &j.env);
    if (code == 0 && options->baseline != NULL)
        code = bench_baseline_open(&j.baseline, options, matrix, &j.env, &wrong);
    if (wrong != NULL)
        (void)complain(wrong);
    if (code == 0)
        code = measure_and_conclude(&j, &store, programs, machine->cpus);
    else
        bench_store_close(&store);
    bench_gate_free(&j.gate);
    bench_kernels_free(&j.kernels);
    bench_baseline_free(&j.baseline);
    bench_run_free(&j.samples);
    bench_env_free(&j.env);
    return bench_interrupted() != 0 ? end_by_signal(bench_interrupted()) : code;
}

/* --selftest. Returns an exit code. */
static int test_gate(const bench_options *options)
{
    bench_noise_set traces = {0};
    char *path = options->traces != NULL ? bench_copy(options->traces) : bench_noise_find();
    if (path == NULL)
        return complain(bench_copy("cannot find gate-traces.txt, which is installed with this "
                                   "program (--traces FILE)"));
    char *wrong = bench_noise_read(path, &traces);
    int code = 0;
    if (wrong == NULL) {
        bench_selftest test;
        bench_selftest_run(&traces, options->seed_given ? options->seed : 1, &test);
        code = test.ok ? 0 : 1;
        if (!options->quiet && bench_report_selftest(&test, path, stdout) != 0)
            wrong = bench_copy("cannot write to standard output");
        bench_selftest_free(&test);
    }
    bench_noise_set_free(&traces);
    free(path);
    return wrong == NULL ? code : complain(wrong);
}

static int only_selftest(const bench_options *options, const bench_matrix *matrix)
{
    return options->selftest && options->compare == NULL && matrix->count == 0 &&
           !options->kernels && !options->list;
}

static void list(const bench_options *options, const bench_machine *machine,
                 const bench_matrix *matrix)
{
    bench_kernels kernels;
    bench_matrix_list(matrix, stdout);
    if (!options->kernels)
        return;
    bench_kernels_build(options, machine, &kernels);
    bench_kernels_list(&kernels, stdout);
    bench_kernels_free(&kernels);
}

int main(int argc, char **argv)
{
    bench_options options;
    bench_machine machine;
    bench_matrix matrix;
    char *command = bench_command_line(argc, argv);
    int code = bench_options_parse(argc, argv, &options, stdout, stderr);
    if (code < 0 && options.merge) {
        code = bench_merge_run(&options, stderr);
    } else if (code < 0) {
        bench_machine_read(&machine);
        bench_matrix_build(&options, &machine, &matrix);
        char *binary = bench_find_binary(options.binary);
        int tested = options.selftest && !options.list ? test_gate(&options) : 0;
        if (only_selftest(&options, &matrix)) {
            code = 0;
        } else if (options.list) {
            list(&options, &machine, &matrix);
            code = 0;
        } else if (binary == NULL) {
            code = complain(bench_format("cannot find an executable %s (--binary PATH)",
                                         options.binary != NULL ? options.binary : "arrowquant"));
        } else {
            bench_programs programs = {0};
            code = find_programs(&options, binary, &programs);
            if (code == 0)
                code = run(&options, &matrix, &machine, command, binary, &programs);
            bench_program_free(&programs.old_program);
            bench_program_free(&programs.new_program);
        }
        code = bench_worse_code(code, tested);
        free(binary);
        bench_matrix_free(&matrix);
    }
    free(command);
    if (code == 0 && (fflush(stdout) != 0 || ferror(stdout)))
        code = complain(bench_copy("cannot write to standard output"));
    return code;
}
