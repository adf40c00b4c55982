/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "cgroup.h"
#include "system.h"
#include "util.h"

#include <stdlib.h>
#include <string.h>

const char *bench_cgroup_line(const char *line, const char *controller)
{
    const char *names = strchr(line, ':');
    const char *path = names == NULL ? NULL : strchr(names + 1, ':');
    if (path == NULL)
        return NULL;
    if (controller[0] == '\0')
        return path == names + 1 ? path + 1 : NULL;
    size_t length = strlen(controller);
    for (const char *name = names + 1; name < path;) {
        size_t n = strcspn(name, ",:");
        if (n == length && memcmp(name, controller, n) == 0)
            return path + 1;
        name += n + 1;
    }
    return NULL;
}

static void walk_up(const char *mount, const char *path,
                    void (*visit)(const char *directory, void *arg), void *arg)
{
    char *directory = bench_format("%s%s", mount, path);
    size_t top = strlen(mount), length = strlen(directory);
    while (length > top && directory[length - 1] == '/')
        directory[--length] = '\0';
    for (;;) {
        visit(directory, arg);
        char *slash = strrchr(directory, '/');
        if (slash == NULL || (size_t)(slash - directory) < top)
            break;
        *slash = '\0';
    }
    free(directory);
}

void bench_cgroup_walk(const char *controller, void (*visit)(const char *directory, void *arg),
                       void *arg)
{
    char *text = bench_system_text("/proc/self/cgroup");
    if (text == NULL)
        return;
    char *mount = bench_format("/sys/fs/cgroup/%s", controller), *rest = NULL;
    for (char *line = strtok_r(text, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        const char *unified = bench_cgroup_line(line, "");
        const char *single = bench_cgroup_line(line, controller);
        if (unified != NULL)
            walk_up("/sys/fs/cgroup", unified, visit, arg);
        else if (single != NULL)
            walk_up(mount, single, visit, arg);
    }
    free(mount);
    free(text);
}
