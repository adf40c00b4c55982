/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "dtype.h"
#include "formats.h"
#include "gguf.h"
#include "tensors.h"

enum { FORMAT_VERSION = 3, QUANTIZATION_VERSION = 2 };
/* ggml keeps a name and its NUL in 64 bytes. */
enum { NAME_MAX_BYTES = 63 };

static void put_u32(aq_text *text, uint32_t value)
{
    aq_text_add(text, &value, sizeof value);
}

static void put_u64(aq_text *text, uint64_t value)
{
    aq_text_add(text, &value, sizeof value);
}

static void put_string(aq_text *text, const char *s, size_t length)
{
    put_u64(text, length);
    aq_text_add(text, s, length);
}

static void put_kv(aq_text *text, const aq_gguf_kv *kv)
{
    put_string(text, kv->key, strlen(kv->key));
    put_u32(text, kv->type);
    aq_text_add(text, kv->value, (size_t)kv->size);
}

static void put_kv_u32(aq_text *text, const char *key, uint32_t value)
{
    aq_gguf_kv kv = {key, AQ_GGUF_U32, (const uint8_t *)&value, sizeof value};
    put_kv(text, &kv);
}

static void put_kv_string(aq_text *text, const char *key, const char *value, size_t length)
{
    put_string(text, key, strlen(key));
    put_u32(text, AQ_GGUF_STRING);
    put_string(text, value, length);
}

/* The two keys that tell how a file was quantized. */
typedef struct setting {
    const char *key;
    uint32_t value;
} setting;

static void put_settings(aq_text *text, const setting *settings, size_t count)
{
    for (size_t k = 0; k < count; k++)
        put_kv_u32(text, settings[k].key, settings[k].value);
}

/* All keys but the settings, then those; returns how many pairs that makes. */
static uint64_t put_kept(aq_text *text, const aq_model *from, const setting *settings, size_t count)
{
    uint64_t written = count;
    for (size_t i = 0; i < from->kv_count; i++) {
        bool is_setting = false;
        for (size_t k = 0; k < count; k++)
            is_setting = is_setting || strcmp(from->kvs[i].key, settings[k].key) == 0;
        if (!is_setting) {
            put_kv(text, &from->kvs[i]);
            written++;
        }
    }
    put_settings(text, settings, count);
    return written;
}

/* What people call the model: its directory, or its file without ".safetensors". 0 where the path
 * tells nothing, as "." does. */
static size_t model_name(const aq_model *from, const char **name)
{
    static const char suffix[] = ".safetensors";
    const char *path = from->is_directory ? from->directory : from->path;
    size_t length = strlen(path), n = sizeof suffix - 1;
    while (length > 0 && path[length - 1] == '/')
        length--;
    const char *slash = length > 0 ? memrchr(path, '/', length) : NULL;
    *name = slash == NULL ? path : slash + 1;
    length -= (size_t)(*name - path);
    if (length > n && memcmp(*name + length - n, suffix, n) == 0)
        length -= n;
    bool dots = length <= 2 && memcmp(*name, "..", length) == 0;
    return dots || !aq_name_valid(*name, length) ? 0 : length;
}

static uint64_t put_new(aq_text *text, const aq_model *from, const char *arch,
                        const setting *settings, size_t count)
{
    const char *name;
    size_t length = model_name(from, &name);
    if (arch == NULL)
        arch = "unknown";
    put_kv_string(text, "general.architecture", arch, strlen(arch));
    if (length > 0)
        put_kv_string(text, "general.name", name, length);
    put_settings(text, settings, count);
    return 1 + (length > 0) + count;
}

static aq_status check_tensor(const aq_out_tensor *t, const char *path, aq_error *err)
{
    const aq_dtype_info *info = aq_dtype_get(t->dtype);
    uint64_t weights = 1, bytes;
    if (strlen(t->name) > NAME_MAX_BYTES)
        return aq_fail(
            err, AQ_BAD_INPUT,
            "%s: tensor '%.200s': GGUF names have at most %d bytes; write safetensors, or "
            "rename it in the input",
            path, t->name, NAME_MAX_BYTES);
    if (info->ggml < 0)
        return aq_fail(
            err, AQ_BAD_INPUT,
            "%s: tensor '%s': GGUF has no type for %s; write safetensors, or convert it in "
            "the input",
            path, t->name, info->name);
    if (t->rank > AQ_GGUF_RANK_MAX)
        return aq_fail(err, AQ_BAD_INPUT,
                       "%s: tensor '%s': GGUF has at most 4 dimensions, not %" PRIu32
                       "; write safetensors instead",
                       path, t->name, t->rank);
    bool fits = aq_gguf_weights(t->shape, t->rank, &weights);
    uint64_t row = t->rank > 0 ? t->shape[t->rank - 1] : 1;
    if (!fits || row % info->block != 0 || !aq_dtype_bytes(t->dtype, weights, &bytes) ||
        bytes != t->bytes)
        return aq_fail(err, AQ_BAD_INPUT,
                       "%s: tensor '%s': %" PRIu64 " bytes are not what its shape takes as %s",
                       path, t->name, t->bytes, info->name);
    return AQ_OK;
}

