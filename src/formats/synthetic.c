/* SPDX-License-Identifier: Apache-2.0
 * Models that exist only as arithmetic: one virtual file of tensor data, any range of which is made
 * when it is read. */
#include <config.h>

#include "base/error.h"
#include "dtype.h"
#include "formats.h"
#include "gauss.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Bounds that keep every product below in 64 bits, and the tensor table in memory. */
#define MAX_WEIGHTS (UINT64_C(1) << 50)
#define MAX_COLS (UINT64_C(1) << 32)
#define MAX_LAYERS (UINT64_C(1) << 20)

#define WHAT_PARAMS \
    "use 100M, 600M, 7B, 7B-seed, LAYERSxROWSxCOLUMNS or a number of weights such as 1.5B"

typedef struct shape {
    uint64_t layers, rows, cols;
    uint64_t last_rows; /* the last layer may be smaller */
} shape;

typedef struct synthetic_source {
    aq_source base;
    aq_gauss gauss;
    shape shape;
    aq_dtype dtype;
    uint32_t element; /* bytes */
    uint64_t seed, total;
} synthetic_source;

/* ---- what is asked for ---- */

/* A decimal number with at most 9 places and an optional K, M, G, B or T, as a whole number. */
static bool parse_count(const char *text, uint64_t *out)
{
    if (!isdigit((unsigned char)text[0]))
        return false;
    char *end;
    errno = 0;
    uint64_t value = strtoull(text, &end, 10);
    if (errno != 0 || value > MAX_WEIGHTS)
        return false;
    char digits[10] = "000000000";
    if (*end == '.') {
        size_t places = strspn(end + 1, "0123456789");
        if (places == 0 || places > 9)
            return false;
        memcpy(digits, end + 1, places);
        end += 1 + places;
    }
    static const struct {
        char letter;
        uint64_t factor;
    } units[] = {{'K', 1000},       {'M', 1000000},       {'G', 1000000000},
                 {'B', 1000000000}, {'T', 1000000000000}, {'\0', 1}};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (toupper((unsigned char)*end) != units[i].letter || (*end != '\0' && end[1] != '\0'))
            continue;
        if (value > MAX_WEIGHTS / units[i].factor)
            return false;
        /* One factor is a divisor of the other: no product is beyond 1e18. */
        uint64_t billionths = strtoull(digits, NULL, 10), factor = units[i].factor;
        *out = value * factor + (factor < 1000000000 ? billionths * factor / 1000000000
                                                     : billionths * (factor / 1000000000));
        return *out > 0;
    }
    return false;
}

static bool parse_explicit(const char *text, shape *out)
{
    uint64_t value[3];
    for (int i = 0; i < 3; i++) {
        if (!isdigit((unsigned char)*text))
            return false;
        char *end;
        errno = 0;
        value[i] = strtoull(text, &end, 10);
        if (errno != 0 || value[i] == 0 || *end != (i < 2 ? 'x' : '\0'))
            return false;
        text = end + 1;
    }
    *out = (shape){value[0], value[1], value[2], value[1]};
    return true;
}

/* As many layers as `weights` need, the last one cut to whole rows. */
static shape cut(uint64_t weights, uint64_t rows, uint64_t cols)
{
    uint64_t total_rows = (weights + cols - 1) / cols;
    uint64_t layers = (total_rows + rows - 1) / rows;
    return (shape){layers, rows, cols, total_rows - (layers - 1) * rows};
}

static bool parse_params(const char *text, shape *out)
{
    static const struct {
        const char *name;
        shape shape;
    } presets[] = {
        {"100M", {50, 512, 4096, 512}},
        {"600M", {100, 1024, 6144, 1024}},
        {"7B-seed", {200, 2048, 8192, 2048}},
    };
    for (size_t i = 0; i < sizeof presets / sizeof *presets; i++)
        if (strcasecmp(text, presets[i].name) == 0) {
            *out = presets[i].shape;
            return true;
        }
    if (strchr(text, 'x') != NULL)
        return parse_explicit(text, out);
    uint64_t weights;
    if (!parse_count(text, &weights))
        return false;
    if (weights >= UINT64_C(2000000000)) /* 7B as well */
        *out = cut(weights, 2048, 8192);
    else if (weights >= UINT64_C(300000000))
        *out = cut(weights, 1024, 6144);
    else if (weights >= UINT64_C(4000000))
        *out = cut(weights, 512, 4096);
    else
        *out = cut(weights, 64, 256);
    return true;
}

static bool shape_fits(const shape *of)
{
    return of->layers <= MAX_LAYERS && of->cols <= MAX_COLS && of->rows <= MAX_WEIGHTS / of->cols &&
           of->layers <= MAX_WEIGHTS / (of->rows * of->cols);
}

