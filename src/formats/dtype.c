/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "dtype.h"

#include <string.h>

/* Sizes: the safetensors reference for its types, ggml_type_size and ggml_blck_size for ggml's. */
static const aq_dtype_info dtypes[AQ_DTYPE_COUNT] = {
    [AQ_DTYPE_F64] = {"F64", "F64", 28, 1, 8},
    [AQ_DTYPE_F32] = {"F32", "F32", 0, 1, 4},
    [AQ_DTYPE_F16] = {"F16", "F16", 1, 1, 2},
    [AQ_DTYPE_BF16] = {"BF16", "BF16", 30, 1, 2},
    [AQ_DTYPE_I64] = {"I64", "I64", 27, 1, 8},
    [AQ_DTYPE_I32] = {"I32", "I32", 26, 1, 4},
    [AQ_DTYPE_I16] = {"I16", "I16", 25, 1, 2},
    [AQ_DTYPE_I8] = {"I8", "I8", 24, 1, 1},
    [AQ_DTYPE_U64] = {"U64", "U64", -1, 1, 8},
    [AQ_DTYPE_U32] = {"U32", "U32", -1, 1, 4},
    [AQ_DTYPE_U16] = {"U16", "U16", -1, 1, 2},
    [AQ_DTYPE_U8] = {"U8", "U8", -1, 1, 1},
    [AQ_DTYPE_BOOL] = {"BOOL", "BOOL", -1, 1, 1},
    [AQ_DTYPE_C64] = {"C64", "C64", -1, 1, 8},
    [AQ_DTYPE_F8_E4M3] = {"F8_E4M3", "F8_E4M3", -1, 1, 1},
    [AQ_DTYPE_F8_E5M2] = {"F8_E5M2", "F8_E5M2", -1, 1, 1},
    [AQ_DTYPE_F8_E4M3FNUZ] = {"F8_E4M3FNUZ", "F8_E4M3FNUZ", -1, 1, 1},
    [AQ_DTYPE_F8_E5M2FNUZ] = {"F8_E5M2FNUZ", "F8_E5M2FNUZ", -1, 1, 1},
    [AQ_DTYPE_F8_E8M0] = {"F8_E8M0", "F8_E8M0", -1, 1, 1},
    [AQ_DTYPE_F6_E2M3] = {"F6_E2M3", "F6_E2M3", -1, 4, 3},
    [AQ_DTYPE_F6_E3M2] = {"F6_E3M2", "F6_E3M2", -1, 4, 3},
    [AQ_DTYPE_F4] = {"F4", "F4", -1, 2, 1},
    [AQ_DTYPE_Q4_0] = {"Q4_0", NULL, 2, 32, 18},
    [AQ_DTYPE_Q4_1] = {"Q4_1", NULL, 3, 32, 20},
    [AQ_DTYPE_Q5_0] = {"Q5_0", NULL, 6, 32, 22},
    [AQ_DTYPE_Q5_1] = {"Q5_1", NULL, 7, 32, 24},
    [AQ_DTYPE_Q8_0] = {"Q8_0", NULL, 8, 32, 34},
    [AQ_DTYPE_Q8_1] = {"Q8_1", NULL, 9, 32, 36},
    [AQ_DTYPE_Q2_K] = {"Q2_K", NULL, 10, 256, 84},
    [AQ_DTYPE_Q3_K] = {"Q3_K", NULL, 11, 256, 110},
    [AQ_DTYPE_Q4_K] = {"Q4_K", NULL, 12, 256, 144},
    [AQ_DTYPE_Q5_K] = {"Q5_K", NULL, 13, 256, 176},
    [AQ_DTYPE_Q6_K] = {"Q6_K", NULL, 14, 256, 210},
    [AQ_DTYPE_Q8_K] = {"Q8_K", NULL, 15, 256, 292},
    [AQ_DTYPE_IQ2_XXS] = {"IQ2_XXS", NULL, 16, 256, 66},
    [AQ_DTYPE_IQ2_XS] = {"IQ2_XS", NULL, 17, 256, 74},
    [AQ_DTYPE_IQ2_S] = {"IQ2_S", NULL, 22, 256, 82},
    [AQ_DTYPE_IQ3_XXS] = {"IQ3_XXS", NULL, 18, 256, 98},
    [AQ_DTYPE_IQ3_S] = {"IQ3_S", NULL, 21, 256, 110},
    [AQ_DTYPE_IQ1_S] = {"IQ1_S", NULL, 19, 256, 50},
    [AQ_DTYPE_IQ1_M] = {"IQ1_M", NULL, 29, 256, 56},
    [AQ_DTYPE_IQ4_NL] = {"IQ4_NL", NULL, 20, 32, 18},
    [AQ_DTYPE_IQ4_XS] = {"IQ4_XS", NULL, 23, 256, 136},
    [AQ_DTYPE_TQ1_0] = {"TQ1_0", NULL, 34, 256, 54},
    [AQ_DTYPE_TQ2_0] = {"TQ2_0", NULL, 35, 256, 66},
    [AQ_DTYPE_MXFP4] = {"MXFP4", NULL, 39, 32, 17},
    [AQ_DTYPE_NVFP4] = {"NVFP4", NULL, 40, 64, 36},
    [AQ_DTYPE_Q1_0] = {"Q1_0", NULL, 41, 128, 18},
    [AQ_DTYPE_Q2_0] = {"Q2_0", NULL, 42, 64, 18},
};

