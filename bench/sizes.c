/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "sizes.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    uint64_t layers, rows, columns;
} named[] = {
    {"100M", 50, 512, 4096},
    {"600M", 100, 1024, 6144},
    /* The fewest layers that make 7.0e9 weights: 418 x 16777216 = 7.013e9. */
    {"7B", 418, 2048, 8192},
    {"7B-seed", 200, 2048, 8192},
};

static int parse_number(const char *text, const char **end, uint64_t *value)
{
    if (!isdigit((unsigned char)text[0]))
        return -1;
    char *after;
    errno = 0;
    unsigned long long number = strtoull(text, &after, 10);
    if (errno != 0 || number == 0)
        return -1;
    *value = number;
    *end = after;
    return 0;
}

static int fill_weights(bench_size *size)
{
    uint64_t layer;
    if (__builtin_mul_overflow(size->rows, size->columns, &layer) ||
        __builtin_mul_overflow(size->layers, layer, &size->weights))
        return -1;
    /* Bytes of any dtype must fit a file offset. */
    return size->weights > INT64_MAX / 8 ? -1 : 0;
}

static int parse_product(const char *text, bench_size *size)
{
    if (parse_number(text, &text, &size->layers) != 0 || *text++ != 'x' ||
        parse_number(text, &text, &size->rows) != 0 || *text++ != 'x' ||
        parse_number(text, &text, &size->columns) != 0 || *text != '\0')
        return -1;
    return fill_weights(size);
}

int bench_size_parse(const char *text, bench_size *size)
{
    memset(size, 0, sizeof *size);
    for (size_t i = 0; i < sizeof named / sizeof named[0]; i++)
        if (strcmp(text, named[i].name) == 0) {
            size->layers = named[i].layers;
            size->rows = named[i].rows;
            size->columns = named[i].columns;
            return fill_weights(size);
        }
    if (strchr(text, 'x') != NULL)
        return parse_product(text, size);
    const char *end;
    if (parse_number(text, &end, &size->weights) != 0 || *end != '\0')
        return -1;
    return size->weights > INT64_MAX / 8 ? -1 : 0;
}

bench_size bench_size_scaled(bench_size size, uint64_t weights)
{
    if (size.weights <= weights)
        return size;
    if (size.layers == 0) {
        size.weights = weights;
        return size;
    }
    uint64_t layer = size.rows * size.columns;
    size.layers = weights / layer > 0 ? weights / layer : 1;
    size.weights = size.layers * layer;
    return size;
}

const char *bench_size_params(bench_size size, char *out, size_t room)
{
    if (size.layers > 0)
        (void)snprintf(out, room, "%" PRIu64 "x%" PRIu64 "x%" PRIu64, size.layers, size.rows,
                       size.columns);
    else
        (void)snprintf(out, room, "%" PRIu64, size.weights);
    return out;
}
