/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "table.h"

#include <stdlib.h>
#include <string.h>

#include "cli.h"

/* Control characters as well as C1's, which UTF-8 writes as c2 80 to c2 9f. Returns the number of
 * code points: about the width on a terminal. */
static size_t clean(char *s)
{
    size_t width = 0;
    for (unsigned char *p = (unsigned char *)s; *p != '\0'; p++) {
        if (*p < 0x20 || *p == 0x7f)
            *p = '?';
        else if (*p == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0)
            p[0] = p[1] = '?';
        width += (*p & 0xc0) != 0x80;
    }
    return width;
}

static bool reserve(table *t, size_t more)
{
    if (t->room - t->used >= more)
        return true;
    size_t room = 2 * t->room + more;
    char *cells = realloc(t->cells, room);
    if (cells == NULL)
        return false;
    t->cells = cells;
    t->room = room;
    return true;
}

void table_row(table *t, const char *const *cells)
{
    for (size_t i = 0; t->align[i] != '\0'; i++) {
        size_t size = strlen(cells[i]) + 1;
        t->failed = t->failed || !reserve(t, size);
        if (t->failed)
            return;
        char *copy = memcpy(t->cells + t->used, cells[i], size);
        size_t width = clean(copy);
        if (width > t->width[i])
            t->width[i] = width;
        t->used += size;
    }
    t->rows++;
}

static void pad(size_t count, FILE *to)
{
    while (count-- > 0)
        (void)fputc(' ', to);
}

static size_t width_of(const char *s)
{
    size_t width = 0;
    for (; *s != '\0'; s++)
        width += (*s & 0xc0) != 0x80;
    return width;
}

bool table_print(table *t, int indent, FILE *to)
{
    const char *cell = t->cells;
    for (size_t row = 0; row < t->rows && !t->failed; row++) {
        pad((size_t)indent, to);
        for (size_t i = 0; t->align[i] != '\0'; i++) {
            size_t space = t->width[i] - width_of(cell);
            bool last = t->align[i + 1] == '\0';
            if (t->align[i] == 'r')
                pad(space, to);
            (void)fputs(cell, to);
            if (t->align[i] != 'r' && !last)
                pad(space, to);
            (void)fputs(last ? "\n" : "  ", to);
            cell += strlen(cell) + 1;
        }
    }
    free(t->cells);
    if (t->failed)
        cli_error("out of memory for a table");
    return !t->failed;
}

void print_clean(const char *s, FILE *to)
{
    char copy[4096];
    (void)snprintf(copy, sizeof copy, "%s", s);
    (void)clean(copy);
    (void)fputs(copy, to);
}