/* file_type: llama's LLAMA_FTYPE_MOSTLY_*, which general.file_type holds. */
static const aq_type_info types[AQ_TYPE_COUNT] = {
    [AQ_TYPE_Q8_0] = {"q8_0", AQ_DTYPE_Q8_0, 8, false, 32, 34, 0, 1, 7},
    [AQ_TYPE_Q4_0] = {"q4_0", AQ_DTYPE_Q4_0, 4, false, 32, 18, 0, 1, 2},
    [AQ_TYPE_Q4_1] = {"q4_1", AQ_DTYPE_Q4_1, 4, false, 32, 20, 0, 2, 3},
    [AQ_TYPE_Q5_0] = {"q5_0", AQ_DTYPE_Q5_0, 5, false, 32, 22, 0, 1, 8},
    [AQ_TYPE_Q5_1] = {"q5_1", AQ_DTYPE_Q5_1, 5, false, 32, 24, 0, 2, 9},
    [AQ_TYPE_Q2_K] = {"q2_k", AQ_DTYPE_Q2_K, 2, false, 256, 84, 80, 2, 10},
    [AQ_TYPE_Q3_K] = {"q3_k", AQ_DTYPE_Q3_K, 3, false, 256, 110, 108, 1, 11},
    [AQ_TYPE_Q4_K] = {"q4_k", AQ_DTYPE_Q4_K, 4, false, 256, 144, 0, 2, 14},
    [AQ_TYPE_Q5_K] = {"q5_k", AQ_DTYPE_Q5_K, 5, false, 256, 176, 0, 2, 16},
    [AQ_TYPE_Q6_K] = {"q6_k", AQ_DTYPE_Q6_K, 6, false, 256, 210, 208, 1, 18},
    [AQ_TYPE_INT8] = {"int8", AQ_DTYPE_I32, 8, true, 0, 0, 0, 0, 0},
    [AQ_TYPE_INT4] = {"int4", AQ_DTYPE_I32, 4, true, 0, 0, 0, 0, 0},
    [AQ_TYPE_INT2] = {"int2", AQ_DTYPE_I32, 2, true, 0, 0, 0, 0, 0},
};

const aq_type_info aq_half_type = {"f16", AQ_DTYPE_F16, 16, false, 1, 2, 0, 1, 1};

const aq_dtype_info *aq_dtype_get(aq_dtype dtype)
{
    return (unsigned)dtype < AQ_DTYPE_COUNT ? &dtypes[dtype] : NULL;
}

const aq_type_info *aq_type_get(aq_type type)
{
    return (unsigned)type < AQ_TYPE_COUNT ? &types[type] : NULL;
}

const char *aq_dtype_name(aq_dtype dtype)
{
    const aq_dtype_info *info = aq_dtype_get(dtype);
    return info == NULL ? NULL : info->name;
}

const char *aq_type_name(aq_type type)
{
    const aq_type_info *info = aq_type_get(type);
    return info == NULL ? NULL : info->name;
}

int aq_type_parse(const char *name, aq_type *out)
{
    for (int i = 0; i < AQ_TYPE_COUNT; i++)
        if (strcmp(types[i].name, name) == 0) {
            *out = (aq_type)i;
            return 0;
        }
    return -1;
}

int aq_dtype_from_safetensors(const char *name, aq_dtype *out)
{
    for (int i = 0; i < AQ_DTYPE_COUNT; i++)
        if (dtypes[i].safetensors != NULL && strcmp(dtypes[i].safetensors, name) == 0) {
            *out = (aq_dtype)i;
            return 0;
        }
    return -1;
}

int aq_dtype_from_ggml(uint32_t number, aq_dtype *out)
{
    for (int i = 0; i < AQ_DTYPE_COUNT; i++)
        if (dtypes[i].ggml >= 0 && (uint32_t)dtypes[i].ggml == number) {
            *out = (aq_dtype)i;
            return 0;
        }
    return -1;
}

bool aq_dtype_is_weight(aq_dtype dtype)
{
    return dtype == AQ_DTYPE_F32 || dtype == AQ_DTYPE_F16 || dtype == AQ_DTYPE_BF16;
}

bool aq_dtype_bytes(aq_dtype dtype, uint64_t elements, uint64_t *bytes)
{
    const aq_dtype_info *info = aq_dtype_get(dtype);
    if (info == NULL || elements % info->block != 0)
        return false;
    return !__builtin_mul_overflow(elements / info->block, (uint64_t)info->bytes, bytes);
}

uint64_t aq_type_block(aq_type type)
{
    const aq_type_info *info = aq_type_get(type);
    return info == NULL ? 0 : info->block;
}

uint64_t aq_type_bytes(aq_type type, uint64_t weights)
{
    const aq_type_info *info = aq_type_get(type);
    if (info == NULL || info->block == 0)
        return 0;
    return weights / info->block * info->bytes;
}

unsigned aq_type_bits(aq_type type)
{
    const aq_type_info *info = aq_type_get(type);
    return info == NULL ? 0 : info->bits;
}
