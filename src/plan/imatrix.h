/* SPDX-License-Identifier: Apache-2.0
 * Importance matrices: for each column of a tensor, the mean square of what it is multiplied with.
 * llama-imatrix writes them as GGUF, and wrote them in a form of its own before. */
#ifndef AQ_IMATRIX_H
#define AQ_IMATRIX_H

#include "formats/model.h"

typedef struct aq_imatrix aq_imatrix;

/* Read whole, and checked: every value is finite and none is negative. A file of either form, told
 * apart by its first bytes; *out is freed with aq_imatrix_close. */
aq_status aq_imatrix_open(const char *path, aq_imatrix **out, aq_error *err);
void aq_imatrix_close(aq_imatrix *imatrix);

const char *aq_imatrix_path(const aq_imatrix *imatrix);
/* The values of a tensor, column by column and matrix by matrix; NULL where the file has none. */
const float *aq_imatrix_find(const aq_imatrix *imatrix, const char *tensor, uint64_t *count);

#endif
