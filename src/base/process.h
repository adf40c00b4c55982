/* SPDX-License-Identifier: Apache-2.0
 * What the operating system says of this process and of the memory it may have. */
#ifndef AQ_PROCESS_H
#define AQ_PROCESS_H

#include <stdint.h>

typedef struct aq_process_usage {
    double user_s, system_s;
    uint64_t voluntary_switches, involuntary_switches;
    uint64_t rss, rss_peak; /* bytes: VmRSS, VmHWM; 0 where /proc does not tell */
} aq_process_usage;

aq_process_usage aq_process_usage_now(void);

/* Bytes that can be had without swapping: MemAvailable, less where a cgroup of this process or
 * above it has a lower limit. 0 where unknown. */
uint64_t aq_process_available_memory(void);

#endif
