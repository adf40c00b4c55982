/* SPDX-License-Identifier: Apache-2.0
 * What a file is that is given as a program to compare with: the real program behind it, and where
 * its library is looked for. */
#ifndef BENCH_PROGRAM_H
#define BENCH_PROGRAM_H

typedef struct bench_program {
    char *path;         /* that can be executed */
    char *library_path; /* LD_LIBRARY_PATH to run it with; NULL where none is needed */
    int elf;            /* not a script */
} bench_program;

/* given: an arrowquant, or an arrowquant-bench whose arrowquant lies beside it; either may be
 * libtool's wrapper in a build directory, or the program in .libs that it wraps. foreign: it is of
 * another build than this program, so that what libtool added to the environment of this one is
 * kept from it. Returns NULL, or why it is refused, in words that the caller frees; *code is then
 * the exit code: 1 where it cannot be read, 2 where it is nothing that can be compared. Free
 * *program either way. */
char *bench_program_find(const char *given, int foreign, bench_program *program, int *code);
void bench_program_free(bench_program *program);

#endif
