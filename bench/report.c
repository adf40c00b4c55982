/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "baseline_report.h"
#include "report.h"
#include "util.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

static int write_text(const bench_report *report, FILE *out)
{
    return bench_report_text(report, 0, out);
}

static char *cannot_write(const char *path)
{
    return bench_format("cannot write %s: %s", path, strerror(errno));
}

/* A pipe or a device cannot be replaced, only written to. */
static int is_special(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && !S_ISREG(info.st_mode);
}

static char *write_stream(const bench_report *report, const char *path, writer *write)
{
    FILE *out = fopen(path, "we");
    if (out == NULL)
        return cannot_write(path);
    int failed = write(report, out);
    failed |= fclose(out);
    return failed ? cannot_write(path) : NULL;
}

/* Through a temporary name, so that a reader never finds half a report. */
static char *write_file(const bench_report *report, const char *path, writer *write)
{
    if (strcmp(path, "-") == 0)
        return write(report, stdout) != 0 || fflush(stdout) != 0 ? cannot_write("standard output")
                                                                 : NULL;
    if (is_special(path))
        return write_stream(report, path, write);
    char *temporary = bench_format("%s.tmp%ld", path, (long)getpid());
    char *wrong = write_stream(report, temporary, write);
    if (wrong == NULL && rename(temporary, path) != 0)
        wrong = cannot_write(path);
    if (wrong != NULL)
        (void)unlink(temporary);
    free(temporary);
    return wrong;
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
