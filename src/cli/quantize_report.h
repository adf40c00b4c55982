/* SPDX-License-Identifier: Apache-2.0
 * What `arrowquant quantize` says of a run. */
#ifndef AQ_QUANTIZE_REPORT_H
#define AQ_QUANTIZE_REPORT_H

#include "repeat.h"

void quantize_report_text(const char *output, const aq_quantize_options *options,
                          const repeat_runs *runs);
/* 0 or AQ_FAILURE, which is said. */
int quantize_report_json(const char *input, const char *output, const aq_quantize_options *options,
                         const repeat_runs *runs);

#endif
