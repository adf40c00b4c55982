/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "report.h"
#include "text_parts.h"
#include "util.h"

#include <math.h>
#include <string.h>

enum { CELL = 40 };

typedef bench_text_writer writer;

static void heading(const writer *w, const char *title, const char *columns)
{
    (void)fprintf(w->out, "\n%s:\n", title);
    bench_text_rule(w, '-');
    (void)fprintf(w->out, "%s\n", columns);
    bench_text_rule(w, '-');
}

/* ---- cells ---- */

static const char *number_cell(const bench_summary *summary, double unit, char *out)
{
    return bench_number(summary->median / unit, out, CELL);
}

static const char *factor_cell(const bench_summary *summary, char *out)
{
    if (summary->count == 0)
        (void)snprintf(out, CELL, "N/A");
    else
        (void)snprintf(out, CELL, "%.2fx", summary->median);
    return out;
}

static const char *percent_cell(const bench_summary *summary, char *out)
{
    if (summary->count == 0)
        (void)snprintf(out, CELL, "N/A");
    else
        (void)snprintf(out, CELL, "%.1f%%", 100 * summary->median);
    return out;
}

static const char *range_cell(const bench_summary *summary, char *out)
{
    char low[CELL], high[CELL];
    if (!(summary->confidence > 0))
        (void)snprintf(out, CELL, "N/A");
    else
        (void)snprintf(out, CELL, "%.12s-%.12s", bench_number(summary->low, low, sizeof low),
                       bench_number(summary->high, high, sizeof high));
    return out;
}

static const char *percent_range_cell(const bench_summary *summary, char *out)
{
    if (!(summary->confidence > 0))
        (void)snprintf(out, CELL, "N/A");
    else
        (void)snprintf(out, CELL, "%.1f-%.1f%%", 100 * summary->low, 100 * summary->high);
    return out;
}

/* Why a row has no figures, or what to know about those it has. */
static void marks(const writer *w, size_t at, char *out, size_t size)
{
    const bench_figures *f = &w->report->figures[at];
    (void)snprintf(out, size, "%s%s%s%s", f->oversubscribed > 0 ? "o" : "",
                   f->no_cores > 0 ? "c" : "", f->fewer_threads > 0 ? "t" : "",
                   f->evicted > 0 ? "e" : "");
    if (out[0] == '\0')
        (void)snprintf(out, size, "-");
}

static int in_section(const writer *w, size_t at, bench_section section)
{
    const bench_case *item = &w->report->matrix->cases[at];
    return item->section == section && !item->verify_only;
}

static int has_section(const writer *w, bench_section section)
{
    for (size_t i = 0; i < w->report->matrix->count; i++)
        if (in_section(w, i, section))
            return 1;
    return 0;
}

static int print_absent(const writer *w, size_t at, const char *label)
{
    const char *note;
    const char *status = bench_report_status(w->report, at, &note);
    if (w->report->figures[at].measured)
        return 0;
    (void)fprintf(w->out, "%-10s %s%s%s\n", label, status, note != NULL ? ": " : "",
                  note != NULL ? note : "");
    return 1;
}

/* ---- what all sections say ---- */

static void print_setting(const writer *w, bench_section section)
{
    const bench_matrix *matrix = w->report->matrix;
    size_t at = 0;
    while (!in_section(w, at, section) || matrix->cases[at].work != BENCH_QUANTIZE)
        at++;
    const bench_case *item = &matrix->cases[at];
    const bench_model *model = &matrix->model[item->model];
    char dtype[16] = "";
    if (model->path == NULL)
        (void)snprintf(dtype, sizeof dtype, ", %s", aq_dtype_name(w->report->options->dtype));
    if (section != BENCH_SIZES)
        (void)fprintf(w->out, "Model %s%s%s%s%s to %s", model->label,
                      model->params[0] != '\0' ? " (" : "", model->params,
                      model->params[0] != '\0' ? dtype : "", model->params[0] != '\0' ? ")" : "",
                      aq_type_name(w->report->options->type));
    else
        (void)fprintf(w->out, "Each model to %s with %u thread%s",
                      aq_type_name(w->report->options->type), item->threads,
                      item->threads == 1 ? "" : "s");
    if (section == BENCH_STREAMING)
        (void)fprintf(w->out, " with %u thread%s in both modes", item->threads,
                      item->threads == 1 ? "" : "s");
    else
        (void)fprintf(w->out, ", %s", item->mode == AQ_MODE_BATCH ? "batch" : "streaming");
    (void)fprintf(w->out, ", output %s.\n",
                  item->to_file ? "written without waiting for the disk" : "discarded");
}

