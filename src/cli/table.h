/* SPDX-License-Identifier: Apache-2.0
 * Text in aligned columns. */
#ifndef AQ_CLI_TABLE_H
#define AQ_CLI_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum { TABLE_COLUMNS = 8 };

/* Zero-initialize but for `align`: one letter per column, 'l' or 'r'. */
typedef struct table {
    const char *align;
    size_t width[TABLE_COLUMNS];
    char *cells; /* one after the other, each with its NUL */
    size_t used, room, rows;
    bool failed;
} table;

/* Adds a row of strlen(align) cells. Control characters, which may come from a stranger's file and
 * mean something to a terminal, become question marks. */
void table_row(table *t, const char *const *cells);

/* Prints each row behind `indent` spaces, and frees the table. False, with a message, when memory
 * did not suffice. */
bool table_print(table *t, int indent, FILE *to);

/* Prints s, without control characters. */
void print_clean(const char *s, FILE *to);

#endif