static bool parse_dtype(const char *text, aq_dtype *out)
{
    static const aq_dtype dtypes[] = {AQ_DTYPE_F16, AQ_DTYPE_BF16, AQ_DTYPE_F32};
    for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++)
        if (strcasecmp(text, aq_dtype_name(dtypes[i])) == 0) {
            *out = dtypes[i];
            return true;
        }
    return false;
}

static bool parse_seed(const char *text, uint64_t *out)
{
    char *end;
    errno = 0;
    *out = strtoull(text, &end, 10);
    return isdigit((unsigned char)text[0]) && *end == '\0' && errno == 0;
}

static aq_status parse_spec(const char *spec, synthetic_source *source, aq_error *err)
{
    char text[128];
    if (strlen(spec) >= sizeof text)
        return aq_fail(err, AQ_USAGE, "synthetic:%.40s...: too long; " WHAT_PARAMS, spec);
    strcpy(text, spec);
    char *dtype = strchr(text, ':');
    char *seed = NULL;
    if (dtype != NULL) {
        *dtype++ = '\0';
        seed = strchr(dtype, ':');
        if (seed != NULL)
            *seed++ = '\0';
    }
    source->dtype = AQ_DTYPE_F16;
    if (!parse_params(text, &source->shape))
        return aq_fail(err, AQ_USAGE, "'%s' is no size of a synthetic model: " WHAT_PARAMS, text);
    if (!shape_fits(&source->shape))
        return aq_fail(err, AQ_USAGE,
                       "a synthetic model of size '%s' is too large: at most 2^50 weights, 2^32 "
                       "columns and 2^20 layers",
                       text);
    if (dtype != NULL && !parse_dtype(dtype, &source->dtype))
        return aq_fail(err, AQ_USAGE, "'%s' is no dtype of a synthetic model: use f16, bf16 or f32",
                       dtype);
    if (seed != NULL && !parse_seed(seed, &source->seed))
        return aq_fail(err, AQ_USAGE, "'%s' is no seed: use a whole number below 2^64", seed);
    return AQ_OK;
}

/* ---- bytes ---- */

/* float32 to a 16-bit type, to nearest even. Finite values of moderate size only, as the generator
 * makes them; branch-free, so that the compiler makes vectors of it. */
static inline uint16_t to_f16(uint32_t bits)
{
    uint32_t sign = bits >> 16 & 0x8000u;
    bits &= 0x7fffffffu;
    uint32_t normal = (bits + 0xfffu + (bits >> 13 & 1) - (112u << 23)) >> 13;
    /* Below 2^-14 f16 is fixed point with 2^-24 as its unit, which is that of the sum with 0.5. */
    float magnitude;
    memcpy(&magnitude, &bits, sizeof magnitude);
    magnitude += 0.5f;
    uint32_t subnormal;
    memcpy(&subnormal, &magnitude, sizeof subnormal);
    subnormal -= 0x3f000000u;
    uint32_t small = -(uint32_t)(bits < 113u << 23);
    return (uint16_t)(sign | (small & subnormal) | (~small & normal));
}

static inline uint16_t to_bf16(uint32_t bits)
{
    return (uint16_t)((bits + 0x7fffu + (bits >> 16 & 1)) >> 16);
}

/* Always a whole block: a constant count makes a better loop than a short one would gain. */
static void convert(aq_dtype dtype, const float *restrict in, uint8_t *restrict out)
{
    uint32_t bits[AQ_GAUSS_BLOCK];
    uint16_t half[AQ_GAUSS_BLOCK];
    memcpy(bits, in, sizeof bits);
    if (dtype == AQ_DTYPE_F32) {
        memcpy(out, bits, sizeof bits);
        return;
    }
    if (dtype == AQ_DTYPE_F16)
        for (int i = 0; i < AQ_GAUSS_BLOCK; i++)
            half[i] = to_f16(bits[i]);
    else
        for (int i = 0; i < AQ_GAUSS_BLOCK; i++)
            half[i] = to_bf16(bits[i]);
    memcpy(out, half, sizeof half);
}

/* Copies what lies in [offset, offset + size) out of the block that begins at or before it, and
 * returns how much that was. */
