/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "cases.h"
#include "sizes.h"
#include "util.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Weights of a model under --quick: 200 MB of f16, a run of some tens of milliseconds. */
static const uint64_t quick_weights = UINT64_C(120000000);
/* Larger models are not run again only to check other ISAs and the other mode. */
static const uint64_t verify_weights = UINT64_C(1100000000);

void bench_machine_read(bench_machine *machine)
{
    machine->cpus = aq_usable_cpus();
    machine->isa_best = aq_isa_best();
    for (int i = 0; i < AQ_ISA_COUNT; i++)
        machine->isa_usable[i] = aq_isa_usable((aq_isa)i);
}

/* ---- models ---- */

void bench_set_label(const char *path, char *label, size_t size)
{
    size_t end = strlen(path);
    while (end > 1 && path[end - 1] == '/')
        end--;
    size_t start = end;
    while (start > 0 && path[start - 1] != '/')
        start--;
    (void)snprintf(label, size, "%.*s", (int)(end - start), path + start);
}

static size_t append_model(bench_matrix *matrix, const bench_model *model)
{
    for (size_t i = 0; i < matrix->models; i++)
        if (strcmp(matrix->model[i].label, model->label) == 0 &&
            strcmp(matrix->model[i].params, model->params) == 0)
            return i;
    matrix->model = bench_grow(matrix->model, matrix->models + 1, sizeof *matrix->model);
    matrix->model[matrix->models] = *model;
    return matrix->models++;
}

static size_t add_model(bench_matrix *matrix, const bench_options *options, const char *label)
{
    bench_model model = {.path = options->model};
    if (options->model != NULL) {
        bench_set_label(options->model, model.label, sizeof model.label);
        return append_model(matrix, &model);
    }
    bench_size size;
    (void)bench_size_parse(label, &size); /* the options were checked */
    bench_size used = options->quick ? bench_size_scaled(size, quick_weights) : size;
    (void)snprintf(model.label, sizeof model.label, "%s", label);
    bench_size_params(used, model.params, sizeof model.params);
    model.weights = used.weights;
    model.scaled = used.weights != size.weights;
    return append_model(matrix, &model);
}

/* ---- configurations ---- */

static int append_case(bench_matrix *matrix, const bench_case *item)
{
    matrix->cases = bench_grow(matrix->cases, matrix->count + 1, sizeof *matrix->cases);
    matrix->cases[matrix->count] = *item;
    return (int)matrix->count++;
}

static bench_case new_case(const bench_matrix *matrix, const bench_options *options,
                           const bench_machine *machine, bench_section section, size_t model)
{
    bench_case item = {
        .section = section,
        .group = matrix->groups,
        .model = model,
        .work = BENCH_QUANTIZE,
        .threads = matrix->threads,
        .mode = options->mode,
        .isa = machine->isa_best,
        .pair = BENCH_NO_PAIR,
    };
    item.to_file = options->sink == BENCH_SINK_FILE ||
                   (options->sink == BENCH_SINK_DEFAULT && section == BENCH_SIZES);
    return item;
}

static void add_threads(bench_matrix *matrix, bench_case item, const unsigned *cores, size_t count)
{
    size_t first = matrix->count;
    int base = BENCH_NO_PAIR;
    for (size_t i = 0; i < count; i++) {
        item.threads = cores[i];
        (void)snprintf(item.name, sizeof item.name, "%s_%u_threads",
                       item.section == BENCH_SCALING ? "parallel" : "speedup", cores[i]);
        int at = append_case(matrix, &item);
        if (cores[i] == 1)
            base = at;
    }
    for (size_t i = first; i < matrix->count; i++)
        if (base != BENCH_NO_PAIR && i != (size_t)base)
            matrix->cases[i].pair = base;
    matrix->groups++;
}

static void add_scaling(bench_matrix *matrix, const bench_options *options,
                        const bench_machine *machine)
{
    size_t model = add_model(matrix, options, options->model_size);
    add_threads(matrix, new_case(matrix, options, machine, BENCH_SCALING, model), options->cores,
                options->cores_count);
}

static void add_speedup(bench_matrix *matrix, const bench_options *options,
                        const bench_machine *machine)
{
    static const unsigned cores[] = {1, 8};
    size_t model = add_model(matrix, options, "80x768x3072");
    add_threads(matrix, new_case(matrix, options, machine, BENCH_SPEEDUP, model), cores, 2);
}

static void add_size(bench_matrix *matrix, const bench_options *options,
                     const bench_machine *machine, const char *label)
{
    size_t model = add_model(matrix, options, label);
    const char *name = matrix->model[model].label;
    bench_case item = new_case(matrix, options, machine, BENCH_SIZES, model);
    bench_case copy = item;
    copy.work = BENCH_COPY;
    copy.threads = 1;
    copy.to_file = 1;
    (void)snprintf(copy.name, sizeof copy.name, "cp_%s", name);
    (void)snprintf(item.name, sizeof item.name, "model_%s_%u_threads", name, item.threads);
    item.pair = append_case(matrix, &copy);
    append_case(matrix, &item);
    matrix->groups++;
}

