/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "noise.h"
#include "util.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char file_name[] = "gate-traces.txt";

static void append(bench_noise_series *series, const double *time)
{
    for (int arm = 0; arm < BENCH_ARMS; arm++) {
        series->time[arm] =
            bench_grow(series->time[arm], series->rounds + 1, sizeof *series->time[arm]);
        series->time[arm][series->rounds] = time[arm];
    }
    series->rounds++;
}

/* ---- reading ---- */

/* Microseconds, as many as are wanted and no more. Returns 0 or -1. */
static int read_times(const char *text, size_t count, double *time)
{
    char *end;
    for (size_t i = 0; i < count; i++) {
        errno = 0;
        unsigned long value = strtoul(text, &end, 10);
        if (end == text || errno != 0 || value == 0 || text[0] != ' ' || text[1] < '0' ||
            text[1] > '9')
            return -1;
        time[i] = (double)value * 1e-6;
        text = end;
    }
    return *text == '\0' ? 0 : -1;
}

static int begin_trace(const char *line, bench_noise_set *traces)
{
    bench_noise trace = {0};
    char kind[8];
    if (sscanf(line, "trace %31s %7s", trace.name, kind) != 2)
        return -1;
    trace.quiet = strcmp(kind, "quiet") == 0;
    if (!trace.quiet && strcmp(kind, "loaded") != 0)
        return -1;
    traces->trace = bench_grow(traces->trace, traces->count + 1, sizeof *traces->trace);
    traces->trace[traces->count++] = trace;
    return 0;
}

/* "trace NAME quiet|loaded"; "1 ..." of a round with one thread: CPU times of the arms, then wall
 * times; "n ..." of a round with many: wall times. */
static int read_line(const char *line, bench_noise_set *traces)
{
    double time[2 * BENCH_ARMS];
    bench_noise *trace = traces->count > 0 ? &traces->trace[traces->count - 1] : NULL;
    if (line[0] == '#' || line[0] == '\0')
        return 0;
    if (line[0] == 't')
        return begin_trace(line, traces);
    if (trace == NULL)
        return -1;
    if (line[0] == '1' && read_times(line + 1, 2 * BENCH_ARMS, time) == 0) {
        append(&trace->metric[0], time);
        append(&trace->metric[1], time + BENCH_ARMS);
        return 0;
    }
    if (line[0] == 'n' && read_times(line + 1, BENCH_ARMS, time) == 0) {
        append(&trace->metric[2], time);
        return 0;
    }
    return -1;
}

static char *check(const char *path, const bench_noise_set *traces)
{
    /* Of one run of the gate, windows would hardly differ. */
    size_t fewest = 2 * bench_look_rounds(BENCH_LOOKS);
    for (size_t i = 0; i < traces->count; i++)
        for (int m = 0; m < BENCH_RULE_METRICS; m++)
            if (traces->trace[i].metric[m].rounds < fewest)
                return bench_format("%s: trace %s has %zu rounds of metric %d, fewer than %zu",
                                    path, traces->trace[i].name, traces->trace[i].metric[m].rounds,
                                    m + 1, fewest);
    return traces->count == 0 ? bench_format("%s holds no trace", path) : NULL;
}

char *bench_noise_read(const char *path, bench_noise_set *traces)
{
    char line[256], *wrong = NULL;
    size_t number = 0;
    memset(traces, 0, sizeof *traces);
    FILE *in = fopen(path, "re");
    if (in == NULL)
        return bench_format("cannot read %s: %s", path, strerror(errno));
    while (wrong == NULL && fgets(line, sizeof line, in) != NULL) {
        number++;
        size_t length = strcspn(line, "\n");
        if (line[length] != '\n' && !feof(in))
            wrong = bench_format("%s: line %zu is too long", path, number);
        line[length] = '\0';
        if (wrong == NULL && read_line(line, traces) != 0)
            wrong = bench_format("%s: line %zu is not of a trace: \"%.40s\"", path, number, line);
    }
    if (wrong == NULL && ferror(in))
        wrong = bench_format("cannot read %s: %s", path, strerror(errno));
    (void)fclose(in);
    return wrong == NULL ? check(path, traces) : wrong;
}

void bench_noise_free(bench_noise *trace)
{
    for (int m = 0; m < BENCH_RULE_METRICS; m++)
        for (int arm = 0; arm < BENCH_ARMS; arm++)
            free(trace->metric[m].time[arm]);
    memset(trace, 0, sizeof *trace);
}

void bench_noise_set_free(bench_noise_set *traces)
{
    for (size_t i = 0; i < traces->count; i++)
        bench_noise_free(&traces->trace[i]);
    free(traces->trace);
    memset(traces, 0, sizeof *traces);
}

/* ---- finding ---- */

/* Beside the program as make leaves it (which may be in .libs), as make install leaves it, and
 * where the installed one lies whatever this one's path is. */
char *bench_noise_find(void)
{
    static const char *const beside[] = {"share/arrowquant", "../share/arrowquant"};
    char self[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    char *slash = NULL;
    if (length > 0) {
        self[length] = '\0';
        slash = strrchr(self, '/');
    }
    for (size_t i = 0; slash != NULL && i < sizeof beside / sizeof beside[0]; i++) {
        char *path = bench_format("%.*s/%s/%s", (int)(slash - self), self, beside[i], file_name);
        if (access(path, R_OK) == 0)
            return path;
        free(path);
    }
    char *path = bench_format("%s/%s", AQ_PKGDATADIR, file_name);
    if (access(path, R_OK) == 0)
        return path;
    free(path);
    return NULL;
}