static size_t read_block(const synthetic_source *source, uint64_t offset, uint8_t *buf, size_t size)
{
    const shape *of = &source->shape;
    uint64_t row_bytes = of->cols * source->element;
    uint64_t block_bytes = AQ_GAUSS_BLOCK * source->element;
    uint64_t layer = offset / row_bytes / of->rows;
    uint64_t row = offset / row_bytes % of->rows;
    uint64_t in_row = offset % row_bytes;
    uint64_t block = in_row / block_bytes;
    size_t skip = (size_t)(in_row % block_bytes);
    uint64_t left = of->cols - block * AQ_GAUSS_BLOCK;
    size_t n = left < AQ_GAUSS_BLOCK ? (size_t)left : AQ_GAUSS_BLOCK;

    float values[AQ_GAUSS_BLOCK] = {0};
    uint8_t bytes[AQ_GAUSS_BLOCK * sizeof(float)];
    aq_gauss_fill(&source->gauss, aq_gauss_key(source->seed, layer), of->cols, row, block, n,
                  values);
    size_t here = n * source->element - skip;
    if (here > size)
        here = size;
    bool direct = size >= block_bytes && here == block_bytes;
    convert(source->dtype, values, direct ? buf : bytes);
    if (!direct)
        memcpy(buf, bytes + skip, here);
    return here;
}

static aq_status synthetic_read_at(aq_source *self, uint32_t file, uint64_t offset, void *buf,
                                   size_t size, aq_error *err)
{
    const synthetic_source *source = (const synthetic_source *)self;
    if (file != 0 || offset > source->total || size > source->total - offset)
        return aq_fail(err, AQ_FAILURE, "synthetic model: no bytes at %" PRIu64 " + %zu", offset,
                       size);
    uint8_t *out = buf;
    while (size > 0) {
        size_t made = read_block(source, offset, out, size);
        offset += made;
        out += made;
        size -= made;
    }
    return AQ_OK;
}

static void synthetic_close(aq_source *self)
{
    aq_free(self);
}

/* ---- the model ---- */

static const char *tensor_name(aq_arena *arena, uint64_t layer)
{
    char name[64];
    int length =
        snprintf(name, sizeof name, "model.layers.%" PRIu64 ".mlp.down_proj.weight", layer);
    return aq_arena_strndup(arena, name, (size_t)length);
}

static aq_status fill_tensors(aq_model *model, const synthetic_source *source, aq_error *err)
{
    const shape *of = &source->shape;
    uint64_t *dims = aq_arena_alloc(&model->arena, 4 * sizeof *dims);
    model->tensors = aq_arena_alloc(&model->arena, (size_t)of->layers * sizeof *model->tensors);
    if (dims == NULL || model->tensors == NULL)
        return aq_fail_memory(err, "the tensors of a synthetic model");
    dims[0] = of->rows;
    dims[2] = of->last_rows;
    dims[1] = dims[3] = of->cols;
    uint64_t offset = 0;
    for (uint64_t i = 0; i < of->layers; i++) {
        const uint64_t *own = i + 1 < of->layers ? dims : dims + 2;
        aq_tensor *tensor = &model->tensors[i];
        *tensor = (aq_tensor){.name = tensor_name(&model->arena, i),
                              .dtype = source->dtype,
                              .rank = 2,
                              .shape = own,
                              .weights = own[0] * own[1],
                              .offset = offset,
                              .bytes = own[0] * own[1] * source->element};
        if (tensor->name == NULL)
            return aq_fail_memory(err, "the tensors of a synthetic model");
        offset += tensor->bytes;
    }
    model->tensor_count = (size_t)of->layers;
    return AQ_OK;
}

aq_status aq_synthetic_open(aq_model *model, const char *spec, aq_error *err)
{
    synthetic_source *source = aq_calloc(1, sizeof *source);
    if (source == NULL)
        return aq_fail_memory(err, "a synthetic model");
    source->base = (aq_source){synthetic_read_at, synthetic_close};
    model->source = &source->base;
    model->format = AQ_FORMAT_SYNTHETIC;
    aq_status status = parse_spec(spec, source, err);
    if (status != AQ_OK)
        return status;
    source->element = aq_dtype_get(source->dtype)->bytes;
    aq_gauss_init(&source->gauss);

    size_t length = strlen(spec);
    char *path = aq_arena_alloc(&model->arena, sizeof "synthetic:" + length);
    model->files = aq_arena_alloc(&model->arena, sizeof *model->files);
    if (path == NULL || model->files == NULL)
        return aq_fail_memory(err, "a synthetic model");
    memcpy(path, "synthetic:", sizeof "synthetic:" - 1);
    memcpy(path + sizeof "synthetic:" - 1, spec, length);
    model->path = path;

    status = fill_tensors(model, source, err);
    if (status != AQ_OK)
        return status;
    const aq_tensor *last = &model->tensors[model->tensor_count - 1];
    source->total = last->offset + last->bytes;
    model->files[0] = (aq_file){.path = path, .name = "model.safetensors", .size = source->total};
    model->file_count = 1;
    return AQ_OK;
}
