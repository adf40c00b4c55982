/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "text_cells.h"
#include "text_section.h"
#include "util.h"

#include <math.h>
#include <string.h>

enum { CELL = BENCH_CELL };

typedef bench_text_writer writer;

void bench_text_heading(const writer *w, const char *title, const char *columns)
{
    (void)fprintf(w->out, "\n%s:\n", title);
    bench_text_rule(w, '-');
    (void)fprintf(w->out, "%s\n", columns);
    bench_text_rule(w, '-');
}

/* ---- rows ---- */

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

int bench_text_in(const writer *w, size_t at, bench_section section)
{
    const bench_case *item = &w->report->matrix->cases[at];
    return item->section == section && !item->verify_only;
}

int bench_text_has(const writer *w, bench_section section)
{
    for (size_t i = 0; i < w->report->matrix->count; i++)
        if (bench_text_in(w, i, section))
            return 1;
    return 0;
}

int bench_text_absent(const writer *w, size_t at, const char *label)
{
    const char *note;
    const char *status = bench_report_status(w->report, at, &note);
    if (w->report->figures[at].measured)
        return 0;
    (void)fprintf(w->out, "%-10s %s%s%s\n", label, status, note != NULL ? ": " : "",
                  note != NULL ? note : "");
    return 1;
}

void bench_text_setting(const writer *w, bench_section section)
{
    const bench_matrix *matrix = w->report->matrix;
    size_t at = 0;
    while (!bench_text_in(w, at, section) || matrix->cases[at].work != BENCH_QUANTIZE)
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

void bench_text_rounds(const writer *w, bench_section section)
{
    const bench_matrix *matrix = w->report->matrix;
    unsigned seen = 0;
    for (size_t i = 0; i < matrix->count; i++) {
        unsigned group = matrix->cases[i].group;
        if (!bench_text_in(w, i, section) || group + 1 <= seen)
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

void bench_text_detail(const writer *w, bench_section section, const char *first)
{
    char time[CELL], cpu[CELL], balance[CELL], bytes[CELL], weights[CELL], mark[8];
    (void)fprintf(w->out, "\n%-22s %-17s %-9s %-9s %-8s %-8s %s\n", first, "Time interval (s)",
                  "CPU/wall", "Balance", "GB/s in", "Gw/s", "Marks");
    for (size_t i = 0; i < w->report->matrix->count; i++) {
        const bench_figures *f = &w->report->figures[i];
        if (!bench_text_in(w, i, section) || !f->measured)
            continue;
        marks(w, i, mark, sizeof mark);
        (void)fprintf(
            w->out, "%-22s %-17s %-9s %-9s %-8s %-8s %s\n", w->report->matrix->cases[i].name,
            bench_cell_range(&f->time, time), bench_cell_number(&f->cpu_wall, 1, cpu),
            bench_cell_percent(&f->balance, balance), bench_cell_number(&f->byte_rate, 1e9, bytes),
            bench_cell_number(&f->weight_rate, 1e9, weights), mark);
    }
}

/* ---- targets ---- */

const char *bench_text_color(bench_outcome outcome)
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

void bench_text_target(const writer *w, const char *id, const char *what, double unit,
                       const char *suffix, const char *limit)
{
    const bench_target *target = find_target(w, id);
    const char *word =
        target->outcome == BENCH_MET ? "achieved" : bench_outcome_text(target->outcome);
    (void)fprintf(w->out, "%s%s Target %s:", w->color ? bench_text_color(target->outcome) : "",
                  sign(target->outcome), word);
    if (isfinite(target->value))
        (void)fprintf(w->out, " %.2f%s %s", target->value * unit, suffix, what);
    else
        (void)fprintf(w->out, " %s", what);
    (void)fprintf(w->out, " (target: %s)%s%s%s\n", limit, target->note != NULL ? ": " : "",
                  target->note != NULL ? target->note : "", w->color ? "\033[0m" : "");
}
