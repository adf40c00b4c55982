/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "cgroup.h"

#include <limits.h>
#include <string.h>

FILE *aq_open_under(const char *root, const char *directory, const char *name)
{
    char path[PATH_MAX];
    int length = snprintf(path, sizeof path, "%s%s%s", root, directory, name);
    return length > 0 && (size_t)length < sizeof path ? fopen(path, "re") : NULL;
}

bool aq_read_line_under(const char *root, const char *directory, const char *name, char *line,
                        size_t size)
{
    FILE *f = aq_open_under(root, directory, name);
    if (f == NULL)
        return false;
    bool ok = fgets(line, (int)size, f) != NULL;
    (void)fclose(f);
    return ok;
}

static bool has_word(const char *list, const char *word)
{
    size_t length = strlen(word);
    for (const char *p = list; (p = strstr(p, word)) != NULL; p += length)
        if ((p == list || p[-1] == ',') && (p[length] == '\0' || p[length] == ','))
            return true;
    return false;
}

/* Where the hierarchy is mounted, and which group of it is the mount's root: in a container that
 * is not "/", while /proc/self/cgroup may still name groups from the true root. */
static bool find_mount(const char *root, int version, const char *controller, char *mount,
                       char *mount_root)
{
    FILE *f = aq_open_under(root, "/proc/self/mountinfo", "");
    if (f == NULL)
        return false;
    char line[2 * PATH_MAX + 512];
    bool found = false;
    while (!found && fgets(line, sizeof line, f) != NULL) {
        char type[64], options[512];
        const char *rest = strstr(line, " - cgroup");
        if (rest == NULL || sscanf(line, "%*s %*s %*s %4095s %4095s", mount_root, mount) != 2 ||
            sscanf(rest, " - %63s %*s %511s", type, options) != 2)
            continue;
        found = version == 2 ? strcmp(type, "cgroup2") == 0
                             : strcmp(type, "cgroup") == 0 && has_word(options, controller);
    }
    (void)fclose(f);
    return found;
}

/* `group` and its ancestors, up to the mount point itself. */
static void walk_path(const char *root, const char *mount, const char *group, int version,
                      aq_cgroup_visit *visit, void *arg)
{
    char directory[PATH_MAX];
    int length = snprintf(directory, sizeof directory, "%s%s", mount, group);
    if (length <= 0 || (size_t)length >= sizeof directory)
        return;
    size_t stop = strlen(mount);
    for (;;) {
        visit(arg, root, directory, version);
        char *slash = strrchr(directory + stop, '/');
        if (slash == NULL)
            return;
        *slash = '\0';
    }
}

static void walk_line(const char *root, const char *controller, char *line, aq_cgroup_visit *visit,
                      void *arg)
{
    char mount[PATH_MAX], mount_root[PATH_MAX];
    line[strcspn(line, "\n")] = '\0';
    char *controllers = strchr(line, ':');
    char *group = controllers == NULL ? NULL : strchr(controllers + 1, ':');
    if (group == NULL)
        return;
    *group++ = '\0';
    int version = *++controllers == '\0' ? 2 : 1;
    if ((version == 1 && !has_word(controllers, controller)) ||
        !find_mount(root, version, controller, mount, mount_root))
        return;
    size_t prefix = strlen(mount_root);
    if (prefix > 1 && strncmp(group, mount_root, prefix) == 0 &&
        (group[prefix] == '/' || group[prefix] == '\0'))
        group += prefix;
    if (strcmp(group, "/") == 0)
        group++;
    walk_path(root, mount, group, version, visit, arg);
}

void aq_cgroup_walk(const char *root, const char *controller, aq_cgroup_visit *visit, void *arg)
{
    FILE *f = aq_open_under(root, "/proc/self/cgroup", "");
    if (f == NULL)
        return;
    char line[PATH_MAX + 256];
    while (fgets(line, sizeof line, f) != NULL)
        walk_line(root, controller, line, visit, arg);
    (void)fclose(f);
}
