/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "model_config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "files.h"

/* That of a model of 50,000 modules, all of them named as not quantized, takes some 5 MB. */
enum { CONFIG_MAX = 16 * 1024 * 1024 };

/* jansson takes up to 250 bytes for a value, however short its text. */
enum { VALUES_MAX = 200000 };

static bool has_config(const aq_model *model)
{
    for (size_t i = 0; i < model->extra_count; i++)
        if (strcmp(model->extras[i], "config.json") == 0)
            return true;
    return false;
}

/* A value is the first, or follows a comma or what opens an array or object. */
static size_t most_values(const char *text, size_t size)
{
    size_t count = 1;
    for (size_t i = 0; i < size; i++)
        count += text[i] == ',' || text[i] == '[' || text[i] == '{';
    return count;
}

static aq_status parse(const char *path, const char *text, size_t size, json_t **config,
                       aq_error *err)
{
    json_error_t why;
    if (most_values(text, size) > VALUES_MAX)
        return aq_fail(err, AQ_BAD_INPUT, "%s: more than %d values are too many for a config.json",
                       path, VALUES_MAX);
    *config = json_loadb(text, size, JSON_REJECT_DUPLICATES, &why);
    if (*config != NULL)
        return AQ_OK;
    if (json_error_code(&why) == json_error_out_of_memory)
        return aq_fail_memory(err, "config.json");
    return aq_fail(err, AQ_BAD_INPUT, "%s: not valid JSON at byte %d: %s", path, why.position,
                   why.text);
}

static aq_status read_file(const char *path, json_t **config, aq_error *err)
{
    aq_file file = {.path = path};
    aq_source *source;
    char *text = NULL;
    aq_status status = aq_files_open(&file, 1, &source, err);
    if (status != AQ_OK)
        return status;
    if (file.size > CONFIG_MAX)
        status = aq_fail(err, AQ_BAD_INPUT, "%s: %" PRIu64 " bytes are too many for a config.json",
                         path, file.size);
    else if ((text = aq_malloc((size_t)file.size + 1)) == NULL)
        status = aq_fail_memory(err, "config.json");
    else
        status = source->read_at(source, 0, 0, text, (size_t)file.size, err);
    source->close(source);
    if (status == AQ_OK)
        status = parse(path, text, (size_t)file.size, config, err);
    aq_free(text);
    return status;
}

aq_status aq_config_read(const aq_model *model, json_t **config, aq_error *err)
{
    char *path;
    *config = NULL;
    if (model->directory == NULL || !has_config(model))
        return AQ_OK;
    if (asprintf(&path, "%s/config.json", model->directory) < 0)
        return aq_fail_memory(err, "config.json");
    aq_status status = read_file(path, config, err);
    free(path);
    return status;
}
