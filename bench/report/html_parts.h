/* SPDX-License-Identifier: Apache-2.0
 * What the pages have in common: head, style, and cells of tables. */
#ifndef BENCH_HTML_PARTS_H
#define BENCH_HTML_PARTS_H

#include <stdio.h>

void bench_html_begin(FILE *out, const char *title);
void bench_html_end(FILE *out);

/* A dash where the value is not finite. */
void bench_html_number(FILE *out, double value, const char *suffix);
void bench_html_range(FILE *out, double low, double high);
void bench_html_text(FILE *out, const char *class_name, const char *text);

#endif
