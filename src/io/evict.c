/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "evict.h"

#ifdef AQ_HAVE_X86

#include <cpuid.h>
#include <immintrin.h>
#include <stdatomic.h>
#include <stdint.h>

enum { LINE = 64, UNKNOWN = 0, NO = 1, YES = 2 };

static int ask(void)
{
    const unsigned hypervisor = 1u << 31, clflushopt = 1u << 23;
    unsigned a, b, c, d;
    if (!__get_cpuid(0, &a, &b, &c, &d) || b != signature_AMD_ebx)
        return NO;
    if (!__get_cpuid(1, &a, &b, &c, &d) || (c & hypervisor) == 0)
        return NO;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & clflushopt) != 0 ? YES : NO;
}

__attribute__((target("clflushopt"))) static void flush(const char *p, const char *end)
{
    for (; p < end; p += LINE)
        _mm_clflushopt((void *)(uintptr_t)p);
}

void aq_evict(const void *p, size_t size)
{
    /* Asked once, since CPUID traps in a virtual machine. Racing threads store the same value. */
    static atomic_int useful;
    int known = atomic_load_explicit(&useful, memory_order_relaxed);
    if (known == UNKNOWN) {
        known = ask();
        atomic_store_explicit(&useful, known, memory_order_relaxed);
    }
    if (known == YES)
        flush(p, (const char *)p + size);
}

#else

void aq_evict(const void *p, size_t size)
{
    (void)p, (void)size;
}

#endif
