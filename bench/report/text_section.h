/* SPDX-License-Identifier: Apache-2.0
 * What every section of the text report has. */
#ifndef BENCH_TEXT_SECTION_H
#define BENCH_TEXT_SECTION_H

#include "text_parts.h"

void bench_text_heading(const bench_text_writer *w, const char *title, const char *columns);

/* Whether the configuration has a row in the section; whether the section has any. */
int bench_text_in(const bench_text_writer *w, size_t at, bench_section section);
int bench_text_has(const bench_text_writer *w, bench_section section);
/* Says why a configuration has no figures; 0 where it has. */
int bench_text_absent(const bench_text_writer *w, size_t at, const char *label);

void bench_text_setting(const bench_text_writer *w, bench_section section);
void bench_text_rounds(const bench_text_writer *w, bench_section section);
void bench_text_detail(const bench_text_writer *w, bench_section section, const char *first);

/* The line under a section: "Target achieved: 6.37x speedup on 8 cores (target: 4-8x)". */
void bench_text_target(const bench_text_writer *w, const char *id, const char *what, double unit,
                       const char *suffix, const char *limit);
const char *bench_text_color(bench_outcome outcome);

/* A section of thread counts, whole. */
void bench_text_scaling(const bench_text_writer *w, bench_section section);

#endif
