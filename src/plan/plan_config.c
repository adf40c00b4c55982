/* SPDX-License-Identifier: Apache-2.0
 * What makes a quantized model directory one that vLLM and transformers load: which weights belong
 * to linear layers, and config.json's quantization_config. */
#include <config.h>

#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/small.h"
#include "formats/model_config.h"
#include "plan_internal.h"

/* Parts of a module's dotted name that tell what it is. A '*' stands at the end for "begins with".
 */
static const struct {
    const char *part;
    const char *what;
} not_linear[] = {
    {"embed*", "embedding"},
    {"wte", "embedding"},
    {"wpe", "embedding"},
    {"word_embeddings*", "embedding"},
    {"position_embeddings", "embedding"},
    {"token_embd", "embedding"},
    {"tok_embeddings", "embedding"},
    {"lm_head", "output head"},
    {"output", "output head"},
    {"score", "output head"},
    {"classifier", "output head"},
    {"norm*", "norm"},
    {"ln_*", "norm"},
    {"gate", "router"},
    {"router", "router"},
};

static bool part_matches(const char *pattern, const char *part, size_t length)
{
    size_t n = strlen(pattern);
    if (n > 0 && pattern[n - 1] == '*')
        return length >= n - 1 && strncmp(pattern, part, n - 1) == 0;
    return length == n && strncmp(pattern, part, n) == 0;
}

/* "embed*" and the like may stand anywhere in the path; what is only a head or a router at the end
 * of it ("output", "gate": "attention.output.dense" is a linear layer) must be the last part. */
static bool must_be_last(const char *what)
{
    return strcmp(what, "embedding") != 0;
}

static const char *module_is(const char *module, size_t length)
{
    const char *end = module + length;
    for (const char *part = module; part < end;) {
        const char *dot = memchr(part, '.', (size_t)(end - part));
        size_t n = dot == NULL ? (size_t)(end - part) : (size_t)(dot - part);
        if (dot == NULL && aq_part_ends_with(part, n, "norm"))
            return "norm";
        for (size_t i = 0; i < sizeof not_linear / sizeof not_linear[0]; i++)
            if ((dot == NULL || !must_be_last(not_linear[i].what)) &&
                part_matches(not_linear[i].part, part, n))
                return not_linear[i].what;
        part = dot == NULL ? end : dot + 1;
    }
    return NULL;
}

/* Length of "a.b" in "a.b.weight"; 0 where the tensor is no module's weight. */
static size_t module_length(const char *name)
{
    size_t length = strlen(name);
    const size_t suffix = strlen(".weight");
    return aq_part_ends_with(name, length, ".weight") ? length - suffix : 0;
}

const char *aq_not_linear(const aq_tensor *tensor)
{
    size_t module = module_length(tensor->name);
    if (module == 0 || tensor->rank != 2)
        return "not a linear layer's weight";
    return module_is(tensor->name, module);
}

static json_t *scheme(const aq_plan *plan, const aq_plan_options *options)
{
    bool grouped = options->group_size != 0;
    return json_pack("{s:i, s:s, s:b, s:s, s:o, s:b, s:n, s:s}", "num_bits", (int)plan->type->bits,
                     "type", "int", "symmetric", !plan->asymmetric, "strategy",
                     grouped ? "group" : "channel", "group_size",
                     grouped ? json_integer((json_int_t)options->group_size) : json_null(),
                     "dynamic", 0, "actorder", "observer", "minmax");
}

/* Modules whose weights stay as they are, as compressed-tensors' `ignore` wants them. */
static json_t *ignored(const aq_plan *plan)
{
    json_t *list = json_array();
    for (size_t i = 0; list != NULL && i < plan->item_count; i++) {
        const aq_item *item = &plan->items[i];
        size_t module = module_length(item->tensor->name);
        if (item->action != AQ_ACTION_COPY || module == 0)
            continue;
        if (json_array_append_new(list, json_stringn(item->tensor->name, module)) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *quantization_config(const aq_plan *plan, const aq_plan_options *options)
{
    return json_pack("{s:s, s:s, s:s, s:n, s:n, s:{s:{s:[s], s:o, s:n, s:n}}, s:o}", "quant_method",
                     "compressed-tensors", "format", "pack-quantized", "quantization_status",
                     "compressed", "global_compression_ratio", "kv_cache_scheme", "config_groups",
                     "group_0", "targets", "Linear", "weights", scheme(plan, options),
                     "input_activations", "output_activations", "ignore", ignored(plan));
}

/* The model's config.json, or an empty object where it has none. */
static aq_status read_config(const aq_model *model, json_t **config, aq_error *err)
{
    aq_status status = aq_config_read(model, config, err);
    if (status != AQ_OK)
        return status;
    if (*config == NULL) {
        *config = json_object();
        return *config == NULL ? aq_fail_memory(err, "config.json") : AQ_OK;
    }
    if (!json_is_object(*config))
        status = aq_fail(err, AQ_BAD_INPUT, "%s/config.json: not a JSON object", model->directory);
    else if (json_object_get(*config, "quantization_config") != NULL)
        status =
            aq_fail(err, AQ_BAD_INPUT,
                    "%s/config.json: has a quantization_config: the model is quantized already",
                    model->directory);
    if (status != AQ_OK) {
        json_decref(*config);
        *config = NULL;
    }
    return status;
}

/* The text of config, from malloc; NULL when out of memory. It is read back, since jansson goes on
 * without what it had no memory for. 17 digits give every double back as it was. */
static char *dumped(const json_t *config)
{
    char *dump = json_dumps(config, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
    json_t *back = dump == NULL ? NULL : json_loads(dump, 0, NULL);
    if (back == NULL || !json_equal(back, config)) {
        free(dump);
        dump = NULL;
    }
    json_decref(back);
    return dump;
}

aq_status aq_plan_config(aq_plan *plan, const aq_plan_options *options, aq_error *err)
{
    aq_layout *layout = &plan->layout;
    json_t *config;
    aq_status status = read_config(plan->model, &config, err);
    if (status != AQ_OK)
        return status;
    char *dump = NULL;
    if (json_object_set_new(config, "quantization_config", quantization_config(plan, options)) == 0)
        dump = dumped(config);
    json_decref(config);
    size_t length = dump == NULL ? 0 : strlen(dump);
    char *text = dump == NULL ? NULL : aq_arena_alloc(&layout->arena, length + 2);
    if (text != NULL) {
        memcpy(text, dump, length);
        text[length] = '\n';
        layout->texts[layout->text_count++] = (aq_out_text){"config.json", text, length + 1};
    }
    free(dump);
    return text == NULL ? aq_fail_memory(err, "config.json") : AQ_OK;
}
