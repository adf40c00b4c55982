/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "progress.h"
#include "util.h"

#include <unistd.h>

/* A line that changes more often cannot be read, and writing it would disturb the next sample. */
static const double least_pause_s = 0.2;

void bench_progress_begin(bench_progress *progress, FILE *err, int quiet)
{
    *progress = (bench_progress){.begin = bench_now()};
    if (!quiet && isatty(fileno(err)))
        progress->out = err;
}

void bench_progress_show(bench_progress *progress, double part, const char *what)
{
    double now = bench_now();
    if (progress->out == NULL || (progress->on_line && now - progress->shown < least_pause_s))
        return;
    double passed = now - progress->begin;
    (void)fprintf(progress->out, "\r\033[K%3.0f%%  %.50s", 100 * part, what);
    /* Too early, the guess would be wild. */
    if (part > 0.02 && passed > 1)
        (void)fprintf(progress->out, "  %.0f s left", passed / part * (1 - part) + 0.5);
    (void)fflush(progress->out);
    progress->shown = now;
    progress->on_line = 1;
}

void bench_progress_clear(bench_progress *progress)
{
    if (progress->out == NULL || !progress->on_line)
        return;
    fputs("\r\033[K", progress->out);
    (void)fflush(progress->out);
    progress->on_line = 0;
}
