/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "util.h"
#include "write_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char *cannot_write(const char *path)
{
    return bench_format("cannot write %s: %s", path, strerror(errno));
}

/* A pipe or a device cannot be replaced, only written to. */
static int is_special(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && !S_ISREG(info.st_mode);
}

static char *write_stream(const char *path, bench_writer *write, const void *what)
{
    FILE *out = fopen(path, "we");
    if (out == NULL)
        return cannot_write(path);
    int failed = write(what, out);
    failed |= fclose(out);
    return failed ? cannot_write(path) : NULL;
}

char *bench_write_file(const char *path, bench_writer *write, const void *what)
{
    if (strcmp(path, "-") == 0)
        return write(what, stdout) != 0 || fflush(stdout) != 0 ? cannot_write("standard output")
                                                               : NULL;
    if (is_special(path))
        return write_stream(path, write, what);
    char *temporary = bench_format("%s.tmp%ld", path, (long)getpid());
    char *wrong = write_stream(temporary, write, what);
    if (wrong == NULL && rename(temporary, path) != 0)
        wrong = cannot_write(path);
    if (wrong != NULL)
        (void)unlink(temporary);
    free(temporary);
    return wrong;
}
