/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "text_parts.h"
#include "util.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

enum { WIDTH = 80, CELL = 40 };

void bench_text_rule(const bench_text_writer *w, char line)
{
    for (int i = 0; i < WIDTH; i++)
        (void)fputc(line, w->out);
    (void)fputc('\n', w->out);
}

void bench_text_failures(const bench_text_writer *w)
{
    const bench_run *run = w->report->run;
    if (run->failures == 0)
        return;
    (void)fprintf(w->out, "\nFailures:\n");
    bench_text_rule(w, '-');
    for (size_t i = 0; i < run->failures; i++)
        (void)fprintf(w->out, "%s%s%s\n", w->color ? "\033[31m" : "", run->failure[i],
                      w->color ? "\033[0m" : "");
}

void bench_text_verification(const bench_text_writer *w)
{
    const bench_matrix *matrix = w->report->matrix;
    (void)fprintf(w->out, "\nVerification:\n");
    bench_text_rule(w, '-');
    for (size_t model = 0; model < matrix->models; model++) {
        size_t runs = 0;
        const char *checksum = NULL;
        for (size_t i = 0; i < matrix->count; i++)
            if (matrix->cases[i].model == model && w->report->run->result[i].checksum[0] != '\0' &&
                w->report->run->result[i].failure == NULL) {
                runs++;
                checksum = w->report->run->result[i].checksum;
            }
        if (runs > 0)
            (void)fprintf(w->out, "%-22s %zu configuration%s, one output: checksum %s\n",
                          matrix->model[model].label, runs, runs == 1 ? "" : "s", checksum);
        else
            (void)fprintf(w->out, "%-22s not verified\n", matrix->model[model].label);
    }
}

static void print_percent(const bench_text_writer *w, const char *label, double part)
{
    if (isfinite(part))
        (void)fprintf(w->out, "%-26s %.1f%%\n", label, 100 * part);
}

/* What is known only when all is measured. */
static void print_seen(const bench_text_writer *w)
{
    const bench_run *run = w->report->run;
    print_percent(w, "CPU used by others", run->seen.other_part);
    print_percent(w, "CPU taken by hypervisor", run->seen.steal_part);
    for (size_t i = 0; i < run->models; i++) {
        char label[CELL];
        (void)snprintf(label, sizeof label, "Cached before: %.20s",
                       w->report->matrix->model[i].label);
        print_percent(w, label, run->resident_before[i]);
    }
}

void bench_text_environment(const bench_text_writer *w)
{
    const bench_env *env = w->report->env;
    char value[CELL];
    (void)fprintf(w->out, "\nEnvironment:\n");
    bench_text_rule(w, '-');
    (void)fprintf(w->out, "%-26s %s\n", "Date", env->date);
    if (w->report->run->version[0] != '\0')
        (void)fprintf(w->out, "%-26s %s %s\n", "arrowquant", w->report->run->version,
                      w->report->binary);
    if (w->report->kernels != NULL)
        (void)fprintf(w->out, "%-26s %s\n", "libarrowquant", aq_version());
    (void)fprintf(w->out, "%-26s %s\n", "Command", w->report->command);
    (void)fprintf(w->out, "%-26s %" PRIu64 "\n", "Seed", w->report->seed);
    for (size_t i = 0; i < env->facts; i++) {
        const bench_fact *fact = &env->fact[i];
        (void)fprintf(w->out, "%-26s %s\n", fact->label,
                      bench_env_words(fact, value, sizeof value));
    }
    print_seen(w);
    for (size_t i = 0; i < env->doubts; i++)
        (void)fprintf(w->out, "%s%-26s %s%s\n", w->color ? "\033[33m" : "", "Doubt", env->doubt[i],
                      w->color ? "\033[0m" : "");
}

void bench_text_key(const bench_text_writer *w)
{
    fputs("\nTimes are medians over rounds, in seconds; MB = 10^6 bytes. Intervals are 95%\n"
          "bootstrap intervals of the median; with fewer than six rounds, the range of the\n"
          "samples. Speedups and ratios are paired within rounds. Memory is the peak\n"
          "resident set of the process. CPU/wall is CPU time over wall time; balance is\n"
          "total CPU time over threads x that of the busiest thread; Gw/s is 10^9 weights\n"
          "per second. The serial part is what the speedup shows by Karp and Flatt.\n"
          "Of threads x time, serial is what one thread did alone, idle had no tile, no CPU\n"
          "had a tile and waited, slower is CPU time that the same tiles took more than on\n"
          "one thread. Read GB/s is what as many threads (one for each CPU at most) read\n"
          "from memory in the same rounds, and used the part of it that the input took.\n"
          "Marks, where any sample has them: o more threads than usable CPUs; c CPU/wall\n"
          "under 0.9 x threads: did not have its cores; t fewer threads ran than asked for;\n"
          "e part of the input was not in the page cache.\n",
          w->out);
}
