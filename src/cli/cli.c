/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/small.h"

static void print_error(const char *format, va_list args) __attribute__((format(printf, 1, 0)));

static void print_error(const char *format, va_list args)
{
    (void)fputs("arrowquant: ", stderr);
    (void)vfprintf(stderr, format, args);
    (void)fputc('\n', stderr);
}

void cli_error(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    print_error(format, args);
    va_end(args);
}

int cli_usage(const char *command, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    print_error(format, args);
    va_end(args);
    (void)fprintf(stderr, "Try 'arrowquant %s --help'.\n", command);
    return AQ_USAGE;
}

int cli_fail(const aq_error *error)
{
    cli_error("%s", error->message);
    return (int)error->status;
}

unsigned cli_thread_count(unsigned asked)
{
    return asked != 0 ? asked : aq_usable_cpus();
}

void cli_warn_threads(unsigned asked, size_t started)
{
    unsigned wanted = cli_thread_count(asked);
    if (started < wanted)
        cli_error("warning: only %zu of %u threads could be started; the result is the same, but "
                  "took longer",
                  started, wanted);
}

bool cli_number(const char *text, uint64_t most, uint64_t *out)
{
    char *end;
    if (text[0] < '0' || text[0] > '9')
        return false;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno != 0 || *end != '\0' || value > most)
        return false;
    *out = value;
    return true;
}

bool cli_threads(const char *text, unsigned *out)
{
    const uint64_t most = 4096;
    uint64_t n;
    if (!cli_number(text, most, &n) || n == 0)
        return false;
    *out = (unsigned)n;
    return true;
}

bool cli_size(const char *text, uint64_t *out)
{
    static const struct {
        const char *suffix;
        uint64_t unit;
    } units[] = {
        {"", 1},
        {"B", 1},
        {"K", UINT64_C(1) << 10},
        {"KiB", UINT64_C(1) << 10},
        {"M", UINT64_C(1) << 20},
        {"MiB", UINT64_C(1) << 20},
        {"G", UINT64_C(1) << 30},
        {"GiB", UINT64_C(1) << 30},
        {"T", UINT64_C(1) << 40},
        {"TiB", UINT64_C(1) << 40},
        {"kB", 1000},
        {"MB", 1000000},
        {"GB", 1000000000},
        {"TB", UINT64_C(1000000000000)},
    };
    char *end;
    if (text[0] < '0' || text[0] > '9')
        return false;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno != 0)
        return false;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (strcmp(end, units[i].suffix) == 0)
            return !__builtin_mul_overflow((uint64_t)value, units[i].unit, out);
    return false;
}

static const char *scaled(double value, const char *const *units, char *buf, size_t size)
{
    size_t i = 0;
    while (value >= 999.5 && units[i + 1] != NULL) {
        value /= 1000.0;
        i++;
    }
    int decimals = i == 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
    (void)snprintf(buf, size, "%.*f%s", decimals, value, units[i]);
    return buf;
}

const char *cli_bytes(double bytes, char *buf, size_t size)
{
    static const char *const units[] = {" B", " kB", " MB", " GB", " TB", " PB", NULL};
    return scaled(bytes, units, buf, size);
}

const char *cli_count(double count, char *buf, size_t size)
{
    static const char *const units[] = {"", "k", "M", "G", "T", NULL};
    return scaled(count, units, buf, size);
}

bool cli_flush(void)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return true;
    if (cli_cancel == 0) /* else it is a signal that ends this process, and says enough */
        cli_error("standard output: %s", strerror(errno));
    return false;
}

static void show(void *arg, uint64_t done, uint64_t total)
{
    cli_progress *p = arg;
    char rate[32];
    double seconds = aq_now() - p->begin, share = total == 0 ? 1.0 : (double)done / (double)total;
    double left = share > 0.0 ? seconds / share - seconds : 0.0;
    (void)fprintf(stderr, "\r%s: %3.0f%%, %s/s, %.0f s left\033[K", p->what, share * 100.0,
                  cli_bytes((double)done / (seconds > 0.0 ? seconds : 1.0), rate, sizeof rate),
                  left);
    (void)fflush(stderr);
    p->shown = true;
}

aq_progress_fn *cli_progress_start(cli_progress *p, const char *what, bool quiet)
{
    *p = (cli_progress){.what = what, .begin = aq_now()};
    return quiet || !isatty(STDERR_FILENO) ? NULL : show;
}

void cli_progress_end(cli_progress *p)
{
    if (p->shown)
        (void)fputs("\r\033[K", stderr);
}
