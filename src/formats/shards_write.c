/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "formats.h"

static int by_name(const void *a, const void *b)
{
    return strcmp((*(const aq_out_tensor *const *)a)->name,
                  (*(const aq_out_tensor *const *)b)->name);
}

static void write_index(aq_text *text, const aq_layout *layout, const aq_out_tensor **sorted)
{
    uint64_t total = 0;
    for (size_t i = 0; i < layout->tensor_count; i++) {
        sorted[i] = &layout->tensors[i];
        total += layout->tensors[i].bytes;
    }
    if (layout->tensor_count > 0)
        qsort(sorted, layout->tensor_count, sizeof *sorted, by_name);
    aq_text_puts(text, "{\n  \"metadata\": {\n    \"total_size\": ");
    aq_text_u64(text, total);
    aq_text_puts(text, "\n  },\n  \"weight_map\": {");
    for (size_t i = 0; i < layout->tensor_count; i++) {
        aq_text_puts(text, i > 0 ? ",\n    " : "\n    ");
        aq_text_json(text, sorted[i]->name);
        aq_text_puts(text, ": ");
        aq_text_json(text, layout->files[sorted[i]->file].name);
    }
    aq_text_puts(text, "\n  }\n}\n");
}

static aq_status append(aq_layout *layout, aq_out_text added, aq_error *err)
{
    aq_out_text *texts =
        aq_arena_alloc(&layout->arena, (layout->text_count + 1) * sizeof *layout->texts);
    if (texts == NULL)
        return aq_fail_memory(err, "an index");
    if (layout->text_count > 0)
        memcpy(texts, layout->texts, layout->text_count * sizeof *texts);
    texts[layout->text_count++] = added;
    layout->texts = texts;
    return AQ_OK;
}

aq_status aq_shards_index(aq_layout *layout, const char *name, aq_error *err)
{
    aq_text text = {0};
    const aq_out_tensor **sorted = aq_calloc(layout->tensor_count + 1, sizeof *sorted);
    if (sorted == NULL)
        return aq_fail_memory(err, "an index");
    write_index(&text, layout, sorted);
    aq_free(sorted);
    aq_out_text added = {.size = text.size};
    added.name = aq_arena_strndup(&layout->arena, name, strlen(name));
    added.text = aq_text_finish(&text, &layout->arena);
    if (added.name == NULL || added.text == NULL)
        return aq_fail_memory(err, "an index");
    return append(layout, added, err);
}
