/* SPDX-License-Identifier: Apache-2.0
 * The vector vocabulary of the ISA that a template is being compiled for: the Makefile says which,
 * since a user's own -march may switch on more than the kernel's name promises. */
#ifndef AQ_KERNELS_VEC_H
#define AQ_KERNELS_VEC_H

#if defined AQ_VEC_AVX512
#include "pair_avx512.h"
#elif defined AQ_VEC_AVX2
#include "pair_avx2.h"
#else
#include "narrow_neon.h"
#endif

#endif
