/* SPDX-License-Identifier: Apache-2.0
 * The plots of the page. Each writes one figure, or nothing where it has nothing to show. */
#ifndef BENCH_PLOTS_H
#define BENCH_PLOTS_H

#include "report.h"

void bench_plot_targets(const bench_report *report, FILE *out);

/* Thread scaling. */
void bench_plot_speedup(const bench_report *report, bench_section section, FILE *out);
void bench_plot_efficiency(const bench_report *report, bench_section section, FILE *out);
void bench_plot_losses(const bench_report *report, bench_section section, FILE *out);

/* The samples of any section. */
void bench_plot_samples(const bench_report *report, bench_section section, FILE *out);
void bench_plot_order(const bench_report *report, bench_section section, FILE *out);
void bench_plot_density(const bench_report *report, bench_section section, FILE *out);
void bench_plot_ratios(const bench_report *report, bench_section section, FILE *out);

/* What the machine gave to them. */
void bench_plot_roof(const bench_report *report, bench_section section, FILE *out);
void bench_plot_workers(const bench_report *report, bench_section section, FILE *out);

void bench_plot_sizes(const bench_report *report, FILE *out);
void bench_plot_memory_time(const bench_report *report, FILE *out);
void bench_plot_memory(const bench_report *report, FILE *out);

/* The comparison with another build. */
void bench_plot_gate_forest(const bench_gate *gate, FILE *out);
void bench_plot_gate_ratios(const bench_gate *gate, size_t metric, FILE *out);

#endif
