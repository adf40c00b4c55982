/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "baseline_report.h"
#include "report.h"
#include "util.h"
#include "write_file.h"

#include <stdlib.h>

const char *bench_report_status(const bench_report *report, size_t at, const char **note)
{
    const bench_result *result = &report->run->result[at];
    *note = result->failure != NULL ? result->failure : result->skip;
    if (result->failure != NULL)
        return "failed";
    if (result->skip != NULL)
        return "skipped";
    return report->figures[at].measured ? "ok" : "skipped";
}

typedef int writer(const bench_report *report, FILE *out);

/* A report and how it is written. */
typedef struct writing {
    const bench_report *report;
    writer *write;
} writing;

static int write_report(const void *what, FILE *out)
{
    const writing *w = what;
    return w->write(w->report, out);
}

static char *write_file(const bench_report *report, const char *path, writer *write)
{
    const writing w = {report, write};
    return bench_write_file(path, write_report, &w);
}

static int write_text(const bench_report *report, FILE *out)
{
    return bench_report_text(report, 0, out);
}

static int any_measured(const bench_report *report)
{
    for (size_t i = 0; i < report->matrix->count; i++)
        if (report->figures[i].measured && report->matrix->cases[i].work == BENCH_QUANTIZE)
            return 1;
    return 0;
}

static char *save_baseline(const bench_report *report)
{
    const char *name = report->options->save_baseline;
    if (report->run->failures > 0 || !any_measured(report))
        return bench_format("baseline %s was not saved: %s", name,
                            report->run->failures > 0 ? "a run failed" : "nothing was measured");
    char *path = bench_baseline_path(report->options->output_dir, name);
    char *directory = bench_format("%s/baselines", report->options->output_dir);
    char *wrong = bench_make_directories(directory);
    if (wrong == NULL)
        wrong = write_file(report, path, bench_report_baseline);
    free(directory);
    free(path);
    return wrong;
}

char *bench_report_files(const bench_report *report)
{
    static writer *const export_writer[BENCH_FORMATS] = {
        [BENCH_JSON] = bench_report_json,         [BENCH_CSV] = bench_report_csv,
        [BENCH_MARKDOWN] = bench_report_markdown, [BENCH_HTML] = bench_report_html,
        [BENCH_GOOGLE] = bench_report_google,     [BENCH_GITHUB] = bench_report_github,
        [BENCH_BENCHER] = bench_report_bencher,
    };
    const char *directory = report->options->output_dir;
    char *path = bench_format("%s/parallel_benchmark_report.txt", directory);
    char *wrong = write_file(report, path, write_text);
    free(path);
    path = bench_format("%s/parallel_benchmark_results.json", directory);
    if (wrong == NULL)
        wrong = write_file(report, path, bench_report_json);
    free(path);
    for (size_t i = 0; i < report->options->exports_count && wrong == NULL; i++)
        wrong = write_file(report, report->options->exports[i].path,
                           export_writer[report->options->exports[i].format]);
    if (wrong == NULL && report->options->save_baseline != NULL)
        wrong = save_baseline(report);
    return wrong;
}
