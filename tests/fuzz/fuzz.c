/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "fuzz.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/utf8.h"
#include "formats/dtype.h"

size_t fuzz_accepted;

size_t fuzz_splice(uint8_t *data, size_t size, size_t room, size_t at, size_t old, const void *with,
                   size_t length)
{
    if (size - old + length > room)
        return size;
    memmove(data + at + length, data + at + old, size - at - old);
    memcpy(data + at, with, length);
    return size - old + length;
}

/* ---- files ---- */

enum { FILES = 4 };

static char directory[64];
static char made[FILES][96];
static size_t made_count;

static void clean_up(void)
{
    for (size_t i = 0; i < made_count; i++)
        (void)unlink(made[i]);
    (void)rmdir(directory);
}

static void make_directory(void)
{
    const char *where = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    (void)snprintf(directory, sizeof directory, "%s/arrowquant-fuzz-XXXXXX", where);
    FUZZ_REQUIRE(mkdtemp(directory) != NULL);
    (void)atexit(clean_up);
}

void fuzz_file_make(fuzz_file *file, const char *name)
{
    if (file->path[0] != '\0')
        return;
    if (directory[0] == '\0')
        make_directory();
    FUZZ_REQUIRE(made_count < FILES);
    (void)snprintf(file->path, sizeof file->path, "%s/%s", directory, name);
    memcpy(made[made_count++], file->path, sizeof file->path);
    file->descriptor = open(file->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    FUZZ_REQUIRE(file->descriptor >= 0);
}

void fuzz_file_fill(const fuzz_file *file, const void *bytes, size_t size)
{
    FUZZ_REQUIRE(ftruncate(file->descriptor, (off_t)size) == 0 &&
                 pwrite(file->descriptor, bytes, size, 0) == (ssize_t)size);
}

/* ---- what is checked ---- */

void fuzz_check_error(aq_status status, const aq_error *err, const char *path)
{
    FUZZ_REQUIRE(status == err->status && status != AQ_OK && status <= AQ_CANCELLED);
    size_t length = strnlen(err->message, sizeof err->message);
    FUZZ_REQUIRE(length > 0 && length < sizeof err->message);
    for (size_t i = 0; i < length; i++)
        FUZZ_REQUIRE((unsigned char)err->message[i] >= 0x20 && err->message[i] != 0x7f);
    FUZZ_REQUIRE(path == NULL || strncmp(err->message, path, strlen(path)) == 0);
}

static int by_range(const void *a, const void *b)
{
    const aq_tensor *x = *(const aq_tensor *const *)a, *y = *(const aq_tensor *const *)b;
    if (x->file != y->file)
        return x->file < y->file ? -1 : 1;
    if (x->offset != y->offset)
        return x->offset < y->offset ? -1 : 1;
    return (x->bytes > y->bytes) - (x->bytes < y->bytes);
}

static void check_tensor(const aq_model *model, const aq_tensor *t)
{
    uint64_t weights = 1, bytes;
    for (uint32_t d = 0; d < t->rank; d++)
        FUZZ_REQUIRE(!__builtin_mul_overflow(weights, t->shape[d], &weights));
    FUZZ_REQUIRE(weights == t->weights);
    FUZZ_REQUIRE(aq_dtype_bytes(t->dtype, weights, &bytes) && bytes == t->bytes);
    FUZZ_REQUIRE(t->file < model->file_count);
    uint64_t size = model->files[t->file].size;
    FUZZ_REQUIRE(t->offset <= size && t->bytes <= size - t->offset);
    FUZZ_REQUIRE(aq_utf8_valid(t->name, strlen(t->name)));
}

void fuzz_check_model(const aq_model *model)
{
    fuzz_accepted++;
    size_t n = model->tensor_count;
    const aq_tensor **sorted = malloc((n + 1) * sizeof *sorted);
    FUZZ_REQUIRE(sorted != NULL);
    for (size_t i = 0; i < n; i++) {
        sorted[i] = &model->tensors[i];
        check_tensor(model, sorted[i]);
        for (size_t k = 0; k < i && i < 64; k++)
            FUZZ_REQUIRE(strcmp(model->tensors[i].name, model->tensors[k].name) != 0);
    }
    qsort(sorted, n, sizeof *sorted, by_range);
    for (size_t i = 1; i < n; i++)
        FUZZ_REQUIRE(sorted[i]->file != sorted[i - 1]->file || sorted[i]->bytes == 0 ||
                     sorted[i]->offset >= sorted[i - 1]->offset + sorted[i - 1]->bytes);
    free(sorted);
    for (size_t i = 0; i < model->metadata_count; i++)
        FUZZ_REQUIRE(model->metadata[i].key != NULL && model->metadata[i].value != NULL);
}

/* Too large a model is left at its layout: the data would have to be there. */
static void read_back(const aq_model *model, const aq_layout *layout, open_fn *read)
{
    const aq_out_file *file = &layout->files[0];
    aq_error err;
    aq_model *again;
    if (file->size > 65536)
        return;
    uint8_t *bytes = calloc(1, (size_t)file->size);
    FUZZ_REQUIRE(bytes != NULL && file->header_size <= file->size);
    memcpy(bytes, file->header, (size_t)file->header_size);
    aq_status status = model_from_bytes(bytes, (size_t)file->size, "again", read, &again, &err);
    if (status != AQ_OK)
        (void)fprintf(stderr, "what was written is refused: %s\n", err.message);
    FUZZ_REQUIRE(status == AQ_OK && again->tensor_count == model->tensor_count);
    fuzz_check_model(again);
    fuzz_accepted--; /* the same one once more */
    aq_model_close(again);
    free(bytes);
}

void fuzz_check_rewrite(const aq_model *model, fuzz_layout_fn *write, open_fn *read)
{
    aq_error err = {0};
    aq_out_file file = {0};
    aq_layout layout = {.format = model->format, .files = &file, .file_count = 1};
    layout.tensor_count = model->tensor_count;
    layout.tensors = calloc(model->tensor_count + 1, sizeof *layout.tensors);
    FUZZ_REQUIRE(layout.tensors != NULL);
    for (size_t i = 0; i < model->tensor_count; i++) {
        const aq_tensor *t = &model->tensors[i];
        layout.tensors[i] = (aq_out_tensor){t->name, t->dtype, t->rank, t->shape, t->bytes, 0, 0};
    }
    aq_status status = write(&layout, model, &err);
    if (status == AQ_OK)
        read_back(model, &layout, read);
    else
        fuzz_check_error(status, &err, NULL);
    aq_arena_free(&layout.arena);
    free(layout.tensors);
}