static void print_rounds(const writer *w, bench_section section)
{
    const bench_matrix *matrix = w->report->matrix;
    unsigned seen = 0;
    for (size_t i = 0; i < matrix->count; i++) {
        unsigned group = matrix->cases[i].group;
        if (!in_section(w, i, section) || group + 1 <= seen)
            continue;
        seen = group + 1;
        const bench_group *run = &w->report->run->group[group];
        if (run->stop == BENCH_NOT_SAMPLED)
            continue;
        (void)fprintf(w->out, "%s%s%u round%s in %.1f s: %s.\n",
                      section == BENCH_SIZES ? matrix->model[matrix->cases[i].model].label : "",
                      section == BENCH_SIZES ? ": " : "", run->rounds, run->rounds == 1 ? "" : "s",
                      run->spent_s, bench_stop_text(run->stop));
    }
}

static void print_detail(const writer *w, bench_section section, const char *first)
{
    char time[CELL], cpu[CELL], balance[CELL], bytes[CELL], weights[CELL], mark[8];
    (void)fprintf(w->out, "\n%-22s %-17s %-9s %-9s %-8s %-8s %s\n", first, "Time interval (s)",
                  "CPU/wall", "Balance", "GB/s in", "Gw/s", "Marks");
    for (size_t i = 0; i < w->report->matrix->count; i++) {
        const bench_figures *f = &w->report->figures[i];
        if (!in_section(w, i, section) || !f->measured)
            continue;
        marks(w, i, mark, sizeof mark);
        (void)fprintf(w->out, "%-22s %-17s %-9s %-9s %-8s %-8s %s\n",
                      w->report->matrix->cases[i].name, range_cell(&f->time, time),
                      number_cell(&f->cpu_wall, 1, cpu), percent_cell(&f->balance, balance),
                      number_cell(&f->byte_rate, 1e9, bytes),
                      number_cell(&f->weight_rate, 1e9, weights), mark);
    }
}

/* ---- targets ---- */

static const char *outcome_color(bench_outcome outcome)
{
    switch (outcome) {
    case BENCH_MET:
        return "\033[32m";
    case BENCH_MISSED:
    case BENCH_FAILED:
        return "\033[31m";
    case BENCH_INCONCLUSIVE:
        return "\033[33m";
    default:
        return "\033[2m";
    }
}

static const char *sign(bench_outcome outcome)
{
    return outcome == BENCH_MET                                 ? "✅"
           : outcome == BENCH_MISSED || outcome == BENCH_FAILED ? "❌"
                                                                : "➖";
}

static const bench_target *find_target(const writer *w, const char *id)
{
    for (int i = 0; i < BENCH_TARGETS; i++)
        if (strcmp(w->report->verdict->target[i].id, id) == 0)
            return &w->report->verdict->target[i];
    return NULL;
}

/* The line under a section: "Target achieved: 6.37x speedup on 8 cores (target: 4-8x)". */
static void print_target_line(const writer *w, const char *id, const char *what, double unit,
                              const char *suffix, const char *limit)
{
    const bench_target *target = find_target(w, id);
    const char *word =
        target->outcome == BENCH_MET ? "achieved" : bench_outcome_text(target->outcome);
    (void)fprintf(w->out, "%s%s Target %s:", w->color ? outcome_color(target->outcome) : "",
                  sign(target->outcome), word);
    if (isfinite(target->value))
        (void)fprintf(w->out, " %.2f%s %s", target->value * unit, suffix, what);
    else
        (void)fprintf(w->out, " %s", what);
    (void)fprintf(w->out, " (target: %s)%s%s%s\n", limit, target->note != NULL ? ": " : "",
                  target->note != NULL ? target->note : "", w->color ? "\033[0m" : "");
}

