/* SPDX-License-Identifier: Apache-2.0
 * How large this machine's caches are. */
#ifndef AQ_CACHES_H
#define AQ_CACHES_H

#include <stddef.h>

/* Bytes of the first CPU's cache of that level, not one for instructions alone, as the kernel lists
 * them below root/sys; 0 where it does not. `root` is "" but in tests. */
size_t aq_cache_listed(const char *root, unsigned level);

/* Bytes of the second level, by what the C library or else the kernel tells; 0: neither does. */
size_t aq_cache_l2(void);

#endif