static void put_tensor(aq_text *text, const aq_out_tensor *t, uint64_t offset)
{
    put_string(text, t->name, strlen(t->name));
    /* A scalar is a row of one: not every reader expects no dimension at all. */
    put_u32(text, t->rank > 0 ? t->rank : 1);
    for (uint32_t i = t->rank; i-- > 0;)
        put_u64(text, t->shape[i]);
    if (t->rank == 0)
        put_u64(text, 1);
    put_u32(text, (uint32_t)aq_dtype_get(t->dtype)->ggml);
    put_u64(text, offset);
}

/* The tensors' entries, with offsets relative to the data; *data is what the data take, padded. */
static aq_status put_tensors(aq_text *text, aq_layout *layout, uint32_t file, uint32_t alignment,
                             const char *path, uint64_t *data, aq_error *err)
{
    *data = 0;
    for (size_t i = 0; i < layout->tensor_count; i++) {
        aq_out_tensor *t = &layout->tensors[i];
        uint64_t end;
        if (t->file != file)
            continue;
        aq_status status = check_tensor(t, path, err);
        if (status != AQ_OK)
            return status;
        t->offset = *data;
        put_tensor(text, t, t->offset);
        if (__builtin_add_overflow(*data, t->bytes, &end) || !aq_gguf_align(end, alignment, data))
            return aq_fail(err, AQ_BAD_INPUT, "%s: tensor '%s': the file would pass 2^64 bytes",
                           path, t->name);
    }
    return AQ_OK;
}

static uint64_t count_tensors(const aq_layout *layout, uint32_t file)
{
    uint64_t count = 0;
    for (size_t i = 0; i < layout->tensor_count; i++)
        count += layout->tensors[i].file == file;
    return count;
}

/* The header's bytes become the file's, and offsets absolute. */
static aq_status place(aq_text *text, aq_layout *layout, uint32_t file, uint64_t data,
                       aq_error *err)
{
    aq_out_file *out = &layout->files[file];
    out->header_size = text->size;
    out->header = (const uint8_t *)aq_text_finish(text, &layout->arena);
    if (out->header == NULL)
        return aq_fail_memory(err, "a header");
    if (__builtin_add_overflow(out->header_size, data, &out->size))
        return aq_fail(err, AQ_BAD_INPUT, "the file would pass 2^64 bytes");
    for (size_t i = 0; i < layout->tensor_count; i++)
        if (layout->tensors[i].file == file)
            layout->tensors[i].offset += out->header_size;
    return AQ_OK;
}

aq_status aq_gguf_layout(aq_layout *layout, uint32_t file, const aq_model *from,
                         const uint32_t *file_type, const char *arch, aq_error *err)
{
    const bool kept = from->format == AQ_FORMAT_GGUF;
    const uint32_t alignment = kept ? from->alignment : AQ_GGUF_ALIGNMENT;
    const setting settings[] = {{"general.quantization_version", QUANTIZATION_VERSION},
                                {"general.file_type", file_type == NULL ? 0 : *file_type}};
    size_t count = file_type == NULL ? 0 : 2;
    aq_text text = {0};
    uint64_t data;
    aq_text_add(&text, "GGUF", 4);
    put_u32(&text, FORMAT_VERSION);
    put_u64(&text, count_tensors(layout, file));
    size_t at = text.size;
    put_u64(&text, 0);
    uint64_t pairs =
        kept ? put_kept(&text, from, settings, count) : put_new(&text, from, arch, settings, count);
    aq_status status = put_tensors(&text, layout, file, alignment, from->path, &data, err);
    aq_text_fill(&text, '\0', -text.size % alignment);
    if (!text.failed)
        memcpy(text.data + at, &pairs, sizeof pairs);
    if (status == AQ_OK)
        status = place(&text, layout, file, data, err);
    aq_text_free(&text);
    return status;
}
