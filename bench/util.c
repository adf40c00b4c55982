/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "util.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

static void *require(void *block)
{
    if (block == NULL) {
        fputs("arrowquant-bench: out of memory\n", stderr);
        exit(1);
    }
    return block;
}

void *bench_alloc(size_t count, size_t size)
{
    return require(calloc(count == 0 ? 1 : count, size));
}

void *bench_grow(void *block, size_t count, size_t size)
{
    if (size != 0 && count > SIZE_MAX / size)
        return require(NULL);
    return require(realloc(block, count == 0 ? size : count * size));
}

char *bench_copy(const char *text)
{
    return require(strdup(text));
}

char *bench_format(const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int length = vasprintf(&text, format, args);
    va_end(args);
    return require(length < 0 ? NULL : text);
}

double bench_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

char *bench_read_text(const char *path)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return NULL;
    size_t room = 4096, length = 0, got;
    char *text = bench_grow(NULL, room, 1);
    while ((got = fread(text + length, 1, room - length - 1, file)) > 0) {
        length += got;
        if (room - length < 2)
            text = bench_grow(text, room *= 2, 1);
    }
    int failed = ferror(file);
    fclose(file);
    if (failed) {
        free(text);
        return NULL;
    }
    while (length > 0 && text[length - 1] == '\n')
        length--;
    text[length] = '\0';
    return text;
}

const char *bench_bytes(double bytes, char *out, size_t size)
{
    static const char *const unit[] = {"B", "kB", "MB", "GB", "TB"};
    size_t i = 0;
    while (i + 1 < sizeof unit / sizeof unit[0] && bytes >= 999.5) {
        bytes /= 1000;
        i++;
    }
    int decimals = i == 0 || bytes >= 99.95 ? 0 : bytes >= 9.995 ? 1 : 2;
    (void)snprintf(out, size, "%.*f %s", decimals, bytes, unit[i]);
    return out;
}

const char *bench_number(double value, char *out, size_t size)
{
    if (!isfinite(value)) {
        (void)snprintf(out, size, "N/A");
        return out;
    }
    int decimals = 3;
    if (value != 0) {
        /* The exponent after rounding to four digits: 0.99998 is 1.000. */
        char digits[32];
        (void)snprintf(digits, sizeof digits, "%.3e", value);
        int exponent = atoi(strchr(digits, 'e') + 1);
        decimals = exponent > 3 ? 0 : exponent < -6 ? 9 : 3 - exponent;
    }
    (void)snprintf(out, size, "%.*f", decimals, value);
    return out;
}

char *bench_make_directories(const char *path)
{
    char *copy = bench_copy(path), *wrong = NULL;
    for (char *p = copy + 1;; p++) {
        char end = *p;
        if (end != '/' && end != '\0')
            continue;
        *p = '\0';
        if (mkdir(copy, 0777) != 0 && errno != EEXIST) {
            wrong = bench_format("cannot make the directory %s: %s", copy, strerror(errno));
            break;
        }
        *p = end;
        if (end == '\0')
            break;
    }
    free(copy);
    return wrong;
}
