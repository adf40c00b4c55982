/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "child.h"
#include "store.h"
#include "system.h"
#include "util.h"

#include <errno.h>
#include <ftw.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Left free on the disk and in memory beside what a run needs. */
static const double reserve = 64e6;
static const char *const model_seed = "1";

/* ---- directories ---- */

char *bench_store_open(bench_store *store, const char *parent, const char *binary,
                       const bench_options *options, const bench_matrix *matrix)
{
    *store = (bench_store){.binary = binary, .options = options, .matrix = matrix};
    char *wrong = bench_make_directories(parent);
    if (wrong != NULL)
        return wrong;
    store->files = bench_alloc(matrix->models, sizeof *store->files);
    char *path = bench_format("%s/arrowquant-bench.XXXXXX", parent);
    if (mkdtemp(path) == NULL) {
        wrong = bench_format("cannot make a directory in %s: %s", parent, strerror(errno));
        free(path);
        return wrong;
    }
    store->directory = path;
    return NULL;
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *where)
{
    (void)info;
    (void)kind;
    (void)where;
    (void)remove(path);
    return 0;
}

static void remove_tree(const char *path)
{
    (void)nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

void bench_store_close(bench_store *store)
{
    if (store->files != NULL)
        for (size_t i = 0; i < store->matrix->models; i++)
            bench_store_release(store, i);
    free(store->files);
    if (store->directory != NULL)
        remove_tree(store->directory);
    free(store->directory);
    memset(store, 0, sizeof *store);
}

/* ---- what a run needs ---- */

static double weight_bytes(aq_dtype dtype)
{
    return dtype == AQ_DTYPE_F32 ? 4 : 2;
}

/* A user's model counts once it has been opened. */
static double input_bytes(const bench_store *store, const bench_case *item)
{
    const bench_model *model = &store->matrix->model[item->model];
    if (model->path != NULL)
        return store->files[item->model].bytes;
    return (double)model->weights * weight_bytes(store->options->dtype);
}

static double output_bytes(const bench_store *store, const bench_case *item)
{
    uint64_t weights = store->matrix->model[item->model].weights;
    double known = (double)aq_type_bytes(store->options->type, weights);
    return item->work == BENCH_QUANTIZE && known > 0 ? known : input_bytes(store, item);
}

static char *lack(const char *what, const char *where, double needed, double free_bytes)
{
    char need[32], have[32];
    if (isnan(free_bytes) || needed <= free_bytes)
        return NULL;
    return bench_format("needs %s of %s%s, %s are free", bench_bytes(needed, need, sizeof need),
                        what, where, bench_bytes(free_bytes, have, sizeof have));
}

char *bench_store_lack(const bench_store *store, const bench_case *item)
{
    double in = input_bytes(store, item), disk = reserve, memory = reserve;
    if (store->files[item->model].input == NULL && store->matrix->model[item->model].path == NULL)
        disk += in;
    if (item->to_file)
        disk += output_bytes(store, item);
    if (item->work == BENCH_QUANTIZE && item->mode == AQ_MODE_BATCH)
        memory += in + output_bytes(store, item);
    char *reason = lack("disk", " for models and outputs", disk, bench_disk_free(store->directory));
    if (reason == NULL)
        reason = lack("memory", "", memory, bench_memory_available());
    return reason;
}

/* ---- models ---- */

static char *list_files(bench_files *files, const char *path)
{
    aq_error error = {0};
    aq_model *model;
    if (aq_model_open(path, &model, &error) != AQ_OK)
        return bench_format("%s", error.message);
    files->count = aq_model_files(model);
    files->file = bench_alloc(files->count, sizeof *files->file);
    for (size_t i = 0; i < files->count; i++)
        files->file[i] = bench_copy(aq_model_file(model, i));
    aq_model_close(model);
    return NULL;
}

static char *synthesize(bench_store *store, size_t model, const char *path)
{
    static const char *const name[] = {
        [AQ_DTYPE_F32] = "f32", [AQ_DTYPE_F16] = "f16", [AQ_DTYPE_BF16] = "bf16"};
    const char *argv[] = {store->binary, "synth",
                          "--params",    store->matrix->model[model].params,
                          "--dtype",     name[store->options->dtype],
                          "--seed",      model_seed,
                          path,          NULL};
    bench_child child;
    char *wrong = NULL;
    if (bench_child_run((char *const *)argv, store->options->timeout_s, &child) != 0)
        wrong = bench_format("cannot run %s: %s", store->binary, strerror(errno));
    char *failure = wrong == NULL ? bench_child_failure(&child) : NULL;
    if (failure != NULL)
        wrong = bench_format("making the model %s: %s", store->matrix->model[model].label, failure);
    free(failure);
    bench_child_free(&child);
    return wrong;
}

static double part_resident(const bench_files *files)
{
    double present = 0, bytes = 0;
    for (size_t i = 0; i < files->count; i++) {
        struct stat info;
        if (stat(files->file[i], &info) != 0)
            continue;
        present += bench_resident(files->file[i]) * (double)info.st_size;
        bytes += (double)info.st_size;
    }
    return bytes > 0 ? present / bytes : NAN;
}

static char *read_once(bench_files *files)
{
    files->bytes = 0;
    for (size_t i = 0; i < files->count; i++) {
        struct stat info;
        if (stat(files->file[i], &info) != 0 || bench_read_through(files->file[i]) != 0)
            return bench_format("cannot read %s: %s", files->file[i], strerror(errno));
        files->bytes += (double)info.st_size;
    }
    /* What is in the page cache counts as available. */
    files->fits_memory = files->bytes + reserve < bench_memory_available();
    return NULL;
}

char *bench_store_prepare(bench_store *store, size_t model)
{
    bench_files *files = &store->files[model];
    if (files->input != NULL)
        return NULL;
    const char *path = store->matrix->model[model].path;
    char *input, *wrong;
    if (path != NULL) {
        input = bench_copy(path);
        wrong = list_files(files, input);
    } else {
        input = bench_format("%s/model-%zu.safetensors", store->directory, model);
        files->file = bench_alloc(1, sizeof *files->file);
        files->file[0] = bench_copy(input);
        files->count = 1;
        wrong = synthesize(store, model, input);
    }
    files->input = input;
    if (wrong == NULL)
        files->resident_before = part_resident(files);
    if (wrong == NULL)
        wrong = read_once(files);
    if (wrong != NULL)
        bench_store_release(store, model);
    return wrong;
}

void bench_store_release(bench_store *store, size_t model)
{
    bench_files *files = &store->files[model];
    for (size_t i = 0; i < files->count; i++) {
        if (store->matrix->model[model].path == NULL)
            (void)unlink(files->file[i]);
        free(files->file[i]);
    }
    free(files->file);
    free(files->input);
    *files = (bench_files){0};
}

double bench_store_warm(const bench_store *store, size_t model)
{
    const bench_files *files = &store->files[model];
    for (size_t i = 0; i < files->count; i++)
        if (files->fits_memory && bench_resident(files->file[i]) < 1)
            (void)bench_read_through(files->file[i]);
    return part_resident(files);
}

/* ---- outputs ---- */

static int is_directory(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

char *bench_store_output(const bench_store *store, const bench_case *item)
{
    if (item->work == BENCH_COPY)
        return bench_format("%s/copy", store->directory);
    if (!item->to_file)
        return bench_copy("null:");
    if (aq_type_block(store->options->type) != 0)
        return bench_format("%s/out.gguf", store->directory);
    const bench_files *files = &store->files[item->model];
    /* A model of several files stays one. */
    if (files->count > 1 || is_directory(files->input))
        return bench_format("%s/out", store->directory);
    return bench_format("%s/out.safetensors", store->directory);
}

void bench_store_discard(const bench_store *store)
{
    static const char *const name[] = {"copy", "out", "out.gguf", "out.safetensors"};
    for (size_t i = 0; i < sizeof name / sizeof name[0]; i++) {
        char *path = bench_format("%s/%s", store->directory, name[i]);
        remove_tree(path);
        free(path);
    }
}
