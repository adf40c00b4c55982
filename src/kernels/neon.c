/* SPDX-License-Identifier: Apache-2.0
 * All kernels in NEON. */
#include <config.h>

#include "vec_neon.h"

#define V_NAME(name) name##_neon
#include "blocks.h"
#include "k_blocks.h"
#include "rows.h"

AQ_BLOCK_PAIRS(AQ_DEFINE_BLOCKS)
AQ_K_PAIRS(AQ_DEFINE_K)
AQ_ROW_PAIRS(AQ_DEFINE_ROW)
