/* SPDX-License-Identifier: Apache-2.0
 * Taking memory out of this CPU's caches. */
#ifndef AQ_EVICT_H
#define AQ_EVICT_H

#include <stddef.h>

/* For a buffer that a virtual disk writes next: there it is another CPU that copies the bytes, and
 * on AMD's, lines that this one still holds cost it more than memory does (doc/performance.md).
 * Does nothing on others, nor where the disk is a real one, which writes past all CPUs, or where
 * the CPU has no instruction. */
void aq_evict(const void *p, size_t size);

#endif
