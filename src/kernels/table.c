/* SPDX-License-Identifier: Apache-2.0
 * The table of all kernels of this build. */
#include <config.h>

#include "list.h"

#ifdef AQ_HAVE_X86
#define IF_X86(...) __VA_ARGS__
#else
#define IF_X86(...)
#endif
#ifdef AQ_HAVE_NEON
#define IF_NEON(...) __VA_ARGS__
#else
#define IF_NEON(...)
#endif

#define NAME(type, source, isa) #type "_" #source "_" #isa
#define BLOCKS(TYPE, type, SOURCE, source, ISA, isa) \
    {AQ_TYPE_##TYPE,                                 \
     AQ_DTYPE_##SOURCE,                              \
     AQ_ISA_##ISA,                                   \
     NAME(type, source, isa),                        \
     aq_##type##_##source##_##isa,                   \
     NULL},
#define ROW(TYPE, type, SOURCE, source, ISA, isa)                                        \
    {AQ_TYPE_##TYPE, AQ_DTYPE_##SOURCE,           AQ_ISA_##ISA, NAME(type, source, isa), \
     NULL,           aq_##type##_##source##_##isa},

#define ALL_BLOCKS(TYPE, type, SOURCE, source)                 \
    IF_X86(BLOCKS(TYPE, type, SOURCE, source, AVX512, avx512)  \
               BLOCKS(TYPE, type, SOURCE, source, AVX2, avx2)) \
    IF_NEON(BLOCKS(TYPE, type, SOURCE, source, NEON, neon))    \
    BLOCKS(TYPE, type, SOURCE, source, SCALAR, scalar)
#define ALL_ROWS(TYPE, type, SOURCE, source)                \
    IF_X86(ROW(TYPE, type, SOURCE, source, AVX512, avx512)  \
               ROW(TYPE, type, SOURCE, source, AVX2, avx2)) \
    IF_NEON(ROW(TYPE, type, SOURCE, source, NEON, neon))    \
    ROW(TYPE, type, SOURCE, source, SCALAR, scalar)

static const aq_kernel table[] = {AQ_BLOCK_PAIRS(ALL_BLOCKS) AQ_K_PAIRS(ALL_BLOCKS)
                                      AQ_ROW_PAIRS(ALL_ROWS)};

const aq_kernel *aq_kernel_table(size_t *count)
{
    *count = sizeof table / sizeof table[0];
    return table;
}

const aq_kernel *aq_kernel_find(aq_type type, aq_dtype src, aq_isa cap)
{
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        const aq_kernel *k = &table[i];
        if (k->type == type && k->src == src && k->isa <= cap && aq_isa_usable(k->isa))
            return k;
    }
    return NULL;
}
