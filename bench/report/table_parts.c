/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "table_parts.h"
#include "util.h"

#include <math.h>
#include <string.h>

/* RFC 4180: quoted where it must be. */
void bench_csv_text(const char *text, FILE *out)
{
    if (text == NULL)
        return;
    if (strpbrk(text, ",\"\r\n") == NULL) {
        fputs(text, out);
        return;
    }
    (void)fputc('"', out);
    for (; *text != '\0'; text++) {
        if (*text == '"')
            (void)fputc('"', out);
        (void)fputc(*text, out);
    }
    (void)fputc('"', out);
}

/* Empty where it is not known. */
void bench_csv_number(double value, FILE *out)
{
    (void)fputc(',', out);
    if (isfinite(value))
        (void)fprintf(out, "%.12g", value);
}

void bench_csv_clear(double figure[BENCH_CSV_COLUMNS])
{
    for (int i = 0; i < BENCH_CSV_COLUMNS; i++)
        figure[i] = NAN;
}

void bench_csv_row(const bench_csv_head *head, const double figure[BENCH_CSV_COLUMNS],
                   const char *limit, const char *note, FILE *out)
{
    bench_csv_text(head->name, out);
    (void)fputc(',', out);
    bench_csv_text(head->model, out);
    (void)fprintf(out, ",%u,%s,%s,%zu", head->threads, head->streaming ? "true" : "false",
                  head->status, head->samples);
    for (int i = 0; i < BENCH_CSV_COLUMNS; i++)
        bench_csv_number(figure[i], out);
    (void)fputc(',', out);
    bench_csv_text(limit, out);
    (void)fputc(',', out);
    bench_csv_text(note, out);
    fputs("\r\n", out);
}

/* A bar would end the cell, and markup would be taken as such. */
void bench_markdown_text(const char *text, FILE *out)
{
    for (; text != NULL && *text != '\0'; text++) {
        if (strchr("|\\`*<[", *text) != NULL)
            (void)fputc('\\', out);
        (void)fputc(*text, out);
    }
}

void bench_markdown_cell(double value, const char *suffix, FILE *out)
{
    char cell[40];
    (void)fprintf(out, " %s%s |", isfinite(value) ? bench_number(value, cell, sizeof cell) : "",
                  isfinite(value) ? suffix : "");
}

void bench_markdown_interval(const bench_summary *s, FILE *out)
{
    char low[40], high[40];
    if (s->confidence > 0)
        (void)fprintf(out, " %s–%s |", bench_number(s->low, low, sizeof low),
                      bench_number(s->high, high, sizeof high));
    else
        fputs(" |", out);
}