static void add_sizes(bench_matrix *matrix, const bench_options *options,
                      const bench_machine *machine)
{
    if (options->model != NULL)
        add_size(matrix, options, machine, "");
    else
        for (size_t i = 0; i < options->model_sizes_count; i++)
            add_size(matrix, options, machine, options->model_sizes[i]);
}

static void add_streaming(bench_matrix *matrix, const bench_options *options,
                          const bench_machine *machine)
{
    size_t model = add_model(matrix, options, "100x1024x4096");
    bench_case item = new_case(matrix, options, machine, BENCH_STREAMING, model);
    item.mode = AQ_MODE_BATCH;
    (void)snprintf(item.name, sizeof item.name, "batch_%u_threads", item.threads);
    int batch = append_case(matrix, &item);
    item.mode = AQ_MODE_STREAMING;
    item.pair = batch;
    (void)snprintf(item.name, sizeof item.name, "streaming_%u_threads", item.threads);
    append_case(matrix, &item);
    matrix->groups++;
}

/* ---- verification ---- */

static int has_case(const bench_matrix *matrix, size_t model, aq_mode mode, aq_isa isa)
{
    for (size_t i = 0; i < matrix->count; i++) {
        const bench_case *item = &matrix->cases[i];
        if (item->model == model && item->work == BENCH_QUANTIZE && item->mode == mode &&
            item->isa == isa)
            return 1;
    }
    return 0;
}

static void add_verification(bench_matrix *matrix, bench_case item, aq_mode mode, aq_isa isa)
{
    if (has_case(matrix, item.model, mode, isa))
        return;
    item.mode = mode;
    item.isa = isa;
    item.to_file = 0;
    item.verify_only = 1;
    item.pair = BENCH_NO_PAIR;
    (void)snprintf(item.name, sizeof item.name, "verify_%.40s_%s_%s",
                   matrix->model[item.model].label, mode == AQ_MODE_BATCH ? "batch" : "streaming",
                   aq_isa_name(isa));
    append_case(matrix, &item);
}

/* The same bytes must come from the other mode and from every other ISA of this machine. */
static void add_verifications(bench_matrix *matrix, const bench_machine *machine)
{
    size_t measured = matrix->count;
    for (size_t i = 0; i < measured; i++) {
        bench_case item = matrix->cases[i];
        if (item.work != BENCH_QUANTIZE || matrix->model[item.model].weights > verify_weights)
            continue;
        add_verification(matrix, item, AQ_MODE_STREAMING, item.isa);
        add_verification(matrix, item, AQ_MODE_BATCH, item.isa);
        for (int isa = 0; isa < AQ_ISA_COUNT; isa++)
            if (machine->isa_usable[isa])
                add_verification(matrix, item, AQ_MODE_STREAMING, (aq_isa)isa);
    }
}

void bench_matrix_build(const bench_options *options, const bench_machine *machine,
                        bench_matrix *matrix)
{
    memset(matrix, 0, sizeof *matrix);
    matrix->threads = options->threads != 0 ? options->threads
                      : machine->cpus > 8   ? 8
                                            : machine->cpus;
    if (options->selected[BENCH_SCALING])
        add_scaling(matrix, options, machine);
    if (options->selected[BENCH_SPEEDUP])
        add_speedup(matrix, options, machine);
    if (options->selected[BENCH_SIZES])
        add_sizes(matrix, options, machine);
    if (options->selected[BENCH_STREAMING])
        add_streaming(matrix, options, machine);
    add_verifications(matrix, machine);
}

void bench_matrix_free(bench_matrix *matrix)
{
    free(matrix->model);
    free(matrix->cases);
    memset(matrix, 0, sizeof *matrix);
}

void bench_matrix_list(const bench_matrix *matrix, FILE *out)
{
    for (int section = 0; section < BENCH_SECTIONS; section++) {
        (void)fprintf(out, "%s\n", bench_section_name((bench_section)section));
        for (size_t i = 0; i < matrix->count; i++) {
            const bench_case *item = &matrix->cases[i];
            const bench_model *model = &matrix->model[item->model];
            if ((int)item->section != section || item->verify_only)
                continue;
            (void)fprintf(out, "  %-28s %s%s%s", item->name, model->label,
                          model->params[0] != '\0' ? " = " : "", model->params);
            if (item->work == BENCH_QUANTIZE)
                (void)fprintf(out, ", %u thread%s, %s, %s", item->threads,
                              item->threads == 1 ? "" : "s",
                              item->mode == AQ_MODE_BATCH ? "batch" : "streaming",
                              item->to_file ? "written" : "discarded");
            (void)fputc('\n', out);
        }
    }
}
