/* SPDX-License-Identifier: Apache-2.0
 * The control groups that this process is in, of both versions. `root` stands before every path:
 * "" but in tests. */
#ifndef AQ_CGROUP_H
#define AQ_CGROUP_H

#include <stdbool.h>
#include <stdio.h>

/* The file root/directory/name, to be read; NULL where there is none. */
FILE *aq_open_under(const char *root, const char *directory, const char *name);

/* The whole of a one-line file; false where it cannot be read. */
bool aq_read_line_under(const char *root, const char *directory, const char *name, char *line,
                        size_t size);

/* Calls `visit` for each group of the process that `controller` ("cpu", "memory") may limit, and
 * for all of its ancestors, with the directory of their files and the version, 1 or 2. */
typedef void aq_cgroup_visit(void *arg, const char *root, const char *directory, int version);
void aq_cgroup_walk(const char *root, const char *controller, aq_cgroup_visit *visit, void *arg);

#endif
