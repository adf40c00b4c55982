/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "caches.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cgroup.h"

/* "512K" or "2M". */
static size_t parse_size(const char *text)
{
    char *end;
    unsigned long size = strtoul(text, &end, 10);
    unsigned shift = *end == 'K' ? 10 : *end == 'M' ? 20 : *end == 'G' ? 30 : 0;
    return text[0] < '0' || text[0] > '9' || size > SIZE_MAX >> shift ? 0 : (size_t)size << shift;
}

size_t aq_cache_listed(const char *root, unsigned level)
{
    char directory[64], text[32];
    for (unsigned index = 0;; index++) {
        (void)snprintf(directory, sizeof directory, "/sys/devices/system/cpu/cpu0/cache/index%u",
                       index);
        if (!aq_read_line_under(root, directory, "/level", text, sizeof text))
            return 0;
        if (strtoul(text, NULL, 10) == level &&
            aq_read_line_under(root, directory, "/type", text, sizeof text) && text[0] != 'I' &&
            aq_read_line_under(root, directory, "/size", text, sizeof text))
            return parse_size(text);
    }
}

size_t aq_cache_l2(void)
{
    long size = -1;
#ifdef _SC_LEVEL2_CACHE_SIZE
    size = sysconf(_SC_LEVEL2_CACHE_SIZE);
#endif
    return size > 0 ? (size_t)size : aq_cache_listed("", 2);
}
