/* SPDX-License-Identifier: Apache-2.0
 * Members of JSON objects that nobody vouches for. The first that is not what it should be is
 * described, with its place; from then on every reader returns nothing, so that it is enough to
 * look once, at the end. */
#ifndef BENCH_READ_FIELDS_H
#define BENCH_READ_FIELDS_H

#include <jansson.h>

typedef struct bench_reader {
    char *wrong;    /* the first error, for the caller to free; NULL while there is none */
    char place[96]; /* of the object that is read, "all_results[3]"; empty at the top */
} bench_reader;

void bench_field_place(bench_reader *reader, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* "PLACE.KEY: what". */
void bench_field_wrong(bench_reader *reader, const char *key, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

const json_t *bench_field_object(bench_reader *reader, const json_t *object, const char *key);
/* An array of least to most elements. */
const json_t *bench_field_array(bench_reader *reader, const json_t *object, const char *key,
                                size_t least, size_t most);

/* The text with control characters replaced, for the caller to free; NULL after an error, and where
 * it may be null and is. */
char *bench_field_text(bench_reader *reader, const json_t *object, const char *key);
char *bench_field_text_or_null(bench_reader *reader, const json_t *object, const char *key);
/* The text of an element of an array. */
char *bench_field_item(bench_reader *reader, const json_t *item, const char *key);

typedef enum bench_range { BENCH_ANY_NUMBER, BENCH_NOT_NEGATIVE, BENCH_ABOVE_ZERO } bench_range;

/* NaN after an error, and where it may be null and is. */
double bench_field_number(bench_reader *reader, const json_t *object, const char *key,
                          bench_range range);
double bench_field_number_or_null(bench_reader *reader, const json_t *object, const char *key,
                                  bench_range range);
/* A whole number; `least` after an error. */
unsigned bench_field_count(bench_reader *reader, const json_t *object, const char *key,
                           unsigned least, unsigned most);
int bench_field_boolean(bench_reader *reader, const json_t *object, const char *key);

/* The index of the text among `count` words; 0 after an error. */
unsigned bench_field_word(bench_reader *reader, const json_t *object, const char *key,
                          const char *const *words, unsigned count);

#endif
