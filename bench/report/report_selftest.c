/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "report_selftest.h"

#include <inttypes.h>

static void print_alarms(const bench_selftest *test, FILE *out)
{
    (void)fprintf(out,
                  "False alarms: runs of the gate on builds that do not differ\n"
                  "%-24s %6s  %-16s %8s %8s %8s  %s\n",
                  "Trace", "Runs", "Regression", "Invalid", "Inconcl.", "Rounds", "Bar");
    for (size_t i = 0; i < test->traces; i++) {
        const bench_alarms *a = &test->alarms[i];
        (void)fprintf(out, "%-24s %6zu  %5.2f%% (<%5.2f%%) %7.2f%% %7.2f%% %8.1f  %s\n", a->trace,
                      a->runs, 100 * (double)a->alarms / (double)a->runs, 100 * a->above,
                      100 * (double)a->invalid / (double)a->runs,
                      100 * (double)a->inconclusive / (double)a->runs, a->mean_rounds,
                      a->ok ? "met" : "MISSED");
    }
    for (size_t i = 0; i < test->traces; i++)
        if (test->alarms[i].recorded)
            (void)fprintf(out, "%s: recorded, %zu rounds, %zu pairs of each metric.\n",
                          test->alarms[i].trace, test->alarms[i].rounds,
                          2 * test->alarms[i].rounds);
    (void)fprintf(out,
                  "In brackets: Clopper and Pearson's 97.5%% upper bound; the bar is %g%%.\n\n",
                  100 * bench_most_alarms());
}

static void print_rivals(const bench_selftest *test, FILE *out)
{
    (void)fprintf(out, "What is usually done, on the same traces (wall time, blocks of 10 runs)\n");
    for (int r = 0; r < BENCH_RIVALS; r++)
        (void)fprintf(out, "  %d: %s\n", r + 1, bench_rival_name[r]);
    (void)fprintf(out, "%-24s       1        2        3\n", "False alarms");
    for (size_t i = 0; i < test->traces; i++) {
        (void)fprintf(out, "%-24s", test->alarms[i].trace);
        for (int r = 0; r < BENCH_RIVALS; r++)
            (void)fprintf(out, " %7.2f%%", 100 * test->alarms[i].rival[r]);
        (void)fputc('\n', out);
    }
    (void)fputc('\n', out);
}

static void print_power(const bench_selftest *test, FILE *out)
{
    (void)fprintf(out, "Power: slowdowns found, put into the trace \"%s\"\n%-24s",
                  test->power_trace, "Slower metric");
    for (int s = 0; s < BENCH_SHIFTS; s++)
        (void)fprintf(out, "     +%2.0f%%", 100 * bench_shift[s]);
    (void)fputs("  Bar\n", out);
    for (size_t row = 0; row < BENCH_POWER_ROWS; row++) {
        const bench_power *p = &test->power[row];
        (void)fprintf(out, "%-24s", p->metric);
        for (int s = 0; s < BENCH_SHIFTS; s++)
            (void)fprintf(out, "  %6.2f%%", 100 * (double)p->caught[s] / (double)p->runs);
        (void)fprintf(out, "  %s (", p->ok ? "met" : "MISSED");
        for (int s = 0, any = 0; s < BENCH_SHIFTS; s++)
            if (p->least[s] > 0)
                (void)fprintf(out, "%s%.0f%% at +%.0f%%", any++ ? ", " : "", 100 * p->least[s],
                              100 * bench_shift[s]);
        (void)fputs(")\n", out);
    }
    (void)fprintf(
        out,
        "%zu runs each. At +3%% half of the medians lie under the 3%% that the gate asks for.\n\n",
        test->power[0].runs);
}

int bench_report_selftest(const bench_selftest *test, const char *path, FILE *out)
{
    (void)fprintf(out, "The gate, judged on itself\n%s, seed %" PRIu64 ", %.1f s\n\n", path,
                  test->seed, test->seconds);
    print_alarms(test, out);
    print_rivals(test, out);
    if (test->power_trace[0] != '\0')
        print_power(test, out);
    else
        (void)fputs("No trace of a quiet machine: the power is not judged.\n\n", out);
    (void)fprintf(out, "%s\n", test->ok ? "Self-test passed." : "Self-test FAILED.");
    return ferror(out) ? -1 : 0;
}
