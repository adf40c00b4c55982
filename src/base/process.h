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

/* Bytes that can be had without swapping: MemAvailable, or less where a control group of this
 * process or above it, of either version, has a lower limit; files that the group's cache holds
 * can be given up. UINT64_MAX where unknown. `root` stands before every path: "" but in tests. */
uint64_t aq_process_available_memory(const char *root);

#endif