static void print_targets(const writer *w)
{
    heading(w, "Targets", "Target                     Limit      Measured               Outcome");
    for (int i = 0; i < BENCH_TARGETS; i++) {
        const bench_target *t = &w->report->verdict->target[i];
        char value[CELL] = "-", low[CELL], high[CELL], measured[3 * CELL + 16], limit[CELL];
        (void)snprintf(limit, sizeof limit, "%s%g%s%s", t->at_least ? ">= " : "< ", t->limit,
                       t->unit[0] == 's' ? " " : "", t->unit);
        (void)snprintf(measured, sizeof measured, "-");
        if (isfinite(t->value))
            (void)snprintf(measured, sizeof measured, "%s", bench_number(t->value, value, CELL));
        if (t->confidence > 0)
            (void)snprintf(measured, sizeof measured, "%s (%s-%s)", value,
                           bench_number(t->low, low, CELL), bench_number(t->high, high, CELL));
        (void)fprintf(w->out, "%-26s %-10s %-22s %s%s%s%s%s\n", t->label, limit, measured,
                      w->color ? outcome_color(t->outcome) : "", bench_outcome_text(t->outcome),
                      w->color ? "\033[0m" : "", t->note != NULL ? ": " : "",
                      t->note != NULL ? t->note : "");
    }
}

/* ---- sections ---- */

static void print_estimate(const writer *w, const char *label, const bench_estimate *e)
{
    char value[CELL], low[CELL], high[CELL];
    (void)fprintf(w->out, "%-22s %-10s (%s-%s)\n", label, bench_number(e->value, value, CELL),
                  bench_number(e->low, low, CELL), bench_number(e->high, high, CELL));
}

static void print_fit(const writer *w)
{
    const bench_fit *fit = w->report->fit;
    char label[CELL];
    if (!fit->fitted) {
        (void)fprintf(w->out,
                      "\nLaws of scaling: not fitted, for want of points that had a CPU for each "
                      "thread: %zu of %d.\n",
                      fit->points, BENCH_FIT_FEWEST);
        return;
    }
    (void)fprintf(w->out, "\nLaws of scaling, fitted to %zu points (95%% bootstrap intervals):\n",
                  fit->points);
    print_estimate(w, "Amdahl: serial part", &fit->serial);
    print_estimate(w, "USL: sigma", &fit->sigma);
    if (fit->kappa_dropped)
        (void)fprintf(w->out, "%-22s dropped: its interval holds 0\n", "USL: kappa");
    else
        print_estimate(w, "USL: kappa", &fit->kappa);
    if (isfinite(fit->peak))
        (void)fprintf(w->out, "%-22s %.0f threads\n", "Most speedup at", fit->peak);
    for (int i = 0; i < BENCH_PROJECTIONS; i++) {
        (void)snprintf(label, sizeof label, "Projected, %g cores", fit->projected_threads[i]);
        print_estimate(w, label, &fit->projected[i]);
    }
    fputs("A projection is no measurement, and no target is judged by it.\n", w->out);
}

static void print_scaling(const writer *w, bench_section section)
{
    const bench_matrix *matrix = w->report->matrix;
    char label[16], time[CELL], memory[CELL], speedup[CELL], efficiency[CELL];
    heading(w, bench_section_title(section),
            "Threads    Time (s)     Memory (MB)     Speedup    Efficiency");
    for (size_t i = 0; i < matrix->count; i++) {
        const bench_figures *f = &w->report->figures[i];
        if (!in_section(w, i, section))
            continue;
        (void)snprintf(label, sizeof label, "%u", matrix->cases[i].threads);
        if (!print_absent(w, i, label))
            (void)fprintf(w->out, "%-10s %-12s %-15s %-10s %s\n", label,
                          number_cell(&f->time, 1, time), number_cell(&f->memory, 1e6, memory),
                          factor_cell(&f->speedup, speedup),
                          percent_cell(&f->efficiency, efficiency));
    }
    (void)fputc('\n', w->out);
    print_target_line(w, "speedup_8_cores", "speedup on 8 cores", 1, "x", "4-8x");
    (void)fputc('\n', w->out);
    print_setting(w, section);
    print_rounds(w, section);
    print_detail(w, section, "Run");
    (void)fprintf(w->out, "\n%-22s %-22s %-22s %s\n", "Run", "Speedup interval",
                  "Efficiency interval", "Serial part");
    for (size_t i = 0; i < matrix->count; i++) {
        const bench_figures *f = &w->report->figures[i];
        if (in_section(w, i, section) && f->measured && f->speedup.count > 0)
            (void)fprintf(w->out, "%-22s %-22s %-22s %s\n", matrix->cases[i].name,
                          range_cell(&f->speedup, speedup),
                          percent_range_cell(&f->efficiency, efficiency),
                          bench_number(f->karp_flatt, time, CELL));
    }
    if (section == BENCH_SCALING)
        print_fit(w);
}

