/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "binary.h"
#include "util.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int is_program(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISREG(info.st_mode) && access(path, X_OK) == 0;
}

/* Takes over path. */
static char *if_program(char *path)
{
    if (is_program(path))
        return path;
    free(path);
    return NULL;
}

static char *beside_this(const char *name)
{
    char self[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (length <= 0)
        return NULL;
    self[length] = '\0';
    char *slash = strrchr(self, '/');
    if (slash == NULL)
        return NULL;
    return if_program(bench_format("%.*s/%s", (int)(slash - self), self, name));
}

static char *in_path(const char *name)
{
    const char *path = getenv("PATH");
    while (path != NULL && *path != '\0') {
        size_t length = strcspn(path, ":");
        /* An empty entry is the current directory. */
        char *found = if_program(length == 0 ? bench_format("./%s", name)
                                             : bench_format("%.*s/%s", (int)length, path, name));
        if (found != NULL)
            return found;
        path += length + (path[length] == ':');
    }
    return NULL;
}

char *bench_find_binary(const char *given)
{
    if (given != NULL)
        return strchr(given, '/') != NULL ? if_program(bench_copy(given)) : in_path(given);
    char *beside = beside_this("arrowquant");
    return beside != NULL ? beside : in_path("arrowquant");
}

/* ---- command line ---- */

static char *quote(const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_-./=,:+@%";
    if (word[0] != '\0' && word[strspn(word, plain)] == '\0')
        return bench_copy(word);
    char *quoted = bench_copy("'");
    for (; *word != '\0'; word++) {
        char *longer =
            *word == '\'' ? bench_format("%s'\\''", quoted) : bench_format("%s%c", quoted, *word);
        free(quoted);
        quoted = longer;
    }
    char *closed = bench_format("%s'", quoted);
    free(quoted);
    return closed;
}

char *bench_command_line(int argc, char *const argv[])
{
    char *line = bench_copy("arrowquant-bench");
    for (int i = 1; i < argc; i++) {
        char *word = quote(argv[i]), *longer = bench_format("%s %s", line, word);
        free(word);
        free(line);
        line = longer;
    }
    return line;
}
