/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "dtype.h"
#include "formats.h"
#include "safetensors.h"

/* Size prefix included, the header ends at a multiple of this, so that the data are aligned. */
enum { ALIGNMENT = 8 };

static void write_pair(aq_text *text, const char *key, const char *value)
{
    aq_text_json(text, key);
    aq_text_puts(text, ":");
    aq_text_json(text, value);
}

static bool has_key(const aq_pair *pairs, size_t count, const char *key)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(pairs[i].key, key) == 0)
            return true;
    return false;
}

/* The model's own pairs, but for those that the layout sets anew. Loaders of PyTorch models look
 * for "format": it is kept, or "pt" where there is none. */
static void write_metadata(aq_text *text, const aq_layout *layout, const aq_model *from)
{
    size_t count = from->format == AQ_FORMAT_SAFETENSORS ? from->metadata_count : 0;
    const char *comma = "";
    aq_text_puts(text, "{\"__metadata__\":{");
    if (!has_key(from->metadata, count, "format")) {
        write_pair(text, "format", "pt");
        comma = ",";
    }
    for (size_t i = 0; i < count; i++) {
        if (has_key(layout->metadata, layout->metadata_count, from->metadata[i].key))
            continue;
        aq_text_puts(text, comma);
        write_pair(text, from->metadata[i].key, from->metadata[i].value);
        comma = ",";
    }
    for (size_t i = 0; i < layout->metadata_count; i++) {
        aq_text_puts(text, comma);
        write_pair(text, layout->metadata[i].key, layout->metadata[i].value);
        comma = ",";
    }
    aq_text_puts(text, "}");
}

static void write_tensor(aq_text *text, const aq_out_tensor *t, uint64_t begin)
{
    aq_text_puts(text, ",");
    aq_text_json(text, t->name);
    aq_text_puts(text, ":{\"dtype\":");
    aq_text_json(text, aq_dtype_get(t->dtype)->safetensors);
    aq_text_puts(text, ",\"shape\":[");
    for (uint32_t i = 0; i < t->rank; i++) {
        aq_text_puts(text, i > 0 ? "," : "");
        aq_text_u64(text, t->shape[i]);
    }
    aq_text_puts(text, "],\"data_offsets\":[");
    aq_text_u64(text, begin);
    aq_text_puts(text, ",");
    aq_text_u64(text, begin + t->bytes);
    aq_text_puts(text, "]}");
}

/* A name that the reader would take for something else, a dtype or size it would refuse. */
static aq_status check_tensor(const aq_out_tensor *t, const char *from, aq_error *err)
{
    uint64_t weights = 1, bytes;
    if (aq_dtype_get(t->dtype)->safetensors == NULL)
        return aq_fail(
            err, AQ_BAD_INPUT,
            "%s: tensor '%.200s': safetensors has no dtype %s; write a .gguf file instead", from,
            t->name, aq_dtype_name(t->dtype));
    if (strcmp(t->name, "__metadata__") == 0)
        return aq_fail(
            err, AQ_BAD_INPUT,
            "%s: tensor '%s': safetensors keeps this name for metadata; write a .gguf file "
            "instead",
            from, t->name);
    bool fits = true;
    for (uint32_t i = 0; i < t->rank; i++)
        fits = fits && !__builtin_mul_overflow(weights, t->shape[i], &weights);
    if (!fits || !aq_dtype_bytes(t->dtype, weights, &bytes) || bytes != t->bytes)
        return aq_fail(err, AQ_BAD_INPUT,
                       "%s: tensor '%.200s': %" PRIu64 " bytes are not what its shape takes as %s",
                       from, t->name, t->bytes, aq_dtype_name(t->dtype));
    return AQ_OK;
}

/* The JSON of the header, and *data bytes of tensors after it. */
static aq_status write_json(aq_text *text, const aq_layout *layout, uint32_t file,
                            const aq_model *from, uint64_t *data, aq_error *err)
{
    *data = 0;
    write_metadata(text, layout, from);
    for (size_t i = 0; i < layout->tensor_count; i++) {
        const aq_out_tensor *t = &layout->tensors[i];
        if (t->file != file)
            continue;
        aq_status status = check_tensor(t, from->path, err);
        if (status != AQ_OK)
            return status;
        write_tensor(text, t, *data);
        if (__builtin_add_overflow(*data, t->bytes, data))
            return aq_fail(err, AQ_BAD_INPUT, "%s: tensor '%.200s': the file would pass 2^64 bytes",
                           from->path, t->name);
    }
    aq_text_puts(text, "}");
    aq_text_fill(text, ' ', -text->size % ALIGNMENT);
    return AQ_OK;
}

static aq_status finish_header(aq_text *text, aq_arena *arena, const char *from, aq_out_file *out,
                               aq_error *err)
{
    if (text->failed)
        return aq_fail_memory(err, "a header");
    uint64_t json_size = text->size - 8;
    if (json_size > AQ_SAFETENSORS_HEADER_MAX)
        return aq_fail(err, AQ_BAD_INPUT,
                       "%s: the header would take %" PRIu64
                       " bytes, and readers refuse more than %d: split the model into shards",
                       from, json_size, AQ_SAFETENSORS_HEADER_MAX);
    memcpy(text->data, &json_size, sizeof json_size);
    out->header_size = text->size;
    out->header = (const uint8_t *)aq_text_finish(text, arena);
    return out->header != NULL ? AQ_OK : aq_fail_memory(err, "a header");
}

aq_status aq_safetensors_layout(aq_layout *layout, uint32_t file, const aq_model *from,
                                aq_error *err)
{
    aq_out_file *out = &layout->files[file];
    aq_text text = {0};
    uint64_t data, offset;
    aq_text_fill(&text, '\0', 8);
    aq_status status = write_json(&text, layout, file, from, &data, err);
    if (status == AQ_OK)
        status = finish_header(&text, &layout->arena, from->path, out, err);
    aq_text_free(&text);
    if (status != AQ_OK)
        return status;
    if (__builtin_add_overflow(out->header_size, data, &out->size))
        return aq_fail(err, AQ_BAD_INPUT, "%s: the file would pass 2^64 bytes", from->path);
    offset = out->header_size;
    for (size_t i = 0; i < layout->tensor_count; i++)
        if (layout->tensors[i].file == file) {
            layout->tensors[i].offset = offset;
            offset += layout->tensors[i].bytes;
        }
    return AQ_OK;
}