static void print_sizes(const writer *w)
{
    const bench_matrix *matrix = w->report->matrix;
    char time[CELL], memory[CELL], ratio[CELL], range[CELL], label[80];
    heading(w, bench_section_title(BENCH_SIZES),
            "Model      Time (s)     Memory (MB)     Ratio to cp  Interval");
    for (size_t i = 0; i < matrix->count; i++) {
        const bench_figures *f = &w->report->figures[i];
        const bench_model *model = &matrix->model[matrix->cases[i].model];
        if (!in_section(w, i, BENCH_SIZES) || matrix->cases[i].work != BENCH_QUANTIZE)
            continue;
        (void)snprintf(label, sizeof label, "%s%s", model->label, model->scaled ? "*" : "");
        if (!print_absent(w, i, label))
            (void)fprintf(w->out, "%-10s %-12s %-15s %-12s %s\n", label,
                          number_cell(&f->time, 1, time), number_cell(&f->memory, 1e6, memory),
                          factor_cell(&f->wall_ratio, ratio), range_cell(&f->wall_ratio, range));
    }
    (void)fputc('\n', w->out);
    print_target_line(w, "time_100M", "for 100M", 1, " s", "<2 minutes");
    print_target_line(w, "time_600M", "for 600M", 1, " s", "<10 minutes");
    print_target_line(w, "time_7B", "for 7B", 1, " s", "<30 minutes");
    (void)fputc('\n', w->out);
    for (size_t i = 0; i < matrix->count; i++) {
        const bench_model *model = &matrix->model[matrix->cases[i].model];
        if (in_section(w, i, BENCH_SIZES) && matrix->cases[i].work == BENCH_QUANTIZE &&
            model->scaled)
            (void)fprintf(w->out, "* %s was scaled down to %s.\n", model->label, model->params);
    }
    print_setting(w, BENCH_SIZES);
    fputs("The ratio to cp is that of the whole processes' wall times, paired within rounds.\n",
          w->out);
    print_rounds(w, BENCH_SIZES);
    print_detail(w, BENCH_SIZES, "Run");
}

static void print_streaming(const writer *w)
{
    const bench_matrix *matrix = w->report->matrix;
    char time[CELL], memory[CELL], time_ratio[CELL], memory_ratio[CELL], accounted[CELL];
    heading(w, bench_section_title(BENCH_STREAMING),
            "Mode       Time (s)     Memory (MB)     Time ratio Memory ratio  Accounted (MB)");
    for (size_t i = 0; i < matrix->count; i++) {
        const bench_figures *f = &w->report->figures[i];
        if (!in_section(w, i, BENCH_STREAMING))
            continue;
        const char *mode = matrix->cases[i].mode == AQ_MODE_BATCH ? "batch" : "streaming";
        if (!print_absent(w, i, mode))
            (void)fprintf(w->out, "%-10s %-12s %-15s %-10s %-13s %s\n", mode,
                          number_cell(&f->time, 1, time), number_cell(&f->memory, 1e6, memory),
                          factor_cell(&f->time_ratio, time_ratio),
                          percent_cell(&f->memory_ratio, memory_ratio),
                          number_cell(&f->accounted, 1e6, accounted));
    }
    (void)fputc('\n', w->out);
    print_target_line(w, "memory_ratio", "of the memory of batch mode", 100, "%", "<50%");
    (void)fputc('\n', w->out);
    print_setting(w, BENCH_STREAMING);
    print_rounds(w, BENCH_STREAMING);
    print_detail(w, BENCH_STREAMING, "Run");
}

int bench_report_text(const bench_report *report, int color, FILE *out)
{
    const writer w = {report, out, color};
    bench_text_rule(&w, '=');
    (void)fprintf(out, "ArrowQuant Parallelization Benchmark Report\n");
    bench_text_rule(&w, '=');
    if (report->options->quick)
        (void)fprintf(out,
                      "\nQuick run: large models are scaled down, and fewer rounds are made.\n");
    if (has_section(&w, BENCH_SCALING))
        print_scaling(&w, BENCH_SCALING);
    if (has_section(&w, BENCH_SPEEDUP))
        print_scaling(&w, BENCH_SPEEDUP);
    if (has_section(&w, BENCH_SIZES))
        print_sizes(&w);
    if (has_section(&w, BENCH_STREAMING))
        print_streaming(&w);
    print_targets(&w);
    bench_text_failures(&w);
    bench_text_verification(&w);
    bench_text_environment(&w);
    bench_text_key(&w);
    return ferror(out) ? -1 : 0;
}
