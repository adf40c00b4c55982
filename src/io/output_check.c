/* SPDX-License-Identifier: Apache-2.0
 * Whether an output may take its place: nothing is lost that was not named for replacement. */
#include <config.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/small.h"
#include "output_internal.h"

char *aq_output_parent(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        return aq_strdup(".");
    return aq_strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

/* By device and inode, so that no link or spelling hides it. */
static bool is_input(const struct stat *st, const aq_model *model)
{
    for (uint32_t i = 0; i < model->file_count; i++) {
        const aq_file *in = &model->files[i];
        if (in->inode != 0 && in->device == st->st_dev && in->inode == st->st_ino)
            return true;
    }
    return false;
}

aq_status aq_output_check_file(const char *path, const aq_model *model, bool force, aq_error *err)
{
    struct stat st;
    if (lstat(path, &st) != 0) {
        if (errno == ENOENT)
            return AQ_OK;
        return aq_fail_errno(err, path, "look at it");
    }
    struct stat at = st;
    if (S_ISLNK(st.st_mode) && stat(path, &at) != 0)
        at = st;
    if (is_input(&at, model))
        return aq_fail(err, AQ_USAGE, "%s: is an input file of this run; name another output",
                       path);
    if (S_ISDIR(st.st_mode))
        return aq_fail(err, AQ_USAGE, "%s: is a directory; name a file", path);
    if (!force)
        return aq_fail(err, AQ_USAGE, "%s: exists; --force replaces it", path);
    if (!S_ISREG(st.st_mode) && !S_ISLNK(st.st_mode))
        return aq_fail(err, AQ_USAGE, "%s: is no regular file; it will not be replaced", path);
    return AQ_OK;
}

static const aq_out_file *find_file(const aq_layout *layout, const char *name)
{
    for (uint32_t i = 0; i < layout->file_count; i++)
        if (strcmp(layout->files[i].name, name) == 0)
            return &layout->files[i];
    return NULL;
}

static bool will_be_written(const aq_layout *layout, const char *name)
{
    if (find_file(layout, name) != NULL)
        return true;
    for (size_t i = 0; i < layout->text_count; i++)
        if (strcmp(layout->texts[i].name, name) == 0)
            return true;
    return false;
}

static bool is_copy(const aq_layout *layout, const char *name)
{
    for (size_t i = 0; i < layout->copy_count; i++)
        if (strcmp(layout->copies[i], name) == 0)
            return true;
    return false;
}

/* Where other parts write too, only what this one writes can be in its way; and an index, which
 * says that all parts are there. */
static aq_status check_beside_parts(const aq_output *out, const aq_layout *layout, const char *name,
                                    aq_error *err)
{
    const aq_out_file *file = find_file(layout, name);
    bool own =
        file != NULL ? !file->elsewhere : will_be_written(layout, name) || is_copy(layout, name);
    if (own && !out->force)
        return aq_fail(err, AQ_USAGE, "%s/%s: exists; --force replaces it", out->directory, name);
    if (!own && aq_ends_with(name, ".safetensors.index.json"))
        return aq_fail(
            err, AQ_USAGE,
            "%s: holds a whole model, with '%s'; remove it first, or name another output",
            out->directory, name);
    return AQ_OK;
}

static bool is_entry(const struct stat *st, int directory, const char *name)
{
    struct stat in;
    return fstatat(directory, name, &in, 0) == 0 && in.st_dev == st->st_dev &&
           in.st_ino == st->st_ino;
}

/* A file that would be replaced: not by what is made of itself, as where links to a model's files
 * fill the output's directory. */
static aq_status check_not_input(const aq_output *out, int beside, const char *name,
                                 const aq_layout *layout, const aq_model *model, int input,
                                 aq_error *err)
{
    struct stat st;
    if (model == NULL || fstatat(beside, name, &st, 0) != 0)
        return AQ_OK;
    bool same = is_input(&st, model);
    for (size_t i = 0; !same && input >= 0 && i < layout->text_count; i++)
        same = is_entry(&st, input, layout->texts[i].name);
    for (size_t i = 0; !same && input >= 0 && i < layout->copy_count; i++)
        same = is_entry(&st, input, layout->copies[i]);
    if (!same)
        return AQ_OK;
    return aq_fail(err, AQ_USAGE,
                   "%s/%s: is an input file of this run, by a link; name another output",
                   out->directory, name);
}

/* What stands in an existing directory: with --force the model's own files are replaced, but
 * weights or an index of another model would be mixed up with it by whoever loads it. */
static aq_status check_entries(aq_output *out, DIR *dir, const aq_layout *layout,
                               const aq_model *model, int input, aq_error *err)
{
    const struct dirent *entry;
    while ((errno = 0, entry = readdir(dir)) != NULL) {
        const char *name = entry->d_name;
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
            continue;
        aq_status status = AQ_OK;
        if (will_be_written(layout, name) || is_copy(layout, name))
            status = check_not_input(out, dirfd(dir), name, layout, model, input, err);
        if (status != AQ_OK)
            return status;
        if (layout->part) {
            status = check_beside_parts(out, layout, name, err);
            if (status != AQ_OK)
                return status;
        } else if (!out->force) {
            return aq_fail(err, AQ_USAGE,
                           "%s: exists and is not empty; --force replaces the files "
                           "of a model in it",
                           out->directory);
        }
        bool weights =
            aq_ends_with(name, ".safetensors") || aq_ends_with(name, ".safetensors.index.json");
        if (weights && !will_be_written(layout, name))
            return aq_fail(
                err, AQ_USAGE,
                "%s: holds '%s', which belongs to another model and would be loaded with "
                "this one; remove it first",
                out->directory, name);
    }
    return errno == 0 ? AQ_OK : aq_fail_errno(err, out->directory, "read the directory");
}

aq_status aq_output_check_directory(aq_output *out, const aq_layout *layout, const aq_model *model,
                                    aq_error *err)
{
    struct stat st, in;
    if (stat(out->directory, &st) != 0) {
        if (errno == ENOENT)
            return AQ_OK;
        return aq_fail_errno(err, out->directory, "look at it");
    }
    if (!S_ISDIR(st.st_mode))
        return aq_fail(err, AQ_USAGE, "%s: exists and is no directory", out->directory);
    out->directory_exists = true;
    if (model != NULL && model->directory != NULL && stat(model->directory, &in) == 0 &&
        in.st_dev == st.st_dev && in.st_ino == st.st_ino)
        return aq_fail(err, AQ_USAGE, "%s: is the input's directory; name another output",
                       out->directory);
    DIR *dir = opendir(out->directory);
    if (dir == NULL)
        return aq_fail_errno(err, out->directory, "read the directory");
    int input = model == NULL || model->directory == NULL
                    ? -1
                    : open(model->directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    aq_status status = check_entries(out, dir, layout, model, input, err);
    if (input >= 0)
        (void)close(input);
    (void)closedir(dir);
    return status;
}
