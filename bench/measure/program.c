/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "binary.h"
#include "program.h"
#include "util.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HEAD = 65536 }; /* libtool's wrapper is a tenth of this */

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

/* The directory of a path, with its last slash; empty for the current one. */
static char *directory_of(const char *path)
{
    return bench_format("%.*s", (int)(base_name(path) - path), path);
}

/* The beginning of a file, NUL-terminated; the caller frees it. NULL with errno set. */
static char *read_head(const char *path, size_t *length)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    char *head = bench_alloc(HEAD + 1, 1);
    *length = 0;
    for (ssize_t got = 1; got > 0 && *length < HEAD; *length += (size_t)(got > 0 ? got : 0))
        got = read(fd, head + *length, HEAD - *length);
    close(fd);
    return head;
}

/* ---- another machine's ---- */

static const char *machine_name(unsigned machine)
{
    static const struct {
        unsigned machine;
        const char *name;
    } known[] = {{EM_386, "i386"},        {EM_X86_64, "x86-64"}, {EM_ARM, "arm"},
                 {EM_AARCH64, "aarch64"}, {EM_RISCV, "riscv"},   {EM_PPC64, "ppc64"},
                 {EM_S390, "s390"}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (known[i].machine == machine)
            return known[i].name;
    return "unknown";
}

/* e_ident and e_machine lie at the same place in 32-bit and in 64-bit headers; big-endian hosts are
 * not supported by the library either. */
static unsigned machine_of(const char *head)
{
    unsigned char low = (unsigned char)head[EI_NIDENT + 2];
    unsigned char high = (unsigned char)head[EI_NIDENT + 3];
    return low | (unsigned)high << 8;
}

static char *refuse_machine(const char *given, const char *head, size_t length)
{
    size_t own_length = 0;
    char *own = read_head("/proc/self/exe", &own_length), *wrong = NULL;
    if (length < sizeof(Elf32_Ehdr))
        wrong = bench_format("%s is a program cut short", given);
    else if (own != NULL && own_length >= sizeof(Elf32_Ehdr) &&
             (machine_of(own) != machine_of(head) || own[EI_CLASS] != head[EI_CLASS] ||
              own[EI_DATA] != head[EI_DATA]))
        wrong = bench_format(
            "%s is a program for another machine (%s, %s-bit; this one is %s, "
            "%s-bit): comparing across machines is refused",
            given, machine_name(machine_of(head)), head[EI_CLASS] == ELFCLASS64 ? "64" : "32",
            machine_name(machine_of(own)), own[EI_CLASS] == ELFCLASS64 ? "64" : "32");
    free(own);
    return wrong;
}

/* ---- libtool's wrapper ---- */

static int is_wrapper(const char *head)
{
    return strncmp(head, "#!", 2) == 0 && strstr(head, "temporary wrapper script for") != NULL;
}

/* What the wrapper puts before LD_LIBRARY_PATH: in the line LD_LIBRARY_PATH="DIRS:$LD_LIBRARY_PATH"
 * that stands in it where the program needs a library of the build. */
static char *wrapper_library_path(const char *head)
{
    static const char begin[] = "LD_LIBRARY_PATH=\"";
    const char *at = strstr(head, begin);
    if (at == NULL)
        return NULL;
    at += sizeof begin - 1;
    size_t length = strcspn(at, "\"\n");
    const char *rest = strstr(at, ":$LD_LIBRARY_PATH");
    if (rest == NULL || (size_t)(rest - at) > length)
        return NULL;
    return bench_format("%.*s", (int)(rest - at), at);
}

/* A program in .libs is run as the wrapper beside that directory would run it. */
static char *wrapper_of(const char *path)
{
    char *directory = directory_of(path), *found = NULL;
    size_t length = strlen(directory);
    if (length >= 6 && strcmp(directory + length - 6, ".libs/") == 0 &&
        (length == 6 || directory[length - 7] == '/'))
        found = bench_format("%.*s%s", (int)(length - 6), directory, base_name(path));
    free(directory);
    size_t ignored;
    char *head = found == NULL ? NULL : read_head(found, &ignored);
    if (head == NULL || !is_wrapper(head)) {
        free(found);
        found = NULL;
    }
    free(head);
    return found;
}

/* ---- the environment ---- */

/* LD_LIBRARY_PATH without what lies in the build tree that this program runs from. */
static char *foreign_library_path(void)
{
    char self[PATH_MAX] = "", *kept = bench_copy("");
    const char *path = getenv("LD_LIBRARY_PATH");
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    char *libs = length > 0 ? strstr(self, "/.libs/") : NULL;
    if (libs != NULL)
        libs[1] = '\0'; /* the top of the build tree, with its slash */
    while (path != NULL && *path != '\0') {
        size_t item = strcspn(path, ":");
        if (item > 0 && (libs == NULL || strncmp(path, self, strlen(self)) != 0)) {
            char *longer =
                bench_format("%s%s%.*s", kept, kept[0] == '\0' ? "" : ":", (int)item, path);
            free(kept);
            kept = longer;
        }
        path += item + (path[item] == ':');
    }
    return kept;
}

static char *join_paths(char *first, char *rest)
{
    char *both = first == NULL     ? bench_copy(rest)
                 : rest[0] == '\0' ? bench_copy(first)
                                   : bench_format("%s:%s", first, rest);
    free(first);
    free(rest);
    return both;
}

/* ---- what is it ---- */

static char *refuse_kind(const char *given, const char *head, size_t length)
{
    if (length >= EI_NIDENT && memcmp(head, ELFMAG, SELFMAG) == 0)
        return refuse_machine(given, head, length);
    if (strncmp(head, "#!", 2) == 0)
        return NULL;
    size_t blank = strspn(head, " \t\r\n");
    if (head[blank] == '{' || head[blank] == '[')
        return bench_format("%s is a stored result and no program: times of another run or machine "
                            "cannot be compared, only two builds on this one",
                            given);
    return bench_format("%s is no program that this machine can run", given);
}

static char *look_up(const char *given)
{
    struct stat info;
    if (strchr(given, '/') == NULL && stat(given, &info) != 0) {
        char *found = bench_find_binary(given);
        if (found != NULL)
            return found;
    }
    return strchr(given, '/') == NULL ? bench_format("./%s", given) : bench_copy(given);
}

static char *use_bench_neighbour(char *path)
{
    if (strcmp(base_name(path), "arrowquant-bench") != 0)
        return path;
    char *directory = directory_of(path), *beside = bench_format("%sarrowquant", directory);
    free(directory);
    free(path);
    return beside;
}

static char *inspect(const char *given, int foreign, bench_program *program, int *code)
{
    struct stat info;
    size_t length = 0;
    char *head = NULL;
    *code = 1;
    if (stat(program->path, &info) == 0 && S_ISREG(info.st_mode))
        head = read_head(program->path, &length);
    else if (errno == 0 || access(program->path, F_OK) == 0)
        return *code = 2, bench_format("%s is no file", given);
    if (head == NULL)
        return bench_format("cannot read %s: %s", program->path, strerror(errno));
    char *wrong = refuse_kind(given, head, length);
    if (wrong == NULL && access(program->path, X_OK) != 0)
        wrong = bench_format("%s may not be executed (%s)", program->path, strerror(errno));
    *code = 2;
    program->elf = memcmp(head, ELFMAG, SELFMAG) == 0;
    if (wrong == NULL && is_wrapper(head)) {
        char *directory = directory_of(program->path);
        char *real = bench_format("%s.libs/%s", directory, base_name(program->path));
        program->library_path = wrapper_library_path(head);
        program->elf = 1;
        free(directory);
        free(program->path);
        program->path = real;
        if (access(real, X_OK) != 0)
            wrong = bench_format("%s is libtool's wrapper of %s, which may not be executed (%s)",
                                 given, real, strerror(errno));
    }
    const char *inherited = getenv("LD_LIBRARY_PATH");
    if (wrong == NULL)
        program->library_path = join_paths(
            program->library_path,
            foreign ? foreign_library_path() : bench_copy(inherited == NULL ? "" : inherited));
    free(head);
    return wrong;
}

char *bench_program_find(const char *given, int foreign, bench_program *program, int *code)
{
    *program = (bench_program){.path = use_bench_neighbour(look_up(given))};
    char *wrapper = wrapper_of(program->path);
    if (wrapper != NULL) {
        free(program->path);
        program->path = wrapper;
    }
    errno = 0;
    return inspect(given, foreign, program, code);
}

void bench_program_free(bench_program *program)
{
    free(program->path);
    free(program->library_path);
    *program = (bench_program){NULL, NULL, 0};
}
