/* SPDX-License-Identifier: Apache-2.0
 * quantize --repeat: the same quantization several times in one process, for measuring. */
#ifndef AQ_CLI_REPEAT_H
#define AQ_CLI_REPEAT_H

#include "arrowquant.h"

typedef struct repeat_runs {
    /* Times, switches and the workers' figures are sums over the runs, memory is the most of any
     * run, and the rest is of one run. */
    aq_quantize_result result;
    unsigned count;
    double *time_s; /* [count], of each run */
    aq_thread_stats *thread;
} repeat_runs;

/* As aq_quantize, `count` times. Free *runs with repeat_free where AQ_OK was returned. */
aq_status repeat_quantize(const char *input, const char *output, const aq_quantize_options *options,
                          unsigned count, repeat_runs *runs, aq_error *err);
void repeat_free(repeat_runs *runs);

#endif
