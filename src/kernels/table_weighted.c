/* SPDX-License-Identifier: Apache-2.0
 * The kernels of this build that heed importances. */
#include <config.h>

#include "list.h"

#define ROW(type, TYPE, SOURCE, source, ISA, isa) \
    {AQ_TYPE_##TYPE, AQ_DTYPE_##SOURCE, AQ_ISA_##ISA, aq_weighted_##type##_##source##_##isa},

#ifdef AQ_HAVE_X86
#define ROWS(TYPE, type, SOURCE, source)            \
    ROW(type, TYPE, SOURCE, source, AVX512, avx512) \
    ROW(type, TYPE, SOURCE, source, AVX2, avx2)
#elif defined AQ_HAVE_NEON
#define ROWS(TYPE, type, SOURCE, source) ROW(type, TYPE, SOURCE, source, NEON, neon)
#else
#define ROWS(TYPE, type, SOURCE, source)
#endif

static const struct {
    aq_type type;
    aq_dtype src;
    aq_isa isa;
    aq_weighted_fn *row;
} table[] = {AQ_WEIGHTED_PAIRS(ROWS){AQ_TYPE_COUNT, AQ_DTYPE_F32, AQ_ISA_SCALAR, NULL}};

aq_weighted_fn *aq_weighted_find(aq_type type, aq_dtype src, aq_isa cap)
{
    for (size_t i = 0; table[i].row != NULL; i++)
        if (table[i].type == type && table[i].src == src && table[i].isa <= cap &&
            aq_isa_usable(table[i].isa))
            return table[i].row;
    return aq_weighted_scalar(type, src);
}
