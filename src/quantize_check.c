/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "quantize_check.h"

#include <sys/stat.h>

#include "base/error.h"
#include "base/small.h"
#include "io/output.h"
#include "parts/part.h"
#include "plan/mixture.h"

aq_target aq_target_of(const char *output)
{
    struct stat st;
    if (aq_sink_is_null(output))
        return AQ_TARGET_NULL;
    if (stat(output, &st) == 0 && S_ISDIR(st.st_mode))
        return AQ_TARGET_DIRECTORY;
    if (aq_ends_with(output, ".gguf"))
        return AQ_TARGET_GGUF;
    if (aq_ends_with(output, ".safetensors"))
        return AQ_TARGET_SAFETENSORS;
    return AQ_TARGET_DIRECTORY;
}

aq_status aq_check_target(const aq_quantize_options *o, const aq_model *model, aq_target target,
                          const char *output, aq_error *err)
{
    bool packed = aq_type_get(o->type)->packed;
    if (packed && target == AQ_TARGET_GGUF)
        return aq_fail(err, AQ_USAGE,
                       "%s: GGUF has no type %s; use q8_0, q4_0 or another of its types", output,
                       aq_type_name(o->type));
    if (!packed && (target == AQ_TARGET_SAFETENSORS || target == AQ_TARGET_DIRECTORY))
        return aq_fail(err, AQ_USAGE,
                       "%s: safetensors has no type %s; use int8, int4 or int2, or name an output "
                       "that ends in .gguf",
                       output, aq_type_name(o->type));
    if (o->shards > 0 && target != AQ_TARGET_DIRECTORY)
        return aq_fail(err, AQ_USAGE, "%s: a part of a model is written into a directory; name one",
                       output);
    if (target == AQ_TARGET_DIRECTORY && !model->is_directory)
        return aq_fail(
            err, AQ_USAGE,
            "%s: a directory is written from a model directory, and %s is a single file; "
            "name an output that ends in .safetensors or .gguf",
            output, model->path);
    return AQ_OK;
}

aq_status aq_check_imatrix_is_not(const aq_quantize_options *o, const char *output, aq_error *err)
{
    struct stat in, out;
    if (o->imatrix == NULL || stat(o->imatrix, &in) != 0 || stat(output, &out) != 0 ||
        in.st_dev != out.st_dev || in.st_ino != out.st_ino)
        return AQ_OK;
    return aq_fail(err, AQ_USAGE, "%s: is the importance matrix of this run; name another output",
                   output);
}

void aq_settle_type(aq_quantize_options *o)
{
    if (o->mixture == AQ_MIXTURE_OF_TYPE)
        o->mixture = aq_mixture_of_type(o->type);
    else
        o->type = aq_mixture_type(o->mixture);
}

aq_status aq_check_options(const aq_quantize_options *o, aq_error *err)
{
    const uint64_t most = UINT64_C(1) << 31;
    if (aq_type_get(o->type) == NULL)
        return aq_fail(err, AQ_USAGE, "no such type: %d", (int)o->type);
    if (o->mode != AQ_MODE_STREAMING && o->mode != AQ_MODE_BATCH)
        return aq_fail(err, AQ_USAGE, "no such mode: %d", (int)o->mode);
    if (o->io != AQ_IO_AUTO && o->io != AQ_IO_CACHED)
        return aq_fail(err, AQ_USAGE, "no such way to read: %d", (int)o->io);
    if (o->group_size % 8 != 0 || o->group_size > most)
        return aq_fail(err, AQ_USAGE, "group size %llu is no multiple of 8 (0: one group per row)",
                       (unsigned long long)o->group_size);
    if (o->shards > AQ_PARTS_MOST || (o->shards > 0 && (o->shard < 1 || o->shard > o->shards)))
        return aq_fail(err, AQ_USAGE,
                       "part %u of %u: parts are numbered from 1, and are at most %d", o->shard,
                       o->shards, AQ_PARTS_MOST);
    if (o->tile_bytes != 0 && (o->tile_bytes < AQ_TILE_LEAST || o->tile_bytes > AQ_TILE_MOST))
        return aq_fail(err, AQ_USAGE, "tiles of %llu bytes: they have from %d to %d",
                       (unsigned long long)o->tile_bytes, AQ_TILE_LEAST, AQ_TILE_MOST);
    if (!aq_isa_usable(o->isa))
        return aq_fail(err, AQ_USAGE, "this machine cannot run %s kernels", aq_isa_name(o->isa));
    return AQ_OK;
}
