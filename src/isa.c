/* SPDX-License-Identifier: Apache-2.0
 * What this CPU and its operating system can run. */
#include <config.h>

#include "arrowquant.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#ifdef AQ_HAVE_X86
#include <cpuid.h>
#endif

static const char *const names[AQ_ISA_COUNT] = {
    [AQ_ISA_SCALAR] = "scalar",
    [AQ_ISA_NEON] = "neon",
    [AQ_ISA_AVX2] = "avx2",
    [AQ_ISA_AVX512] = "avx512",
};

const char *aq_isa_name(aq_isa isa)
{
    return (unsigned)isa < AQ_ISA_COUNT ? names[isa] : NULL;
}

int aq_isa_parse(const char *name, aq_isa *out)
{
    for (int i = 0; i < AQ_ISA_COUNT; i++)
        if (strcmp(names[i], name) == 0) {
            *out = (aq_isa)i;
            return 0;
        }
    return -1;
}

#ifdef AQ_HAVE_X86

/* Bits of XCR0: the registers that the operating system saves on a context switch. */
enum { XCR0_AVX = 0x06, XCR0_AVX512 = 0xe6 };

static unsigned saved_registers(void)
{
    unsigned low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

static unsigned detect(void)
{
    unsigned a, b, c, d, isas = 1u << AQ_ISA_SCALAR;
    if (!__get_cpuid(1, &a, &b, &c, &d) || (c & bit_OSXSAVE) == 0)
        return isas;
    unsigned saved = saved_registers(), leaf1 = bit_AVX | bit_F16C | bit_FMA;
    if ((c & leaf1) != leaf1 || (saved & XCR0_AVX) != XCR0_AVX)
        return isas;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || (b & bit_AVX2) == 0)
        return isas;
    isas |= 1u << AQ_ISA_AVX2;
    unsigned leaf7 = bit_AVX512F | bit_AVX512BW | bit_AVX512VL | bit_AVX512DQ;
    if ((b & leaf7) == leaf7 && (saved & XCR0_AVX512) == XCR0_AVX512)
        isas |= 1u << AQ_ISA_AVX512;
    return isas;
}

#else

static unsigned detect(void)
{
    unsigned isas = 1u << AQ_ISA_SCALAR;
#ifdef AQ_HAVE_NEON
    isas |= 1u << AQ_ISA_NEON; /* part of every 64-bit ARM */
#endif
    return isas;
}

#endif

/* ARROWQUANT_ISA=NAME switches off what is above NAME, as if the CPU did not have it. */
static unsigned not_above(unsigned isas)
{
    aq_isa most;
    const char *name = getenv("ARROWQUANT_ISA");
    return name != NULL && aq_isa_parse(name, &most) == 0 ? isas & ((2u << most) - 1) : isas;
}

static unsigned usable_isas(void)
{
    /* Asked once, since CPUID traps in a virtual machine. Racing threads store the same value. */
    static atomic_uint cached;
    unsigned isas = atomic_load_explicit(&cached, memory_order_relaxed);
    if (isas == 0) {
        isas = not_above(detect());
        atomic_store_explicit(&cached, isas, memory_order_relaxed);
    }
    return isas;
}

int aq_isa_usable(aq_isa isa)
{
    return (unsigned)isa < AQ_ISA_COUNT && (usable_isas() >> isa & 1u) != 0;
}

aq_isa aq_isa_best(void)
{
    int isa = AQ_ISA_COUNT - 1;
    while (isa > AQ_ISA_SCALAR && !aq_isa_usable((aq_isa)isa))
        isa--;
    return (aq_isa)isa;
}
